/**
 * The reference of triggers, after Flink's classes of those names. Those of the user are called as they are.
 *
 * A trigger answers what the window does, and keeps what it must remember of a window in `context.state`.
 */
import type { Trigger, TriggerContext, TriggerResult } from 'tidemark';
import type { Item } from './description.js';
import { customTriggers } from './trigger-behaviours.js';
import type { TriggerChoice, WindowStep } from './window-step.js';

type Context = TriggerContext<never>;

/** As far as the reference of windows calls one. */
export interface ReferenceTrigger {
  create(): unknown;
  element(item: Item, context: Context): TriggerResult;
  onTime(domain: 'event' | 'processing', time: number, context: Context): TriggerResult;
  merge(context: Context, merged: readonly never[]): void;
  clear(context: Context): void;
}

/** How a described window decides, by itself or by default. */
export function referenceTrigger(step: WindowStep): ReferenceTrigger {
  return triggerOf(step.trigger ?? defaultOf(step));
}

function defaultOf({ span, time }: WindowStep): TriggerChoice {
  if (span.kind === 'global') return { kind: 'never' };
  if (span.kind !== 'count') return { kind: time === 'event' ? 'eventTime' : 'processingTime' };
  const { size, slide } = span;
  return size === slide
    ? { kind: 'purging', inner: { kind: 'count', size } }
    : { kind: 'count', size: slide };
}

function triggerOf(choice: TriggerChoice): ReferenceTrigger {
  switch (choice.kind) {
    case 'eventTime':
    case 'processingTime':
      return atEnd(choice.kind === 'eventTime' ? 'event' : 'processing');
    case 'never':
      return { ...silent };
    case 'count':
      return counting(choice.size);
    case 'continuousEventTime':
      return continuous('event', choice.interval);
    case 'continuousProcessingTime':
      return continuous('processing', choice.interval);
    case 'delta':
      return delta(choice.threshold);
    case 'custom':
      return custom(customTriggers[choice.name]);
    case 'purging':
      return purging(triggerOf(choice.inner));
    case 'timeout':
      return timeout(triggerOf(choice.inner), choice);
  }
}

const silent: ReferenceTrigger = {
  create: () => ({}),
  element: () => 'continue',
  onTime: () => 'continue',
  merge: () => undefined,
  clear: () => undefined,
};

function set(domain: 'event' | 'processing', context: Context, time: number): void {
  if (domain === 'event') context.setEventTime(time);
  else context.setProcessingTime(time);
}

function unset(domain: 'event' | 'processing', context: Context, time: number): void {
  if (domain === 'event') context.deleteEventTime(time);
  else context.deleteProcessingTime(time);
}

function atEnd(domain: 'event' | 'processing'): ReferenceTrigger {
  return {
    ...silent,
    element(_item, context) {
      // The clock has no elements that come too late; a timer for the past fires at once.
      if (domain === 'event' && context.watermark >= context.maxTimestamp) return 'fire';
      set(domain, context, context.maxTimestamp);
      return 'continue';
    },
    onTime: (its, time, { maxTimestamp }) =>
      its === domain && (domain === 'processing' || time === maxTimestamp) ? 'fire' : 'continue',
    merge(context) {
      const reached = domain === 'event' ? context.watermark : context.now;
      if (context.maxTimestamp > reached) set(domain, context, context.maxTimestamp);
    },
    clear: (context) => unset(domain, context, context.maxTimestamp),
  };
}

interface Counted {
  left: number;
}

function counting(size: number): ReferenceTrigger {
  return {
    ...silent,
    create: (): Counted => ({ left: size }),
    element(_item, context) {
      const state = context.state as Counted;
      state.left -= 1;
      if (state.left > 0) return 'continue';
      state.left = size;
      return 'fire';
    },
    merge(context, merged: readonly Counted[]) {
      const state = context.state as Counted;
      for (const { left } of merged) state.left -= size - left;
    },
    clear(context) {
      (context.state as Counted).left = size;
    },
  };
}

interface Waiting {
  /** When it speaks next; undefined for never. */
  next: number | undefined;
}

