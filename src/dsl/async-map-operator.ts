/**
 * The operator behind `asyncMap`: elements enter the state and the queue, are called as far as the capacity goes, and
 * their results leave in the order that the queue allows.
 *
 *     element ─▶ state, queue ─▶ call … answer ─▶ queue ─▶ take ─▶ out of the state, on
 *     watermark ─▶ queue                                └▶ output watermark, a walk
 */
import { TidemarkError } from '../core/errors.js';
import { hasTimestamp, MIN_WATERMARK } from '../core/flow.js';
import type { Key } from '../core/key.js';
import type { Completions, Budget, Operator, OperatorContext } from '../core/operator.js';
import { freezeDeep } from '../state/guard.js';
import { Calls, type Call } from './async-calls.js';
import { Identities, idempotencyKey } from './async-identity.js';
import { InFlightElements, type InFlight } from './async-in-flight.js';
import { AsyncQueue, type Ticket } from './async-queue.js';
import type { Outcome, RetryPolicy } from './async-retry.js';
import { asyncError, emittedList, isPromise } from './user-function.js';

export interface AsyncMapSettings {
  readonly where: string;
  readonly fn: (value: never, context: CallContext) => unknown;
  readonly isFlat: boolean;
  readonly isKeyed: boolean;
  readonly ordered: boolean;
  readonly capacity: number;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly onTimeout: ((value: never) => unknown) | undefined;
  readonly overflow: 'error' | 'dropOldest';
}

/** What the function of `asyncMap` is told about its call. */
export interface CallContext {
  /** Aborted when the call is given up: its time is over, the element was dropped, or the run has ended. */
  readonly signal: AbortSignal;
  /**
   * The same for each call for this element, also after a crash and with another parallelism, and different for all
   * others of the job: let the other side drop what it has done already. Plain ASCII, at most 140 characters.
   */
  readonly idempotencyKey: string;
  /** 1 for the first call since the element came, or since a restart. */
  readonly attempt: number;
  /** The key of the element; undefined on a stream without one. */
  readonly key: Key | undefined;
  /** Event time in epoch ms; undefined where there is none. */
  readonly timestamp: number | undefined;
}

/** An element on its way through the queue. */
interface Flight {
  readonly element: InFlight;
  ticket: Ticket<Flight> | undefined;
  outcome: Outcome | undefined;
}

export class AsyncMapOperator implements Operator {
  readonly completions: Completions;
  readonly #context: OperatorContext;
  readonly #settings: AsyncMapSettings;
  readonly #queue: AsyncQueue<Flight>;
  readonly #elements: InFlightElements;
  readonly #identities = new Identities();
  readonly #calls: Calls<Flight>;
  #passed = MIN_WATERMARK;

