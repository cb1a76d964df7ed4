/** Three ways to show charts: live on a terminal, as lines for a person, as JSON for a program. */
import { Screen } from '../shared/screen.js';
import type { Terminal } from '../shared/screen.js';
import { visible } from '../shared/text.js';
import type { Chart } from './chart.js';
import { paceMs } from './pacing.js';
import { progressText, renderChart } from './view.js';
import type { Look, Progress } from './view.js';
import { amount, clockTime, day } from './wording.js';

/** The part of a writable stream that the demo needs; `process.stdout` has it. */
export interface OutputStream extends Terminal {
  write(text: string, written?: (error?: Error | null) => void): boolean;
  readonly isTTY?: boolean | undefined;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

/** Where charts go. */
export interface ChartOutput {
  /** Called for the next one after the promise has settled. */
  chart(chart: Chart): Promise<void>;
  progress(progress: Progress): void;
  /** Resolves when the next records may be read. Absent: at once. */
  readonly ready?: () => Promise<void>;
  /** After the last chart, also of a run that failed. Gives the terminal back. */
  close(): void;
}

/** Settles when the text has been handed to the system, so that a reader who has left is noticed here. */
export function write(stream: OutputStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}

/** One line per place, in the order of the windows. */
export function jsonOutput(stdout: OutputStream, report: ProgressLines): ChartOutput {
  return {
    chart: ({ window, entries }) =>
      write(
        stdout,
        entries
          .map(({ rank, key, count }) => `${JSON.stringify({ window, rank, key, count })}\n`)
          .join(''),
      ),
    progress: (progress) => report.on(progress),
    close: () => {},
  };
}

/** One line per hour (or whatever the size of a window is) with the best three. */
export function lineOutput(
  stdout: OutputStream,
  report: ProgressLines,
  label: Look['label'],
): ChartOutput {
  let nextEnd = -Infinity;
  return {
    async chart({ window: { start, end }, entries }) {
      const sizeMs = end - start;
      if (nextEnd === -Infinity) nextEnd = Math.ceil(end / sizeMs) * sizeMs;
      if (end < nextEnd) return;
      nextEnd = (Math.floor(end / sizeMs) + 1) * sizeMs;
      const best = entries
        .slice(0, 3)
        .map(({ rank, key, count }) => `${rank}. ${label(key).title} (${amount(count)})`);
      const when = `${day(end - 1)} ${clockTime(start)}–${clockTime(end)}`;
      await write(stdout, `${visible(`${when}  ${best.join('   ')}`)}\n`);
    },
    progress: (progress) => report.on(progress),
    close: () => {},
  };
}

/** A line of progress every two seconds. */
export class ProgressLines {
  readonly #stderr: OutputStream;
  readonly #noun: string;
  readonly #now: () => number;
  #nextAt: number;

  constructor(stderr: OutputStream, { noun, now }: { noun: string; now: () => number }) {
    this.#stderr = stderr;
    this.#noun = noun;
    this.#now = now;
    this.#nextAt = now() + everyMs;
  }

  on(progress: Progress): void {
    const now = this.#now();
    if (now < this.#nextAt) return;
    this.#nextAt = now + everyMs;
    this.#stderr.write(`${progressText(progress, this.#noun)}\n`);
  }
}

const everyMs = 2000;

export interface LiveOptions {
  readonly look: Omit<Look, 'rows'>;
  /** The highest event time read so far, epoch ms; -Infinity before the first. */
  readonly newest: () => number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** The table that is redrawn in place. */
export class LiveOutput implements ChartOutput {
  readonly #screen: Screen;
  readonly #options: LiveOptions;
  readonly #startedAt: number;
  #chart: Chart | undefined;
  #charts = 0;
  #progress: Progress | undefined;
  #drawnAt = -Infinity;
  /** Settles when the chart in hand has been looked at. */
  #shown: Promise<void> = Promise.resolve();

  constructor(stdout: OutputStream, options: LiveOptions) {
    this.#screen = new Screen(stdout);
    this.#options = options;
    this.#startedAt = options.now();
  }

  /** Each chart is shown for a frame. A mended one of an earlier window would turn the clock back, so it is not. */
  chart(chart: Chart): Promise<void> {
    if (chart.window.end < (this.#chart?.window.end ?? -Infinity)) return Promise.resolve();
    this.#chart = chart;
    this.#charts += 1;
    this.#draw();
    const elapsedMs = this.#options.now() - this.#startedAt;
    const share = this.#progress?.share;
    this.#shown = this.#options.sleep(paceMs({ charts: this.#charts, elapsedMs, share }));
    return this.#shown;
  }

  /** What has been read is given a moment to become charts, and they are looked at, before more is read. */
  readonly ready = async (): Promise<void> => {
    for (let shown; shown !== this.#shown;) {
      shown = this.#shown;
      await shown;
      await this.#options.sleep(settleMs);
    }
  };

  progress(progress: Progress): void {
    this.#progress = progress;
    if (this.#options.now() - this.#drawnAt >= frameMs) this.#draw();
  }

  close(): void {
    this.#screen.close();
  }

  /** The last picture, to be left behind on the page that the terminal came from. */
  lastLines(): string[] {
    return this.#progress === undefined ? [] : this.#lines(this.#progress);
  }

  #draw(): void {
    if (this.#progress === undefined) return;
    this.#drawnAt = this.#options.now();
    this.#screen.draw(this.#lines(this.#progress));
  }

  /** The status is up to a tenth of a second old, and a chart may be newer: the times are brought up to it. */
  #lines(progress: Progress): string[] {
    const eventTime = this.#options.newest();
    const watermark = progress.watermark + (eventTime - progress.eventTime || 0);
    const look = { ...this.#options.look, rows: this.#screen.rows };
    const now = { ...progress, eventTime, watermark };
    return renderChart(this.#chart, now, this.#screen.columns, look);
  }
}

const frameMs = 100;
/** How long the job takes from a chunk of records to the charts in it, generously. */
const settleMs = 4;
