/** `connectAll`: two streams without a key, with one scope of state between them. */
import type { Observable } from 'rxjs';
import type { BroadcastDeclarations } from '../state/broadcast-state.js';
import type { StateDeclarations } from '../state/handles.js';
import { BroadcastStream } from './broadcast.js';
import type {
  BroadcastReadContext,
  BroadcastWriteContext,
  ConnectBroadcastOptions,
} from './connect-broadcast.js';
import { connectStep, type AnyConnectOptions, type ConnectOptions } from './connect.js';
import type { DataStream, Unkeyed } from './data-stream.js';
import type { ProcessAllContext } from './process-all.js';
import type { FiredTimer } from './process-context.js';
import type { Emitted } from './user-function.js';
import { oneScope } from './window-all.js';

export interface ConnectAllOptions<
  First,
  Second,
  State extends StateDeclarations,
  Out,
> extends Omit<ConnectOptions<never, First, Second, State, Out>, 'first' | 'second' | 'timer'> {
  /** For each element of the stream that `connectAll` stands on. */
  readonly first: (value: First, context: ProcessAllContext<State>) => Emitted<Out>;
  /** For each element of the stream given to `connectAll`. */
  readonly second: (value: Second, context: ProcessAllContext<State>) => Emitted<Out>;
  /** For each timer, whichever side has set it. */
  readonly timer?: (timer: FiredTimer, context: ProcessAllContext<State>) => Emitted<Out>;
}

/** What the functions of the side that reads are given. */
export type BroadcastAllContext<
  State extends StateDeclarations,
  Shared extends BroadcastDeclarations,
> = Omit<BroadcastReadContext<never, State, Shared>, 'key'>;

export interface ConnectAllBroadcastOptions<
  First,
  Second,
  State extends StateDeclarations,
  Shared extends BroadcastDeclarations,
  Out,
> extends Omit<
  ConnectBroadcastOptions<never, First, Second, State, Shared, Out>,
  'first' | 'second' | 'eachKey' | 'timer'
> {
  /** For each element of the stream that `connectAll` stands on. */
  readonly first: (value: First, context: BroadcastAllContext<State, Shared>) => Emitted<Out>;
  /** For each element of the broadcast stream; what it writes may depend on it and on broadcast state alone. */
  readonly second: (
    value: Second,
    context: Omit<BroadcastWriteContext<Shared>, 'visitKeys'>,
  ) => Emitted<Out>;
  /** For each timer. */
  readonly timer?: (timer: FiredTimer, context: BroadcastAllContext<State, Shared>) => Emitted<Out>;
}

/**
 * `connect` over streams without a key: after Flink's `CoProcessFunction` and, with `broadcast(...)` as the second
 * stream, `BroadcastProcessFunction`. State and timers are those of the whole stream. All elements go to one shard,
 * whatever the parallelism, so where a stream is large give it a key and take `connect`. Keys are not seen here.
 *
 * Throws as `connect` does, except for KEY_MISSING.
 *
 * @example
 * import { broadcast, connectAll, mapState, stream } from 'tidemark';
 * import { of } from 'rxjs';
 * const blocked$ = of('spam');
 * stream(of('hello', 'spam'))
 *   .pipe(
 *     connectAll(broadcast(blocked$), {
 *       uid: 'blocked',
 *       broadcastState: { blocked: mapState<string, true>() },
 *       first: (word, { broadcastState: { blocked } }) => (blocked.has(word) ? [] : [word]),
 *       second: (word, { broadcastState: { blocked } }) => blocked.set(word, true),
 *     }),
 *   )
 *   .subscribe((word) => console.log(word));
 * // => hello
 */
export function connectAll<
  First,
  Second,
  Out,
  State extends StateDeclarations = Record<never, never>,
>(
  second: Observable<Second>,
  options: ConnectAllOptions<First, Second, State, Out>,
): (source: Observable<First>) => DataStream<Unkeyed<Out>>;
export function connectAll<
  First,
  Second,
  Out,
  State extends StateDeclarations = Record<never, never>,
  Shared extends BroadcastDeclarations = Record<never, never>,
>(
  second: BroadcastStream<Second>,
  options: ConnectAllBroadcastOptions<First, Second, State, Shared, Out>,
): (source: Observable<First>) => DataStream<Unkeyed<Out>>;
export function connectAll(second: unknown, options: unknown): unknown {
  const other =
    second instanceof BroadcastStream
      ? second
      : oneScope(second as Observable<unknown>, 'connectAll');
  const step = connectStep('connectAll', other, options as AnyConnectOptions);
  return (source: Observable<unknown>) => step(oneScope(source, 'connectAll'));
}
