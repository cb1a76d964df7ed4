/**
 * The calls of an `asyncMap`: the shell around the functions of the user. It makes a call, waits for its answer, for its
 * time limit and for the time of the next attempt, and tells of one outcome per element.
 */
import type { RetryPolicy, Outcome } from './async-retry.js';
import { isPromise } from './user-function.js';

/** One element that is being called, over all its attempts. */
export class Call<Element> {
  readonly element: Element;
  /** When it is given up, epoch ms. */
  readonly deadline: number;
  attempt = 0;
  /** When it is called again, epoch ms; Infinity while it is being called. */
  retryAt = Infinity;
  isOver = false;
  #controller: AbortController | undefined;

  constructor(element: Element, deadline: number) {
    this.element = element;
    this.deadline = deadline;
  }

  /** Of the present attempt; made when somebody asks for it. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isOver) this.#controller.abort();
    return this.#controller.signal;
  }

  /** The next attempt has a signal of its own. */
  begin(): void {
    this.#controller = undefined;
    this.attempt += 1;
    this.retryAt = Infinity;
  }

  end(reason?: unknown): void {
    this.isOver = true;
    if (reason !== undefined) this.#controller?.abort(reason);
  }
}

export interface CallsOptions<Element> {
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  now(): number;
  /** Calls the function of the user. */
  invoke(call: Call<Element>): unknown;
  /** The outcome of a call whose time is over. */
  timedOut(call: Call<Element>): Outcome;
  /** Called once for each element that has been called, unless it was dropped. */
  finished(element: Element, outcome: Outcome): void;
  /** `nextTick` has become earlier, perhaps while nobody was in a step. */
  changed(): void;
}

export class Calls<Element> {
  readonly #options: CallsOptions<Element>;
  readonly #open = new Map<Element, Call<Element>>();
  /** The oldest of the open ones, as far as is known: all have the same limit, so it is the first to be given up. */
  #oldest: Call<Element> | undefined;
  /** Calls that wait for their next attempt, and the earliest of these times, or one before it. */
  readonly #waiting = new Set<Call<Element>>();
  #nextRetry = Infinity;
  #isClosed = false;

  constructor(options: CallsOptions<Element>) {
    this.#options = options;
  }

  begin(element: Element): void {
    const call = new Call(element, this.#options.now() + this.#options.timeoutMs);
    this.#open.set(element, call);
    this.#invoke(call);
  }

  /** Lets go of an element, whose answer nobody wants any more. */
  drop(element: Element, reason: Error): void {
    const call = this.#open.get(element);
    if (call === undefined) return;
    this.#open.delete(element);
    this.#waiting.delete(call);
    call.end(reason);
  }

  /** Gives up what has been waited for long enough, and makes the calls again that are due. */
  tick(now: number): void {
    for (const call of [...this.#open.values()]) {
      if (call.deadline > now) break;
      this.#giveUp(call);
    }
    if (this.#nextRetry > now) return;
    const waiting = [...this.#waiting];
    this.#nextRetry = Infinity;
    for (const call of waiting) {
      if (call.retryAt > now) {
        this.#nextRetry = Math.min(this.#nextRetry, call.retryAt);
        continue;
      }
      this.#waiting.delete(call);
      this.#invoke(call);
    }
  }

  nextTick(): number {
    if (this.#oldest === undefined || this.#oldest.isOver)
      this.#oldest = this.#open.values().next().value;
    return Math.min(this.#oldest?.deadline ?? Infinity, this.#nextRetry);
  }

  close(reason: Error): void {
    this.#isClosed = true;
    for (const call of this.#open.values()) call.end(reason);
    this.#open.clear();
    this.#waiting.clear();
    this.#nextRetry = Infinity;
  }

  #giveUp(call: Call<Element>): void {
    const outcome = this.#options.timedOut(call);
    const reason = 'error' in outcome ? outcome.error : new Error('the time of the call is over');
    this.#finish(call, outcome, reason);
  }

  #invoke(call: Call<Element>): void {
    call.begin();
    const { attempt } = call;
    const isPresent = (): boolean => !call.isOver && call.attempt === attempt;
    const answered = (outcome: Outcome): void => {
      if (isPresent() && call.retryAt === Infinity) this.#answered(call, outcome);
    };
    try {
      const result = this.#options.invoke(call);
      if (!isPromise(result)) answered({ result });
      else
        (result as PromiseLike<unknown>).then(
          (value) => answered({ result: value }),
          (error: unknown) => answered({ error }),
        );
    } catch (error) {
      answered({ error });
    }
  }

  #answered(call: Call<Element>, outcome: Outcome): void {
    let delayMs: number | undefined;
    try {
      delayMs = this.#options.retry.delayAfter(call.attempt, outcome);
    } catch (error) {
      this.#finish(call, { error });
      return;
    }
    if (delayMs === undefined) {
      this.#finish(call, outcome);
      return;
    }
    call.retryAt = this.#options.now() + delayMs;
    this.#nextRetry = Math.min(this.#nextRetry, call.retryAt);
    this.#waiting.add(call);
    this.#options.changed();
  }

  #finish(call: Call<Element>, outcome: Outcome, reason?: unknown): void {
    call.end(reason);
    this.#open.delete(call.element);
    this.#waiting.delete(call);
    if (!this.#isClosed) this.#options.finished(call.element, outcome);
  }
}
