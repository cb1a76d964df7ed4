/** `window`: one result per key and window, once event time has passed the end of the window. */
import type { Observable } from 'rxjs';
import type { OperatorContext } from '../core/operator.js';
import { SliceAssigner, type TimeWindow } from '../time/windows.js';
import { cellsSpec, expiresByEventTime, type StateDeclarations } from '../state/handles.js';
import type { Aggregator } from './aggregators.js';
import type { DataStream, Keyed, Unkeyed } from './data-stream.js';
import { defineOperator, type OperatorDefinition } from './define-operator.js';
import { keySlicesSpec } from './key-slices.js';
import { keySessionsSpec } from './key-sessions.js';
import { MergingSessions } from './merging-sessions.js';
import { SlicedWindows } from './sliced-windows.js';
import { TriggeredWindows } from './triggered-windows.js';
import { FunctionOutput, plainOutput, type FunctionOutputOptions } from './window-function.js';
import type { WindowOptions, WindowProcessOptions } from './window-options.js';
import { windowsOfKeySpec, type WindowsOfKey } from './window-records.js';
import {
  checkWindow,
  type AnyWindowOptions,
  type CheckedWindow,
  type WindowSpec,
} from './window-spec.js';

/** The result of one window for one key. Its timestamp is `window.end - 1`, and the watermark follows it. */
export interface WindowResult<K, Value> {
  readonly key: K;
  /** Event time in epoch ms; `end` is exclusive. */
  readonly window: TimeWindow;
  readonly value: Value;
}

/**
 * Aggregates per key and window. By default windows follow Flink's event-time trigger: a window fires when the watermark
 * reaches `end - 1`; an element is late when the last of its windows ended more than `allowedLateness` ago. Other
 * triggers, evictors, and a function over the result come in as options.
 *
 * Tumbling and sliding windows under that trigger are cut into slices: each element updates one slice, however much the
 * windows overlap, and windows are put together from slices when they fire.
 *
 * @param spec `tumbling(...)`, `sliding(...)`, `session(...)`, `countWindow(...)` or `globalWindow()`
 * @param aggregator such as `count()`, `sum((play) => play.ms)`; `elements()` keeps all elements
 *
 * @example
 * import { count, eventTime, keyBy, sliding, window } from 'tidemark';
 * import { of } from 'rxjs';
 * of({ song: 'a', at: 0 }, { song: 'a', at: 5_000 })
 *   .pipe(
 *     eventTime({ timestamp: (play) => play.at }),
 *     keyBy((play) => play.song),
 *     window(sliding({ size: '10s', slide: '5s' }), count(), { uid: 'plays' }),
 *   )
 *   .subscribe((result) => console.log(result.window.start, result.window.end, result.value));
 * // => -5000 5000 1
 * // => 0 10000 2
 * // => 5000 15000 1
 *
 * @throws TidemarkError DURATION_INVALID, OPTIONS_INVALID, WINDOW_UNBOUNDED, WINDOW_CONTRADICTION; KEY_MISSING or
 *   TIME_MISSING when it is piped
 */
export function window<
  K,
  T,
  Accumulator,
  Value,
  Out,
  WindowState extends StateDeclarations = Record<never, never>,
  KeyState extends StateDeclarations = Record<never, never>,
>(
  spec: WindowSpec<T>,
  aggregator: Aggregator<T, Accumulator, Value>,
  options: WindowProcessOptions<K, T, Value, Out, WindowState, KeyState>,
): (source: Observable<Keyed<K, T>>) => DataStream<Unkeyed<Out>>;
export function window<K, T, Accumulator, Value>(
  spec: WindowSpec<T>,
  aggregator: Aggregator<T, Accumulator, Value>,
  options: WindowOptions<T>,
): (source: Observable<Keyed<K, T>>) => DataStream<WindowResult<K, Value>>;
export function window(spec: unknown, aggregator: unknown, options: unknown): unknown {
  return defineOperator(
    windowDefinition(
      spec as WindowSpec<never>,
      aggregator as Aggregator<never, unknown, unknown>,
      options as AnyWindowOptions,
    ),
  );
}

/** `window` in its general form, without slices and running sessions; for tests that compare them. */
export const triggeredWindow = ((
  spec: WindowSpec<never>,
  aggregator: Aggregator<never, unknown, unknown>,
  options: AnyWindowOptions,
) =>
  defineOperator(
    windowDefinition(spec, aggregator, options, { slices: false }),
  )) as unknown as typeof window;

