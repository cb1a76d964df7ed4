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
import { fresh } from '../core/fresh.js';
import type {
  Budget,
  Counters,
  KeyCell,
  KeyedState,
  Operator,
  OperatorContext,
} from '../core/operator.js';
import { REMOVED } from '../state/slots.js';
import { sessionsMeet } from '../time/session-windows.js';
import { TimeOrigin } from '../time/time-origin.js';
import type { Aggregator } from './aggregators.js';
import { growingSession } from './hot-elements.js';
import type { KeySessions, Session } from './key-sessions.js';
import { SessionQueue, type SessionFiring } from './session-queue.js';
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

/** How long a key without sessions is kept, because some come back at once; ms of event time. */
const LINGER_MS = 10_000;

export class MergingSessions implements Operator {
  readonly element: (value: unknown, timestamp: number) => void;
  readonly #context: OperatorContext;
  readonly #options: MergingSessionsOptions;
  readonly #aggregator: Aggregator<unknown, unknown, unknown>;
  readonly #counters: Counters;
  readonly #store: KeyedState<KeySessions>;
  readonly #cell: KeyCell;
  readonly #origin = new TimeOrigin();
  readonly #queue: SessionQueue;
  /** The watermark up to which sessions have fired: all that are due at it, once an advance is done. */
  readonly #progress = { firedUpTo: MIN_WATERMARK };
  /** The bucket that an unfinished advance is at. */
  #firing: SessionFiring | undefined;
  readonly #lingerMs: number;

