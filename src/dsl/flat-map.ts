/** `flatMap`: one element in, any number out, all with the timestamp of the input. */
import { TidemarkError, show } from '../core/errors.js';
import type { Step, Unkeyed } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import { asyncError, isPromise, refuseAsync } from './user-function.js';

/**
 * Replaces each element by the elements of what `fn` gives: an array, or any iterable but a string. Nothing is sent on
 * until all of them are there, so a function that throws half-way has emitted nothing.
 *
 * @param fn synchronous; what it throws makes its input a dead letter in a job and an error in a subscription
 *
 * @example
 * import { flatMap } from 'tidemark';
 * import { of } from 'rxjs';
 * of('a b', 'c').pipe(flatMap((line) => line.split(' '))).subscribe((word) => console.log(word));
 * // => a
 * // => b
 * // => c
 */
export function flatMap<In, Out>(fn: (value: In) => Iterable<Out>): Step<In, Unkeyed<Out>> {
  refuseAsync(fn, 'flatMap');
  return defineOperator<In, Unkeyed<Out>>({
    operator: 'flatMap',
    create({ output, counters, reject }) {
      return {
        element(value, timestamp) {
          counters.received += 1;
          let results: readonly unknown[];
          try {
            results = listOf(fn(value as In));
          } catch (cause) {
            reject(value, timestamp, cause);
            return;
          }
          counters.accepted += 1;
          for (const result of results) output.element(result, timestamp);
        },
      };
    },
  });
}

function listOf(given: unknown): readonly unknown[] {
  if (Array.isArray(given)) return given;
  if (isPromise(given)) throw asyncError('flatMap');
  if (typeof given === 'object' && given !== null && Symbol.iterator in given)
    return [...(given as Iterable<unknown>)];
  throw new TidemarkError('USER_FUNCTION_FAILED', {
    expected: 'an array or another iterable',
    got: show(given),
    where: 'flatMap',
    hint: 'Return [] for nothing and [value] for one element.',
  });
}
