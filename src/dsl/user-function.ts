/** Refusing promises where a plain value is needed: a promise that passes as a value would corrupt state silently. */
import { TidemarkError, show } from '../core/errors.js';

/** The error for a user function that gave a promise; thrown or rejected by the caller. */
export function asyncError(operator: string): TidemarkError {
  return new TidemarkError('USER_FUNCTION_ASYNC', {
    expected: 'a plain value',
    got: 'a promise',
    where: operator,
    hint: 'Functions of this step must be synchronous; asyncMap is the step that waits for promises.',
  });
}

/** Refuses `async` functions when the pipe is built, long before the first element. */
export function refuseAsync(fn: unknown, where: string): void {
  if (typeof fn !== 'function')
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'a function',
      got: typeof fn,
      where,
      hint: 'Pass the function itself.',
    });
  const kind = Object.prototype.toString.call(fn);
  if (kind === '[object AsyncFunction]' || kind === '[object AsyncGeneratorFunction]')
    throw asyncError(where);
}

/** Whether a value is a promise or looks like one. */
export function isPromise(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value instanceof Promise || typeof (value as { then?: unknown }).then === 'function')
  );
}

/** What a function gives back that emits: the elements to emit, in order; nothing for none. */
export type Emitted<Out> = Iterable<Out> | undefined | void;

const nothing: readonly unknown[] = [];

/**
 * What a function has given back, as an array. A generator runs user code while it is drained, so it is drained here,
 * before anything is sent on.
 *
 * @throws TidemarkError USER_FUNCTION_ASYNC, USER_FUNCTION_FAILED
 */
export function emittedList(results: unknown, where: string): readonly unknown[] {
  if (results === undefined) return nothing;
  if (Array.isArray(results)) return results;
  if (isPromise(results)) throw asyncError(where);
  if (typeof results === 'object' && results !== null && Symbol.iterator in results)
    return [...(results as Iterable<unknown>)];
  throw new TidemarkError('USER_FUNCTION_FAILED', {
    expected: 'an array, another iterable, or nothing',
    got: show(results),
    where,
    hint: 'Return [value] to emit one element.',
  });
}

/** The error for an element without event time where one is needed. */
export function timestampMissing(where: string): TidemarkError {
  return new TidemarkError('TIMESTAMP_INVALID', {
    expected: 'an element with event time',
    got: 'an element without one',
    where,
    hint: 'What a processing-time timer emits carries no event time, nor does a global window; use an event-time timer, or a window before it.',
  });
}
