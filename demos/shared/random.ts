/** Chance from a seed: the same seed gives the same numbers on every machine, so a demo can be run again. */

/** A number in [0, 1), the next one at each call. */
export type Random = () => number;

/**
 * The generator "mulberry32": 32 bits of state, good enough for invented data, and six lines long.
 *
 * @param seed any whole number; only its lowest 32 bits count
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 to `count - 1`. */
export function pickIndex(random: Random, count: number): number {
  return Math.floor(random() * count);
}

/** One of the values; there must be at least one. */
export function pick<T>(random: Random, values: readonly T[]): T {
  return values[pickIndex(random, values.length)] as T;
}

/** Draws indexes with the given weights: a table of sums, searched by halves. */
export function weightedIndex(weights: readonly number[]): (random: Random) => number {
  const sums: number[] = [];
  let total = 0;
  for (const weight of weights) sums.push((total += weight));
  return (random) => {
    const wanted = random() * total;
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] ?? Infinity) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
