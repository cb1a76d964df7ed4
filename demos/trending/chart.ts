/** Charts and their movement: pure functions that compare a chart with the one of the window before. */
import type { TimeWindow } from '../../src/index.js';

/** A key and how often it was counted; its place is its index. */
export interface Place {
  readonly key: string;
  readonly count: number;
}

/** How many places a key has climbed since the window before; below 0 when it fell. */
export type Change = 'new' | number;

export interface Entry extends Place {
  /** From 1. */
  readonly rank: number;
  readonly change: Change;
}

export interface Chart {
  readonly window: TimeWindow;
  /** Best first. */
  readonly entries: readonly Entry[];
}

/**
 * Says of each place how it has moved.
 *
 * @param former the chart of the window before, empty when there was none: then everything is new
 */
export function movement(places: readonly Place[], former: readonly Place[]): Entry[] {
  const before = new Map(former.map(({ key }, index) => [key, index]));
  return places.map(({ key, count }, index) => {
    const was = before.get(key);
    return { rank: index + 1, key, count, change: was === undefined ? 'new' : was - index };
  });
}

/** Whether two charts have the same keys in the same places, whatever the counts. */
export function sameOrder(a: readonly Place[], b: readonly Place[]): boolean {
  return a.length === b.length && a.every(({ key }, index) => key === b[index]?.key);
}

/** Whether two charts say the same in every respect. */
export function sameEntries(a: readonly Entry[], b: readonly Entry[]): boolean {
  return (
    sameOrder(a, b) &&
    a.every(({ count, change }, index) => count === b[index]?.count && change === b[index]?.change)
  );
}
