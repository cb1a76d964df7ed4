/**
 * Session windows: as long as elements follow each other closely.
 *
 *     gap 3      a   b         c            a at 0 makes [0, 3), b at 2 makes [2, 5): together [0, 5)
 *                0   2         8            c at 8 makes [8, 11); touching windows merge as well
 *
 * Rules after Flink's `EventTimeSessionWindows` and `MergingWindowSet`.
 */
import { durationMs, type Duration } from '../core/duration.js';
import { TidemarkError, show } from '../core/errors.js';
import { windowTime, type TimeWindow, type WindowTime } from './windows.js';

/** A session specification, as `session` makes it. */
export interface SessionWindows<in T = never> {
  readonly kind: 'session';
  readonly time: WindowTime;
  /** The gap of an element in ms, a number > 0. */
  readonly gapOf: (value: T) => number;
  /** For `explain` and the shape of the state: ms, or `dynamic`. */
  readonly gap: number | 'dynamic';
}

export interface SessionOptions<T> {
  /**
   * How long a silence ends the session; more than 0. A function gives each element a gap of its own: the session
   * then ends when the latest of them is over.
   */
  readonly gap: Duration | ((value: T) => Duration);
  /** Default 'event'. */
  readonly time?: WindowTime;
}

/**
 * One window per burst of activity: it ends when nothing has come for `gap`. Sessions that touch are one, so an element
 * exactly one gap behind the last one joins it, unless the watermark has closed the session before: for results that do
 * not depend on that, allow some lateness.
 *
 * @example
 * import { count, eventTime, keyBy, session, window } from 'tidemark';
 * import { of } from 'rxjs';
 * of({ user: 'ann', at: 0 }, { user: 'ann', at: 20_000 }, { user: 'ann', at: 90_000 })
 *   .pipe(
 *     eventTime({ timestamp: (play) => play.at }),
 *     keyBy((play) => play.user),
 *     window(session({ gap: '30s' }), count(), { uid: 'sessions' }),
 *   )
 *   .subscribe(({ window: { start, end }, value }) => console.log(start, end, value));
 * // => 0 50000 2
 * // => 90000 120000 1
 *
 * @throws TidemarkError DURATION_INVALID, WINDOW_INVALID
 */
export function session<T = unknown>(options: SessionOptions<T>): SessionWindows<T> {
  const { gap } = options;
  const time = windowTime(options.time, 'session.time');
  if (typeof gap === 'function')
    return { kind: 'session', time, gap: 'dynamic', gapOf: (value) => gapMs(gap(value)) };
  const ms = gapMs(gap);
  return { kind: 'session', time, gap: ms, gapOf: () => ms };
}

/** Whether two windows are one session: they overlap or touch. */
export function sessionsMeet(a: TimeWindow, b: TimeWindow): boolean {
  return a.start <= b.end && a.end >= b.start;
}

function gapMs(gap: Duration): number {
  const ms = durationMs(gap, 'session.gap');
  if (ms > 0) return ms;
  throw new TidemarkError('WINDOW_INVALID', {
    expected: 'a gap > 0',
    got: show(gap),
    where: 'session.gap',
    hint: 'A session without a gap would end before its first element is over.',
  });
}