  constructor(context: OperatorContext, options: MergingSessionsOptions) {
    this.#context = context;
    this.#options = options;
    this.#aggregator = options.aggregator;
    this.#counters = context.counters;
    this.#store = context.keyedState<KeySessions>();
    this.#cell = context.keyCell(0);
    this.#lingerMs = typeof options.gap === 'number' ? Math.min(options.gap, LINGER_MS) : LINGER_MS;
    this.#queue = new SessionQueue(this.#origin, options.latenessMs);
    this.#progress.firedUpTo = context.watermark();
    for (const { live } of this.#store.slots()) {
      this.#origin.settle(live.start);
      this.#mustBeExact(live.start);
      this.#mustBeExact(live.end);
      live.countFrom(this.#origin);
    }
    for (const { live } of this.#store.slots()) this.#wakeNext(live, this.#progress.firedUpTo);
    this.element = fresh(
      growingSession,
      `sessions ${context.name}`,
    )({
      counters: context.counters,
      origin: this.#origin,
      progress: this.#progress,
      cell: this.#cell,
      store: this.#store,
      aggregator: options.aggregator,
      gap: typeof options.gap === 'number' ? options.gap : NaN,
      removed: REMOVED,
      bySteps: (value, timestamp) => this.#elementBySteps(value, timestamp),
      failed: (cause, key, timestamp) => context.fail(cause, { key, timestamp }),
    });
  }

  /** An element that the quick way leaves: the first of its session, or one that merges. It has been received. */
  #elementBySteps(value: unknown, timestamp: number): void {
    if (!Number.isFinite(timestamp)) {
      this.#context.reject(value, timestamp, timestampMissing(this.#context.name));
      return;
    }
    const { gap } = this.#options;
    const end = timestamp + (typeof gap === 'number' ? gap : this.#gapOf(gap, value, timestamp));
    this.#origin.settle(timestamp);
    this.#mustBeExact(timestamp);
    this.#mustBeExact(end);
    const live = this.#store.slotOf(this.#cell) as unknown as KeySessions;
    try {
      if (!this.#add(live, value, { start: timestamp, end })) {
        this.#tooLate(live, value, timestamp);
        return;
      }
    } catch (cause) {
      this.#context.fail(cause, { key: live.key, timestamp });
    }
    this.#counters.accepted += 1;
  }

  /** Fractions of a millisecond are rare: from the first one on that needs it, all times are counted from 0. */
  #mustBeExact(time: number): void {
    if (this.#origin.isExact(time) || time !== time) return;
    const before = this.#origin.ms;
    for (const { live } of this.#store.slots())
      if (live.origin === this.#origin) live.shift(before);
    this.#origin.ms = 0;
  }

  advance(time: number, budget: Budget): boolean {
    for (;;) {
      if (this.#firing === undefined) {
        this.#firing = this.#queue.take(time);
        if (this.#firing === undefined) break;
      }
      if (!this.#fireKeys(this.#firing, budget)) return false;
      this.#firing = undefined;
    }
    this.#queue.hasAdvanced();
    this.#progress.firedUpTo = time;
    return true;
  }

  /** What `why` asks: how many keys wait, and the first time that one waits for. */
  waiting(): { count: number; earliest: number } {
    return this.#queue.waiting(this.#progress.firedUpTo);
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
  #add(live: KeySessions, value: unknown, own: { start: number; end: number }): boolean {
    const { latenessMs } = this.#options;
    live.lingers = false;
    if (live.isEmpty) {
      if (own.end - 1 + latenessMs <= this.#progress.firedUpTo) return false;
      this.#store.touch(live);
      live.open(this.#origin, own, this.#aggregator.add(this.#aggregator.create(), value));
      this.#begun(live, live);
      return true;
    }
    const before = live.sessions;
    const met = before.filter((session) => sessionsMeet(session, own));
    if (met.length === 0 && own.end - 1 + latenessMs <= this.#progress.firedUpTo) return false;
    this.#store.touch(live);
    const merged: Session = {
      start: Math.min(own.start, ...met.map(({ start }) => start)),
      end: Math.max(own.end, ...met.map(({ end }) => end)),
      accumulator: this.#aggregator.add(this.#together(met), value),
    };
    const others = before.filter((session) => !met.includes(session));
    const at = others.filter(({ start }) => start < merged.start).length;
    live.replace([...others.slice(0, at), merged, ...others.slice(at)]);
    this.#begun(live, merged);
    return true;
  }

  /** A session is new, or has become another one: it says its result again where it has ended, and its key waits. */
  #begun(live: KeySessions, session: Session): void {
    const { firedUpTo } = this.#progress;
    if (session.end - 1 <= firedUpTo) this.#fire(live, session);
    this.#queue.add(live, this.#queue.wakeOf(session, firedUpTo));
  }

  #together(sessions: readonly Session[]): unknown {
    const [first, ...rest] = sessions;
    if (first === undefined) return this.#aggregator.create();
    let { accumulator } = first;
    for (const session of rest)
      accumulator = this.#aggregator.merge(accumulator, session.accumulator);
    return accumulator;
  }

  #fireKeys(firing: SessionFiring, budget: Budget): boolean {
    const { keys } = firing;
    while (firing.at < keys.length) {
      if (budget.left <= 0) return false;
      const live = keys[firing.at] as KeySessions;
      firing.at += 1;
      budget.left -= 1;
      const time = this.#origin.ms + live.due;
      this.#context.derive(live.key, time);
      this.#fireDue(live, time);
      this.#goOn(live, time, firing);
    }
    return true;
  }

  /** A key that has been dealt with at a time waits for the next one, which may be in the bucket at hand. */
  #goOn(live: KeySessions, time: number, firing: SessionFiring): void {
    if (live.isEmpty && live.lingers) {
      this.#store.release(live);
      return;
    }
    if (live.isEmpty) live.lingers = true;
    const next = live.isEmpty ? Math.floor(time) + this.#lingerMs : this.#queue.nextOf(live, time);
    this.#queue.goOn(live, next, firing);
  }

  /** Fires the session that ends at a time, and forgets those whose lateness is over. */
  #fireDue(live: KeySessions, time: number): void {
    const { latenessMs } = this.#options;
    if (live.isSingle) {
      // Grown since the key was put here.
      if (live.end - 1 > time) return;
      if (live.end - 1 === time) this.#fire(live, live);
      if (live.end - 1 + latenessMs > time) return;
      this.#store.touch(live);
      live.clear();
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

  /** Puts a key under its next time, after a restore. */
  #wakeNext(live: KeySessions, firedUpTo: number): void {
    if (!live.isEmpty) this.#queue.add(live, this.#queue.nextOf(live, firedUpTo));
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
