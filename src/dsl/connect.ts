/** `connect`: two keyed streams with one state between them. */
import type { Observable } from 'rxjs';
import type { OperatorContext } from '../core/operator.js';
import { cellsSpec, expiresByEventTime, type StateDeclarations } from '../state/handles.js';
import type { DataStream, Keyed, OutputTag, Unkeyed } from './data-stream.js';
import { defineTwoInputOperator } from './define-operator.js';
import { KeyedProcess, type FiredTimer, type ProcessContext } from './process-context.js';
import { refuseAsync, type Emitted } from './user-function.js';

export interface ConnectOptions<K, First, Second, State extends StateDeclarations, Out> {
  /** State and timers are found by it after a restart. */
  readonly uid: string;
  /** The states of a key, by name, shared by both sides. Default: none. */
  readonly state?: State;
  /** Side outputs that `side` may send to. */
  readonly sides?: readonly OutputTag<unknown>[];
  /** For each element of the stream that `connect` stands on. */
  readonly first: (value: First, context: ProcessContext<K, State>) => Emitted<Out>;
  /** For each element of the stream given to `connect`. */
  readonly second: (value: Second, context: ProcessContext<K, State>) => Emitted<Out>;
  /** For each timer, whichever side has set it. */
  readonly timer?: (timer: FiredTimer, context: ProcessContext<K, State>) => Emitted<Out>;
}

/**
 * Joins two keyed streams of one key type in an operator of two inputs, after Flink's `CoProcessFunction`. The
 * watermark is the minimum of both; between the sides there is no order.
 *
 * @example
 * import { connect, keyBy, stream, valueState } from 'tidemark';
 * import { of } from 'rxjs';
 * const titles$ = stream(of({ song: 'a', title: 'Aria' })).pipe(keyBy((song) => song.song));
 * of({ song: 'a' }, { song: 'b' })
 *   .pipe(
 *     keyBy((play) => play.song),
 *     connect(titles$, {
 *       uid: 'titled',
 *       state: { title: valueState<string>(), waiting: valueState(0) },
 *       first(_play, { state }) {
 *         const title = state.title.get();
 *         if (title !== undefined) return [title];
 *         state.waiting.set(state.waiting.get() + 1);
 *         return [];
 *       },
 *       second({ title }, { state }) {
 *         state.title.set(title);
 *         return new Array<string>(state.waiting.get()).fill(title);
 *       },
 *     }),
 *   )
 *   .subscribe((title) => console.log(title));
 * // => Aria
 */
export function connect<
  K,
  First,
  Second,
  Out,
  State extends StateDeclarations = Record<never, never>,
>(
  second: Observable<Keyed<K, Second>>,
  options: ConnectOptions<K, First, Second, State, Out>,
): (source: Observable<Keyed<K, First>>) => DataStream<Unkeyed<Out>> {
  const { first: onFirst, second: onSecond, timer } = options;
  refuseAsync(onFirst, `connect "${options.uid}".first`);
  refuseAsync(onSecond, `connect "${options.uid}".second`);
  if (timer !== undefined) refuseAsync(timer, `connect "${options.uid}".timer`);
  const declarations = (options.state ?? {}) as State;
  return defineTwoInputOperator<Keyed<K, First>, Keyed<K, Second>, Unkeyed<Out>>(second, {
    operator: 'connect',
    uid: options.uid,
    keyed: true,
    needsEventTime: expiresByEventTime(declarations) && 'someInput',
    state: cellsSpec(declarations),
    sideOutputs: (options.sides ?? []).map(({ id }) => id),
    create(context: OperatorContext) {
      const keyed = new KeyedProcess<K, State>(context, declarations);
      const cells = [context.keyCell(0), context.keyCell(1)] as const;
      const onTimer = timer ?? ((): void => undefined);
      return {
        element: keyed.elementOf(cells[0], onFirst),
        second: keyed.elementOf(cells[1], onSecond, 'second'),
        advance: (time, budget) => keyed.fire('event', time, budget, onTimer),
        tick: (now, budget) => keyed.fire('processing', now, budget, onTimer),
        nextTick: () => keyed.nextTick(),
      };
    },
  });
}
