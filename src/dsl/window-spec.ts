/** What `window` is told to do, checked and with its defaults: kind of windows, trigger, evictor, lateness. */
import { durationMs, formatDuration } from '../core/duration.js';
import { TidemarkError, show } from '../core/errors.js';
import { evictors, type Evictor } from '../time/evictors.js';
import type { CountWindows, GlobalWindow } from '../time/global-windows.js';
import type { SessionWindows } from '../time/session-windows.js';
import type { Trigger } from '../time/trigger.js';
import { triggers } from '../time/triggers.js';
import {
  windowsAt,
  type AlignedWindows,
  type TimeWindow,
  type WindowTime,
} from '../time/windows.js';
import type { StateDeclarations } from '../state/handles.js';
import type { Aggregator } from './aggregators.js';
import type { OutputTag } from './data-stream.js';
import { refuseAsync } from './user-function.js';
import type { WindowOptions } from './window-options.js';

/** Any kind of window over elements of type T. */
export type WindowSpec<T> = AlignedWindows | SessionWindows<T> | GlobalWindow | CountWindows;

/** The options of `window` in whatever form they came. */
export interface AnyWindowOptions extends WindowOptions<never> {
  readonly process?: unknown;
  readonly sides?: readonly OutputTag<unknown>[];
  readonly windowState?: StateDeclarations;
  readonly keyState?: StateDeclarations;
}

export interface CheckedWindow {
  readonly windowsOf: (value: unknown, time: number) => readonly TimeWindow[];
  readonly time: WindowTime | undefined;
  readonly merges: boolean;
  readonly trigger: Trigger<unknown, unknown>;
  readonly evictor: Evictor<unknown> | undefined;
  readonly latenessMs: number;
  /** Whether neither trigger nor evictor were given, so that the windows fire in Flink's default way. */
  readonly firesByDefault: boolean;
  /** For `explain`. */
  readonly summary: string;
  /** What the kept state depends on. */
  readonly shape: string;
}

/**
 * Checks a window against its options.
 *
 * @throws TidemarkError OPTIONS_INVALID, DURATION_INVALID, WINDOW_UNBOUNDED, WINDOW_CONTRADICTION
 */
export function checkWindow(
  spec: WindowSpec<never>,
  aggregator: Aggregator<never, unknown, unknown>,
  options: AnyWindowOptions,
  where: string,
): CheckedWindow {
  const { process } = options;
  if (process !== undefined) refuseAsync(process, `process of ${where}`);
  const time = spec.kind === 'global' || spec.kind === 'count' ? undefined : spec.time;
  const trigger = (options.trigger ?? defaultTrigger(spec)) as unknown as Trigger<unknown, unknown>;
  const evictor = (options.evictor ?? defaultEvictor(spec)) as Evictor<unknown> | undefined;
  refuseContradictions(spec, aggregator, options, where);
  const latenessMs = latenessOf(options, where);
  if (!trigger.fires && (time === undefined || latenessMs === Infinity))
    refuseUnbounded(options, where);
  const named = describeSpec(spec);
  const rules = [
    options.trigger === undefined ? '' : `, trigger ${trigger.name}`,
    options.evictor === undefined ? '' : `, evictor ${options.evictor.name}`,
  ].join('');
  const lateness = latenessMs === 0 ? '' : `, ${formatDuration(latenessMs)} late`;
  return {
    windowsOf: windowsOf(spec),
    time,
    merges: spec.kind === 'session',
    trigger,
    evictor,
    latenessMs,
    firesByDefault: options.trigger === undefined && evictor === undefined && time === 'event',
    summary: `${named}, ${aggregator.name}${rules}${lateness}`,
    shape: `${shapeOf(spec)} ${aggregator.name}${rules}`,
  };
}

const everything: readonly TimeWindow[] = [{ start: -Infinity, end: Infinity }];

function windowsOf(spec: WindowSpec<never>): CheckedWindow['windowsOf'] {
  switch (spec.kind) {
    case 'tumbling':
    case 'sliding':
      return (_value, time) => windowsAt(spec, time);
    case 'session':
      return (value, time) => [{ start: time, end: time + spec.gapOf(value as never) }];
    case 'global':
    case 'count':
      return () => everything;
  }
}

function defaultTrigger(spec: WindowSpec<never>): Trigger<never, never> {
  const trigger = (): Trigger<unknown, undefined> | Trigger<unknown, number> => {
    switch (spec.kind) {
      case 'global':
        return triggers.never();
      case 'count':
        return spec.slide === spec.size
          ? triggers.purging(triggers.count(spec.size))
          : triggers.count(spec.slide);
      case 'tumbling':
      case 'sliding':
      case 'session':
        return spec.time === 'event' ? triggers.eventTime() : triggers.processingTime();
    }
  };
  return trigger() as unknown as Trigger<never, never>;
}

