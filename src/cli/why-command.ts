/**
 * `tidemark why`: why nothing comes out, as of the last commit, whether the job runs or not.
 *
 * With the job file the job itself is asked: it recovers on a view of its state that takes no writes, with sources that
 * give nothing and sinks that take nothing, and is ended before its first step. With the state directory alone there is
 * no graph, so the report says where each step and each split stands, and leaves the conclusion to the reader.
 */
import { extname } from 'node:path';
import { StateReader } from '../checkpoint/state-reader.js';
import type { Sink, Source } from '../core/connector.js';
import { TidemarkError } from '../core/errors.js';
import { MAX_WATERMARK, MIN_WATERMARK } from '../core/flow.js';
import type { RunOptions } from '../run-options.js';
import { timeText } from '../runtime/time-words.js';
import { whyTime, type WhyReport } from '../runtime/why-report.js';
import type { StateBackendFactory } from '../state/backend.js';
import { readLmdb, type LmdbView } from '../state/lmdb-view.js';
import { exitCodes } from './io.js';
import type { JobDefinition, OptionChanges } from './define-job.js';
import { loadJob, type ModuleLoader } from './job-file.js';
import { amount } from './progress.js';
import { shown, type Speech } from './speech.js';
import { nothingYet } from './state-commands.js';

const isModule = /^\.[cm]?[jt]sx?$/;

export async function why(place: string, speech: Speech, loader: ModuleLoader): Promise<number> {
  if (isModule.test(extname(place))) await whyOfJob(await loadJob(place, loader), place, speech);
  else await whyOfDirectory(place, speech);
  return exitCodes.done;
}

async function whyOfJob(job: JobDefinition, file: string, speech: Speech): Promise<void> {
  let view: LmdbView | undefined;
  const ending = new AbortController();
  const run = job.run((defined) => {
    const directory = defined.state?.directory;
    if (directory === undefined) throw withoutState(file);
    const state: StateBackendFactory = {
      ...{ description: directory, directory: undefined },
      async open() {
        view = await readLmdb(directory);
        // A recovery removes what a crash has left; here it only believes so.
        return { ...view.backend, writeAhead() {}, commit() {}, discard() {} };
      },
    };
    return { ...silenced(defined), state, signal: ending.signal };
  });
  let report: WhyReport | undefined;
  let asOf = 0;
  // It hears of the phase before the loop takes its first step, so no function of the user has been called.
  const subscription = run.status$.subscribe(({ phase, epoch }) => {
    if (phase === 'recovering') return;
    if (phase !== 'failed') report ??= job.why(run);
    asOf = epoch;
    ending.abort();
  });
  try {
    await run.done;
  } catch (error) {
    if (report === undefined) throw error;
  } finally {
    subscription.unsubscribe();
    await view?.close();
  }
  if (report === undefined) return;
  const { text, toString: _text, phase, ...facts } = report;
  const isFinished = phase === 'finished';
  const owner = view?.owner;
  if (owner !== undefined)
    speech.note({ type: 'held', owner }, `Process ${owner} runs it; this is its last commit.`);
  await speech.answer({ type: 'why', epoch: asOf, isFinished, ...facts, text }, text);
}

/** The job with nothing around it: nothing comes in, nothing goes out. */
function silenced(defined: RunOptions<unknown, unknown>): OptionChanges {
  const named = <T>(
    given: object,
    isOne: (value: object) => boolean,
    silent: (one: T) => T,
  ): object => {
    if (Array.isArray(given)) return given.map((one) => silent(one as T));
    if (isOne(given)) return silent(given as T) as object;
    const each = Object.entries(given).map(([name, inner]) => [
      name,
      named(inner as object, isOne, silent),
    ]);
    return Object.fromEntries(each) as object;
  };
  const from = named<Source<unknown>>(defined.from, (one) => 'splits' in one, silentSource);
  const to = named<Sink<unknown>>(defined.to, (one) => 'recover' in one, silentSink);
  return {
    ...{ from, to },
    ...(defined.deadLetters === undefined ? {} : { deadLetters: silentSink(defined.deadLetters) }),
    checkpoint: { records: Number.MAX_SAFE_INTEGER },
    rewind: false,
  };
}

