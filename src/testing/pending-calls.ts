/** Calls of an `asyncMap` that a test answers when it likes, in the very moment in which it says so. */
import type { CallContext } from '../dsl/async-map-operator.js';

/** A call as it was made. */
export interface PendingCall extends Pick<CallContext, 'idempotencyKey' | 'signal' | 'attempt'> {
  readonly value: unknown;
}

interface Open<Answer> {
  readonly value: unknown;
  readonly done: (answer: Answer) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Stands for the other side of an `asyncMap`. No real promise is involved, so nothing has to be awaited in a test: what
 * an answer causes has happened when `answer` returns.
 *
 * @example
 * import { asyncMap, pipeline, unchecked } from 'tidemark';
 * import { PendingCalls, testHarness } from 'tidemark/testing';
 * const titles = new PendingCalls<string>();
 * const t = testHarness(
 *   pipeline('titles', unchecked<string>(), (ids) =>
 *     ids.pipe(asyncMap((id, call) => titles.ask(id, call), { uid: 'titles' })),
 *   ),
 * );
 * t.push('a').push('b');
 * titles.answer('b', 'Ballad');
 * console.log(t.output(), titles.open()); // => [] [ 'a' ]
 * titles.answer('a', 'Aria');
 * console.log(t.output()); // => [ 'Aria', 'Ballad' ]
 */
export class PendingCalls<Answer> {
  /** All calls that were made, in order. */
  readonly calls: PendingCall[] = [];
  #open: Open<Answer>[] = [];

  /**
   * Makes a call, to be given to `asyncMap`.
   *
   * @param value what is asked for; it names the call in `answer` and `fail`
   * @param present makes the result of the answer; the default gives the answer itself
   */
  ask<Result = Answer>(
    value: unknown,
    { idempotencyKey, signal, attempt }: CallContext,
    present: (answer: Answer) => Result = (answer) => answer as unknown as Result,
  ): PromiseLike<Result> {
    this.calls.push({ value, idempotencyKey, signal, attempt });
    const start = (done: (result: Result) => void, fail: Open<Answer>['fail']): void => {
      const open: Open<Answer> = { value, done: (answer) => done(present(answer)), fail };
      this.#open.push(open);
      signal.addEventListener('abort', () => {
        this.#open = this.#open.filter((other) => other !== open);
      });
    };
    // oxlint-disable-next-line unicorn/no-thenable -- as much of a promise as asyncMap asks for, but settled at once
    return { then: start } as unknown as PromiseLike<Result>;
  }

  /** Values of the calls that are waited for, in order; without those that have been given up. */
  open(): unknown[] {
    return this.#open.map(({ value }) => value);
  }

  /** Answers the oldest open call of a value; without one nothing happens. */
  answer(value: unknown, answer: Answer): this {
    this.#close(value)?.done(answer);
    return this;
  }

  /** Lets the oldest open call of a value fail; without one nothing happens. */
  fail(value: unknown, error: unknown): this {
    this.#close(value)?.fail(error);
    return this;
  }

  #close(value: unknown): Open<Answer> | undefined {
    const at = this.#open.findIndex((open) => open.value === value);
    return at < 0 ? undefined : this.#open.splice(at, 1)[0];
  }
}
