/** What the general operator behind `window` is told, and the parts that it is put together from. */
import type { KeyedState } from '../core/operator.js';
import type { Cells } from '../state/handles.js';
import type { Evictor } from '../time/evictors.js';
import type { Trigger } from '../time/trigger.js';
import type { TimeWindow, WindowTime } from '../time/windows.js';
import type { Aggregator } from './aggregators.js';
import type { FunctionOutput, WindowOutput } from './window-function.js';
import type { WindowsOfKey } from './window-records.js';

export interface TriggeredWindowsOptions {
  /** The windows of an element; for sessions the one that it makes by itself. Global windows ignore the time. */
  readonly windowsOf: (value: unknown, time: number) => readonly TimeWindow[];
  readonly merges: boolean;
  /** Undefined: windows do not go by time. */
  readonly time: WindowTime | undefined;
  readonly aggregator: Aggregator<unknown, unknown, unknown>;
  readonly trigger: Trigger<unknown, unknown>;
  readonly evictor: Evictor<unknown> | undefined;
  /** Infinity: kept for ever. */
  readonly latenessMs: number;
  /** Tag of the side output for late elements. */
  readonly late: string | undefined;
  /** The states of a new window. */
  readonly createCells: () => Cells;
}

export interface TriggeredWindowsParts {
  readonly store: KeyedState<WindowsOfKey>;
  readonly output: WindowOutput;
  readonly function: FunctionOutput | undefined;
}
