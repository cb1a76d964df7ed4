/** What the functions of `process`, `processAll` and `connect` are given beside the element: key, time, state, timers. */
import type { Key } from '../core/key.js';
import { hasTimestamp } from '../core/flow.js';
import { fresh } from '../core/fresh.js';
import { TidemarkError, show } from '../core/errors.js';
import type {
  Budget,
  Counters,
  KeyCell,
  KeyedState,
  Operator,
  OperatorContext,
  Receiver,
  Slot,
  TimeDomain,
} from '../core/operator.js';
import {
  SlotCursor,
  areEmpty,
  type Cells,
  type HandlesOf,
  type StateDeclarations,
} from '../state/handles.js';
import { REMOVED } from '../state/slots.js';
import { TtlSweeper } from '../state/ttl-sweeper.js';
import type { OutputTag } from './data-stream.js';
import { processing } from './hot-elements.js';
import { emittedList, type Emitted } from './user-function.js';

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

/** The functions of a step, as the runner calls them. */
export interface ProcessFunctions<T, Context> {
  readonly element: (value: T, context: Context) => Emitted<unknown>;
  readonly timer?: ((timer: FiredTimer, context: Context) => Emitted<unknown>) | undefined;
}

/** The operator of a step with one input. */
export function processOperator<K, T, State extends StateDeclarations>(
  context: OperatorContext,
  declarations: State,
  { element, timer }: ProcessFunctions<T, ProcessContext<K, State>>,
): Operator {
  const keyed = new KeyedProcess<K, State>(context, declarations);
  const cell = context.keyCell(0);
  const onTimer = timer ?? ((): void => undefined);
  return {
    element: keyed.elementOf(cell, element),
    advance: (time, budget) => keyed.fire('event', time, budget, onTimer),
    tick: (now, budget) => keyed.fire('processing', now, budget, onTimer),
    nextTick: () => keyed.nextTick(),
  };
}

/** Runs user functions of a keyed operator against the slot of a key. One per operator, reused for each element. */
export class KeyedProcess<K, State extends StateDeclarations>
  implements ProcessContext<K, State>, Timers
{
  readonly #context: OperatorContext;
  readonly #counters: Counters;
  readonly #output: Receiver;
  readonly #store: KeyedState<Cells>;
  readonly #cursor: SlotCursor;
  readonly #sweeper: TtlSweeper | undefined;
  readonly state: HandlesOf<State>;
  readonly timers: Timers = this;
  /** The watermark up to which all event-time timers have fired. */
  #firedUpTo: number;

  constructor(context: OperatorContext, declarations: State) {
    this.#context = context;
    this.#counters = context.counters;
    this.#output = context.output;
    this.#store = context.keyedState<Cells>();
    this.#cursor = new SlotCursor(this.#store, context);
    this.#sweeper = TtlSweeper.of(declarations, this.#cursor);
    this.state = Object.fromEntries(
      Object.entries(declarations).map(([name, declaration], index) => [
        name,
        declaration.handle(this.#cursor, index),
      ]),
    ) as HandlesOf<State>;
    this.#firedUpTo = context.watermark();
  }

  /** Makes what takes an element: calls `fn` and emits what it gives, with the timestamp of the element. */
  elementOf<T>(
    cell: KeyCell,
    fn: (value: T, context: this) => Emitted<unknown>,
    input = 'first',
  ): (value: unknown, timestamp: number) => void {
    const name = `process ${this.#context.name} ${input}`;
    return fresh(
      processing,
      name,
    )({
      counters: this.#counters,
      cell,
      store: this.#store,
      cursor: this.#cursor,
      output: this.#output,
      removed: REMOVED,
      call: fn as (value: unknown, context: unknown) => Emitted<unknown>,
      context: this,
      emitListed: (results, timestamp, key) => this.#emit(results, timestamp, key),
      failed: (cause, key) => this.#context.fail(cause, { key, timestamp: this.timestamp }),
      // A key that was only looked at, or has been emptied, takes no memory.
      settle: (slot) => {
        if (areEmpty(slot.live)) this.#store.release(slot);
      },
      sweeper: this.#sweeper,
    });
  }

  /** Fires the timers of a domain that are due at `until`. Returns whether none is left. */
  fire(
    domain: TimeDomain,
    until: number,
    budget: Budget,
    fn: (timer: FiredTimer, context: this) => Emitted<unknown>,
  ): boolean {
    const index = this.#store.timers[domain];
    while (budget.left > 0) {
      const slot = index.take(until);
      if (slot === undefined) break;
      budget.left -= 1;
      this.#fireOne(slot, { domain, time: index.firedTime }, fn);
    }
    this.#cursor.firingAt = NaN;
    if (index.size > 0 && index.next() <= until) return false;
    if (domain === 'event') this.#firedUpTo = until;
    return true;
  }

  nextTick(): number {
    return this.#store.timers.processing.next();
  }

  /** Calls `fn` for each key that holds state, and emits what it gives, with the timestamp of the value in hand. */
  eachKey<T>(value: T, timestamp: number, fn: (value: T, context: this) => Emitted<unknown>): void {
    // A list of its own, because a key that is emptied leaves the store.
    const slots = [...this.#store.slots()].filter(({ live }) => !areEmpty(live));
    for (const slot of slots) {
      const { key } = slot;
      this.#cursor.point(slot, timestamp);
      if (hasTimestamp(timestamp)) this.#context.derive(key, timestamp);
      let results: Emitted<unknown>;
      try {
        results = fn(value, this);
      } catch (cause) {
        this.#context.fail(cause, { key, timestamp: this.timestamp });
      }
      if (results !== undefined) this.#emit(results, timestamp, key);
      if (areEmpty(slot.live)) this.#store.release(slot);
    }
  }

  get key(): K {
    return this.#cursor.slot.key as K;
  }

  get timestamp(): number | undefined {
    const { timestamp } = this.#cursor;
    return hasTimestamp(timestamp) ? timestamp : undefined;
  }

  get watermark(): number {
    return this.#context.watermark();
  }

  get now(): number {
    return this.#context.now();
  }

  // Bound, because users take a context apart.
  readonly side = <T>(tag: OutputTag<T>, value: T): void => {
    this.#context.side(tag.id).element(value, this.#cursor.timestamp);
  };

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
    const { key } = slot;
    // After Flink: what a processing-time timer emits carries no event time.
    const timestamp = timer.domain === 'event' ? timer.time : NaN;
    this.#cursor.point(slot, timestamp);
    // Not the watermark, which may have leapt far ahead: what a timer finds must not depend on how far.
    if (timer.domain === 'event') this.#cursor.firingAt = Math.max(timer.time, this.#firedUpTo);
    this.#context.derive(key, timer.time);
    let results: Emitted<unknown>;
    try {
      results = fn(timer, this);
    } catch (cause) {
      this.#context.fail(cause, { key, timestamp: timer.time });
    }
    if (results !== undefined) this.#emit(results, timestamp, key);
    if (areEmpty(slot.live)) this.#store.release(slot);
  }

  #emit(results: Iterable<unknown>, timestamp: number, key: Key): void {
    const list = Array.isArray(results) ? (results as unknown[]) : this.#listed(results, key);
    const output = this.#output;
    for (let index = 0; index < list.length; index += 1) output.element(list[index], timestamp);
  }

  /** A generator runs user code while it is drained, so its failures are failures of the step. */
  #listed(results: unknown, key: Key): readonly unknown[] {
    try {
      return emittedList(results, this.#context.name);
    } catch (cause) {
      return this.#context.fail(cause, { key, timestamp: this.timestamp });
    }
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
