/**
 * Wall-clock time that never goes back, so that processing-time timers go on when somebody sets the clock.
 *
 *     wall     10:00 ── 10:05 │ set back │ 09:05 ──────────────── 10:20
 *     steady   10:00 ── 10:05             10:05 ── at half pace ── 10:20 … together again
 *
 * Standing still until the wall clock has caught up would hold every timer for an hour, and running on at full pace
 * would stay ahead for ever; at half pace time passes, and the two meet.
 */
import type { Clock } from '../core/clock.js';

/** How fast it goes while it is ahead of the wall clock. */
const PACE = 0.5;

/** A clock over another one, for the semantics of one run. */
export function steadyClock(clock: Clock): Clock {
  let latest = -Infinity;
  /** While it is ahead: since when, and from which time on. */
  let ahead: { readonly since: number; readonly from: number } | undefined;
  const now = (): number => {
    const wall = clock.now();
    if (ahead === undefined && wall >= latest) return (latest = wall);
    ahead ??= { since: clock.elapsed(), from: latest };
    const time = Math.floor(ahead.from + (clock.elapsed() - ahead.since) * PACE);
    if (wall >= time) {
      ahead = undefined;
      return (latest = wall);
    }
    return (latest = Math.max(latest, time));
  };
  return {
    now,
    elapsed: () => clock.elapsed(),
    turn: () => clock.turn(),
    setTimer(time, callback) {
      const leftMs = time - now();
      return clock.setTimer(ahead === undefined ? time : clock.now() + leftMs / PACE, callback);
    },
  };
}
