/** The options of `window` and `windowAll`. */
import type { Duration } from '../core/duration.js';
import type { StateDeclarations } from '../state/handles.js';
import type { Evictor } from '../time/evictors.js';
import type { Trigger } from '../time/trigger.js';
import type { OutputTag } from './data-stream.js';
import type { WindowFunction } from './window-function.js';

export interface WindowOptions<T> {
  /** Windows and timers are found by it after a restart. */
  readonly uid: string;
  /** The uid that the state was kept under before, where it has been renamed. May be left in for good. */
  readonly renamedFrom?: string;
  /** When a window says its result. Default: at its end; see `triggers`. */
  readonly trigger?: Trigger<T, unknown>;
  /** What a window throws away around its firing; needs an aggregator that keeps its elements, `elements()`. */
  readonly evictor?: Evictor<T>;
  /**
   * How long after its end a window of event time still takes elements; each of them emits an updated result at once.
   * Default 0: the first result is the only one. Infinity needs `unbounded`.
   */
  readonly allowedLateness?: Duration;
  /** Where elements go that are too late for all their windows. They are counted in any case. */
  readonly late?: OutputTag<T>;
  /** Says that windows may be kept for ever, where nothing would ever end or empty them. Default false. */
  readonly unbounded?: boolean;
}

/** A window with a function: it sees each result with its key and window, and says what to emit. */
export interface WindowProcessOptions<
  K,
  T,
  Value,
  Out,
  WindowState extends StateDeclarations,
  KeyState extends StateDeclarations,
> extends WindowOptions<T> {
  /** Called each time a window fires; what it returns is emitted, with the last timestamp of the window. */
  readonly process: WindowFunction<K, Value, Out, WindowState, KeyState>;
  /** States of each key and window; they go with the window. Not on sessions. Default: none. */
  readonly windowState?: WindowState;
  /** States of each key, shared by its windows; they stay until they are cleared. Default: none. */
  readonly keyState?: KeyState;
  /** Side outputs that `context.side` may send to. */
  readonly sides?: readonly OutputTag<unknown>[];
}
