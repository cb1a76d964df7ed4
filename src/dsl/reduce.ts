/** `reduce`: folds the elements of each key into one running value. */
import type { Observable } from 'rxjs';
import { hasTimestamp } from '../core/flow.js';
import type { KeyedStateSpec, Operator, OperatorContext, StateLimits } from '../core/operator.js';
import { freezeDeep } from '../state/guard.js';
import { withLimits } from '../state/state-limits.js';
import type { DataStream, Keyed, Unkeyed } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import { asyncError, isPromise, refuseAsync } from './user-function.js';

export interface ReduceOptions {
  /** The running values are found by it after a restart. */
  readonly uid: string;
  /** The uid that the state was kept under before, where it has been renamed. May be left in for good. */
  readonly renamedFrom?: string;
  /** Keys and bytes of state that it may keep at most; beyond it the job fails with STATE_LIMIT. Default: no limits. */
  readonly limits?: StateLimits;
}

/**
 * Folds the elements of each key, after Flink's `KeyedStream.reduce`: emits the running value for every element, with
 * the timestamp of the element; the first one is emitted as it is. A key is kept for ever, so the keys must be few;
 * where they are not, use `window`, or `process` with a `reducingState` that has a TTL.
 *
 * @param fn synchronous; must change neither of its arguments, because the running value has been emitted. What it
 *   throws fails the task, naming operator, key, timestamp and source position.
 *
 * Throws when it is piped: KEY_MISSING, UID_INVALID.
 *
 * @example
 * import { keyBy, reduce } from 'tidemark';
 * import { of } from 'rxjs';
 * of({ user: 'ann', ms: 3 }, { user: 'bob', ms: 4 }, { user: 'ann', ms: 5 })
 *   .pipe(
 *     keyBy((play) => play.user),
 *     reduce((a, b) => ({ user: b.user, ms: a.ms + b.ms }), { uid: 'heard' }),
 *   )
 *   .subscribe(({ user, ms }) => console.log(user, ms));
 * // => ann 3
 * // => bob 4
 * // => ann 8
 */
export function reduce<K, T>(
  fn: (running: Unkeyed<T>, element: Unkeyed<T>) => Unkeyed<T>,
  options: ReduceOptions,
): (source: Observable<Keyed<K, T>>) => DataStream<Unkeyed<T>> {
  refuseAsync(fn, `reduce "${options.uid}"`);
  return defineOperator<Keyed<K, T>, Unkeyed<T>>({
    operator: 'reduce',
    uid: options.uid,
    renamedFrom: options.renamedFrom,
    keyed: true,
    state: withLimits(runningSpec, options.limits, `reduce "${options.uid}"`),
    create: (context) => reducer(context, fn),
  });
}

/** The running value of a key; a value of its own for none, because any element may be undefined or null. */
interface Running {
  value: unknown;
}

const nothing = Symbol('nothing');

const runningSpec: KeyedStateSpec<Running> = {
  create: () => ({ value: nothing }),
  pack: ({ value }) => value,
  unpack: (value) => ({ value }),
  isEmpty: ({ value }) => value === nothing,
  evictable: true,
};

function reducer(
  context: OperatorContext,
  fn: (running: never, element: never) => unknown,
): Operator {
  const { counters, output, isGuarded } = context;
  const store = context.keyedState<Running>();
  const cell = context.keyCell(0);
  return {
    element(element, timestamp) {
      counters.received += 1;
      const slot = store.slotOf(cell);
      // Before the function is called, which is given what a frozen epoch still has to save.
      store.touch(slot);
      const { live } = slot;
      let value = element;
      if (live.value !== nothing)
        try {
          value = fn(live.value as never, element as never);
          if (isPromise(value)) throw asyncError('reduce');
        } catch (cause) {
          const time = hasTimestamp(timestamp) ? timestamp : undefined;
          context.fail(cause, { key: slot.key, timestamp: time });
        }
      live.value = isGuarded ? freezeDeep(value) : value;
      counters.accepted += 1;
      output.element(value, timestamp);
    },
  };
}
