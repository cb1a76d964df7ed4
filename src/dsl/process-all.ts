/** `processAll`: state and timers for the whole stream, without a key. */
import type { Observable } from 'rxjs';
import { cellsSpec, expiresByEventTime, type StateDeclarations } from '../state/handles.js';
import type { DataStream, OutputTag, Unkeyed } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import { processOperator, type FiredTimer, type ProcessContext } from './process-context.js';
import { refuseAsync, type Emitted } from './user-function.js';
import { oneScope } from './window-all.js';

/** What the functions of `processAll` are given: all that `process` has, except for a key. */
export type ProcessAllContext<State extends StateDeclarations> = Omit<
  ProcessContext<never, State>,
  'key'
>;

export interface ProcessAllOptions<T, State extends StateDeclarations, Out> {
  /** State and timers are found by it after a restart. */
  readonly uid: string;
  /** The uid that the state was kept under before, where it has been renamed. May be left in for good. */
  readonly renamedFrom?: string;
  /** The states, by name; one of each for the whole stream. Default: none. */
  readonly state?: State;
  /** Side outputs that `side` may send to. */
  readonly sides?: readonly OutputTag<unknown>[];
  /** For each element; what it returns is emitted, with the timestamp of the element. */
  readonly element: (value: T, context: ProcessAllContext<State>) => Emitted<Out>;
  /** For each timer, in time order; what it returns is emitted, with the time of an event-time timer. */
  readonly timer?: (timer: FiredTimer, context: ProcessAllContext<State>) => Emitted<Out>;
}

/**
 * `process` over the whole stream: after Flink's `ProcessFunction`, with state and timers of its own. All elements go
 * to one shard, whatever the parallelism, so where the stream is large do by key first what can be done by key. A key
 * that the stream has is not seen here, and the output has none.
 *
 * Throws when it is piped as `process` does, except for KEY_MISSING.
 *
 * @example
 * import { processAll, stream, valueState } from 'tidemark';
 * import { of } from 'rxjs';
 * // Numbers the elements.
 * stream(of('a', 'b', 'c'))
 *   .pipe(
 *     processAll({
 *       uid: 'numbered',
 *       state: { count: valueState(0) },
 *       element(text, { state: { count } }) {
 *         count.set(count.get() + 1);
 *         return [`${count.get()} ${text}`];
 *       },
 *     }),
 *   )
 *   .subscribe((text) => console.log(text));
 * // => 1 a
 * // => 2 b
 * // => 3 c
 */
export function processAll<T, Out, State extends StateDeclarations = Record<never, never>>(
  options: ProcessAllOptions<T, State, Out>,
): (source: Observable<T>) => DataStream<Unkeyed<Out>> {
  const { element, timer } = options;
  refuseAsync(element, `processAll "${options.uid}".element`);
  if (timer !== undefined) refuseAsync(timer, `processAll "${options.uid}".timer`);
  const declarations = (options.state ?? {}) as State;
  const step = defineOperator<unknown, Unkeyed<Out>>({
    operator: 'processAll',
    uid: options.uid,
    renamedFrom: options.renamedFrom,
    keyed: true,
    needsEventTime: expiresByEventTime(declarations),
    state: cellsSpec(declarations),
    sideOutputs: (options.sides ?? []).map(({ id }) => id),
    facts: { summary: 'one scope for the whole stream, in one shard' },
    create: (context) =>
      processOperator<never, T, State>(context, declarations, { element, timer }),
  });
  return (source) => step(oneScope(source, 'processAll'));
}
