/**
 * The operator behind `window` for sessions of event time under the default trigger: one running value per session.
 *
 *     element ─▶ meets the newest session of its key? ─▶ it grows            nearly always
 *                 └─ no ─▶ a new session, or several become one
 *
 * No session has a timer that moves with each element. A key waits in a bucket for the earliest end that it had when it
 * was put there; when that time comes and the session has grown, the key is put under the new end.
 */
import { MIN_WATERMARK } from '../core/flow.js';
import type {
  Budget,
  Counters,
  KeyCell,
  KeyedState,
  Operator,
  OperatorContext,
} from '../core/operator.js';
import { sessionsMeet } from '../time/session-windows.js';
import { WakeBuckets } from '../time/wake-buckets.js';
import type { Aggregator } from './aggregators.js';
import type { KeySessions, Session } from './key-sessions.js';
import { timestampMissing } from './user-function.js';
import type { WindowOutput } from './window-function.js';

export interface MergingSessionsOptions {
  /** The gap of an element in ms, more than 0; a number where all are alike. */
  readonly gap: number | ((value: unknown) => number);
  readonly aggregator: Aggregator<unknown, unknown, unknown>;
  /** Finite. */
  readonly latenessMs: number;
  /** Tag of the side output for late elements. */
  readonly late: string | undefined;
  readonly output: WindowOutput;
}

/** A bucket that is being worked on. */
interface Firing {
  readonly start: number;
  readonly until: number;
  /** Those that are due, by time. */
  readonly keys: KeySessions[];
  at: number;
}

/** The ends of so many ms of event time share a bucket: nearly every session has an end of its own. */
const BUCKET_MS = 128;
/** How long a key without sessions is kept, because some come back at once; ms of event time. */
const LINGER_MS = 10_000;

export class MergingSessions implements Operator {
  readonly #context: OperatorContext;
  readonly #options: MergingSessionsOptions;
  readonly #aggregator: Aggregator<unknown, unknown, unknown>;
  readonly #counters: Counters;
  readonly #store: KeyedState<KeySessions>;
  readonly #cell: KeyCell;
  readonly #buckets = new WakeBuckets<KeySessions>(BUCKET_MS);
  /** The watermark up to which sessions have fired: all that are due at it, once an advance is done. */
  #firedUpTo = MIN_WATERMARK;
  /** The bucket that an unfinished advance is at. */
  #firing: Firing | undefined;
  /** Keys of a bucket that has been worked on whose time has not come yet. */
  readonly #notYet: KeySessions[] = [];
  readonly #lingerMs: number;

