/** Aggregators that give elements back: all of them, the first, or the last. */
import { z } from 'zod';
import { numberOf, type Aggregator } from './aggregators.js';
import { checkOptions, functionOption } from './options.js';
import { refuseAsync } from './user-function.js';

/** Of `first` and `last`. */
export interface ByOptions<T> {
  /** What elements are ordered by, such as their event time. Default: their arrival. */
  readonly by?: (value: T) => number;
}

/** What `first` and `last` keep: nothing yet, or an element, and the number that it was chosen by. */
export type Chosen<T> = [] | [element: T] | [element: T, by: number];

const byOptions = z.strictObject({ by: functionOption<unknown>().optional() });

/**
 * All elements, in the order of their arrival. The accumulator holds them, so state and checkpoints grow with each
 * element of a window that is open; where a number will do, another aggregator costs a fraction. The list is a copy,
 * its elements are not.
 *
 * @example
 * import { elements } from 'tidemark';
 * const all = elements<string>();
 * console.log(all.result(['b', 'a'].reduce(all.add, all.create())).join()); // => b,a
 */
export function elements<T>(): Aggregator<T, T[], T[]> {
  return {
    name: 'elements',
    create: () => [],
    add(accumulator, value) {
      accumulator.push(value);
      return accumulator;
    },
    merge(into, other) {
      // One by one, because `push(...other)` overflows the stack on large windows.
      for (const value of other) into.push(value);
      return into;
    },
    result: (accumulator) => accumulator.slice(),
    arrivalOrder: true,
    keepsElements: true,
  };
}

/**
 * The element that arrived first; with `by`, the one with the smallest number, whatever the order of arrival. Of
 * several with that number it is the one that arrived first, so only there the order still matters; in a window that
 * is put together from slices it comes from the earliest slice.
 *
 * @throws TidemarkError OPTIONS_INVALID, USER_FUNCTION_ASYNC; per element USER_FUNCTION_FAILED, when `by` gives NaN or
 *   no number
 *
 * @example
 * import { first } from 'tidemark';
 * const cheapest = first({ by: (offer: { price: number }) => offer.price });
 * const offers = [{ price: 3 }, { price: 1 }, { price: 2 }];
 * console.log(cheapest.result(offers.reduce(cheapest.add, cheapest.create())).price); // => 1
 */
export function first<T>(options: ByOptions<T> = {}): Aggregator<T, Chosen<T>, T> {
  const by = byOf(options, 'first');
  if (by !== undefined) return chosenBy('first', by, (number, former) => number < former);
  return {
    name: 'first',
    create: () => [],
    add(accumulator, value) {
      if (accumulator.length === 0) put(accumulator, value);
      return accumulator;
    },
    merge(into, other) {
      if (into.length === 0 && other.length > 0) put(into, other[0] as T);
      return into;
    },
    result: ([element]) => element as T,
    arrivalOrder: true,
  };
}

/**
 * The element that arrived last; with `by`, the one with the greatest number, whatever the order of arrival. Of
 * several with that number it is the one that arrived last, so only there the order still matters; in a window that is
 * put together from slices it comes from the latest slice.
 *
 * @throws TidemarkError OPTIONS_INVALID, USER_FUNCTION_ASYNC; per element USER_FUNCTION_FAILED, when `by` gives NaN or
 *   no number
 *
 * @example
 * import { last } from 'tidemark';
 * const newest = last({ by: (reading: { at: number; value: number }) => reading.at });
 * const readings = [{ at: 20, value: 7 }, { at: 10, value: 5 }];
 * console.log(newest.result(readings.reduce(newest.add, newest.create())).value); // => 7
 */
export function last<T>(options: ByOptions<T> = {}): Aggregator<T, Chosen<T>, T> {
  const by = byOf(options, 'last');
  if (by !== undefined) return chosenBy('last', by, (number, former) => number >= former);
  return {
    name: 'last',
    create: () => [],
    add(accumulator, value) {
      put(accumulator, value);
      return accumulator;
    },
    merge(into, other) {
      if (other.length > 0) put(into, other[0] as T);
      return into;
    },
    result: ([element]) => element as T,
    arrivalOrder: true,
  };
}

function byOf<T>(options: ByOptions<T>, where: string): ((value: T) => number) | undefined {
  checkOptions(byOptions, options, `${where}()`);
  if (options.by !== undefined) refuseAsync(options.by, `by of ${where}`);
  return options.by;
}

/** `wins` says whether a number that came later takes the place of the former one. */
function chosenBy<T>(
  name: string,
  by: (value: T) => number,
  wins: (number: number, former: number) => boolean,
): Aggregator<T, Chosen<T>, T> {
  return {
    name: `${name}(by)`,
    create: () => [],
    add(accumulator, value) {
      const number = numberOf(by, value, `by of ${name}`);
      if (accumulator.length === 0 || wins(number, accumulator[1] as number))
        put(accumulator, value, number);
      return accumulator;
    },
    merge(into, other) {
      if (other.length === 0) return into;
      const [element, number] = other as [T, number];
      if (into.length === 0 || wins(number, into[1] as number)) put(into, element, number);
      return into;
    },
    result: ([element]) => element as T,
  };
}

function put<T>(accumulator: Chosen<T>, element: T, by?: number): void {
  const cells: unknown[] = accumulator;
  cells[0] = element;
  if (by !== undefined) cells[1] = by;
}