function continuous(domain: 'event' | 'processing', interval: number): ReferenceTrigger {
  const wait = (context: Context, from: number): void => {
    const { watermark, maxTimestamp } = context;
    // At the end of time there are multiples without end: a window that has none speaks for the last time.
    const isLast = domain === 'event' && watermark === Infinity && maxTimestamp === Infinity;
    const next = isLast ? Infinity : Math.min(from + interval, maxTimestamp);
    (context.state as Waiting).next = next;
    set(domain, context, next);
  };
  return {
    create: (): Waiting => ({ next: undefined }),
    element(_item, context) {
      if (domain === 'event') {
        if (context.watermark >= context.maxTimestamp) return 'fire';
        context.setEventTime(context.maxTimestamp);
      }
      const at = domain === 'event' ? context.timestamp : context.now;
      // The remainder has the sign of the time, as in Java.
      if ((context.state as Waiting).next === undefined) wait(context, at - (at % interval));
      return 'continue';
    },
    onTime(its, time, context) {
      if (its !== domain) return 'continue';
      if (domain === 'event' && time === context.maxTimestamp) return 'fire';
      if ((context.state as Waiting).next !== time) return 'continue';
      if (time < context.maxTimestamp) wait(context, time);
      return 'fire';
    },
    merge(context, merged: readonly Waiting[]) {
      const times = merged.flatMap(({ next }) => (next === undefined ? [] : [next]));
      if (times.length === 0) return;
      const next = Math.min(...times);
      (context.state as Waiting).next = next;
      set(domain, context, next);
    },
    clear(context) {
      const { next } = context.state as Waiting;
      if (next !== undefined) unset(domain, context, next);
      (context.state as Waiting).next = undefined;
    },
  };
}

/** How far two items are apart, to triggers and evictors; the function of the user. */
export function distance(a: Item, b: Item): number {
  return Math.abs(a.n - b.n);
}

function delta(threshold: number): ReferenceTrigger {
  return {
    ...silent,
    create: (): { last?: Item } => ({}),
    element(item, context) {
      const state = context.state as { last?: Item };
      state.last ??= item;
      if (distance(state.last, item) <= threshold) return 'continue';
      state.last = item;
      return 'fire';
    },
    clear(context) {
      delete (context.state as { last?: Item }).last;
    },
  };
}

function custom(
  definition: (typeof customTriggers)[keyof typeof customTriggers],
): ReferenceTrigger {
  const { create, element, eventTime, merge, clear } = definition as unknown as Partial<
    Trigger<Item, unknown>
  >;
  return {
    create: () => create?.(),
    element: (item, context) => element?.(item, context) ?? 'continue',
    onTime: (domain, time, context) =>
      domain === 'event' ? (eventTime?.(time, context) ?? 'continue') : 'continue',
    merge: (context, merged) => merge?.(context, merged),
    clear: (context) => clear?.(context),
  };
}

function purging(inner: ReferenceTrigger): ReferenceTrigger {
  const purged = (result: TriggerResult): TriggerResult =>
    result === 'fire' ? 'fireAndPurge' : result;
  return {
    ...inner,
    element: (item, context) => purged(inner.element(item, context)),
    onTime: (domain, time, context) => purged(inner.onTime(domain, time, context)),
  };
}

interface Timed {
  at: number | undefined;
  inner: unknown;
}

/** Flink's `ProcessingTimeoutTrigger`: what fires by time fires the window, whatever the inner trigger says of it. */
function timeout(
  inner: ReferenceTrigger,
  { after, resets, clears }: Extract<TriggerChoice, { kind: 'timeout' }>,
): ReferenceTrigger {
  const stop = (context: Context): void => {
    const state = context.state as Timed;
    if (state.at !== undefined) context.deleteProcessingTime(state.at);
    state.at = undefined;
  };
  const clear = (context: Context): void => {
    stop(context);
    inner.clear(within(context));
  };
  return {
    create: (): Timed => ({ at: undefined, inner: inner.create() }),
    element(item, context) {
      const state = context.state as Timed;
      const result = inner.element(item, within(context));
      if (result === 'fire' || result === 'fireAndPurge') {
        clear(context);
        return result;
      }
      if (resets) stop(context);
      if (state.at === undefined) {
        state.at = context.now + after;
        context.setProcessingTime(state.at);
      }
      return result;
    },
    onTime(domain, time, context) {
      const result = inner.onTime(domain, time, within(context));
      if (clears) clear(context);
      return result === 'purge' || result === 'fireAndPurge' ? 'fireAndPurge' : 'fire';
    },
    merge: () => undefined,
    clear,
  };
}

/** The context as an inner trigger sees it, with its own part of what is remembered. */
function within(context: Context): Context {
  const state = context.state as Timed;
  return new Proxy(context, {
    get: (target, name) => (name === 'state' ? state.inner : Reflect.get(target, name)) as unknown,
    set(_target, name, value) {
      if (name === 'state') state.inner = value;
      return name === 'state';
    },
  });
}
