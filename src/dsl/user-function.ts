/** Refusing promises where a plain value is needed: a promise that passes as a value would corrupt state silently. */
import { TidemarkError } from '../core/errors.js';

/** The error for a user function that gave a promise; thrown or rejected by the caller. */
export function asyncError(operator: string): TidemarkError {
  return new TidemarkError('USER_FUNCTION_ASYNC', {
    expected: 'a plain value',
    got: 'a promise',
    where: operator,
    hint: 'Functions of this step must be synchronous; fetch data before the pipeline, or in a sink.',
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
