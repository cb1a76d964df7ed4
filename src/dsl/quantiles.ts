/** `quantiles`: the median, the 99th percentile and the like, within a relative error and in bounded memory. */
import { z } from 'zod';
import { notOf, type Aggregator } from './aggregators.js';
import { checkOptions } from './options.js';
import {
  addNumber,
  bucketScale,
  createQuantileSketch,
  mergeQuantiles,
  numberAt,
  type QuantileSketch,
} from './quantile-sketch.js';
import { refuseAsync } from './user-function.js';

export interface QuantilesOptions {
  /** The largest relative error of a result, from 0.001 to 0.2. Default 0.01, which is 1 %. */
  readonly accuracy?: number;
}

const quantilesOptions = z.strictObject({
  wanted: z.array(z.number().min(0).max(1)).min(1),
  accuracy: z.number().min(0.001).max(0.2).default(0.01),
});

/**
 * Quantiles of a number per element. Of n numbers in ascending order, counted from 0, quantile q is the number at
 * `floor(q × (n - 1))`, without interpolation. The first and the last number are exact, so 0 gives the smallest and 1
 * the largest one; any other comes as a number at most `accuracy × |number|` away from it.
 *
 * The accumulator has 16 bytes per bucket that holds a number. Each sign has at most `ln(1e9) / (2 × accuracy)`
 * buckets, nearly: 1,038 for the default, 17 KB. So the accuracy holds at least for the numbers of each sign that are
 * not more than a billion times nearer to zero than its outermost one; when all buckets are in use, those still nearer
 * to zero are counted in the last bucket. What is nearer than 2.3e-308 counts as 0.
 *
 * A sketch after DDSketch. Merging gives the same bytes in any order. Smallest and largest have no inverse, so a
 * sliding window cannot take a slice out of its running total.
 *
 * @param wanted numbers from 0 to 1; the results are in the same order
 *
 * @throws TidemarkError OPTIONS_INVALID, USER_FUNCTION_ASYNC; per element USER_FUNCTION_FAILED, when `of` gives no
 *   finite number
 *
 * @example
 * import { quantiles } from 'tidemark';
 * const latency = quantiles((ms: number) => ms, [0, 0.5, 0.99, 1]);
 * let seen = latency.create();
 * for (let ms = 1; ms <= 1_001; ms += 1) seen = latency.add(seen, ms);
 * const [shortest, median, high, longest] = latency.result(seen);
 * console.log(shortest, Math.abs(median - 501) < 5.01, Math.abs(high - 991) < 9.91, longest);
 * // => 1 true true 1001
 */
export function quantiles<In, const Wanted extends readonly number[]>(
  of: (value: In) => number,
  wanted: Wanted,
  options: QuantilesOptions = {},
): Aggregator<In, QuantileSketch, { -readonly [Index in keyof Wanted]: number }> {
  refuseAsync(of, 'quantiles');
  const given = checkOptions(quantilesOptions, { ...options, wanted }, 'quantiles()');
  const scale = bucketScale(given.accuracy);
  return {
    name: `quantiles(${given.accuracy})`,
    create: createQuantileSketch,
    add(accumulator, value) {
      const number = of(value);
      if (!Number.isFinite(number)) throw notOf('a finite number', number, 'quantiles');
      addNumber(accumulator, number, scale);
      return accumulator;
    },
    merge(into, other) {
      mergeQuantiles(into, other, scale);
      return into;
    },
    result: (accumulator) =>
      given.wanted.map((share) =>
        numberAt(accumulator, Math.floor(share * (accumulator.count - 1)), scale),
      ) as { -readonly [Index in keyof Wanted]: number },
  };
}
