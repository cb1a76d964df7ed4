/** The ways to run a described pipeline, each reduced to: what happens goes in, items come out. */
import { Subject } from 'rxjs';
import { collect, iterable, run, splitIterable } from 'tidemark';
import type { Run, RunSummary, Runtime, Sink, Source, StateBackendFactory } from 'tidemark';
import { testHarness } from 'tidemark/testing';
import { build, buildAny, buildTwo } from './build.js';
import { inputNames, type Description, type Item } from './description.js';
import type { Happening } from './oracle-stream.js';

/**
 * Mode (i): a subscription. Gives what came out at each happening: `next` runs through before it returns.
 */
export function inLibrary(
  description: Description,
  happenings: readonly Happening[],
): readonly (readonly Item[])[] {
  const inputs = [new Subject<Item>(), new Subject<Item>()] as const;
  let emitted: Item[] = [];
  const listen = (item: Item): void => void emitted.push(item);
  if (description.inputs === 1) inputs[0].pipe(build(description)).subscribe(listen);
  else {
    const connection = buildTwo(description).connect({ first: inputs[0], second: inputs[1] });
    connection.outputs.output.subscribe(listen);
    connection.start();
  }
  return happenings.map((happening) => {
    emitted = [];
    const input = inputs[happening.input];
    if ('end' in happening) input.complete();
    else input.next(happening.item);
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
  const harness = testHarness(buildAny(description));
  const nameOf = (input: 0 | 1): { input?: string } =>
    description.inputs === 1 ? {} : { input: inputNames[input] };
  return happenings.map((happening, index) => {
    const interruption = interruptions[index];
    if (interruption === 'checkpoint') harness.checkpoint();
    if (interruption === 'crash') harness.crash();
    if (interruption === 'restore') harness.restore(harness.checkpoint());
    const before = harness.output().length;
    const where = nameOf(happening.input);
    if ('end' in happening) harness.end(where);
    else harness.push(happening.item, where);
    return harness.output().slice(before);
  });
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
  readonly runtime?: Runtime;
  readonly state?: StateBackendFactory;
}

export type Splits = readonly (readonly Item[])[];

/** Mode (iii): a job over the splits of one or two inputs, with one sink. */
export function job(
  description: Description,
  splits: readonly [Splits, Splits?],
  sink: Sink<Item>,
  options: JobOptions = {},
): Run {
  const { parallelism = 1, records = 10, chunk = 7, waits = 0, runtime, state } = options;
  const source = (arrays: Splits): Source<Item> => {
    const plain = sourceOf(arrays, chunk);
    return waits === 0 ? plain : slow(plain, waits);
  };
  const [first, second] = [source(splits[0]), source(splits[1] ?? [])];
  const from: Readonly<Record<string, Source<Item>>> =
    description.inputs === 1 ? { input: first } : { first, second };
  return run(buildAny(description), {
    from,
    to: sink,
    checkpoint: { records },
    parallelism,
    ...(runtime === undefined ? {} : { runtime }),
    ...(state === undefined ? {} : { state }),
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
