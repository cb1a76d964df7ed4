/**
 * Progress of a run: rates and what is left, from one look at its status after another. A pure machine: it is told the
 * time, and gives facts and a line.
 *
 * The rate is that of the last ten seconds, so that it follows a job that becomes slower; what is left is judged by
 * bytes, because records ahead are not counted by anybody.
 */
import type { RunStatus } from '../runtime/job-options.js';
import { spanText, timeText } from '../runtime/time-words.js';

export interface ProgressFacts {
  readonly type: 'progress';
  readonly phase: RunStatus['phase'];
  /** Source records over all runs on this state. */
  readonly records: number;
  readonly recordsPerSecond: number;
  readonly bytesRead: number;
  readonly bytesTotal: number | undefined;
  /** 0 to 100; undefined where a source does not know its size. */
  readonly percent: number | undefined;
  /** ms until the input ends at the present rate; undefined where nobody can say. */
  readonly etaMs: number | undefined;
  /** Event time reached, epoch ms; undefined before the first watermark and after the last. */
  readonly eventTime: number | undefined;
  readonly epoch: number;
  readonly late: number;
  readonly deadLetters: number;
}

interface Look {
  readonly elapsedMs: number;
  readonly records: number;
  readonly bytes: number;
}

const WINDOW_MS = 10_000;

export class ProgressMeter {
  #looks: Look[] = [];

  /** @param elapsedMs monotonic time of the look */
  look(status: RunStatus, elapsedMs: number): ProgressFacts {
    const { phase, records, bytesRead, bytesTotal, watermark, epoch, late, deadLetters } = status;
    // What was read by an earlier run is no speed of this one.
    if (phase === 'recovering' || phase === 'restarting') this.#looks = [];
    else this.#looks.push({ elapsedMs, records, bytes: bytesRead });
    while (this.#looks.length > 2 && elapsedMs - (this.#looks[1]?.elapsedMs ?? 0) >= WINDOW_MS)
      this.#looks.shift();
    const bytesPerMs = this.#perMs('bytes');
    const isSized = bytesTotal !== undefined && bytesTotal > 0;
    const left = isSized ? Math.max(0, bytesTotal - bytesRead) : undefined;
    return {
      ...{ type: 'progress', phase, records, bytesRead, bytesTotal, epoch, late, deadLetters },
      recordsPerSecond: Math.round(this.#perMs('records') * 1000),
      percent: isSized
        ? Math.min(100, Math.round((1000 * bytesRead) / bytesTotal) / 10)
        : undefined,
      etaMs: left === undefined || bytesPerMs <= 0 ? undefined : Math.round(left / bytesPerMs),
      eventTime: Number.isFinite(watermark) ? watermark : undefined,
    };
  }

  #perMs(what: 'records' | 'bytes'): number {
    const [first, last] = [this.#looks[0], this.#looks.at(-1)];
    if (first === undefined || last === undefined || last.elapsedMs <= first.elapsedMs) return 0;
    return (last[what] - first[what]) / (last.elapsedMs - first.elapsedMs);
  }
}

/** Such as `49.3 %  1,234,567 records  15,641/s  event time 2026-03-06 16:39:01  2.2m left  epoch 12  9 late`. */
export function progressText(facts: ProgressFacts): string {
  const { phase, percent, records, recordsPerSecond, eventTime, etaMs, epoch } = facts;
  if (phase === 'recovering') return 'reading state';
  if (phase === 'restarting') return 'has failed, and begins again from its last commit';
  return [
    percent === undefined ? undefined : `${percent.toFixed(1)} %`,
    `${amount(records)} records`,
    `${amount(recordsPerSecond)}/s`,
    eventTime === undefined ? undefined : `event time ${timeText(eventTime).replace(/\.\d+$/, '')}`,
    phase === 'running' && etaMs !== undefined ? `${spanText(seconds(etaMs))} left` : undefined,
    phase === 'finishing' ? 'finishing' : undefined,
    `epoch ${epoch}`,
    ...lossesText(facts),
  ]
    .filter((part) => part !== undefined)
    .join('  ');
}

/** What did not become results; nothing when there was no such thing. */
export function lossesText(status: Pick<RunStatus, 'late' | 'deadLetters'>): string[] {
  const { late, deadLetters } = status;
  return [
    ...(late === 0 ? [] : [`${amount(late)} late`]),
    ...(deadLetters === 0 ? [] : [`${amount(deadLetters)} dead letters`]),
  ];
}

/** `1234567` is `1,234,567`. */
export function amount(number: number): string {
  return String(Math.round(number)).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

function seconds(ms: number): number {
  return Math.max(1000, Math.round(ms / 1000) * 1000);
}