  constructor(context: OperatorContext, options: MergingSessionsOptions) {
    this.#context = context;
    this.#options = options;
    this.#aggregator = options.aggregator;
    this.#counters = context.counters;
    this.#store = context.keyedState<KeySessions>();
    this.#cell = context.keyCell(0);
    this.#lingerMs = typeof options.gap === 'number' ? Math.min(options.gap, LINGER_MS) : LINGER_MS;
    this.#firedUpTo = context.watermark();
    for (const { live } of this.#store.slots()) this.#wakeNext(live, this.#firedUpTo);
  }

  element(value: unknown, timestamp: number): void {
    this.#counters.received += 1;
    if (!Number.isFinite(timestamp)) {
      this.#context.reject(value, timestamp, timestampMissing(this.#context.name));
      return;
    }
    const { gap } = this.#options;
    const end = timestamp + (typeof gap === 'number' ? gap : this.#gapOf(gap, value, timestamp));
    const slot = this.#store.slotOf(this.#cell);
    const live = slot as unknown as KeySessions;
    const isNewest = live.isSingle && timestamp <= live.end && end >= live.start;
    try {
      if (isNewest && live.end - 1 > this.#firedUpTo) {
        this.#store.touch(slot);
        if (timestamp < live.start) live.start = timestamp;
        if (end > live.end) live.end = end;
        live.accumulator = this.#aggregator.add(live.accumulator, value);
      } else if (!this.#addElsewhere(live, value, { start: timestamp, end })) {
        this.#tooLate(live, value, timestamp);
        return;
      }
    } catch (cause) {
      this.#context.fail(cause, { key: slot.key, timestamp });
    }
    this.#counters.accepted += 1;
  }

  advance(time: number, budget: Budget): boolean {
    for (;;) {
      if (this.#firing === undefined) {
        const { next } = this.#buckets;
        if (next > time || next === Infinity) break;
        this.#firing = this.#sorted(next, time);
      }
      if (!this.#fireKeys(this.#firing, budget)) return false;
      this.#firing = undefined;
    }
    for (const live of this.#notYet.splice(0)) this.#buckets.add(live, live.due);
    this.#firedUpTo = time;
    return true;
  }

  /** What `why` asks: how many keys wait, and the first time that one waits for. */
  waiting(): { count: number; earliest: number } {
    // A key may stand under an end that its session has outgrown.
    return this.#buckets.waiting(({ sessions }) =>
      sessions.length === 0
        ? undefined
        : Math.min(...sessions.map((session) => this.#wakeOf(session, this.#firedUpTo))),
    );
  }

  #gapOf(gap: (value: unknown) => number, value: unknown, timestamp: number): number {
    try {
      return gap(value);
    } catch (cause) {
      return this.#context.fail(cause, { key: this.#cell.key, timestamp });
    }
  }

  #tooLate(live: KeySessions, value: unknown, timestamp: number): void {
    this.#context.late(value, timestamp);
    if (this.#options.late !== undefined)
      this.#context.side(this.#options.late).element(value, timestamp);
    this.#store.release(live);
  }

  /**
   * Adds to what the window of an element meets: nothing, one session, or several that become one. Lateness is judged
   * behind that, so an element whose own window is over may still come in by way of a live session.
   *
   * @returns false when it is too late
   */
  #addElsewhere(live: KeySessions, value: unknown, own: { start: number; end: number }): boolean {
    const { latenessMs } = this.#options;
    live.lingers = false;
    const before = live.sessions;
    const met = before.filter((session) => sessionsMeet(session, own));
    if (met.length === 0 && own.end - 1 + latenessMs <= this.#firedUpTo) return false;
    this.#store.touch(live);
    const merged: Session = {
      start: Math.min(own.start, ...met.map(({ start }) => start)),
      end: Math.max(own.end, ...met.map(({ end }) => end)),
      accumulator: this.#aggregator.add(this.#together(met), value),
    };
    const others = before.filter((session) => !met.includes(session));
    const at = others.filter(({ start }) => start < merged.start).length;
    live.replace([...others.slice(0, at), merged, ...others.slice(at)]);
    if (merged.end - 1 <= this.#firedUpTo) this.#fire(live, merged);
    this.#buckets.add(live, this.#wakeOf(merged, this.#firedUpTo));
    return true;
  }

  #together(sessions: readonly Session[]): unknown {
    const [first, ...rest] = sessions;
    if (first === undefined) return this.#aggregator.create();
    let { accumulator } = first;
    for (const session of rest)
      accumulator = this.#aggregator.merge(accumulator, session.accumulator);
    return accumulator;
  }

  /** Takes out a bucket: the keys that are due, by the time at which they are. The others wait on. */
  #sorted(start: number, until: number): Firing {
    const firing: Firing = { start, until, keys: [], at: 0 };
    for (const live of this.#buckets.take()) {
      // Moved on to an earlier time, and seen there; or standing here for the second time.
      if (this.#buckets.startOf(live.wake) !== start) continue;
      // Sessions may have grown since the key was put here; what was before that time has been done.
      const wake = live.isEmpty ? live.wake : this.#nextOf(live, live.wake - 1);
      live.wake = Infinity;
      if (this.#isIn(firing, wake)) {
        live.due = wake;
        firing.keys.push(live);
      } else this.#wait(live, wake, firing);
    }
    firing.keys.sort(byDue);
    return firing;
  }

  #isIn({ start, until }: Firing, time: number): boolean {
    return time <= until && this.#buckets.startOf(time) === start;
  }

  /** Puts a key under a time; what lies in the bucket at hand but is not due waits for the end of the advance. */
  #wait(live: KeySessions, time: number, { start }: Firing): void {
    if (this.#buckets.startOf(time) === start) {
      live.due = time;
      this.#notYet.push(live);
    } else this.#buckets.add(live, time);
  }

  #fireKeys(firing: Firing, budget: Budget): boolean {
    const { keys } = firing;
    while (firing.at < keys.length) {
      if (budget.left <= 0) return false;
      const live = keys[firing.at] as KeySessions;
      firing.at += 1;
      budget.left -= 1;
      const time = live.due;
      this.#context.derive(live.key, time);
      this.#fireDue(live, time);
      this.#goOn(live, time, firing);
    }
    return true;
  }

  /** A key that has been dealt with at a time waits for the next one, which may be in the bucket at hand. */
  #goOn(live: KeySessions, time: number, firing: Firing): void {
    if (live.isEmpty && live.lingers) {
      this.#store.release(live);
      return;
    }
    if (live.isEmpty) live.lingers = true;
    const next = live.isEmpty ? time + this.#lingerMs : this.#nextOf(live, time);
    if (!this.#isIn(firing, next)) {
      this.#wait(live, next, firing);
      return;
    }
    live.due = next;
    let at = firing.at;
    while (at < firing.keys.length && (firing.keys[at] as KeySessions).due <= next) at += 1;
    firing.keys.splice(at, 0, live);
  }

