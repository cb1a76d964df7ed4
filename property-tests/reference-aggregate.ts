/** The reference of aggregates: a list of elements, and what it comes to. No accumulators. */
import { mergedIds, whole, type Item } from './description.js';
import { textOf } from './text.js';
import type { Aggregate } from './window-step.js';

/** What an aggregate gives: its number, and what it still knows of its elements. */
export type Gathered = Pick<Item, 'n' | 'ids'>;

/** What an aggregate makes of items in the order of their arrival; there may be none where an evictor took them all. */
export function aggregated(aggregate: Aggregate, items: readonly Item[]): Gathered {
  switch (aggregate) {
    case 'gather':
    case 'elements':
    case 'withElements':
      return { n: whole(total(items)), ids: mergedIds(items) };
    case 'sequence':
    case 'withSequence':
      return { n: rolled(items), ids: items.flatMap(({ ids }) => ids) };
    case 'first':
      return { n: items[0]?.n ?? 0, ids: items[0]?.ids ?? [] };
    case 'last':
      return { n: items.at(-1)?.n ?? 0, ids: items.at(-1)?.ids ?? [] };
    default:
      return { n: whole(numberOf(aggregate, items)), ids: [] };
  }
}

type Forgetful = Exclude<
  Aggregate,
  'gather' | 'elements' | 'withElements' | 'sequence' | 'withSequence' | 'first' | 'last'
>;

function numberOf(aggregate: Forgetful, items: readonly Item[]): number {
  const numbers = items.map(({ n }) => n);
  switch (aggregate) {
    case 'count':
      return numbers.length;
    case 'sum':
    case 'whole':
      return total(items);
    case 'min':
    case 'firstBy':
      return Math.min(...numbers);
    case 'max':
    case 'lastBy':
      return Math.max(...numbers);
    case 'average':
    case 'wholeAverage':
      return thousandths(total(items) / items.length);
    case 'distinct':
    case 'approximate':
      return new Set(items.map(({ key }) => textOf(key))).size;
    case 'quantiles':
      return quantileNumber(numbers);
    case 'both':
      return 100 * total(items) + numbers.length;
    case 'mixed':
      return 100 * Math.max(...numbers) + numbers.length;
  }
}

/** A number in which the order of the items shows. */
export function rolled(items: readonly Item[]): number {
  return items.reduce((number, { n }) => (number * 31 + n) % 9973, 7);
}

export function thousandths(n: number): number {
  return Math.round(n * 1000);
}

/** The numbers that quantiles are taken of: so small that one in a thousand is less than a half. */
export function small(n: number): number {
  return n % 50;
}

/** The smallest, the lower median and the largest in one number. */
export function packed(lowest: number, median: number, highest: number): number {
  return lowest * 10_000 + Math.round(median) * 100 + highest;
}

function quantileNumber(numbers: readonly number[]): number {
  const sorted = numbers.map(small).toSorted((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return packed(sorted[0] ?? Number.NaN, median, sorted.at(-1) ?? Number.NaN);
}

function total(items: readonly Item[]): number {
  return items.reduce((sum, { n }) => sum + n, 0);
}