/** Count windows that overlap keep their elements, and forget those that no later window holds. */
function defaultEvictor(spec: WindowSpec<never>): Evictor<unknown> | undefined {
  return spec.kind === 'count' && spec.slide !== spec.size ? evictors.count(spec.size) : undefined;
}

function latenessOf({ allowedLateness, unbounded }: AnyWindowOptions, where: string): number {
  if (allowedLateness !== Infinity)
    return durationMs(allowedLateness ?? 0, `allowedLateness of ${where}`);
  if (unbounded === true) return Infinity;
  throw new TidemarkError('WINDOW_UNBOUNDED', {
    expected: 'a bound on how long windows are kept',
    got: 'allowedLateness: Infinity',
    where,
    hint: 'Give a duration, or say `unbounded: true` when the number of windows is bounded in another way.',
  });
}

function refuseUnbounded({ unbounded }: AnyWindowOptions, where: string): void {
  if (unbounded === true) return;
  throw new TidemarkError('WINDOW_UNBOUNDED', {
    expected: 'a trigger that fires, on a window that never ends',
    got: 'a window whose elements would be kept for ever without ever being seen',
    where,
    hint: 'Give it a trigger, such as triggers.purging(triggers.count(100)), or say `unbounded: true`.',
  });
}

function refuseContradictions(
  spec: WindowSpec<never>,
  aggregator: Aggregator<never, unknown, unknown>,
  options: AnyWindowOptions,
  where: string,
): void {
  const isTimed =
    (spec.kind === 'tumbling' || spec.kind === 'sliding' || spec.kind === 'session') &&
    spec.time === 'event';
  const refuse = (expected: string, got: string, hint: string): never => {
    throw new TidemarkError('WINDOW_CONTRADICTION', { expected, got, where, hint });
  };
  for (const option of ['allowedLateness', 'late'] as const)
    if (!isTimed && options[option] !== undefined)
      refuse(
        `${option} only on windows of event time`,
        `${option} on ${describeSpec(spec)}`,
        'Nothing is late there: leave it out, or use windows of event time.',
      );
  if (options.evictor !== undefined && aggregator.keepsElements !== true)
    refuse(
      'an aggregator that keeps its elements, such as elements(), under an evictor',
      `the aggregator ${aggregator.name}, which keeps a running value`,
      'Use elements(), and compute the value in `process` from the elements that are left.',
    );
  if (
    spec.kind === 'session' &&
    options.trigger !== undefined &&
    options.trigger.merge === undefined
  )
    refuse(
      'a trigger with `merge` on session windows',
      `the trigger ${options.trigger.name}`,
      'Sessions become one when they meet; a trigger must say what it then remembers.',
    );
  if (spec.kind === 'session' && options.windowState !== undefined)
    refuse(
      'no windowState on session windows',
      `windowState: ${show(Object.keys(options.windowState))}`,
      'Sessions become one when they meet, and their states could not: use keyState, or the aggregator.',
    );
  if (options.process === undefined && (options.windowState ?? options.keyState) !== undefined)
    refuse(
      'a function `process` that uses the declared states',
      'states without it',
      'Add `process`, or leave windowState and keyState out.',
    );
}

function describeSpec(spec: WindowSpec<never>): string {
  const clock = 'time' in spec && spec.time === 'processing' ? ' of processing time' : '';
  switch (spec.kind) {
    case 'tumbling':
      return `tumbling ${formatDuration(spec.sizeMs)}${clock}`;
    case 'sliding':
      return `sliding ${formatDuration(spec.sizeMs)} / ${formatDuration(spec.slideMs)}${clock}`;
    case 'session':
      return `session, gap ${spec.gap === 'dynamic' ? spec.gap : formatDuration(spec.gap)}${clock}`;
    case 'global':
      return 'global window';
    case 'count':
      return `count ${spec.size} / ${spec.slide}`;
  }
}

function shapeOf(spec: WindowSpec<never>): string {
  switch (spec.kind) {
    case 'tumbling':
    case 'sliding':
      return `${spec.sizeMs}/${spec.slideMs}+${spec.offsetMs}${spec.time === 'event' ? '' : ' processing'}`;
    case 'session':
      return `session ${spec.time}`;
    case 'global':
      return 'global';
    case 'count':
      return `count ${spec.size}/${spec.slide}`;
  }
}
