/** `windowAll`: one result per window over the whole stream, without a key. */
import type { Observable } from 'rxjs';
import { makeKeyNode } from '../core/graph.js';
import type { StateDeclarations } from '../state/handles.js';
import type { TimeWindow } from '../time/windows.js';
import type { Aggregator } from './aggregators.js';
import { DataStream, edgeOf, type Unkeyed } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import { windowDefinition } from './window.js';
import type { WindowOptions, WindowProcessOptions } from './window-options.js';
import type { AnyWindowOptions, WindowSpec } from './window-spec.js';

/** The result of one window over the whole stream. Its timestamp is `window.end - 1`. */
export interface WindowAllResult<Value> {
  /** Event time in epoch ms; `end` is exclusive. */
  readonly window: TimeWindow;
  readonly value: Value;
}

/**
 * `window` over the whole stream. It runs in one shard, whatever the parallelism, as Flink's `windowAll` does; where the
 * stream is large, count per key first and put the counts together here.
 *
 * @example
 * import { count, eventTime, tumbling, windowAll } from 'tidemark';
 * import { of } from 'rxjs';
 * of(0, 400, 1_200)
 *   .pipe(
 *     eventTime({ timestamp: (at) => at }),
 *     windowAll(tumbling({ size: '1s' }), count(), { uid: 'per-second' }),
 *   )
 *   .subscribe((result) => console.log(result.window.start, result.value));
 * // => 0 2
 * // => 1000 1
 *
 * @throws TidemarkError as `window` does; KEY_MISSING never
 */
export function windowAll<
  T,
  Accumulator,
  Value,
  Out,
  WindowState extends StateDeclarations = Record<never, never>,
  KeyState extends StateDeclarations = Record<never, never>,
>(
  spec: WindowSpec<T>,
  aggregator: Aggregator<T, Accumulator, Value>,
  options: WindowProcessOptions<undefined, T, Value, Out, WindowState, KeyState>,
): (source: Observable<T>) => DataStream<Unkeyed<Out>>;
export function windowAll<T, Accumulator, Value>(
  spec: WindowSpec<T>,
  aggregator: Aggregator<T, Accumulator, Value>,
  options: WindowOptions<T>,
): (source: Observable<T>) => DataStream<WindowAllResult<Value>>;
export function windowAll(spec: unknown, aggregator: unknown, options: unknown): unknown {
  const step = defineOperator(
    windowDefinition(
      spec as WindowSpec<never>,
      aggregator as Aggregator<never, unknown, unknown>,
      options as AnyWindowOptions,
      { isKeyed: false },
    ),
  );
  return (source: Observable<unknown>) => step(oneScope(source, 'windowAll'));
}

/** The key of everything: all elements share one scope of state, and so one shard. */
const EVERYTHING = '';

/** Puts the whole stream under one key. */
export function oneScope(source: Observable<unknown>, step: string): DataStream<unknown> {
  const input = edgeOf(source, step);
  const node = makeKeyNode({
    kind: 'key',
    keyOf: () => EVERYTHING,
    uid: undefined,
    inputs: [input],
    hasEventTime: input.from.hasEventTime,
    scope: [],
  });
  return new DataStream({ from: node });
}
