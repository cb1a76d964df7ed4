/**
 * Reads values that are already in memory, or that a generator makes: the source of examples and tests, and the shortest
 * way to a system for which there is no connector.
 *
 * A cursor is the number of elements consumed, and behind a `cursor` function what that gave for the last of them. An
 * array and a function that gives a fresh iterable can be read again from there; a generator object cannot, because what
 * it has given is gone.
 */
import { z } from 'zod';
import type { Cursor, Source, SplitReader } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import { CHUNK_ELEMENTS_MAX, type Origin } from '../core/flow.js';
import type { Runtime } from '../core/runtime.js';
import { checkOptions, functionOption } from '../dsl/options.js';
import { asyncReader } from './iterable-async.js';
import {
  consumedOf,
  cursorBehind,
  iterableFailed,
  tooFew,
  type IterableReaderOptions,
} from './iterable-cursor.js';
import { sourceChunk } from './source-chunk.js';

export interface IterableOptions {
  /** How errors and late records name it. Default `iterable`. */
  readonly name?: string;
  /** Elements per chunk at most, 1 to 1024. Default 1024; smaller ones are for tests. */
  readonly chunk?: number;
}

export interface CursorOptions<T> extends IterableOptions {
  /**
   * What the function needs in order to go on behind an element: an id, an offset, a time. Any value that state may
   * hold. Without it the function is called without a cursor, and as many elements as were consumed are left out.
   */
  readonly cursor?: (value: T) => Cursor;
}

const schema = z.strictObject({
  name: z.string().min(1).default('iterable'),
  chunk: z.number().int().min(1).max(CHUNK_ELEMENTS_MAX).default(CHUNK_ELEMENTS_MAX),
});
const schemaWithCursor = schema.extend({
  cursor: functionOption<(value: never) => Cursor>().optional(),
});

/** What may be iterated, at once or by and by. */
export type Values<T> = Iterable<T> | AsyncIterable<T>;

/**
 * A source of one split, `0`, over an array, an iterable, an async iterable, or a function that gives a fresh one each
 * time. Positions are ordinals from 1. What an async iterable gives within one turn of the event loop makes a chunk.
 *
 * Replayable are arrays and functions. With `cursor` the function gets the cursor of the last element that was
 * consumed, undefined at the beginning, and gives what comes behind; without it, it must give the same elements again.
 * All others are at most once: an exactly-once job refuses them with SOURCE_NOT_REPLAYABLE.
 *
 * @example
 * import { iterable, nodeRuntime } from 'tidemark';
 *
 * const source = iterable(() => new Set(['a', 'b', 'c']), { chunk: 2 });
 * const reader = await source.open('0', undefined, nodeRuntime());
 * const first = await reader.read();
 * console.log(first?.chunk.values.join(), first?.cursor);
 * // => a,b 2
 *
 * async function* ordersAfter(id: number) {
 *   for (let next = id + 1; next <= 4; next += 1) yield { id: next };
 * }
 * const orders = iterable((id) => ordersAfter(Number(id ?? 0)), { cursor: (order) => order.id });
 * const later = await orders.open('0', { count: 2, after: 2 }, nodeRuntime());
 * console.log(JSON.stringify((await later.read())?.chunk.values));
 * // => [{"id":3},{"id":4}]
 *
 * @throws TidemarkError OPTIONS_INVALID at once; when opened or read SOURCE_CHANGED (fewer elements than the cursor
 *   says), SOURCE_NOT_REPLAYABLE (a generator object, a second time), SOURCE_FAILED (the iterable threw)
 */
export function iterable<T>(
  values: Values<T> | ((cursor: Cursor | undefined) => Values<T>),
  options: CursorOptions<NoInfer<T>> = {},
): Source<T> {
  const { name, chunk, cursor: cursorOf } = checkOptions(schemaWithCursor, options, 'iterable()');
  if (typeof values !== 'function') checkIterable(values, 'iterable()');
  if (cursorOf !== undefined && typeof values !== 'function') throw cursorWithoutFunction(values);
  const replayable = typeof values === 'function' || Array.isArray(values);
  let isTaken = false;
  return {
    name,
    replayable,
    splits: () => Promise.resolve(['0']),
    async open(split, cursor, { clock }: Runtime) {
      checkSplit(split, 1, name);
      if (!replayable && (isTaken || cursor !== undefined)) throw gone(name);
      isTaken = true;
      const from = consumedOf(cursor, name, cursorOf !== undefined);
      const fresh = typeof values === 'function' ? values(from.after) : values;
      checkIterable(fresh, `iterable() "${name}"`);
      const shared = {
        origin: { name, unit: 'element' },
        chunk,
        cursorOf: cursorOf as ((value: unknown) => Cursor) | undefined,
        consumed: from.count,
        skip: cursorOf === undefined ? from.count : 0,
      };
      return Symbol.asyncIterator in fresh
        ? asyncReader(fresh, { ...shared, clock })
        : openAt(fresh, shared);
    },
  };
}

