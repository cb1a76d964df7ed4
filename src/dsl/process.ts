/** `process`: state and timers per key, in your own words. All other keyed steps could be written with it. */
import type { Observable } from 'rxjs';
import type { StateLimits } from '../core/operator.js';
import { withLimits } from '../state/state-limits.js';
import { cellsSpec, expiresByEventTime, type StateDeclarations } from '../state/handles.js';
import type { DataStream, Keyed, OutputTag, Unkeyed } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import { processOperator, type FiredTimer, type ProcessContext } from './process-context.js';
import { refuseAsync, type Emitted } from './user-function.js';

export interface ProcessOptions<K, T, State extends StateDeclarations, Out> {
  /** State and timers are found by it after a restart. */
  readonly uid: string;
  /** The uid that the state was kept under before, where it has been renamed. May be left in for good. */
  readonly renamedFrom?: string;
  /** The states of a key, by name. Default: none. */
  readonly state?: State;
  /** Keys and bytes of state that it may keep at most; beyond it the job fails with STATE_LIMIT. Default: no limits. */
  readonly limits?: StateLimits;
  /** Side outputs that `side` may send to. */
  readonly sides?: readonly OutputTag<unknown>[];
  /** For each element; what it returns is emitted, with the timestamp of the element. */
  readonly element: (value: T, context: ProcessContext<K, State>) => Emitted<Out>;
  /** For each timer, in time order; what it returns is emitted, with the time of an event-time timer. */
  readonly timer?: (timer: FiredTimer, context: ProcessContext<K, State>) => Emitted<Out>;
}

/**
 * Keyed processing after Flink's `KeyedProcessFunction`. Functions return what they emit: an array, another iterable
 * (a generator function will do), or nothing. What they throw fails the task, naming operator, key, timestamp and
 * source position. A key without state and timers takes no memory.
 *
 * Throws when it is piped: KEY_MISSING; UID_INVALID; TIME_MISSING where a state expires by event time (see `TtlOptions`)
 * and no `eventTime` stands before it.
 *
 * @example
 * import { eventTime, keyBy, process, valueState } from 'tidemark';
 * import { of } from 'rxjs';
 * // Says who has been silent for a minute.
 * of({ user: 'ann', at: 0 }, { user: 'bob', at: 30_000 }, { user: 'bob', at: 80_000 })
 *   .pipe(
 *     eventTime({ timestamp: (play) => play.at }),
 *     keyBy((play) => play.user),
 *     process({
 *       uid: 'silence',
 *       state: { last: valueState(0) },
 *       element(play, { state, timers }) {
 *         timers.deleteEventTime(state.last.get() + 60_000);
 *         timers.setEventTime(play.at + 60_000);
 *         state.last.set(play.at);
 *       },
 *       timer({ time }, { key, state }) {
 *         state.last.clear();
 *         return [`${key} fell silent at ${time}`];
 *       },
 *     }),
 *   )
 *   .subscribe((text) => console.log(text));
 * // => ann fell silent at 60000
 * // => bob fell silent at 140000
 */
export function process<K, T, Out, State extends StateDeclarations = Record<never, never>>(
  options: ProcessOptions<K, T, State, Out>,
): (source: Observable<Keyed<K, T>>) => DataStream<Unkeyed<Out>> {
  const { element, timer } = options;
  refuseAsync(element, `process "${options.uid}".element`);
  if (timer !== undefined) refuseAsync(timer, `process "${options.uid}".timer`);
  const declarations = (options.state ?? {}) as State;
  return defineOperator<Keyed<K, T>, Unkeyed<Out>>({
    operator: 'process',
    uid: options.uid,
    renamedFrom: options.renamedFrom,
    keyed: true,
    needsEventTime: expiresByEventTime(declarations),
    state: withLimits(cellsSpec(declarations), options.limits, `process "${options.uid}"`),
    sideOutputs: (options.sides ?? []).map(({ id }) => id),
    create: (context) => processOperator<K, T, State>(context, declarations, { element, timer }),
  });
}
