/** The demo as a function: arguments in, text out, an exit code back; so that a test can run all of it. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { TidemarkError, callback, formatDuration, lmdb, memory, run } from '../../src/index.js';
import type { Run, RunStatus, RunSummary } from '../../src/index.js';
import { coloured, plain } from '../shared/text.js';
import type { Paint } from '../shared/text.js';
import type { Chart } from './chart.js';
import { openInput } from './input.js';
import type { DemoInput } from './input.js';
import { helpText, parseOptions } from './options.js';
import type { DemoOptions } from './options.js';
import { LiveOutput, ProgressLines, jsonOutput, lineOutput, write } from './outputs.js';
import type { ChartOutput, OutputStream } from './outputs.js';
import { paced } from './pacing.js';
import { trending } from './pipeline.js';
import { RiseWatch } from './rise.js';
import { summaryLines } from './summary.js';
import type { Progress } from './view.js';

/** Everything that the demo touches outside itself. */
export interface DemoIo {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls back for each Ctrl-C or termination; returns a function that ends that. */
  readonly onInterrupt: (listener: () => void) => () => void;
  /** Monotonic ms. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Runs the demo. Exit codes: 0 done, 2 an error that has been said, 130 interrupted. */
export async function runDemo(argv: readonly string[], io: DemoIo): Promise<number> {
  const cancel = new AbortController();
  let readerHasLeft = false;
  const onStdoutError = (error: Error): void => {
    readerHasLeft ||= isBrokenPipe(error);
    cancel.abort(error);
  };
  const ignore = (): void => {};
  io.stdout.on('error', onStdoutError);
  io.stderr.on('error', ignore);
  try {
    const options = parseOptions(argv);
    if (options === 'help') {
      await write(io.stdout, helpText);
      return 0;
    }
    return await new Session(options, io, cancel).run();
  } catch (error) {
    // `demo | head` has seen enough: that is no failure, and nobody is left to tell.
    if (readerHasLeft || isBrokenPipe(error)) return 0;
    if (!(error instanceof TidemarkError)) throw error;
    io.stderr.write(`${oneLine(error)}\n`);
    return 2;
  } finally {
    io.stdout.off('error', onStdoutError);
    io.stderr.off('error', ignore);
  }
}

/** One run with its output, its watch on the charts, and its way to end. */
class Session {
  readonly #options: DemoOptions;
  readonly #io: DemoIo;
  readonly #cancel: AbortController;
  readonly #rise = new RiseWatch();
  readonly #startedAt: number;
  #newest = -Infinity;
  #charts = 0;
  /** Where an earlier run on the same state had stopped. */
  #resumed: { readonly epoch: number; readonly records: number } | undefined;

  constructor(options: DemoOptions, io: DemoIo, cancel: AbortController) {
    this.#options = options;
    this.#io = io;
    this.#cancel = cancel;
    this.#startedAt = io.now();
  }

  async run(): Promise<number> {
    const { state, json } = this.#options;
    const { stdout, stderr } = this.#io;
    const input = await openInput(this.#options);
    if (state !== undefined) stderr.write(durabilityText(state));
    const output = this.#outputFor(input);
    const run = this.#start(input, output);
    run.status$.subscribe({
      next: (status) => this.#onStatus(status, input, output),
      error: () => {},
    });
    let interrupts = 0;
    const deafen = this.#io.onInterrupt(() => {
      interrupts += 1;
      // The second one means it: what has not been committed is given up.
      if (interrupts > 1) this.#cancel.abort();
      else void run.stop().catch(() => {});
    });
    try {
      const summary = await run.done;
      output.close();
      const picture = output instanceof LiveOutput ? [...output.lastLines(), ''] : [];
      const lines = [...picture, ...this.#closingLines(summary, input)];
      await write(json ? stderr : stdout, `${lines.join('\n')}\n`);
      return summary.phase === 'stopped' ? 130 : 0;
    } catch (error) {
      if (interrupts > 1 && this.#cancel.signal.aborted) return 130;
      throw error;
    } finally {
      deafen();
      output.close();
    }
  }

  #start(input: DemoInput, output: ChartOutput): Run {
    const { state, parallelism } = this.#options;
    const show = async (chart: Chart): Promise<void> => {
      this.#charts += 1;
      // Windows that end after the last record hold less and less, which says nothing of the records.
      if (chart.window.end <= this.#newest) this.#rise.on(chart);
      await output.chart(chart);
    };
    const { ready } = output;
    return run(this.#pipelineFor(input), {
      from: ready === undefined ? input.source : paced(input.source, ready),
      to: callback(show, { uid: 'screen', allowDuplicates: true }),
      ...(state === undefined ? { state: memory() } : { state: lmdb(state), checkpoint: '2s' }),
      parallelism,
      signal: this.#cancel.signal,
    });
  }

