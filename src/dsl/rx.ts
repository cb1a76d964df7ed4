/** `rx`: synchronous, stateless stock RxJS operators as a step of the graph. */
import { Observable, type OperatorFunction } from 'rxjs';
import { TidemarkError } from '../core/errors.js';
import type { Step, Unkeyed } from './data-stream.js';
import { defineOperator } from './define-operator.js';

type AnyOperator = OperatorFunction<unknown, unknown>;

/**
 * Runs stock operators on each element alone: they are subscribed afresh per element, so they cannot hold state
 * (`scan`, `distinct`, `take` make no sense here; use `process`). What they emit must come before they return; later
 * emissions and early completions are RX_NOT_SYNCHRONOUS. A subscription per element costs about a microsecond, some
 * fifty times a `map`: fine at an edge, wrong in a hot path.
 *
 * @example
 * import { rx, stream } from 'tidemark';
 * import { concatAll, of, map } from 'rxjs';
 * stream(of([1, 2], [3]))
 *   .pipe(rx(concatAll(), map((n: number) => n * 2)))
 *   .subscribe((n) => console.log(n));
 * // => 2
 * // => 4
 * // => 6
 */
export function rx<In, Out>(op1: OperatorFunction<In, Out>): Step<In, Unkeyed<Out>>;
export function rx<In, A, Out>(
  op1: OperatorFunction<In, A>,
  op2: OperatorFunction<A, Out>,
): Step<In, Unkeyed<Out>>;
export function rx<In, A, B, Out>(
  op1: OperatorFunction<In, A>,
  op2: OperatorFunction<A, B>,
  op3: OperatorFunction<B, Out>,
): Step<In, Unkeyed<Out>>;
export function rx(...operators: readonly unknown[]): Step<unknown, unknown> {
  const chain = operators as readonly AnyOperator[];
  return defineOperator<unknown, unknown>({
    operator: 'rx',
    create({ output, counters, reject }) {
      return {
        element(value, timestamp) {
          counters.received += 1;
          let results: readonly unknown[];
          try {
            results = runAlone(chain, value);
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

/** What the operators make of one element, all of it synchronously, or an error. */
function runAlone(operators: readonly AnyOperator[], value: unknown): readonly unknown[] {
  const results: unknown[] = [];
  let ending: 'none' | 'complete' | { readonly error: unknown } = 'none';
  let endedEarly = false;
  const single = new Observable<unknown>((subscriber) => {
    subscriber.next(value);
    endedEarly = subscriber.closed;
    subscriber.complete();
  });
  const piped = operators.reduce<Observable<unknown>>(
    (stream, operator) => operator(stream),
    single,
  );
  const subscription = piped.subscribe({
    next: (result) => results.push(result),
    error: (error: unknown) => (ending = { error }),
    complete: () => (ending = 'complete'),
  });
  const seen = ending as 'none' | 'complete' | { readonly error: unknown };
  subscription.unsubscribe();
  if (typeof seen === 'object') throw seen.error;
  if (seen === 'none') throw notSynchronous('an operator that emits or completes later');
  if (endedEarly) throw notSynchronous('an operator that completed before its input did');
  return results;
}

function notSynchronous(got: string): TidemarkError {
  return new TidemarkError('RX_NOT_SYNCHRONOUS', {
    expected: 'stock operators that emit synchronously and complete with their input',
    got,
    where: 'rx',
    hint: 'Use process() with a timer for delays and state, or put the operator behind the pipeline.',
  });
}
