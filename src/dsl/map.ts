/** `map`: one element in, one element out, with the same timestamp. */
import type { Step, Unkeyed } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import { asyncError, isPromise, refuseAsync } from './user-function.js';

/**
 * Replaces each element by what `fn` makes of it. The result carries no key, even if `fn` spreads a keyed element.
 *
 * @param fn synchronous; what it throws makes its input a dead letter in a job and an error in a subscription
 *
 * @example
 * import { map } from 'tidemark';
 * import { of } from 'rxjs';
 * of(1, 2).pipe(map((n) => n * 10)).subscribe((n) => console.log(n));
 * // => 10
 * // => 20
 */
export function map<In, Out>(fn: (value: In) => Out): Step<In, Unkeyed<Out>> {
  refuseAsync(fn, 'map');
  return defineOperator<In, Unkeyed<Out>>({
    operator: 'map',
    stateless: { kind: 'map', fn, asyncError: () => asyncError('map') },
    create({ output, counters, reject }) {
      return {
        element(value, timestamp) {
          counters.received += 1;
          let result: Out;
          try {
            result = fn(value as In);
            if (isPromise(result)) throw asyncError('map');
          } catch (cause) {
            reject(value, timestamp, cause);
            return;
          }
          counters.accepted += 1;
          output.element(result, timestamp);
        },
      };
    },
  });
}
