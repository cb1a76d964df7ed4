/** The triggers of Flink: `triggers.count(10)`, `triggers.purging(triggers.eventTime())` and the others. */
import { durationMs, type Duration } from '../core/duration.js';
import { TidemarkError, show } from '../core/errors.js';
import {
  continuousEventTimeTrigger,
  continuousProcessingTimeTrigger,
  timeoutTrigger,
  type TimeoutOptions,
  type TimeoutState,
} from './timed-triggers.js';
import type { Trigger, TriggerResult } from './trigger.js';

/** Options of `triggers.delta`. */
export interface DeltaOptions<T> {
  /** Fires when the distance is greater than this. */
  readonly threshold: number;
  /** How far `now` is from the element at which the window fired last (or from the first one). */
  readonly delta: (before: T, now: T) => number;
}

/**
 * When windows say their results. The default is `eventTime()` for windows of event time, `processingTime()` for those of
 * processing time, `never()` for `globalWindow()`.
 *
 * @example
 * import { count, globalWindow, keyBy, stream, triggers, window } from 'tidemark';
 * import { of } from 'rxjs';
 * stream(of(1, 2, 3, 4, 5))
 *   .pipe(
 *     keyBy(() => 'all'),
 *     window(globalWindow(), count(), { uid: 'pairs', trigger: triggers.count(2) }),
 *   )
 *   .subscribe(({ value }) => console.log(value));
 * // => 2
 * // => 4
 */
export const triggers = {
  /** Once the watermark has reached the end of the window; again for each late element. */
  eventTime: (): Trigger<unknown, undefined> => eventTimeTrigger,

  /** Once the clock has reached the end of the window. */
  processingTime: (): Trigger<unknown, undefined> => processingTimeTrigger,

  /** At each `size`-th element. */
  count: (size: number): Trigger<unknown, number> => countTrigger(size),

  /** Like `inner`, but the window forgets its contents each time it fires. */
  purging: <T, State>(inner: Trigger<T, State>): Trigger<T, State> => purgingTrigger(inner),

  /** At each multiple of `interval` in event time that has elements before it, and at the end of the window. */
  continuousEventTime: (interval: Duration): Trigger<unknown, number> =>
    continuousEventTimeTrigger(positive(interval, 'continuousEventTime')),

  /**
   * At each multiple of `interval` by the clock, from the first element on. Meant for windows of processing time and global
   * ones: in a window of event time, too, it fires for the last time once the clock has reached the end.
   */
  continuousProcessingTime: (interval: Duration): Trigger<unknown, number> =>
    continuousProcessingTimeTrigger(positive(interval, 'continuousProcessingTime')),

  /** When an element is further than `threshold` from the one at which it fired last. */
  delta: <T>(options: DeltaOptions<T>): Trigger<T, { readonly last: T } | undefined> =>
    deltaTrigger(options),

  /** Like `inner`, and besides once so much time has passed by the clock. The contents stay; see `clearOnTimeout`. */
  timeout: <T, State>(
    inner: Trigger<T, State>,
    options: TimeoutOptions,
  ): Trigger<T, TimeoutState<State>> =>
    timeoutTrigger(inner, { ...options, afterMs: positive(options.after, 'timeout') }),

  /** Not at all: only for windows that something else empties, or with `unbounded: true`. */
  never: (): Trigger<unknown, undefined> => neverTrigger,
} as const;

const nothing = (): undefined => undefined;
const goOn = (): TriggerResult => 'continue';

const eventTimeTrigger: Trigger<unknown, undefined> = {
  name: 'eventTime',
  fires: true,
  create: nothing,
  element(_value, context) {
    if (context.maxTimestamp <= context.watermark) return 'fire';
    context.setEventTime(context.maxTimestamp);
    return 'continue';
  },
  eventTime: (time, { maxTimestamp }) => (time === maxTimestamp ? 'fire' : 'continue'),
  processingTime: goOn,
  merge(context) {
    // A merged window that has ended already fires by the element that merged it.
    if (context.maxTimestamp > context.watermark) context.setEventTime(context.maxTimestamp);
  },
  clear: (context) => context.deleteEventTime(context.maxTimestamp),
};

const processingTimeTrigger: Trigger<unknown, undefined> = {
  name: 'processingTime',
  fires: true,
  create: nothing,
  element(_value, context) {
    context.setProcessingTime(context.maxTimestamp);
    return 'continue';
  },
  eventTime: goOn,
  processingTime: () => 'fire',
  merge(context) {
    if (context.maxTimestamp > context.now) context.setProcessingTime(context.maxTimestamp);
  },
  clear: (context) => context.deleteProcessingTime(context.maxTimestamp),
};

const neverTrigger: Trigger<unknown, undefined> = {
  name: 'never',
  fires: false,
  create: nothing,
  element: goOn,
  eventTime: goOn,
  processingTime: goOn,
  merge: nothing,
  clear: nothing,
};

function countTrigger(size: number): Trigger<unknown, number> {
  if (!Number.isSafeInteger(size) || size <= 0)
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'a whole number > 0',
      got: show(size),
      where: 'triggers.count',
      hint: 'Say at how many elements the window fires.',
    });
  return {
    name: `count ${size}`,
    fires: true,
    create: () => 0,
    element(_value, context) {
      context.state += 1;
      if (context.state < size) return 'continue';
      context.state = 0;
      return 'fire';
    },
    eventTime: goOn,
    processingTime: goOn,
    merge(context, merged) {
      for (const count of merged) context.state += count;
    },
    clear(context) {
      context.state = 0;
    },
  };
}

function purgingTrigger<T, State>(inner: Trigger<T, State>): Trigger<T, State> {
  const purged = (result: TriggerResult): TriggerResult =>
    result === 'fire' ? 'fireAndPurge' : result;
  return {
    ...inner,
    name: `purging ${inner.name}`,
    element: (value, context) => purged(inner.element(value, context)),
    eventTime: (time, context) => purged(inner.eventTime(time, context)),
    processingTime: (time, context) => purged(inner.processingTime(time, context)),
  };
}

function deltaTrigger<T>({
  threshold,
  delta,
}: DeltaOptions<T>): Trigger<T, { readonly last: T } | undefined> {
  if (typeof threshold !== 'number' || !(threshold >= 0) || typeof delta !== 'function')
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'a threshold >= 0 and a function delta(before, now)',
      got: `threshold ${show(threshold)}, delta ${typeof delta}`,
      where: 'triggers.delta',
      hint: 'Say how far two elements may be apart before the window fires.',
    });
  return {
    name: `delta ${threshold}`,
    fires: true,
    create: nothing,
    element(value, context) {
      const { state } = context;
      if (state === undefined) context.state = { last: value };
      if (state === undefined || !(delta(state.last, value) > threshold)) return 'continue';
      context.state = { last: value };
      return 'fire';
    },
    eventTime: goOn,
    processingTime: goOn,
    clear(context) {
      context.state = undefined;
    },
  };
}

function positive(duration: Duration, trigger: string): number {
  const ms = durationMs(duration, `triggers.${trigger}`);
  if (ms > 0) return ms;
  throw new TidemarkError('DURATION_INVALID', {
    expected: 'a duration > 0',
    got: show(duration),
    where: `triggers.${trigger}`,
    hint: 'A wait of nothing would fire for ever; leave the trigger out instead.',
  });
}