  #pipelineFor({ timestamp, key, where }: DemoInput): ReturnType<typeof trending<unknown>> {
    const { sizeMs, slideMs, top, outOfOrdernessMs, latenessMs, state } = this.#options;
    return trending<unknown>({
      name: state === undefined ? 'trending' : jobName(this.#options),
      timestamp: (record) => {
        const at = timestamp(record);
        if (at > this.#newest) this.#newest = at;
        return at;
      },
      key,
      where,
      size: sizeMs,
      slide: slideMs,
      top,
      outOfOrderness: outOfOrdernessMs,
      lateness: latenessMs,
    });
  }

  #outputFor({ label, noun }: DemoInput): ChartOutput {
    const { stdout, stderr, now, sleep } = this.#io;
    const report = new ProgressLines(stderr, { noun, now });
    if (this.#options.json) return jsonOutput(stdout, report);
    if (!isTerminal(this.#io)) return lineOutput(stdout, report, label);
    const { sizeMs, slideMs } = this.#options;
    const caption = `${noun} per ${formatDuration(sizeMs)}, every ${formatDuration(slideMs)}`;
    const look = { paint: paintFor(this.#io), label, noun, caption };
    return new LiveOutput(stdout, { look, now, sleep, newest: () => this.#newest });
  }

  #onStatus(status: RunStatus, input: DemoInput, output: ChartOutput): void {
    if (this.#resumed === undefined && status.phase === 'running') {
      this.#resumed = { epoch: status.epoch, records: status.records };
      // On a terminal it stands in the picture, which a line from elsewhere would spoil.
      if (status.epoch > 0 && !(output instanceof LiveOutput))
        this.#io.stderr.write(`Resumed after epoch ${status.epoch}.\n`);
    }
    output.progress(this.#progress(status, input));
  }

  #progress(status: RunStatus, { total }: DemoInput): Progress {
    const { phase, records, watermark, late, deadLetters, bytesRead, bytesTotal } = status;
    const [done, all] = total === undefined ? [bytesRead, bytesTotal] : [records, total];
    const seconds = Math.max(0.1, (this.#io.now() - this.#startedAt) / 1000);
    return {
      phase,
      records,
      perSecond: (records - (this.#resumed?.records ?? 0)) / seconds,
      eventTime: this.#newest,
      watermark,
      late,
      deadLetters,
      resumedFrom: this.#resumed?.epoch ?? 0,
      share: all === undefined || all === 0 ? undefined : Math.min(1, done / all),
    };
  }

  #closingLines(summary: RunSummary, { noun, label }: DemoInput): string[] {
    if (summary.alreadyFinished)
      return [
        'Already finished: all charts were told by an earlier run. Remove the state to begin again.',
      ];
    const { json, sizeMs } = this.#options;
    const facts = {
      ...summary,
      recordsBefore: this.#resumed?.records ?? 0,
      noun,
      label,
      sizeMs,
      charts: this.#charts,
      elapsedMs: this.#io.now() - this.#startedAt,
      rise: this.#rise.best,
    };
    return !json && isTerminal(this.#io)
      ? summaryLines(facts, paintFor(this.#io), this.#io.stdout.columns)
      : summaryLines(facts);
  }
}

/**
 * Options that change the answer are part of the name of a durable job, so that state made for one question is
 * refused for another instead of answering it wrongly. How many shards it runs on is no part of it.
 */
function jobName({ input, ...question }: DemoOptions): string {
  const { key, where, sizeMs, slideMs, top, outOfOrdernessMs, latenessMs } = question;
  const named = input.kind === 'file' ? { ...input, path: basename(input.path) } : input;
  const asked = [named, key, [...where], sizeMs, slideMs, top, outOfOrdernessMs, latenessMs];
  const digest = createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 8);
  return `trending-${key.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 40)}-${digest}`;
}

function durabilityText(state: string): string {
  return (
    `Durable: state in ${state}, committed every 2 s. Lines go straight to standard output (callback sink, ` +
    'allowDuplicates), so after a crash those since the last commit come again.\n'
  );
}

function isTerminal({ stdout, env }: DemoIo): boolean {
  return stdout.isTTY === true && env['TERM'] !== 'dumb';
}

function paintFor({ env }: DemoIo): Paint {
  return (env['NO_COLOR'] ?? '') === '' ? coloured : plain;
}

function isBrokenPipe(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === 'EPIPE') || isBrokenPipe(error.cause);
}

function oneLine(error: TidemarkError): string {
  const hint =
    error.code === 'STATE_OF_ANOTHER_JOB'
      ? ' The name of the job is made from the options: these ask another question than the state answers.'
      : '';
  return `${error.message}${hint}`.replace(/\s*\n\s*/g, ' ');
}
