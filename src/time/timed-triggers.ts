/** Triggers that fire again and again, or after a while: after Flink's continuous and time-out triggers. */
import type { Duration } from '../core/duration.js';
import { TidemarkError } from '../core/errors.js';
import type { Trigger, TriggerContext, TriggerResult } from './trigger.js';

/** Options of `triggers.timeout`. */
export interface TimeoutOptions {
  /** Fires this long after the first element, by the clock. */
  readonly after: Duration;
  /** Whether each element starts the wait anew. Default false. */
  readonly resetOnElement?: boolean;
  /** Whether what the inner trigger remembers is forgotten when the wait is over. Default true. */
  readonly clearOnTimeout?: boolean;
}

const goOn = (): TriggerResult => 'continue';

/** No fire is pending. */
const NONE = Infinity;

/** The multiple of the interval before a time. The remainder has the sign of the time, as in Flink. */
function multipleBefore(time: number, interval: number): number {
  return time - (time % interval);
}

export function continuousEventTimeTrigger(interval: number): Trigger<unknown, number> {
  const waitFrom = (time: number, context: TriggerContext<number>): void => {
    // At the end of time there are multiples without end; a window without an end then fires for the last time.
    const next = context.watermark === Infinity ? context.maxTimestamp : time + interval;
    context.state =
      context.maxTimestamp < Infinity ? Math.min(time + interval, context.maxTimestamp) : next;
    context.setEventTime(context.state);
  };
  return {
    name: `continuousEventTime ${interval}`,
    fires: true,
    create: () => NONE,
    element(_value, context) {
      if (context.maxTimestamp <= context.watermark) return 'fire';
      context.setEventTime(context.maxTimestamp);
      if (Number.isNaN(context.timestamp)) throw timestampMissing();
      if (context.state === NONE) waitFrom(multipleBefore(context.timestamp, interval), context);
      return 'continue';
    },
    eventTime(time, context) {
      if (time === context.maxTimestamp) return 'fire';
      if (time !== context.state) return 'continue';
      waitFrom(time, context);
      return 'fire';
    },
    processingTime: goOn,
    merge(context, merged) {
      context.state = Math.min(NONE, ...merged);
      if (context.state !== NONE) context.setEventTime(context.state);
    },
    clear(context) {
      if (context.state !== NONE) context.deleteEventTime(context.state);
      context.state = NONE;
    },
  };
}

export function continuousProcessingTimeTrigger(interval: number): Trigger<unknown, number> {
  const waitFrom = (time: number, context: TriggerContext<number>): void => {
    context.state = Math.min(time + interval, context.maxTimestamp);
    context.setProcessingTime(context.state);
  };
  return {
    name: `continuousProcessingTime ${interval}`,
    fires: true,
    create: () => NONE,
    element(_value, context) {
      if (context.state === NONE) waitFrom(multipleBefore(context.now, interval), context);
      return 'continue';
    },
    eventTime: goOn,
    processingTime(time, context) {
      if (time !== context.state) return 'continue';
      // At its end a window fires for the last time; Flink would set the same time again.
      if (time < context.maxTimestamp) waitFrom(time, context);
      return 'fire';
    },
    merge(context, merged) {
      context.state = Math.min(NONE, ...merged);
      if (context.state !== NONE) context.setProcessingTime(context.state);
    },
    clear(context) {
      if (context.state !== NONE) context.deleteProcessingTime(context.state);
      context.state = NONE;
    },
  };
}

/** What `triggers.timeout` remembers: when the wait is over (Infinity: no wait), and what the inner trigger does. */
export interface TimeoutState<State> {
  at: number;
  inner: State;
}

/** After Flink's `ProcessingTimeoutTrigger`, where every timer of the window fires, also those of the inner trigger. */
export function timeoutTrigger<T, State>(
  inner: Trigger<T, State>,
  options: TimeoutOptions & { readonly afterMs: number },
): Trigger<T, TimeoutState<State>> {
  const after = options.afterMs;
  const resets = options.resetOnElement ?? false;
  const clears = options.clearOnTimeout ?? true;
  const stop = (context: TriggerContext<TimeoutState<State>>): void => {
    if (context.state.at !== NONE) context.deleteProcessingTime(context.state.at);
    context.state.at = NONE;
  };
  const clear = (context: TriggerContext<TimeoutState<State>>): void => {
    stop(context);
    inner.clear(innerOf(context));
  };
  const fired = (
    result: TriggerResult,
    context: TriggerContext<TimeoutState<State>>,
  ): TriggerResult => {
    if (clears) clear(context);
    return result === 'purge' || result === 'fireAndPurge' ? 'fireAndPurge' : 'fire';
  };
  return {
    name: `timeout ${after} ${inner.name}`,
    fires: true,
    create: () => ({ at: NONE, inner: inner.create() }),
    element(value, context) {
      const result = inner.element(value, innerOf(context));
      if (result === 'fire' || result === 'fireAndPurge') {
        clear(context);
        return result;
      }
      if (resets) stop(context);
      if (context.state.at !== NONE) return result;
      context.state.at = context.now + after;
      context.setProcessingTime(context.state.at);
      return result;
    },
    eventTime: (time, context) => fired(inner.eventTime(time, innerOf(context)), context),
    processingTime: (time, context) => fired(inner.processingTime(time, innerOf(context)), context),
    clear,
  };
}

/** The context as the inner trigger sees it: with its own part of the state. */
function innerOf<State>(context: TriggerContext<TimeoutState<State>>): TriggerContext<State> {
  return Object.create(context, {
    state: {
      get: () => context.state.inner,
      set: (state: State) => {
        context.state.inner = state;
      },
    },
  }) as TriggerContext<State>;
}

function timestampMissing(): TidemarkError {
  return new TidemarkError('TIMESTAMP_INVALID', {
    expected: 'elements with event time',
    got: 'an element without one',
    where: 'triggers.continuousEventTime',
    hint: 'Put eventTime before the window, or use triggers.continuousProcessingTime.',
  });
}
