/**
 * Where the quantiles of some numbers lie, in bounded memory, within a relative error: a DDSketch.
 *
 * Numbers are counted in buckets that grow by a factor γ, so that the middle of a bucket is never further than
 * `accuracy` from any number in it:
 *
 *     accuracy 0.1, γ = 1.22      … | 1.00 … 1.22 | 1.22 … 1.49 | 1.49 … 1.83 | …
 *                                        code 20       code 21       code 22          negative numbers: code -20 …
 *
 * Codes sort as numbers do. Each sign keeps a bounded number of buckets; beyond it, the two nearest to zero become one,
 * which is the outer of them. So a sketch always has the outermost buckets of all that it has seen, and what lay nearer
 * to zero is counted in the last of them: this does not depend on the order in which the buckets came, or on who has
 * merged what with what first. Equal numbers have equal bytes. (Dropping the fewest, or the oldest, would not do.)
 *
 * After Masson, Rim and Lee, 2019. Smallest, largest and count are exact, and cannot be taken out again: no `subtract`.
 */
import { createCells, insertAt, placeOf, usedLength } from './sorted-cells.js';

export interface QuantileSketch {
  count: number;
  min: number;
  max: number;
  /** Codes ascending, each with its count behind it. */
  cells: Float64Array;
}

/** What follows from an accuracy. */
export interface BucketScale {
  /** ln γ. */
  readonly step: number;
  /** Makes the codes of positive numbers positive. */
  readonly shift: number;
  /** How many buckets each sign keeps. */
  readonly bucketsMax: number;
}

const STRIDE = 2;
/** The smallest number with full precision, 2.2e-308. What is nearer to zero counts as zero. */
const SMALLEST = 2 ** -1022;
/** Numbers this many times nearer to zero than the largest one still have a bucket of their own, always. */
const SPAN = 1e9;

export function bucketScale(accuracy: number): BucketScale {
  const step = Math.log1p(accuracy) - Math.log1p(-accuracy);
  return {
    step,
    shift: 1 - Math.ceil(Math.log(SMALLEST) / step),
    bucketsMax: Math.ceil(Math.log(SPAN) / step) + 1,
  };
}

export function createQuantileSketch(): QuantileSketch {
  return { count: 0, min: Infinity, max: -Infinity, cells: createCells(STRIDE) };
}

/** Takes a finite number in. */
export function addNumber(sketch: QuantileSketch, number: number, scale: BucketScale): void {
  sketch.count += 1;
  sketch.min = Math.min(sketch.min, number);
  sketch.max = Math.max(sketch.max, number);
  countIn(sketch, codeOf(number, scale), 1, scale.bucketsMax);
}

/** Takes all that `other` has seen into `into`. */
export function mergeQuantiles(
  into: QuantileSketch,
  other: QuantileSketch,
  scale: BucketScale,
): void {
  into.count += other.count;
  into.min = Math.min(into.min, other.min);
  into.max = Math.max(into.max, other.max);
  const { cells } = other;
  const used = usedLength(cells, STRIDE);
  for (let at = 0; at < used; at += STRIDE)
    countIn(into, cells[at] as number, cells[at + 1] as number, scale.bucketsMax);
}

/** The number at a position, from 0 to count - 1, of the sorted numbers: exact at both ends. */
export function numberAt(sketch: QuantileSketch, position: number, scale: BucketScale): number {
  const { count, min, max, cells } = sketch;
  if (position <= 0) return min;
  if (position >= count - 1) return max;
  let at = 0;
  for (let passed = cells[1] as number; passed <= position; passed += cells[at + 1] as number)
    at += STRIDE;
  return Math.min(max, Math.max(min, middleOf(cells[at] as number, scale)));
}

function codeOf(number: number, { step, shift }: BucketScale): number {
  if (number >= SMALLEST) return Math.ceil(Math.log(number) / step) + shift;
  return number <= -SMALLEST ? -Math.ceil(Math.log(-number) / step) - shift : 0;
}

/** The number from which both borders of a bucket are equally far, in proportion to them. */
function middleOf(code: number, { step, shift }: BucketScale): number {
  if (code === 0) return 0;
  const upper = (Math.abs(code) - shift) * step;
  // Halved before it grows: 2 γ^i would be infinite in the topmost bucket.
  return (Math.sign(code) * Math.exp(upper)) / ((Math.exp(step) + 1) / 2);
}

function countIn(sketch: QuantileSketch, code: number, count: number, bucketsMax: number): void {
  const { cells } = sketch;
  const at = placeOf(cells, code, STRIDE);
  if (cells[at] === code) cells[at + 1] = (cells[at + 1] as number) + count;
  else if (code > 0) openPositive(sketch, { at, code, count }, bucketsMax);
  else if (code < 0) openNegative(sketch, { at, code, count }, bucketsMax);
  else open(sketch, { at, code, count });
}

/** A bucket that is not there yet, and where it would have to be. */
interface Bucket {
  readonly at: number;
  readonly code: number;
  readonly count: number;
}

function open(sketch: QuantileSketch, { at, code, count }: Bucket): void {
  sketch.cells = insertAt(sketch.cells, at, code, STRIDE);
  sketch.cells[at + 1] = count;
}

/** Positive buckets stand at the end, the one nearest to zero first. */
function openPositive(sketch: QuantileSketch, bucket: Bucket, bucketsMax: number): void {
  const { cells } = sketch;
  const { at, code, count } = bucket;
  const nearest = placeOf(cells, 1, STRIDE);
  if (usedLength(cells, STRIDE) - nearest < bucketsMax * STRIDE) return open(sketch, bucket);
  if (at === nearest) {
    cells[nearest + 1] = (cells[nearest + 1] as number) + count;
    return;
  }
  const folded = cells[nearest + 1] as number;
  cells.copyWithin(nearest, nearest + STRIDE, at);
  cells[at - STRIDE] = code;
  cells[at - STRIDE + 1] = count;
  cells[nearest + 1] = (cells[nearest + 1] as number) + folded;
}

/** Negative buckets stand in front, the one nearest to zero last. */
function openNegative(sketch: QuantileSketch, bucket: Bucket, bucketsMax: number): void {
  const { cells } = sketch;
  const { at, code, count } = bucket;
  const end = placeOf(cells, 0, STRIDE);
  if (end < bucketsMax * STRIDE) return open(sketch, bucket);
  const nearest = end - STRIDE;
  if (at === end) {
    cells[nearest + 1] = (cells[nearest + 1] as number) + count;
    return;
  }
  const folded = cells[nearest + 1] as number;
  cells.copyWithin(at + STRIDE, at, nearest);
  cells[at] = code;
  cells[at + 1] = count;
  cells[nearest + 1] = (cells[nearest + 1] as number) + folded;
}
