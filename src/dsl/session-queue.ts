/**
 * Which key with sessions is due when. A key waits in a bucket for the earliest end that it had when it was put there;
 * when the bucket comes up and the session has grown, the key is put under the new end.
 */
import type { TimeOrigin } from '../time/time-origin.js';
import { WakeBuckets } from '../time/wake-buckets.js';
import type { KeySessions, Session } from './key-sessions.js';

/** A bucket that is being worked on. */
export interface SessionFiring {
  readonly start: number;
  readonly until: number;
  /** Those that are due, by time. */
  readonly keys: KeySessions[];
  at: number;
}

/** The ends of so many ms of event time share a bucket: nearly every session has an end of its own. */
const BUCKET_MS = 128;

export class SessionQueue {
  readonly #origin: TimeOrigin;
  readonly #latenessMs: number;
  readonly #buckets: WakeBuckets<KeySessions>;
  /** Keys of a bucket that has been worked on whose time has not come yet. */
  readonly #notYet: KeySessions[] = [];

  constructor(origin: TimeOrigin, latenessMs: number) {
    this.#origin = origin;
    this.#latenessMs = latenessMs;
    this.#buckets = new WakeBuckets(origin, BUCKET_MS);
  }

  /** Puts a key under a time, unless it waits for an earlier one already. */
  add(live: KeySessions, time: number): void {
    this.#buckets.add(live, time);
  }

  /**
   * Takes out the first bucket, if it begins by then: the keys that are due, by the time at which they are. The others
   * wait on.
   */
  take(until: number): SessionFiring | undefined {
    const start = this.#buckets.next;
    if (start > until || start === Infinity) return undefined;
    const firing: SessionFiring = { start, until, keys: [], at: 0 };
    for (const live of this.#buckets.take()) {
      // Moved on to an earlier time, and seen there; or standing here for the second time.
      const stood = this.#buckets.timeOf(live);
      if (this.#buckets.startOf(stood) !== start) continue;
      // Sessions may have grown since the key was put here; what was before that time has been done.
      const wake = live.isEmpty ? stood : this.nextOf(live, stood - 1);
      live.waits = false;
      if (this.#isIn(firing, wake)) {
        live.due = wake - this.#origin.ms;
        firing.keys.push(live);
      } else this.#wait(live, wake, firing);
    }
    firing.keys.sort(byDue);
    return firing;
  }

  #isIn({ start, until }: SessionFiring, time: number): boolean {
    return time <= until && this.#buckets.startOf(time) === start;
  }

  /** Puts a key under a time; what lies in the bucket at hand but is not due waits for the end of the advance. */
  #wait(live: KeySessions, time: number, { start }: SessionFiring): void {
    if (this.#buckets.startOf(time) === start) {
      live.due = time - this.#origin.ms;
      this.#notYet.push(live);
    } else this.#buckets.add(live, time);
  }

  /** A key of the bucket at hand has been dealt with, and is due again at `next`, which may be in that bucket. */
  goOn(live: KeySessions, next: number, firing: SessionFiring): void {
    if (!this.#isIn(firing, next)) {
      this.#wait(live, next, firing);
      return;
    }
    live.due = next - this.#origin.ms;
    let at = firing.at;
    while (at < firing.keys.length && (firing.keys[at] as KeySessions).due <= live.due) at += 1;
    firing.keys.splice(at, 0, live);
  }

  /** All buckets up to the new watermark have been worked on. */
  hasAdvanced(): void {
    for (const live of this.#notYet.splice(0)) this.#buckets.add(live, this.#origin.ms + live.due);
  }

  /** How many keys wait, and the first time that one waits for. */
  waiting(firedUpTo: number): { count: number; earliest: number } {
    // A key may stand under an end that its session has outgrown.
    return this.#buckets.waiting((live) =>
      live.isEmpty ? undefined : this.nextOf(live, firedUpTo),
    );
  }

  /** When a key must be looked at for the sake of one session: its end, or the end of its lateness. */
  wakeOf({ end }: Session, firedUpTo: number): number {
    return end - 1 > firedUpTo ? end - 1 : end - 1 + this.#latenessMs;
  }

  /** The earliest time behind `done` at which a key has something to do. */
  nextOf(live: KeySessions, done: number): number {
    if (live.isSingle) return this.wakeOf(live, done);
    let earliest = Infinity;
    for (const session of live.sessions) earliest = Math.min(earliest, this.wakeOf(session, done));
    return earliest;
  }
}

function byDue(a: KeySessions, b: KeySessions): number {
  return a.due - b.due;
}