function silentSource(source: Source<unknown>): Source<unknown> {
  return {
    name: source.name,
    replayable: true,
    splits: (runtime) => source.splits(runtime),
    open: async () => ({ read: () => new Promise(() => {}), close: async () => {} }),
  };
}

function silentSink<T>({ uid }: Sink<T>): Sink<T> {
  return {
    ...{ uid, guarantee: 'idempotent', allowDuplicates: true },
    recover: async () => {},
    open: async () => ({
      write: () => {},
      prepare: async () => undefined,
      publish: async () => {},
      close: async () => {},
    }),
  };
}

function withoutState(file: string): TidemarkError {
  return new TidemarkError('OPTIONS_INVALID', {
    expected: 'a job with a state directory',
    got: 'one whose state is in memory',
    where: file,
    hint: 'Nothing of it outlives its process: ask it while it runs, with why(run).',
  });
}

async function whyOfDirectory(directory: string, speech: Speech): Promise<void> {
  const view = await readLmdb(directory);
  try {
    const reader = new StateReader(view.backend, { where: directory });
    const { record } = reader;
    if (record === undefined) {
      await speech.answer({ type: 'nothing' }, nothingYet);
      return;
    }
    const { job, epoch, isFinished, records } = record;
    const standing = isFinished
      ? 'It has finished.'
      : 'Give the job file to hear what holds it back.';
    await speech.answer(
      { type: 'job', job, epoch, isFinished, records, owner: view.owner },
      `${job}, as of epoch ${epoch}, ${amount(records)} records. ${standing}`,
    );
    for (const uid of reader.uids()) await tellStep(reader, uid, speech);
    for (const split of record.splits) {
      const { input, split: id, hasEnded, cursor, bytesRead } = split;
      const highest = Math.max(...[...split.generators.values()].map(highestOf), MIN_WATERMARK);
      const facts = { input, split: id, hasEnded, cursor, bytesRead, highest: whyTime(highest) };
      const where = hasEnded ? 'at its end' : `at ${shown(cursor)}`;
      const newest =
        highest === MIN_WATERMARK ? 'no event time yet' : `newest element ${timeText(highest)}`;
      await speech.answer({ type: 'split', ...facts }, `  ${input} ${id}: ${where}, ${newest}`);
    }
  } finally {
    await view.close();
  }
}

async function tellStep(reader: StateReader, uid: string, speech: Speech): Promise<void> {
  const mark = reader.record?.marks.get(uid);
  const counters = reader.record?.counters.get(uid);
  const size = reader.size(uid);
  const watermark = mark?.input ?? MIN_WATERMARK;
  const { nextEventTimer, nextProcessingTimer } = size;
  const waits = [
    nextEventTimer === undefined
      ? []
      : [`${amount(size.eventTimers)} timers, the first at ${timeText(nextEventTimer)}`],
    nextProcessingTimer === undefined
      ? []
      : [
          `${amount(size.processingTimers)} timers of the clock, the first at ${timeText(nextProcessingTimer)}`,
        ],
    counters === undefined || counters.late === 0 ? [] : [`${amount(counters.late)} late`],
  ].flat();
  const at = watermark === MAX_WATERMARK ? 'the end' : timeText(watermark);
  await speech.answer(
    { type: 'step', ...size, watermark: whyTime(watermark), counters },
    `  ${uid}: watermark ${at}, ${[`${amount(size.keys)} keys`, ...waits].join(', ')}`,
  );
}

function highestOf(state: unknown): number {
  const highest = (state as { readonly highest?: unknown } | undefined)?.highest;
  return typeof highest === 'number' ? highest : MIN_WATERMARK;
}
