/** Evictors: which elements of a window are thrown away around its firing. After Flink's `Evictor`. */
import { durationMs, type Duration } from '../core/duration.js';
import { TidemarkError, show } from '../core/errors.js';

/** An element of a window that keeps them all. */
export interface WindowElement<out T> {
  readonly value: T;
  /** ms; NaN where it has none. */
  readonly timestamp: number;
}

/** Throws elements out of a window before its function sees them, or after. What is thrown out is gone for good. */
export interface Evictor<in T> {
  /** For `explain`, and to notice at a restart that another evictor stands here. */
  readonly name: string;
  readonly when: 'before' | 'after';
  /** The elements that stay, in order; `elements` (at least one, in arrival order) must not be changed. */
  keep<U extends T>(elements: readonly WindowElement<U>[]): readonly WindowElement<U>[];
}

export interface EvictorOptions {
  /** Evict after the function has seen the elements, not before. Default false. */
  readonly after?: boolean;
}

export interface DeltaEvictorOptions<T> extends EvictorOptions {
  /** Elements at least this far from the newest one go. */
  readonly threshold: number;
  readonly delta: (element: T, newest: T) => number;
}

/**
 * What a window throws away around its firing. They need a window that keeps its elements: `elements()`.
 *
 * @example
 * import { elements, evictors, globalWindow, keyBy, stream, triggers, window } from 'tidemark';
 * import { of } from 'rxjs';
 * // The last two, whenever one comes.
 * stream(of(1, 2, 3))
 *   .pipe(
 *     keyBy(() => 'all'),
 *     window(globalWindow(), elements<number>(), {
 *       uid: 'last-two',
 *       trigger: triggers.count(1),
 *       evictor: evictors.count(2),
 *     }),
 *   )
 *   .subscribe(({ value }) => console.log(value.join(' ')));
 * // => 1
 * // => 1 2
 * // => 2 3
 */
export const evictors = {
  /** Keeps the newest `max` elements. */
  count(max: number, options: EvictorOptions = {}): Evictor<unknown> {
    if (!Number.isSafeInteger(max) || max <= 0)
      throw invalid('a whole number > 0', show(max), 'evictors.count');
    return {
      name: `count ${max}`,
      when: whenOf(options),
      keep: (elements) => (elements.length <= max ? elements : elements.slice(-max)),
    };
  },

  /** Keeps what is less than `span` older than the newest timestamp. Where elements have no timestamps all stay. */
  time(span: Duration, options: EvictorOptions = {}): Evictor<unknown> {
    const spanMs = durationMs(span, 'evictors.time');
    return {
      name: `time ${spanMs}`,
      when: whenOf(options),
      keep(elements) {
        if (Number.isNaN(elements[0]?.timestamp)) return elements;
        let newest = -Infinity;
        for (const { timestamp } of elements) newest = Math.max(newest, timestamp);
        if (Number.isNaN(newest))
          throw invalid(
            'elements that all have a timestamp, or none that has one',
            'some with and some without',
            'evictors.time',
          );
        // Windows without an end carry Infinity, which nothing can be older than.
        if (newest === Infinity) return elements.filter(({ timestamp }) => timestamp === newest);
        return elements.filter(({ timestamp }) => timestamp > newest - spanMs);
      },
    };
  },

  /** Keeps what is nearer than `threshold` to the element that came last. */
  delta<T>(options: DeltaEvictorOptions<T>): Evictor<T> {
    const { threshold, delta } = options;
    if (typeof threshold !== 'number' || Number.isNaN(threshold) || typeof delta !== 'function')
      throw invalid(
        'a threshold and a function delta(element, newest)',
        `threshold ${show(threshold)}, delta ${typeof delta}`,
        'evictors.delta',
      );
    return {
      name: `delta ${threshold}`,
      when: whenOf(options),
      keep(elements) {
        const newest = elements.at(-1);
        if (newest === undefined) return elements;
        return elements.filter(({ value }) => delta(value, newest.value) < threshold);
      },
    };
  },
} as const;

function whenOf({ after }: EvictorOptions): 'before' | 'after' {
  return after === true ? 'after' : 'before';
}

function invalid(expected: string, got: string, where: string): TidemarkError {
  return new TidemarkError('OPTIONS_INVALID', {
    expected,
    got,
    where,
    hint: 'Say which elements stay in the window.',
  });
}
