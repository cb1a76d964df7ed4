/**
 * Which windows own a time: tumbling and sliding windows as slices.
 *
 *     size 3, slide 2        slices of gcd(3, 2) = 1
 *     |--w0--|
 *         |--w2--|           an element is counted once, in its slice; a window is the sum of its slices
 *     0  1  2  3  4  5
 *
 * Rules after Flink's `TumblingEventTimeWindows` and `SlidingEventTimeWindows`: starts are multiples of the slide,
 * shifted by the offset; a window holds [start, end).
 */
import { durationMs, type Duration } from '../core/duration.js';
import { TidemarkError, show } from '../core/errors.js';

/** A span of event time in epoch ms; `end` is exclusive. */
export interface TimeWindow {
  readonly start: number;
  readonly end: number;
}

/** Whether windows go by the time at which elements happened, or by the clock at which they are seen. */
export type WindowTime = 'event' | 'processing';

/** An aligned window specification, as `tumbling` and `sliding` make it. All in ms. */
export interface AlignedWindows {
  readonly kind: 'tumbling' | 'sliding';
  readonly time: WindowTime;
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}

export interface TumblingOptions {
  /** Length of a window; more than 0. */
  readonly size: Duration;
  /** Shifts all windows, for time zones; may be negative. |offset| < size. Default 0. */
  readonly offset?: Duration;
  /** Default 'event'. */
  readonly time?: WindowTime;
}

export interface SlidingOptions {
  /** Length of a window; more than 0. */
  readonly size: Duration;
  /** Distance between the starts of windows; more than 0. Elements between windows (slide > size) are filtered. */
  readonly slide: Duration;
  /** Shifts all windows; may be negative. |offset| < slide. Default 0. */
  readonly offset?: Duration;
  /** Default 'event'. */
  readonly time?: WindowTime;
}

/**
 * Windows of one length, side by side.
 *
 * @example
 * import { tumbling } from 'tidemark';
 * console.log(tumbling({ size: '1h' }).sizeMs); // => 3600000
 *
 * @throws TidemarkError DURATION_INVALID, WINDOW_INVALID
 */
export function tumbling(options: TumblingOptions): AlignedWindows {
  return aligned('tumbling', { ...options, slide: options.size });
}

/**
 * Windows of one length that start every `slide`, and so overlap. Flink, Beam and we call these sliding; others say
 * hopping, hence the alias `hop`.
 *
 * @example
 * import { sliding } from 'tidemark';
 * console.log(sliding({ size: '1h', slide: '5m' }).slideMs); // => 300000
 *
 * @throws TidemarkError DURATION_INVALID, WINDOW_INVALID
 */
export function sliding(options: SlidingOptions): AlignedWindows {
  return aligned('sliding', options);
}

/** Another name for `sliding`. */
export const hop = sliding;

/** The arithmetic of aligned windows. Slices are named by their start, windows by their end. */
export class SliceAssigner {
  readonly widthMs: number;
  readonly slideMs: number;
  readonly slicesPerWindow: number;
  readonly #sizeMs: number;
  readonly #offsetMs: number;

  constructor({ sizeMs, slideMs, offsetMs }: AlignedWindows) {
    this.widthMs = greatestCommonDivisor(sizeMs, slideMs);
    this.#sizeMs = sizeMs;
    this.slideMs = slideMs;
    this.slicesPerWindow = sizeMs / this.widthMs;
    this.#offsetMs = offsetMs;
  }

  sliceOf(timestamp: number): number {
    // Whole first: slices begin at whole milliseconds, and the rest of a fraction would not be exact.
    const whole = Math.floor(timestamp);
    return whole - floorMod(whole - this.#offsetMs, this.widthMs);
  }

  /** The end of the earliest window that holds the slice. */
  firstEnd(slice: number): number {
    // The earliest start is the smallest aligned one above slice + width - 1 - size.
    const behind = slice + this.widthMs - this.#sizeMs;
    return behind + floorMod(this.#offsetMs - behind, this.slideMs) + this.#sizeMs;
  }

  /** The end of the latest window that holds the slice; at or before the slice when none does (slide > size). */
  lastEnd(slice: number): number {
    return slice - floorMod(slice - this.#offsetMs, this.slideMs) + this.#sizeMs;
  }

  /** The end of the next window after the one that ends at `end`. */
  nextEnd(end: number): number {
    return end + this.slideMs;
  }

  /** The end of the earliest window that ends after `time`. */
  endAfter(time: number): number {
    const next = Math.floor(time) + 1;
    return next + floorMod(this.#offsetMs + this.#sizeMs - next, this.slideMs);
  }

  /** The start of the earliest window that ends after `time`: slices before it belong to none that is left. */
  earliestAfter(time: number): number {
    return this.endAfter(time) - this.#sizeMs;
  }

  windowEndingAt(end: number): TimeWindow {
    return { start: end - this.#sizeMs, end };
  }

  /** Whether some window ends at `time`. */
  isEnd(time: number): boolean {
    return floorMod(time - this.#offsetMs - this.#sizeMs, this.slideMs) === 0;
  }
}

/** All windows of a time, the latest first. None when it lies between two (slide > size). */
export function windowsAt(
  { sizeMs, slideMs, offsetMs }: AlignedWindows,
  time: number,
): TimeWindow[] {
  const windows: TimeWindow[] = [];
  for (
    let start = time - floorMod(time - offsetMs, slideMs);
    start > time - sizeMs;
    start -= slideMs
  )
    windows.push({ start, end: start + sizeMs });
  return windows;
}

/** Checks the `time` of a window specification. */
export function windowTime(time: unknown, where: string): WindowTime {
  if (time === undefined || time === 'event') return 'event';
  if (time === 'processing') return 'processing';
  throw new TidemarkError('OPTIONS_INVALID', {
    expected: "'event' or 'processing'",
    got: show(time),
    where,
    hint: 'Event time is when elements happened; processing time is when they are seen.',
  });
}

function aligned(kind: AlignedWindows['kind'], options: SlidingOptions): AlignedWindows {
  const sizeMs = durationMs(options.size, `${kind}.size`);
  const slideMs = durationMs(options.slide, `${kind}.slide`);
  const offset = options.offset ?? 0;
  const offsetMs =
    typeof offset === 'number' && offset < 0
      ? -durationMs(-offset, `${kind}.offset`)
      : durationMs(offset, `${kind}.offset`);
  if (sizeMs === 0 || slideMs === 0 || Math.abs(offsetMs) >= slideMs)
    throw new TidemarkError('WINDOW_INVALID', {
      expected: 'size > 0, slide > 0 and |offset| < slide',
      got: `size ${sizeMs} ms, slide ${slideMs} ms, offset ${offsetMs} ms`,
      where: kind,
      hint: 'An offset only shifts windows against the epoch; use one smaller than the distance between them.',
    });
  return { kind, time: windowTime(options.time, `${kind}.time`), sizeMs, slideMs, offsetMs };
}

/** The remainder that is never negative: `-1 % 1000` is -1, but -1 lies 999 ms into its window. */
function floorMod(dividend: number, divisor: number): number {
  const rest = dividend % divisor;
  return rest < 0 ? rest + divisor : rest + 0;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
