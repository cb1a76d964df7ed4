/**
 * Aggregators: how a window turns its elements into one value, an element at a time.
 *
 * After Flink's `AggregateFunction`. An accumulator is a plain value that the state codec can carry.
 */
import { TidemarkError, show } from '../core/errors.js';
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
 * The sum of a number per element. Sums of floats depend on the order by the last digits; sums of integers do not.
 *
 * @example
 * import { sum } from 'tidemark';
 * const total = sum((play: { ms: number }) => play.ms);
 * console.log(total.result(total.add(total.add(total.create(), { ms: 2 }), { ms: 3 }))); // => 5
 */
export function sum<In>(of: (value: In) => number): Aggregator<In, number, number> {
  refuseAsync(of, 'sum');
  return {
    name: 'sum',
    create: () => 0,
    add: (accumulator, value) => accumulator + numberOf(of, value, 'sum'),
    merge: (into, other) => into + other,
    result: (accumulator) => accumulator,
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
function numberOf<In>(of: (value: In) => number, value: In, where: string): number {
  const number = of(value);
  if (typeof number === 'number' && number === number) return number;
  throw new TidemarkError('USER_FUNCTION_FAILED', {
    expected: 'a number',
    got: show(number),
    where,
    hint: 'Filter elements without a number before the window, or give a default.',
  });
}