  constructor(context: OperatorContext, settings: AsyncMapSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#queue = new AsyncQueue(settings);
    this.#elements = new InFlightElements(context, settings);
    this.#calls = new Calls({
      timeoutMs: settings.timeoutMs,
      retry: settings.retry,
      now: () => context.now(),
      invoke: (call) => settings.fn(call.element.element.value as never, this.#contextOf(call)),
      timedOut: (call) => this.#timedOut(call),
      finished: (flight, outcome) => this.#finished(flight, outcome),
      changed: () => context.arrived(),
    });
    const queue = this.#queue;
    this.completions = {
      take: (budget) => this.#take(budget),
      get isFull() {
        return context.beyondCapacity === 'hold' && queue.isFull;
      },
      get inFlight() {
        return queue.entries;
      },
    };
    this.#restore();
  }

  element(value: unknown, timestamp: number): void {
    const { counters, beyondCapacity } = this.#context;
    counters.received += 1;
    if (beyondCapacity === 'refuse' && this.#queue.isFull) this.#makeRoom();
    counters.accepted += 1;
    const element = this.#context.inHand();
    const identity = this.#identities.next(element, this.#context.currentSplit(), value);
    this.#put(this.#elements.add(this.#guarded(value), timestamp, element, identity));
    this.#begin();
  }

  advance(time: number): boolean {
    if (this.#queue.entries === 0) this.#passed = time;
    else this.#queue.watermark(time);
    return true;
  }

  /** Held back behind what is in flight. */
  outputWatermark(): number {
    return this.#passed;
  }

  tick(now: number): boolean {
    this.#calls.tick(now);
    return true;
  }

  nextTick(): number {
    return this.#calls.nextTick();
  }

  close(): void {
    this.#calls.close(new Error('the run has ended'));
  }

  #restore(): void {
    // Watermarks that have been seen are seen again, and nothing may stand before them that came later.
    const reached = this.#context.watermark();
    let last = MIN_WATERMARK;
    const mark = (time: number): void => {
      const seen = Math.min(time, reached);
      if (seen > last) this.advance(seen);
      last = Math.max(last, seen);
    };
    for (const element of this.#elements.restored()) {
      mark(element.watermark);
      this.#put(element);
    }
    mark(reached);
    // Nothing is called while the task is still being made.
    if (this.#queue.entries > 0) this.#context.arrived();
  }

  #put(element: InFlight): void {
    const flight: Flight = { element, ticket: undefined, outcome: undefined };
    flight.ticket = this.#queue.put(flight);
    if (this.completions.isFull) this.#context.hold();
  }

  #begin(): void {
    for (let next = this.#queue.begin(); next !== undefined; next = this.#queue.begin())
      this.#calls.begin(next.entry);
  }

  #take(budget: Budget): boolean {
    this.#begin();
    for (;;) {
      if (budget.left <= 0) return false;
      const place = this.#queue.take();
      if (place === undefined) break;
      budget.left -= 1;
      if (place.entry === undefined) {
        this.#passed = place.time;
        this.#context.requestWalk();
        return false;
      }
      this.#leave(place.entry);
      this.#begin();
    }
    // Who had to wait for the last one: the end of the task, and idleness.
    if (this.#queue.entries === 0) this.#context.requestWalk();
    return true;
  }

  #leave({ element, outcome }: Flight): void {
    const context = this.#context;
    const { timestamp, value } = element;
    this.#elements.remove(element);
    context.resume(element.element);
    const results = outcome === undefined ? [] : this.#resultsOf(outcome);
    if ('error' in results) {
      context.counters.accepted -= 1;
      context.reject(value, timestamp, results.error);
      return;
    }
    for (const result of results) context.output.element(result, timestamp);
  }

  #resultsOf(outcome: Outcome): readonly unknown[] | { readonly error: unknown } {
    if ('error' in outcome) return outcome;
    if (!this.#settings.isFlat) return [outcome.result];
    try {
      return emittedList(outcome.result, this.#settings.where);
    } catch (error) {
      return { error };
    }
  }

  #finished(flight: Flight, outcome: Outcome): void {
    flight.outcome = outcome;
    if (flight.ticket !== undefined) this.#queue.finish(flight.ticket);
    this.#context.arrived();
  }

  #timedOut({ element: { element }, attempt }: Call<Flight>): Outcome {
    const { onTimeout, timeoutMs, where } = this.#settings;
    if (onTimeout === undefined)
      return {
        error: new TidemarkError('ASYNC_TIMEOUT', {
          expected: `an answer within ${timeoutMs} ms, all attempts together`,
          got: `none, after ${attempt} of them`,
          where,
          hint: 'Give onTimeout a result to go on with, or a longer timeout.',
        }),
      };
    try {
      const result = onTimeout(element.value as never);
      return isPromise(result) ? { error: asyncError(`onTimeout of ${where}`) } : { result };
    } catch (error) {
      return { error };
    }
  }

  #contextOf(call: Call<Flight>): CallContext {
    const { element } = call.element;
    const { name } = this.#context;
    return {
      // Made when they are asked for: most functions need neither.
      get signal() {
        return call.signal;
      },
      get idempotencyKey() {
        return idempotencyKey(name, element.element, element.identity);
      },
      attempt: call.attempt,
      key: this.#settings.isKeyed ? element.slotKey : undefined,
      timestamp: hasTimestamp(element.timestamp) ? element.timestamp : undefined,
    };
  }

  /** A subscription cannot be held back. */
  #makeRoom(): void {
    const { capacity, overflow, where } = this.#settings;
    const { counters } = this.#context;
    counters.refused += 1;
    const error = new TidemarkError('ASYNC_OVERFLOW', {
      expected: `at most ${capacity} elements in flight`,
      got: 'one more',
      where,
      hint: "A subscription cannot hold its source back: raise capacity, say overflow: 'dropOldest', or run it as a job.",
    });
    if (overflow === 'error') throw error;
    const oldest = this.#queue.dropOldest();
    if (oldest === undefined) return;
    counters.accepted -= 1;
    this.#calls.drop(oldest.entry, error);
    this.#elements.remove(oldest.entry.element);
    // It may have held others back that are finished.
    this.#context.arrived();
  }

  #guarded(value: unknown): unknown {
    return this.#context.isGuarded ? freezeDeep(value) : value;
  }
}
