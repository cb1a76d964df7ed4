/** The ways to run a described pipeline, each reduced to: what happens goes in, items come out. */
import { Subject } from 'rxjs';
import { collect, iterable, run, splitIterable } from 'tidemark';
import type {
  DeadRecord,
  RestartStrategy,
  Run,
  RunSummary,
  Runtime,
  Sink,
  Source,
  StateBackendFactory,
} from 'tidemark';
import { testHarness, type TestHarness } from 'tidemark/testing';
import { answersBy, type Answering } from './async-step.js';
import { build, buildAny, buildTwo, type BuildOptions } from './build.js';
import { inputNames, type Description, type Item } from './description.js';
import { START_MS, type Happening } from './oracle-stream.js';

/** A subscription cannot hold its source back, so it has room for all that one element or watermark becomes. */
const roomy = { capacity: 100_000 };

/**
 * Mode (i): a subscription. Gives what came out at each happening: `next` runs through before it returns.
 */
export function inLibrary(
  description: Description,
  happenings: readonly Happening[],
): readonly (readonly Item[])[] {
  const inputs = [new Subject<Item>(), new Subject<Item>()] as const;
  let emitted: Item[] = [];
  const failures: unknown[] = [];
  const listen = {
    next: (item: Item): void => void emitted.push(item),
    error: (failure: unknown): void => void failures.push(failure),
  };
  if (description.inputs === 1) inputs[0].pipe(build(description, roomy)).subscribe(listen);
  else {
    const connection = buildTwo(description, roomy).connect({
      first: inputs[0],
      second: inputs[1],
    });
    connection.outputs.output.subscribe(listen);
    connection.start();
  }
  return happenings.map((happening) => {
    emitted = [];
    if ('clock' in happening) throw new Error('a subscription goes by the clock on the wall');
    const input = inputs[happening.input];
    if ('idle' in happening) throw new Error('a subscription knows of silence by the clock');
    if ('end' in happening) input.complete();
    else input.next(happening.item);
    if (failures.length > 0) throw failures[0];
    return emitted;
  });
}

/** What a test does to the harness beside feeding it. */
export type Interruption = 'none' | 'checkpoint' | 'crash' | 'restore';

/**
 * Mode (ii): the harness. Interruptions stand before the happening of their index; a restore takes a checkpoint first,
 * so that it loses nothing.
 */
export function inHarness(
  description: Description,
  happenings: readonly Happening[],
  interruptions: readonly Interruption[] = [],
): readonly (readonly Item[])[] {
  const harness = harnessOf(description);
  return happenings.map((happening, index) => {
    interrupt(harness, interruptions[index]);
    const before = harness.output().length;
    perform(harness, description, happening);
    return harness.output().slice(before);
  });
}

export function harnessOf(description: Description, options: BuildOptions = {}): ItemHarness {
  return testHarness(buildAny(description, options), { start: START_MS, onFailure: 'collect' });
}

export type ItemHarness = TestHarness<Readonly<Record<string, Item>>, { readonly output: Item }>;

export function interrupt(
  harness: Pick<TestHarness<never, unknown>, 'checkpoint' | 'crash' | 'restore'>,
  interruption: Interruption = 'none',
): void {
  if (interruption === 'checkpoint') harness.checkpoint();
  if (interruption === 'crash') harness.crash();
  if (interruption === 'restore') harness.restore(harness.checkpoint());
}

/** Lets one thing happen. */
export function perform(harness: ItemHarness, { inputs }: Description, happening: Happening): void {
  if ('clock' in happening) {
    harness.advance(happening.clock);
    return;
  }
  const where = inputs === 1 ? {} : { input: inputNames[happening.input] };
  if ('end' in happening) harness.end(where);
  else if ('idle' in happening) harness.idle(where);
  else harness.push(happening.item, where);
}

export interface JobOptions {
  /** Shards of keyed steps. Default 1. */
  readonly parallelism?: number;
  /** Source records per epoch. Default 10. */
  readonly records?: number;
  /** Elements per chunk of a source. Default 7. */
  readonly chunk?: number;
  /**
   * How often a source lets the loop turn before each chunk, as one does that has to wait for its data. Without, a
   * short log is read before the first epoch begins, and all of it belongs to that epoch. Default 0.
   */
  readonly waits?: number;
  /** How many splits are open at a time; the others begin when one has ended. Default: all. */
  readonly openMax?: number;
  /** Default: stream. */
  readonly execution?: 'stream' | 'batch';
  /** Default: none. */
  readonly restart?: RestartStrategy;
  /** Answers the calls of asynchronous steps. Default: each after a while of its own. */
  readonly answering?: Answering;
  readonly runtime?: Runtime;
  readonly state?: StateBackendFactory;
  /** Budget for keyed state, bytes. Default: none. */
  readonly memory?: number | undefined;
  /** Where failed records go, however many they are. Default: there are none. */
  readonly deadLetters?: Sink<DeadRecord>;
}

export type Splits = readonly (readonly Item[])[];

/** Mode (iii): a job over the splits of one or two inputs, with one sink. */
export function job(
  description: Description,
  splits: readonly [Splits, Splits?],
  sink: Sink<Item>,
  options: JobOptions = {},
): Run {
  const { parallelism = 1, records = 10, chunk = 7, waits = 0, memory } = options;
  const { runtime, state, deadLetters, restart, execution = 'stream', openMax } = options;
  const source = (arrays: Splits): Source<Item> => {
    const all = sourceOf(arrays, chunk);
    const plain: Source<Item> =
      openMax === undefined ? all : { ...all, discovery: { openMax, everyMs: Infinity } };
    return waits === 0 ? plain : slow(plain, waits);
  };
  const [first, second] = [source(splits[0]), source(splits[1] ?? [])];
  const from: Readonly<Record<string, Source<Item>>> =
    description.inputs === 1 ? { input: first } : { first, second };
  const { answering = answersBy(runtime) } = options;
  return run(buildAny(description, { answering }), {
    from,
    to: sink,
    checkpoint: { records },
    parallelism,
    execution,
    ...(memory === undefined ? {} : { memory }),
    ...(runtime === undefined ? {} : { runtime }),
    ...(restart === undefined ? {} : { restart }),
    ...(state === undefined ? {} : { state }),
    ...(deadLetters === undefined
      ? {}
      : { deadLetters, deadLettersMax: { share: 1, inARow: 1000 } }),
  });
}

function sourceOf(arrays: Splits, chunk: number): Source<Item> {
  const [only] = arrays;
  if (arrays.length === 1 && only !== undefined) return iterable(only, { chunk });
  return splitIterable(arrays, { chunk });
}

function slow(source: Source<Item>, waits: number): Source<Item> {
  return {
    ...source,
    async open(split, cursor, runtime) {
      const reader = await source.open(split, cursor, runtime);
      return {
        async read() {
          for (let turn = 0; turn < waits; turn += 1) await runtime.clock.turn();
          return reader.read();
        },
        close: () => reader.close(),
      };
    },
  };
}

/** A job in memory, from its beginning to its end. */
export async function inJob(
  description: Description,
  splits: readonly [Splits, Splits?],
  options: JobOptions = {},
): Promise<{ items: readonly Item[]; summary: RunSummary }> {
  const sink = collect<Item>({ uid: 'out' });
  const summary = await job(description, splits, sink, options).done;
  return { items: sink.values, summary };
}
