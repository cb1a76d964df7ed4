/** `filter`: lets the elements pass for which a question is answered with yes. */
import type { Observable } from 'rxjs';
import type { DataStream, Step } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import { asyncError, isPromise, refuseAsync } from './user-function.js';

/**
 * Lets the elements pass for which `keep` gives a truthy value; they keep their timestamp and their key.
 *
 * @param keep synchronous; what it throws makes its input a dead letter in a job and an error in a subscription
 *
 * @example
 * import { filter } from 'tidemark';
 * import { of } from 'rxjs';
 * of(1, 2, 3, 4).pipe(filter((n) => n % 2 === 0)).subscribe((n) => console.log(n));
 * // => 2
 * // => 4
 */
export function filter<In, Out extends In>(keep: (value: In) => value is Out): Step<In, Out>;
export function filter<In>(
  keep: (value: In) => unknown,
): (source: Observable<In>) => DataStream<In>;
export function filter<In>(keep: (value: In) => unknown): Step<In, In> {
  refuseAsync(keep, 'filter');
  return defineOperator<In, In>({
    operator: 'filter',
    stateless: { kind: 'filter', fn: keep, asyncError: () => asyncError('filter') },
    keepsKey: true,
    create({ output, counters, reject }) {
      return {
        element(value, timestamp) {
          counters.received += 1;
          let kept: unknown;
          try {
            kept = keep(value as In);
            if (isPromise(kept)) throw asyncError('filter');
          } catch (cause) {
            reject(value, timestamp, cause);
            return;
          }
          if (kept) {
            counters.accepted += 1;
            output.element(value, timestamp);
          } else {
            counters.filtered += 1;
          }
        },
      };
    },
  });
}
