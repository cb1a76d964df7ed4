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

export class MergingSessions implements Operator {
  readonly #context: OperatorContext;
  readonly #options: MergingSessionsOptions;
  readonly #aggregator: Aggregator<unknown, unknown, unknown>;
  readonly #counters: Counters;
  readonly #store: KeyedState<KeySessions>;
  readonly #cell: KeyCell;
  readonly #buckets = new WakeBuckets<KeySessions>();
  /** The watermark up to which sessions have fired: all that are due at it, once an advance is done. */
  #firedUpTo = MIN_WATERMARK;
  /** The bucket that an unfinished advance is at. */
  #firing: { readonly time: number; readonly keys: readonly KeySessions[]; at: number } | undefined;

  constructor(context: OperatorContext, options: MergingSessionsOptions) {
    this.#context = context;
    this.#options = options;
    this.#aggregator = options.aggregator;
    this.#counters = context.counters;
    this.#store = context.keyedState<KeySessions>();
    this.#cell = context.keyCell(0);
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
        this.#firing = { time: next, keys: this.#buckets.take(), at: 0 };
      }
      if (!this.#fireBucket(this.#firing, budget)) return false;
      this.#firing = undefined;
    }
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

  #fireBucket(
    firing: { readonly time: number; readonly keys: readonly KeySessions[]; at: number },
    budget: Budget,
  ): boolean {
    const { time, keys } = firing;
    while (firing.at < keys.length) {
      if (budget.left <= 0) return false;
      const live = keys[firing.at] as KeySessions;
      firing.at += 1;
      if (live.wake !== time) continue;
      budget.left -= 1;
      live.wake = Infinity;
      this.#context.derive(live.key, time);
      this.#fireDue(live, time);
      this.#wakeNext(live, time);
    }
    return true;
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

  #wakeNext(live: KeySessions, firedUpTo: number): void {
    if (live.isEmpty) this.#store.release(live);
    else if (live.isSingle) this.#buckets.add(live, this.#wakeOf(live, firedUpTo));
    else
      for (const session of live.sessions)
        this.#buckets.add(live, this.#wakeOf(session, firedUpTo));
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
