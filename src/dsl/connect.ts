/** `connect`: two keyed streams with one state between them. */
import type { Observable } from 'rxjs';
import type { Operator, OperatorContext, StateLimits } from '../core/operator.js';
import { entrySpec, type BroadcastDeclarations } from '../state/broadcast-state.js';
import { withLimits } from '../state/state-limits.js';
import { cellsSpec, expiresByEventTime, type StateDeclarations } from '../state/handles.js';
import { BroadcastStream } from './broadcast.js';
import {
  broadcastOperator,
  checkBroadcastOptions,
  type ConnectBroadcastOptions,
} from './connect-broadcast.js';
import type { DataStream, Keyed, OutputTag, Step, Unkeyed } from './data-stream.js';
import { defineTwoInputOperator } from './define-operator.js';
import { KeyedProcess, type FiredTimer, type ProcessContext } from './process-context.js';
import { refuseAsync, type Emitted } from './user-function.js';

export interface ConnectOptions<K, First, Second, State extends StateDeclarations, Out> {
  /** State and timers are found by it after a restart. */
  readonly uid: string;
  /** The uid that the state was kept under before, where it has been renamed. May be left in for good. */
  readonly renamedFrom?: string;
  /** The states of a key, by name, shared by both sides. Default: none. */
  readonly state?: State;
  /** Keys and bytes of state that it may keep at most; beyond it the job fails with STATE_LIMIT. Default: no limits. */
  readonly limits?: StateLimits;
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
 * Joins two keyed streams of one key type in an operator of two inputs, after Flink's `KeyedCoProcessFunction`. The
 * watermark is the minimum of both; an input that was idle and comes back behind it is waited for. Between the sides
 * there is no order.
 *
 * Throws when it is built or piped: KEY_MISSING; UID_INVALID; USER_FUNCTION_ASYNC; TIME_MISSING where a state expires by
 * event time and no input has an `eventTime`.
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
): (source: Observable<Keyed<K, First>>) => DataStream<Unkeyed<Out>>;
/**
 * Joins a keyed stream with a broadcast one, after Flink's `KeyedBroadcastProcessFunction`: `second` writes broadcast
 * state in every shard, `first` reads it. See `broadcast` for an example.
 *
 * Throws when it is built or piped: as above, and OPTIONS_INVALID for broadcast state that is not a plain `mapState()`.
 */
export function connect<
  K,
  First,
  Second,
  Out,
  State extends StateDeclarations = Record<never, never>,
  Shared extends BroadcastDeclarations = Record<never, never>,
>(
  second: BroadcastStream<Second>,
  options: ConnectBroadcastOptions<K, First, Second, State, Shared, Out>,
): (source: Observable<Keyed<K, First>>) => DataStream<Unkeyed<Out>>;
export function connect(second: unknown, options: unknown): unknown {
  return connectStep('connect', second, options as AnyConnectOptions);
}

/** Options of either kind, once their types have been checked. */
export type AnyConnectOptions = ConnectOptions<
  unknown,
  unknown,
  unknown,
  StateDeclarations,
  unknown
> &
  ConnectBroadcastOptions<
    unknown,
    unknown,
    unknown,
    StateDeclarations,
    BroadcastDeclarations,
    unknown
  >;

/** The step behind `connect` and `connectAll`. */
export function connectStep(
  operator: string,
  second: unknown,
  options: AnyConnectOptions,
): Step<unknown, unknown> {
  const isBroadcast = second instanceof BroadcastStream;
  const where = `${operator} "${options.uid}"`;
  if (isBroadcast) checkBroadcastOptions(options, where);
  else checkConnectOptions(options, where);
  const declarations = options.state ?? {};
  const shared = Object.keys(options.broadcastState ?? {});
  const summary = shared.length === 0 ? 'broadcast' : `broadcast ${shared.join(' ')}`;
  const elements = isBroadcast ? second.elements : (second as Observable<unknown>);
  return defineTwoInputOperator<unknown, unknown, unknown>(elements, {
    operator,
    uid: options.uid,
    renamedFrom: options.renamedFrom,
    keyed: true,
    needsEventTime: expiresByEventTime(declarations) && 'someInput',
    state: withLimits(cellsSpec(declarations), options.limits, `connect "${options.uid}"`),
    sideOutputs: (options.sides ?? []).map(({ id }) => id),
    ...(isBroadcast
      ? { replicated: entrySpec, facts: { stateShape: 'broadcast', summary } }
      : undefined),
    create: (context) =>
      isBroadcast ? broadcastOperator(context, options) : connectOperator(context, options),
  });
}

function checkConnectOptions({ first, second, timer }: AnyConnectOptions, where: string): void {
  refuseAsync(first, `${where}.first`);
  refuseAsync(second, `${where}.second`);
  if (timer !== undefined) refuseAsync(timer, `${where}.timer`);
}

function connectOperator(context: OperatorContext, options: AnyConnectOptions): Operator {
  const { state = {}, first, second, timer } = options;
  const keyed = new KeyedProcess<unknown, StateDeclarations>(context, state);
  const cells = [context.keyCell(0), context.keyCell(1)] as const;
  const onTimer = timer ?? ((): void => undefined);
  return {
    element: keyed.elementOf(cells[0], first as never),
    second: keyed.elementOf(cells[1], second as never, 'second'),
    advance: (time, budget) => keyed.fire('event', time, budget, onTimer as never),
    tick: (now, budget) => keyed.fire('processing', now, budget, onTimer as never),
    nextTick: () => keyed.nextTick(),
  };
}