/** Everything that the graph must know of a window. */
export function windowDefinition(
  spec: WindowSpec<never>,
  aggregator: Aggregator<never, unknown, unknown>,
  options: AnyWindowOptions,
  { slices = true, isKeyed = true } = {},
): OperatorDefinition {
  const where = `window "${options.uid}"`;
  const checked = checkWindow(spec, aggregator, options, where);
  const { summary, shape, latenessMs, time } = checked;
  const late = options.late?.id;
  const parts: Parts = { checked, aggregator: aggregator as Parts['aggregator'], options, isKeyed };
  const engine = engineOf(spec, parts, slices);
  return {
    operator: isKeyed ? 'window' : 'windowAll',
    uid: options.uid,
    renamedFrom: options.renamedFrom,
    keyed: true,
    needsEventTime:
      time === 'event' || expiresByEventTime({ ...options.windowState, ...options.keyState }),
    sideOutputs: [
      ...(late === undefined ? [] : [late]),
      ...(options.sides ?? []).map(({ id }) => id),
    ],
    state: engine.state,
    create: engine.create,
    facts: { summary, latenessMs, stateShape: `${engine.name} ${shape}` },
  };
}

interface Parts {
  readonly checked: CheckedWindow;
  readonly aggregator: Aggregator<unknown, unknown, unknown>;
  readonly options: AnyWindowOptions;
  readonly isKeyed: boolean;
}

interface Engine extends Pick<OperatorDefinition, 'state' | 'create'> {
  /** Each keeps state of a form of its own. */
  readonly name: 'slices' | 'sessions' | 'records';
}

type Aligned = Extract<WindowSpec<never>, { readonly sizeMs: number }>;
type Sessions = Extract<WindowSpec<never>, { readonly kind: 'session' }>;

/** The fastest of three operators that can do what is asked for; the last one can do everything. */
function engineOf(spec: WindowSpec<never>, parts: Parts, mayBeFast: boolean): Engine {
  const { checked, aggregator, options } = parts;
  const isPlain =
    checked.firesByDefault &&
    checked.latenessMs !== Infinity &&
    aggregator.arrivalOrder !== true &&
    options.windowState === undefined &&
    options.keyState === undefined;
  if (!mayBeFast || !isPlain) return triggered(parts);
  if (spec.kind === 'tumbling' || spec.kind === 'sliding') return sliced(spec, parts);
  return spec.kind === 'session' ? sessions(spec, parts) : triggered(parts);
}

function sliced(spec: Aligned, { checked, aggregator, options, isKeyed }: Parts): Engine {
  return {
    name: 'slices',
    state: keySlicesSpec(),
    create: (context) =>
      new SlicedWindows(context, {
        slices: new SliceAssigner(spec),
        aggregator,
        latenessMs: checked.latenessMs,
        late: options.late?.id,
        output: functionOf(context, options, isKeyed) ?? plainOutput(context.output, isKeyed),
      }),
  };
}

function sessions(
  { gap, gapOf }: Sessions,
  { checked, aggregator, options, isKeyed }: Parts,
): Engine {
  return {
    name: 'sessions',
    state: keySessionsSpec(),
    create: (context) =>
      new MergingSessions(context, {
        gap: gap === 'dynamic' ? (gapOf as (value: unknown) => number) : gap,
        aggregator,
        latenessMs: checked.latenessMs,
        late: options.late?.id,
        output: functionOf(context, options, isKeyed) ?? plainOutput(context.output, isKeyed),
      }),
  };
}

function triggered({ checked, aggregator, options, isKeyed }: Parts): Engine {
  const windowState = options.windowState ?? {};
  const keyState = options.keyState ?? {};
  return {
    name: 'records',
    state: windowsOfKeySpec(keyState, windowState),
    create(context) {
      const store = context.keyedState<WindowsOfKey>();
      const fn = functionOf(context, options, isKeyed, { store, windowState, keyState });
      return new TriggeredWindows(
        context,
        {
          ...checked,
          aggregator,
          late: options.late?.id,
          createCells: cellsSpec(windowState).create,
        },
        { store, function: fn, output: fn ?? plainOutput(context.output, isKeyed) },
      );
    },
  };
}

function functionOf(
  context: OperatorContext,
  { process }: AnyWindowOptions,
  isKeyed: boolean,
  states?: FunctionOutputOptions['states'],
): FunctionOutput | undefined {
  if (process === undefined) return undefined;
  return new FunctionOutput(context, {
    fn: process as FunctionOutputOptions['fn'],
    isKeyed,
    ...(states === undefined ? {} : { states }),
  });
}
