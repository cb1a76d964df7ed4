/**
 * Reads values that are already in memory, or that a generator makes: the source of examples and tests.
 *
 * A cursor is the number of elements consumed. An array and a function that gives a fresh iterable can be read again
 * from there; a generator object cannot, because what it has given is gone.
 */
import { z } from 'zod';
import type { Cursor, Source, SplitReader } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import { CHUNK_ELEMENTS_MAX, type Origin } from '../core/flow.js';
import { checkOptions } from '../dsl/options.js';
import { sourceChunk } from './source-chunk.js';

export interface IterableOptions {
  /** How errors and late records name it. Default `iterable`. */
  readonly name?: string;
  /** Elements per chunk at most, 1 to 1024. Default 1024; smaller ones are for tests. */
  readonly chunk?: number;
}

const schema = z.strictObject({
  name: z.string().min(1).default('iterable'),
  chunk: z.number().int().min(1).max(CHUNK_ELEMENTS_MAX).default(CHUNK_ELEMENTS_MAX),
});

/**
 * A bounded source of one split, `0`, over an array, an iterable, or a function that gives a fresh iterable each time.
 * Positions are ordinals from 1. Replayable for arrays and functions; the function must give the same elements again.
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
 * @throws TidemarkError OPTIONS_INVALID at once; when opened SOURCE_CHANGED (fewer elements than the cursor says) or
 *   SOURCE_NOT_REPLAYABLE (a generator object, a second time); when read SOURCE_FAILED (the iterable threw)
 */
export function iterable<T>(
  values: Iterable<T> | (() => Iterable<T>),
  options: IterableOptions = {},
): Source<T> {
  const { name, chunk } = checkOptions(schema, options, 'iterable()');
  if (typeof values !== 'function') checkIterable(values, 'iterable()');
  const replayable = typeof values === 'function' || Array.isArray(values);
  let isTaken = false;
  return {
    name,
    replayable,
    splits: () => Promise.resolve(['0']),
    async open(split, cursor) {
      checkSplit(split, 1, name);
      if (!replayable && (isTaken || cursor !== undefined)) throw gone(name);
      isTaken = true;
      const fresh = typeof values === 'function' ? values() : values;
      checkIterable(fresh, `iterable() "${name}"`);
      return openAt(fresh, cursor, { origin: { name, unit: 'element' }, chunk });
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
      return openAt(arrays[index] ?? [], cursor, { origin, chunk });
    },
  };
}

interface ReaderOptions {
  readonly origin: Origin;
  readonly chunk: number;
}

/** Skips what the cursor says has been consumed. Arrays are stepped over too: 1 M elements cost some milliseconds. */
function openAt(values: Iterable<unknown>, cursor: Cursor, options: ReaderOptions): SplitReader {
  const consumed = consumedOf(cursor, options.origin.name);
  const iterator = values[Symbol.iterator]();
  for (let skipped = 0; skipped < consumed; skipped += 1)
    if (step(iterator, skipped, options.origin.name).done === true)
      throw new TidemarkError('SOURCE_CHANGED', {
        expected: `at least ${consumed} elements, which the last commit has consumed`,
        got: `${skipped} elements`,
        where: options.origin.name,
        hint: 'Give the same elements as before, or remove the state to begin again.',
      });
  return readerOf(iterator, consumed, options);
}

function readerOf(
  iterator: Iterator<unknown>,
  consumed: number,
  { origin, chunk }: ReaderOptions,
): SplitReader {
  let position = consumed;
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
      return { chunk: sourceChunk(origin, { values, positions: first }), cursor: position };
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
    throw new TidemarkError('SOURCE_FAILED', {
      expected: `element ${consumed + 1} or the end`,
      got: show(cause),
      where: name,
      hint: 'The iterable given by the user threw; see the cause.',
      cause,
    });
  }
}

function consumedOf(cursor: Cursor, name: string): number {
  if (cursor === undefined) return 0;
  if (typeof cursor === 'number' && Number.isSafeInteger(cursor) && cursor >= 0) return cursor;
  throw new TidemarkError('SOURCE_CHANGED', {
    expected: 'a cursor that counts elements',
    got: show(cursor),
    where: name,
    hint: 'Another kind of source was read here before; keep it, or remove the state to begin again.',
  });
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
  const isIterable =
    typeof (values as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] ===
    'function';
  if (isIterable) return;
  throw new TidemarkError('OPTIONS_INVALID', {
    expected: 'an array, an iterable, or a function that gives an iterable',
    got: show(values),
    where,
    hint: 'Async iterables are not taken here.',
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