/**
 * A bounded, replayable source of several splits, `0`, `1`, …, one per array: for tests of what happens between splits.
 *
 * @example
 * import { nodeRuntime, splitIterable } from 'tidemark';
 *
 * const source = splitIterable([[1, 2], [3]]);
 * console.log((await source.splits(nodeRuntime())).join());
 * // => 0,1
 *
 * @throws TidemarkError OPTIONS_INVALID at once, SOURCE_CHANGED when opened behind the end of its array
 */
export function splitIterable<T>(
  arrays: readonly (readonly T[])[],
  options: IterableOptions = {},
): Source<T> {
  const { name, chunk } = checkOptions(schema, options, 'splitIterable()');
  checkOptions(z.array(z.array(z.unknown())), arrays, 'splitIterable()');
  return {
    name,
    replayable: true,
    splits: () => Promise.resolve(arrays.map((_, index) => String(index))),
    async open(split, cursor) {
      const index = checkSplit(split, arrays.length, name);
      const origin: Origin = { name: `${name}[${split}]`, unit: 'element' };
      const { count } = consumedOf(cursor, origin.name, false);
      return openAt(arrays[index] ?? [], { origin, chunk, consumed: count, skip: count });
    },
  };
}

/** Skips what the cursor says has been consumed. Arrays are stepped over too: 1 M elements cost some milliseconds. */
function openAt(values: Iterable<unknown>, options: IterableReaderOptions): SplitReader {
  const { name } = options.origin;
  const iterator = values[Symbol.iterator]();
  for (let skipped = 0; skipped < options.skip; skipped += 1)
    if (step(iterator, skipped, name).done === true) throw tooFew(options.skip, skipped, name);
  return readerOf(iterator, options);
}

function readerOf(iterator: Iterator<unknown>, options: IterableReaderOptions): SplitReader {
  const { origin, chunk } = options;
  let position = options.consumed;
  let isDone = false;
  return {
    // Async, so that what the iterable throws becomes a rejection.
    async read() {
      const values: unknown[] = [];
      const first = position + 1;
      while (!isDone && values.length < chunk) {
        const next = step(iterator, position, origin.name);
        if (next.done === true) {
          isDone = true;
          break;
        }
        position += 1;
        values.push(next.value);
      }
      if (values.length === 0) return undefined;
      const cursor = cursorBehind(values, position, options);
      return { chunk: sourceChunk(origin, { values, positions: first }), cursor };
    },
    async close() {
      if (!isDone) iterator.return?.();
      isDone = true;
    },
  };
}

function step(
  iterator: Iterator<unknown>,
  consumed: number,
  name: string,
): IteratorResult<unknown> {
  try {
    return iterator.next();
  } catch (cause) {
    throw iterableFailed(`element ${consumed + 1} or the end`, cause, name);
  }
}

function checkSplit(split: string, count: number, name: string): number {
  const index = Number(split);
  if (String(index) === split && Number.isInteger(index) && index >= 0 && index < count)
    return index;
  throw new TidemarkError('SOURCE_CHANGED', {
    expected: `a split from 0 to ${count - 1}`,
    got: show(split),
    where: name,
    hint: 'The source had more splits when the state was written; give them back, or remove the state.',
  });
}

function checkIterable(values: unknown, where: string): void {
  const found = (values ?? {}) as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
  const kinds = [typeof found[Symbol.iterator], typeof found[Symbol.asyncIterator]];
  if (kinds.includes('function')) return;
  throw new TidemarkError('OPTIONS_INVALID', {
    expected: 'an array, an iterable, an async iterable, or a function that gives one',
    got: show(values),
    where,
    hint: 'A promise of an iterable is none: make an async generator that awaits it.',
  });
}

function cursorWithoutFunction(values: unknown): TidemarkError {
  return new TidemarkError('OPTIONS_INVALID', {
    expected: 'a function that takes the cursor to go on from',
    got: show(values),
    where: 'iterable(), options.cursor',
    hint: 'Write iterable((cursor) => valuesBehind(cursor), { cursor: (value) => … }).',
  });
}

function gone(name: string): TidemarkError {
  return new TidemarkError('SOURCE_NOT_REPLAYABLE', {
    expected: 'an array, or a function that gives a fresh iterable',
    got: 'an iterable that can be read once',
    where: name,
    hint: 'Write iterable(() => values) instead of iterable(values).',
  });
}
