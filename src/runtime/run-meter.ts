/** Looks at a job for `run.metrics$`: about once per second, and only while somebody watches. */
import { Observable } from 'rxjs';
import type { EpochInfo } from '../checkpoint/job-record.js';
import type { Clock } from '../core/clock.js';
import { MAX_WATERMARK } from '../core/flow.js';
import type { AssembledJob } from './job-assembly.js';
import type { JobOptions, RunSummary } from './job-options.js';
import { timeOrNone, type RunMetrics, type SplitMetrics, type StepMetrics } from './metrics.js';

const LOOK_EVERY_MS = 1000;

/** What is measured: a job, whatever phase it is in. */
export interface MeasuredJob {
  summary(): RunSummary;
  checkpoints(): readonly EpochInfo[];
  /** undefined before it has recovered. */
  readonly parts: AssembledJob | undefined;
}

/** The metrics of a run: at once, about once per second, and a last time when it has ended. Never fails. */
export function watchMetrics(
  job: () => MeasuredJob,
  options: JobOptions,
  done: Promise<unknown>,
): Observable<RunMetrics> {
  const { clock } = options.runtime;
  const startedAt = clock.elapsed();
  return new Observable((subscriber) => {
    const meter = new RunMeter(options, clock, startedAt);
    let cancel = (): void => {};
    const look = (): void => {
      subscriber.next(meter.look(job()));
      cancel = clock.setTimer(clock.now() + LOOK_EVERY_MS, look);
    };
    const end = (): void => {
      cancel();
      if (subscriber.closed) return;
      subscriber.next(meter.look(job()));
      subscriber.complete();
    };
    look();
    done.then(end, end);
    return () => cancel();
  });
}

/** One watcher: rates are between two looks of it. */
class RunMeter {
  readonly #options: JobOptions;
  readonly #clock: Clock;
  readonly #startedAt: number;
  #lookedAt: number;
  #waitedMs = 0;
  #epoch = 0;
  #committedAt: number;

  constructor(options: JobOptions, clock: Clock, startedAt: number) {
    this.#options = options;
    this.#clock = clock;
    this.#startedAt = startedAt;
    this.#lookedAt = startedAt;
    this.#committedAt = startedAt;
  }

  look(job: MeasuredJob): RunMetrics {
    const { name, epochs } = this.#options;
    const now = this.#clock.elapsed();
    const summary = job.summary();
    const { phase, records, bytesRead, bytesTotal, watermark, epoch, restarts } = summary;
    const { resumedFromEpoch } = summary;
    if (epoch !== this.#epoch) {
      // The epoch of an earlier run is no commit of this one.
      if (epoch > resumedFromEpoch) this.#committedAt = now;
      this.#epoch = epoch;
    }
    return {
      ...{ job: name, phase, records, bytesRead, bytesTotal, epoch, restarts },
      time: this.#clock.now(),
      uptimeMs: now - this.#startedAt,
      busyRatio: this.#busyRatio(job, now),
      blockedTasks: (job.parts?.tasks ?? []).filter((task) => task.isBlocked).length,
      watermark: timeOrNone(watermark),
      checkpoints: Math.max(0, epoch - resumedFromEpoch),
      commitAgeMs: now - this.#committedAt,
      commitEveryMs: epochs.everyMs === Infinity ? undefined : epochs.everyMs,
      lastCheckpoint: job.checkpoints().at(-1),
      steps: stepsOf(job),
      splits: splitsOf(job),
      sinks: sinksOf(job),
    };
  }

  #busyRatio({ parts }: MeasuredJob, now: number): number {
    const waitedMs = parts?.wake.waitedMs ?? 0;
    // A job that has begun again waits anew.
    const idleMs = waitedMs < this.#waitedMs ? waitedMs : waitedMs - this.#waitedMs;
    const spentMs = now - this.#lookedAt;
    this.#lookedAt = now;
    this.#waitedMs = waitedMs;
    return spentMs <= 0 ? 0 : Math.max(0, 1 - idleMs / spentMs);
  }
}

/** All shards of a step together. */
function stepsOf(job: MeasuredJob): StepMetrics[] {
  const { operators } = job.summary();
  return Object.entries(operators).map(([uid, counters]) => {
    let watermark = MAX_WATERMARK;
    let state: { entries: number; timers: number } | undefined;
    for (const task of job.parts?.tasks ?? []) {
      const { stage, plan } = task.spec;
      const node = stage.nodes.findIndex((each) => plan.names.get(each) === uid);
      if (node < 0) continue;
      watermark = Math.min(watermark, task.wiring.frontier.input(node));
      const store = job.parts?.epochParts.stores.get(task)?.get(uid);
      if (store === undefined) continue;
      state ??= { entries: 0, timers: 0 };
      state.entries += store.size;
      state.timers += store.eventTimers.size + store.processingTimers.size;
    }
    return {
      ...{ uid, recordsIn: counters.received, late: counters.late, deadLetters: counters.dead },
      ...{ filtered: counters.filtered, refused: counters.refused },
      watermark: timeOrNone(watermark),
      stateEntries: state?.entries,
      timersPending: state?.timers,
    };
  });
}

function splitsOf({ parts }: MeasuredJob): SplitMetrics[] {
  return (parts?.splits ?? []).map(({ input, split, pump: { bytesRead, queue } }) => {
    return { input, split, bytesRead, queued: queue.elements };
  });
}

/** A sink has a writer per task that feeds it. */
function sinksOf({ parts }: MeasuredJob): { uid: string; records: number }[] {
  const byUid = new Map<string, number>();
  for (const { uid, received } of parts?.sinks ?? [])
    byUid.set(uid, (byUid.get(uid) ?? 0) + received);
  return [...byUid].map(([uid, records]) => ({ uid, records }));
}
