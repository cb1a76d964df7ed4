/** Aggregators of distinct values: how many listeners, not how many plays. Exactly, or in bounded memory. */
import { z } from 'zod';
import { TidemarkError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { compositeKeyText } from '../state/key-codec.js';
import type { Aggregator } from './aggregators.js';
import {
  addHash,
  createSketch,
  estimate,
  isSettled,
  joinHash,
  mergeSketches,
  type DistinctSketch,
} from './distinct-sketch.js';
import { checkOptions } from './options.js';
import { hashValue } from './sketch-hash.js';
import { refuseAsync } from './user-function.js';

export interface ApproximateDistinctCountOptions {
  /**
   * A whole number from 8 to 16: at most 2^precision bytes per accumulator, for a standard error of
   * 1.04 / √(2^precision). Default 12: 4 KiB and 1.6 %. With 14 it is 16 KiB and 0.8 %.
   */
  readonly precision?: number;
}

const sketchOptions = z.strictObject({ precision: z.int().min(8).max(16).default(12) });

/** Two seeds, for two halves of a hash. They are part of the stored format. */
const SEED_HIGH = 0x5851f42d;
const SEED_LOW = 0x14057b7e;

/**
 * The number of distinct values, exactly. Values are equal as keys are: `10` and `'10'` are two, `[1, 2]` and `[1, 2]`
 * are one. The accumulator holds each of them, so state grows with their number; `approximateDistinctCount` has a
 * bound.
 *
 * @throws TidemarkError USER_FUNCTION_ASYNC; per element USER_FUNCTION_FAILED, when `of` gives what cannot be a key
 *
 * @example
 * import { distinctCount } from 'tidemark';
 * const listeners = distinctCount((play: { user: string }) => play.user);
 * const plays = [{ user: 'ann' }, { user: 'bob' }, { user: 'ann' }];
 * console.log(listeners.result(plays.reduce(listeners.add, listeners.create()))); // => 2
 */
export function distinctCount<In>(
  of: (value: In) => Key,
): Aggregator<In, Set<string | number | boolean | bigint>, number> {
  refuseAsync(of, 'distinctCount');
  return {
    name: 'distinctCount',
    create: () => new Set(),
    add(accumulator, value) {
      const key = of(value);
      accumulator.add(typeof key === 'number' ? key : nameOf(key));
      return accumulator;
    },
    merge(into, other) {
      for (const name of other) into.add(name);
      return into;
    },
    result: (accumulator) => accumulator.size,
  };
}

/**
 * About how many distinct values there are, in at most `2^precision` bytes, however many they are. Up to
 * `2^precision / 8` values (512 by default) are counted exactly, in some 8 bytes each; from then on the standard error
 * is `1.04 / √(2^precision)`: of three results, two are within it, and one in 20 is off by more than twice as much.
 * Values are equal as keys are.
 *
 * A HyperLogLog sketch after Ertl's improved estimator. Merging gives the same bytes in any order.
 *
 * @throws TidemarkError OPTIONS_INVALID, USER_FUNCTION_ASYNC; per element USER_FUNCTION_FAILED, when `of` gives what
 *   cannot be a key
 *
 * @example
 * import { approximateDistinctCount } from 'tidemark';
 * const listeners = approximateDistinctCount((user: number) => user);
 * let seen = listeners.create();
 * for (let play = 0; play < 200_000; play += 1) seen = listeners.add(seen, play % 100_000);
 * console.log(Math.abs(listeners.result(seen) / 100_000 - 1) < 0.05); // => true
 */
export function approximateDistinctCount<In>(
  of: (value: In) => Key,
  options: ApproximateDistinctCountOptions = {},
): Aggregator<In, DistinctSketch, number> {
  refuseAsync(of, 'approximateDistinctCount');
  const { precision } = checkOptions(sketchOptions, options, 'approximateDistinctCount()');
  return {
    name: `approximateDistinctCount(${precision})`,
    create: createSketch,
    add(accumulator, value) {
      const key = of(value);
      const isEncoded = typeof key !== 'string' && typeof key !== 'number';
      const plain = isEncoded ? textOf(key, 'approximateDistinctCount') : key;
      const high = hashValue(plain, isEncoded, SEED_HIGH);
      if (isSettled(accumulator, high, precision)) return accumulator;
      const low = hashValue(plain, isEncoded, SEED_LOW);
      return addHash(accumulator, joinHash(high, low), precision);
    },
    merge: (into, other) => mergeSketches(into, other, precision),
    result: (accumulator) => estimate(accumulator, precision),
  };
}

/**
 * A name for a key in a set that holds scalars and composites. A composite is its encoding behind a zero, so a text
 * that begins with one gets another; the encoding never does.
 */
function nameOf(key: Key): string | number | boolean | bigint {
  switch (typeof key) {
    case 'string':
      return key.charCodeAt(0) === 0 ? `\0${key}` : key;
    case 'number':
    case 'boolean':
    case 'bigint':
      return key;
    default:
      return `\0${textOf(key, 'distinctCount')}`;
  }
}

/** The encoding of a key as text. What is no key is the fault of the function that gave it. */
function textOf(key: Key, where: string): string {
  try {
    return compositeKeyText(key, where);
  } catch (cause) {
    if (!(cause instanceof TidemarkError) || cause.code !== 'KEY_INVALID') throw cause;
    throw new TidemarkError('USER_FUNCTION_FAILED', {
      expected: cause.expected,
      got: cause.got,
      where: cause.where,
      hint: 'Filter elements without such a value before the window, or give a default.',
      cause,
    });
  }
}