  /** Fires the session that ends at a time, and forgets those whose lateness is over. */
  #fireDue(live: KeySessions, time: number): void {
    const { latenessMs } = this.#options;
    if (live.isSingle) {
      // Grown since the key was put here.
      if (live.end - 1 > time) return;
      if (live.end - 1 === time) this.#fire(live, live);
      if (live.end - 1 + latenessMs <= time) this.#forget(live, time);
      return;
    }
    for (const session of live.sessions) if (session.end - 1 === time) this.#fire(live, session);
    this.#forget(live, time);
  }

  #forget(live: KeySessions, time: number): void {
    const { sessions } = live;
    const kept = sessions.filter(({ end }) => end - 1 + this.#options.latenessMs > time);
    if (kept.length === sessions.length) return;
    this.#store.touch(live);
    live.replace(kept);
  }

  /** When a key must be looked at for the sake of one session: its end, or the end of its lateness. */
  #wakeOf({ end }: Session, firedUpTo: number): number {
    return end - 1 > firedUpTo ? end - 1 : end - 1 + this.#options.latenessMs;
  }

  /** The earliest time behind `done` at which a key has something to do. */
  #nextOf(live: KeySessions, done: number): number {
    if (live.isSingle) return this.#wakeOf(live, done);
    let earliest = Infinity;
    for (const session of live.sessions) earliest = Math.min(earliest, this.#wakeOf(session, done));
    return earliest;
  }

  /** Puts a key under its next time, after a restore. */
  #wakeNext(live: KeySessions, firedUpTo: number): void {
    if (!live.isEmpty) this.#buckets.add(live, this.#nextOf(live, firedUpTo));
    else this.#store.release(live);
  }

  #fire(live: KeySessions, { start, end, accumulator }: Session): void {
    let value: unknown;
    try {
      value = this.#aggregator.result(accumulator);
    } catch (cause) {
      this.#context.fail(cause, { key: live.key, timestamp: end - 1 });
    }
    this.#options.output.emit(live.key, { start, end }, value, end - 1);
  }
}

function byDue(a: KeySessions, b: KeySessions): number {
  return a.due - b.due;
}
