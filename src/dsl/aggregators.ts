/**
 * Aggregators: how a window turns its elements into one value, an element at a time.
 *
 * After Flink's `AggregateFunction`. An accumulator is a plain value that the state codec can carry. Those of numbers
 * are here; collecting.ts, distinct.ts, quantiles.ts and combine.ts have the others.
 */
import { z } from 'zod';
import { TidemarkError, show } from '../core/errors.js';
import { checkOptions } from './options.js';
import { refuseAsync } from './user-function.js';

export interface Aggregator<in In, Accumulator, out Out> {
  /** For `explain`. */
  readonly name: string;
  /** An accumulator of no elements. */
  create(): Accumulator;
  /** Takes an element in; may change the accumulator and give it back, or give a new one. */
  add(accumulator: Accumulator, value: In): Accumulator;
  /** Both together; may change and give back `into`, never `other`. */
  merge(into: Accumulator, other: Accumulator): Accumulator;
  /** The value of at least one element. Must not change the accumulator. */
  result(accumulator: Accumulator): Out;
  /**
   * Takes `other`, which has been merged before, out again: only where the inverse is exact, as for counts and whole
   * numbers. May change and give back `from`, never `other`. It lets a sliding window keep a running total.
   */
  subtract?(from: Accumulator, other: Accumulator): Accumulator;
  /** Whether the result depends on the order in which elements arrive. Such windows are not cut into slices. Default false. */
  readonly arrivalOrder?: boolean;
  /** Whether the accumulator holds every element, as an evictor needs it. Default false. */
  readonly keepsElements?: boolean;
}

/** Of `sum` and `average`. */
export interface TotalOptions {
  /**
   * Take whole numbers only, from -(2^53 - 1) to 2^53 - 1, and add them up exactly, whatever their order and however
   * large the total. Only then can a sliding window take a slice out of its running total again. Default false: any
   * number, added as doubles are.
   */
  readonly whole?: boolean;
}

/** A sum of whole numbers. It is a bigint only beyond the numbers that a double holds exactly: equal sums, equal bytes. */
export type WholeTotal = number | bigint;

/** What `average` keeps. */
export interface AverageAccumulator<Total extends WholeTotal> {
  sum: Total;
  count: number;
}

const totalOptions = z.strictObject({ whole: z.boolean().default(false) });

/**
 * The number of elements.
 *
 * @example
 * import { count } from 'tidemark';
 * console.log(count().name); // => count
 */
export function count(): Aggregator<unknown, number, number> {
  return {
    name: 'count',
    create: () => 0,
    add: (accumulator) => accumulator + 1,
    merge: (into, other) => into + other,
    subtract: (from, other) => from - other,
    result: (accumulator) => accumulator,
  };
}

/**
 * The sum of a number per element. Sums of floats depend on the order by the last digits; sums of integers do not, as
 * long as they stay within ±(2^53 - 1).
 *
 * With `whole: true` it takes whole numbers only and is exact at any size; the result is the double next to the exact
 * total. Floats have no exact inverse (`0.1 + 1e20 - 1e20` is 0), so only that sum can be taken out of a running total.
 *
 * @throws TidemarkError OPTIONS_INVALID, USER_FUNCTION_ASYNC; per element USER_FUNCTION_FAILED, when `of` gives NaN, no
 *   number, or with `whole` no whole number in the range
 *
 * @example
 * import { sum } from 'tidemark';
 * const total = sum((play: { ms: number }) => play.ms);
 * console.log(total.result(total.add(total.add(total.create(), { ms: 2 }), { ms: 3 }))); // => 5
 *
 * const cents = sum((paid: number) => paid, { whole: true });
 * const large = Number.MAX_SAFE_INTEGER;
 * console.log(cents.result([large, 1, 1, -large].reduce(cents.add, cents.create()))); // => 2
 */
export function sum<In>(of: (value: In) => number): Aggregator<In, number, number>;
export function sum<In>(
  of: (value: In) => number,
  options: TotalOptions,
): Aggregator<In, WholeTotal, number>;
export function sum<In>(
  of: (value: In) => number,
  options: TotalOptions = {},
): Aggregator<In, number, number> | Aggregator<In, WholeTotal, number> {
  refuseAsync(of, 'sum');
  return checkOptions(totalOptions, options, 'sum()').whole ? sumOfWhole(of) : sumOfAny(of);
}

function sumOfAny<In>(of: (value: In) => number): Aggregator<In, number, number> {
  return {
    name: 'sum',
    create: () => 0,
    add: (accumulator, value) => accumulator + numberOf(of, value, 'sum'),
    merge: (into, other) => into + other,
    result: (accumulator) => accumulator,
  };
}

function sumOfWhole<In>(of: (value: In) => number): Aggregator<In, WholeTotal, number> {
  return {
    name: 'sum(whole)',
    create: () => 0,
    add: (accumulator, value) => plus(accumulator, wholeOf(of, value, 'sum')),
    merge: plus,
    subtract: (from, other) => plus(from, -other),
    result: Number,
  };
}

