/** What the functions of `process` and `connect` are given beside the element: key, time, state, timers, sides. */
import type { Key } from '../core/key.js';
import { hasTimestamp } from '../core/flow.js';
import { TidemarkError, show } from '../core/errors.js';
import type { Budget, KeyedState, OperatorContext, Slot, TimeDomain } from '../core/operator.js';
import {
  SlotCursor,
  type Cells,
  type HandlesOf,
  type StateDeclarations,
} from '../state/handles.js';
import type { OutputTag } from './data-stream.js';
import { asyncError, isPromise } from './user-function.js';

/** Timers of the key in hand. A (key, time) pair is one timer, however often it is set. Times are epoch ms. */
export interface Timers {
  /** Fires once the watermark has reached `time`; a time in the past fires with the next advance. */
  setEventTime(time: number): void;
  deleteEventTime(time: number): void;
  /** Fires once the clock has reached `time`. Still pending ones are dropped when a bounded input ends. */
  setProcessingTime(time: number): void;
  deleteProcessingTime(time: number): void;
}

export interface ProcessContext<K, State extends StateDeclarations> {
  readonly key: K;
  /** Event time of the element or timer in hand, ms; undefined where there is none. */
  readonly timestamp: number | undefined;
  /** The current input watermark, ms; -Infinity before the first. */
  readonly watermark: number;
  /** Processing time, epoch ms. */
  readonly now: number;
  readonly state: HandlesOf<State>;
  readonly timers: Timers;
  /** Sends to a side output that the step declares in `sides`. */
  side<T>(tag: OutputTag<T>, value: T): void;
}

export interface FiredTimer {
  readonly domain: TimeDomain;
  /** The time that it was set for, epoch ms. */
  readonly time: number;
}

/** What a function of `process` gives back: the elements to emit, in order; nothing for none. */
export type Emitted<Out> = Iterable<Out> | undefined | void;

/** Runs user functions of a keyed operator against the slot of a key. One per operator, reused for each element. */
export class KeyedProcess<K, State extends StateDeclarations>
  implements ProcessContext<K, State>, Timers
{
  readonly #context: OperatorContext;
  readonly #store: KeyedState<Cells>;
  readonly #cursor: SlotCursor;
  readonly state: HandlesOf<State>;
  readonly timers: Timers = this;
  #timestamp = NaN;

  constructor(context: OperatorContext, declarations: State) {
    this.#context = context;
    this.#store = context.keyedState<Cells>();
    this.#cursor = new SlotCursor(this.#store, context);
    this.state = Object.fromEntries(
      Object.entries(declarations).map(([name, declaration], index) => [
        name,
        declaration.handle(this.#cursor, index),
      ]),
    ) as HandlesOf<State>;
  }

  /** Calls `fn` for an element and emits what it gives, with the timestamp of the element. */
  element<T>(
    key: Key,
    value: T,
    timestamp: number,
    fn: (value: T, context: this) => Emitted<unknown>,
  ): void {
    const { counters } = this.#context;
    counters.received += 1;
    const slot = this.#store.slot(key);
    this.#point(slot, timestamp);
    let results: Emitted<unknown>;
    try {
      results = fn(value, this);
    } catch (cause) {
      this.#context.fail(cause, { key, timestamp: this.timestamp });
    }
    counters.accepted += 1;
    if (results !== undefined) this.#emit(results, timestamp, key);
    this.#store.release(slot);
  }

  /** Fires the timers of a domain that are due at `until`. Returns whether none is left. */
  fire(
    domain: TimeDomain,
    until: number,
    budget: Budget,
    fn: (timer: FiredTimer, context: this) => Emitted<unknown>,
  ): boolean {
    const index = this.#store.timers[domain];
    for (;;) {
      if (index.next() > until) return true;
      if (budget.left <= 0) return false;
      const slot = index.take(until);
      if (slot === undefined) return true;
      budget.left -= 1;
      this.#fireOne(slot, { domain, time: index.firedTime }, fn);
    }
  }

  nextTick(): number {
    return this.#store.timers.processing.next();
  }

  get key(): K {
    return this.#cursor.slot.key as K;
  }

  get timestamp(): number | undefined {
    return hasTimestamp(this.#timestamp) ? this.#timestamp : undefined;
  }

  get watermark(): number {
    return this.#context.watermark();
  }

  get now(): number {
    return this.#context.now();
  }

  side<T>(tag: OutputTag<T>, value: T): void {
    this.#context.side(tag.id).element(value, this.#timestamp);
  }

  setEventTime(time: number): void {
    this.#store.timers.event.set(this.#cursor.slot, checkTime(time, this.#context.name));
  }

  deleteEventTime(time: number): void {
    this.#store.timers.event.delete(this.#cursor.slot, time);
  }

  setProcessingTime(time: number): void {
    this.#store.timers.processing.set(this.#cursor.slot, checkTime(time, this.#context.name));
  }

  deleteProcessingTime(time: number): void {
    this.#store.timers.processing.delete(this.#cursor.slot, time);
  }

  #fireOne(
    slot: Slot<Cells>,
    timer: FiredTimer,
    fn: (timer: FiredTimer, context: this) => Emitted<unknown>,
  ): void {
    // After Flink: what a processing-time timer emits carries no event time.
    const timestamp = timer.domain === 'event' ? timer.time : NaN;
    this.#point(slot, timestamp);
    this.#context.derive(slot.key, timer.time);
    let results: Emitted<unknown>;
    try {
      results = fn(timer, this);
    } catch (cause) {
      this.#context.fail(cause, { key: slot.key, timestamp: timer.time });
    }
    if (results !== undefined) this.#emit(results, timestamp, slot.key);
    this.#store.release(slot);
  }

  #emit(results: Iterable<unknown>, timestamp: number, key: Key): void {
    const { output } = this.#context;
    if (Array.isArray(results)) {
      for (let index = 0; index < results.length; index += 1)
        output.element(results[index], timestamp);
      return;
    }
    for (const result of this.#checked(results, key)) output.element(result, timestamp);
  }

  /** A generator runs user code while it is drained, so it is drained here, before anything is sent on. */
  #checked(results: unknown, key: Key): unknown[] {
    try {
      if (isPromise(results)) throw asyncError(this.#context.name);
      if (typeof results === 'object' && results !== null && Symbol.iterator in results)
        return [...(results as Iterable<unknown>)];
      throw new TidemarkError('USER_FUNCTION_FAILED', {
        expected: 'an array, another iterable, or nothing',
        got: show(results),
        where: this.#context.name,
        hint: 'Return [value] to emit one element.',
      });
    } catch (cause) {
      return this.#context.fail(cause, { key, timestamp: this.timestamp });
    }
  }

  #point(slot: Slot<Cells>, timestamp: number): void {
    this.#cursor.slot = slot;
    this.#timestamp = timestamp;
  }
}

function checkTime(time: unknown, where: string): number {
  if (typeof time === 'number' && !Number.isNaN(time)) return time;
  throw new TidemarkError('TIMESTAMP_INVALID', {
    expected: 'a timer time in epoch milliseconds',
    got: show(time),
    where,
    hint: 'An element without event time has no timestamp to count from; put eventTime before the pipeline.',
  });
}
