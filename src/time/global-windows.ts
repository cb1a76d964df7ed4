/** Windows that do not go by time: one per key for ever, or one per so many elements. */
import { TidemarkError, show } from '../core/errors.js';

/** One window per key, without an end. */
export interface GlobalWindow {
  readonly kind: 'global';
}

/** A window per so many elements of a key. */
export interface CountWindows {
  readonly kind: 'count';
  readonly size: number;
  readonly slide: number;
}

export interface CountWindowOptions {
  /** How many elements a window holds, a whole number > 0. */
  readonly size: number;
  /** After how many further elements the next one fires, each on the last `size`. Default: `size`, so none overlap. */
  readonly slide?: number;
}

/**
 * One window per key that never ends; it needs a trigger. Its results carry the timestamp Infinity and stand for no
 * point in time.
 *
 * @example
 * import { globalWindow } from 'tidemark';
 * console.log(globalWindow().kind); // => global
 */
export function globalWindow(): GlobalWindow {
  return { kind: 'global' };
}

/**
 * Windows of so many elements per key, in arrival order. With a `slide` it fires every `slide` elements on the last
 * `size`, from the first `slide` on, as Flink's `countWindow(size, slide)` does.
 *
 * @example
 * import { countWindow, keyBy, stream, sum, window } from 'tidemark';
 * import { of } from 'rxjs';
 * stream(of(1, 2, 3, 4, 5))
 *   .pipe(
 *     keyBy(() => 'all'),
 *     window(countWindow({ size: 2 }), sum((n: number) => n), { uid: 'pairs' }),
 *   )
 *   .subscribe(({ value }) => console.log(value));
 * // => 3
 * // => 7
 *
 * @throws TidemarkError WINDOW_INVALID
 */
export function countWindow(options: CountWindowOptions): CountWindows {
  const { size, slide = size } = options;
  for (const number of [size, slide])
    if (!Number.isSafeInteger(number) || number <= 0)
      throw new TidemarkError('WINDOW_INVALID', {
        expected: 'whole numbers > 0',
        got: `size ${show(size)}, slide ${show(slide)}`,
        where: 'countWindow',
        hint: 'Say how many elements a window holds, and after how many the next one fires.',
      });
  return { kind: 'count', size, slide };
}