/**
 * The mean of a number per element: the sum divided by the count, as doubles, so that the mean of 1 and 2 is 1.5. What
 * stands at `sum` about floats and about `whole` holds for the sum in it.
 *
 * @throws TidemarkError OPTIONS_INVALID, USER_FUNCTION_ASYNC; per element USER_FUNCTION_FAILED, as `sum`
 *
 * @example
 * import { average } from 'tidemark';
 * const mean = average((play: { ms: number }) => play.ms, { whole: true });
 * console.log(mean.result([{ ms: 1 }, { ms: 2 }].reduce(mean.add, mean.create()))); // => 1.5
 */
export function average<In>(
  of: (value: In) => number,
): Aggregator<In, AverageAccumulator<number>, number>;
export function average<In>(
  of: (value: In) => number,
  options: TotalOptions,
): Aggregator<In, AverageAccumulator<WholeTotal>, number>;
export function average<In>(
  of: (value: In) => number,
  options: TotalOptions = {},
):
  | Aggregator<In, AverageAccumulator<number>, number>
  | Aggregator<In, AverageAccumulator<WholeTotal>, number> {
  refuseAsync(of, 'average');
  const { whole } = checkOptions(totalOptions, options, 'average()');
  return whole ? averageOfWhole(of) : averageOfAny(of);
}

function averageOfAny<In>(
  of: (value: In) => number,
): Aggregator<In, AverageAccumulator<number>, number> {
  return {
    name: 'average',
    create: () => ({ sum: 0, count: 0 }),
    add(accumulator, value) {
      accumulator.sum += numberOf(of, value, 'average');
      accumulator.count += 1;
      return accumulator;
    },
    merge(into, other) {
      into.sum += other.sum;
      into.count += other.count;
      return into;
    },
    result: (accumulator) => accumulator.sum / accumulator.count,
  };
}

function averageOfWhole<In>(
  of: (value: In) => number,
): Aggregator<In, AverageAccumulator<WholeTotal>, number> {
  return {
    name: 'average(whole)',
    create: () => ({ sum: 0, count: 0 }),
    add(accumulator, value) {
      accumulator.sum = plus(accumulator.sum, wholeOf(of, value, 'average'));
      accumulator.count += 1;
      return accumulator;
    },
    merge(into, other) {
      into.sum = plus(into.sum, other.sum);
      into.count += other.count;
      return into;
    },
    subtract(from, other) {
      from.sum = plus(from.sum, -other.sum);
      from.count -= other.count;
      return from;
    },
    result: (accumulator) => Number(accumulator.sum) / accumulator.count,
  };
}

/**
 * The smallest number.
 *
 * @example
 * import { min } from 'tidemark';
 * console.log(min((n: number) => n).merge(3, 2)); // => 2
 */
export function min<In>(of: (value: In) => number): Aggregator<In, number, number> {
  return extreme('min', of, Infinity, Math.min);
}

/**
 * The largest number.
 *
 * @example
 * import { max } from 'tidemark';
 * console.log(max((n: number) => n).merge(3, 2)); // => 3
 */
export function max<In>(of: (value: In) => number): Aggregator<In, number, number> {
  return extreme('max', of, -Infinity, Math.max);
}

function extreme<In>(
  name: string,
  of: (value: In) => number,
  start: number,
  choose: (a: number, b: number) => number,
): Aggregator<In, number, number> {
  refuseAsync(of, name);
  return {
    name,
    create: () => start,
    add: (accumulator, value) => choose(accumulator, numberOf(of, value, name)),
    merge: choose,
    result: (accumulator) => accumulator,
  };
}

/** NaN would swallow every later number, and a string would turn a sum into text, so both are refused here. */
export function numberOf<In>(of: (value: In) => number, value: In, where: string): number {
  const number = of(value);
  if (typeof number === 'number' && number === number) return number;
  throw notOf('a number', number, where);
}

function wholeOf<In>(of: (value: In) => number, value: In, where: string): number {
  const number = of(value);
  if (Number.isSafeInteger(number)) return number;
  throw notOf('a whole number between -2^53 and 2^53', number, where);
}

/** The error for a function of the user that gave something else than the aggregator needs. */
export function notOf(expected: string, got: unknown, where: string): TidemarkError {
  return new TidemarkError('USER_FUNCTION_FAILED', {
    expected,
    got: show(got),
    where,
    hint: 'Filter elements without a number before the window, or give a default.',
  });
}

/** Exact. Two numbers whose sum leaves the safe range cannot round back into it. */
function plus(a: WholeTotal, b: WholeTotal): WholeTotal {
  if (typeof a === 'number' && typeof b === 'number' && Number.isSafeInteger(a + b)) return a + b;
  const total = BigInt(a) + BigInt(b);
  const number = Number(total);
  return Number.isSafeInteger(number) ? number : total;
}
