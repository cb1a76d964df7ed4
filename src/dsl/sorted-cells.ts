/**
 * Sorted numbers in a Float64Array: what sketches keep, because it is small, quick to search, and has one form only.
 *
 *     3 7 9 ∞            three numbers in four places
 *     3 2 7 1 9 4 ∞ 0    stride 2: three numbers, each with a count behind it
 *
 * How many places there are follows from how many are taken, so equal contents have equal bytes.
 */

const PLACES_MIN = 4;
/** Up to here the places double; then they grow by as many, so that at most this many are empty. */
const GROWTH_MAX = 64;

/** Unused places, which a search passes by because nothing is above them. */
const UNUSED = Infinity;

export function createCells(stride: number): Float64Array {
  return widen(new Float64Array(0), PLACES_MIN * stride, stride);
}

/**
 * Where a number stands or would have to stand; the length when everything is below it.
 *
 * Halves without a branch: nobody can predict which half it is, and a wrong guess costs more than the rest of a step
 * (20 ns against 35 among 50 numbers).
 */
export function placeOf(cells: Float64Array, number: number, stride: number): number {
  let low = 0;
  let left = cells.length / stride;
  while (left > 1) {
    const half = left >>> 1;
    low += half * Number((cells[(low + half - 1) * stride] as number) < number);
    left -= half;
  }
  return (low + Number((cells[low * stride] as number) < number)) * stride;
}

/** Puts a number that is not there yet where `placeOf` says. Gives the cells back, which are others when full. */
export function insertAt(
  cells: Float64Array,
  at: number,
  number: number,
  stride: number,
): Float64Array {
  const { length } = cells;
  let target = cells;
  if (cells[length - stride] !== UNUSED)
    target = widen(cells, length + stride * Math.min(length / stride, GROWTH_MAX), stride);
  target.copyWithin(at + stride, at);
  target.fill(0, at, at + stride);
  target[at] = number;
  return target;
}

/** The length of the part that is in use. */
export function usedLength(cells: Float64Array, stride: number): number {
  return placeOf(cells, UNUSED, stride);
}

function widen(cells: Float64Array, length: number, stride: number): Float64Array {
  const wide = new Float64Array(length);
  wide.set(cells);
  for (let at = cells.length; at < length; at += stride) wide[at] = UNUSED;
  return wide;
}
