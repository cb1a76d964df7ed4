/** A window of a described pipeline as plain data: which windows, when they speak, what they throw away, what they say. */
import type { KeyChoice } from './description.js';

/** Windows side by side or overlapping. All in ms. */
export interface AlignedSpan {
  readonly kind: 'aligned';
  readonly size: number;
  readonly slide: number;
  readonly offset: number;
}

export type Span =
  | AlignedSpan
  /** `isDynamic`: each element has a gap of its own, from `gapOf`. */
  | { readonly kind: 'session'; readonly gap: number; readonly isDynamic: boolean }
  | { readonly kind: 'global' }
  | { readonly kind: 'count'; readonly size: number; readonly slide: number };

/** Custom triggers are written down in `trigger-behaviours.ts`. */
export type CustomTrigger = 'evens' | 'halfway' | 'restless' | 'moody';

export type TriggerChoice =
  | { readonly kind: 'eventTime' | 'processingTime' | 'never' }
  | { readonly kind: 'count'; readonly size: number }
  | {
      readonly kind: 'continuousEventTime' | 'continuousProcessingTime';
      readonly interval: number;
    }
  | { readonly kind: 'delta'; readonly threshold: number }
  | { readonly kind: 'custom'; readonly name: CustomTrigger }
  | { readonly kind: 'purging'; readonly inner: TriggerChoice }
  | {
      readonly kind: 'timeout';
      readonly inner: TriggerChoice;
      readonly after: number;
      readonly resets: boolean;
      readonly clears: boolean;
    };

export interface EvictorChoice {
  readonly kind: 'count' | 'time' | 'delta';
  /** Elements, ms, or a distance. */
  readonly limit: number;
  readonly after: boolean;
}

/**
 * whole, wholeAverage    exact, so that running totals are taken apart again
 * gather                 keeps everything and changes its accumulator in place
 * elements, sequence     `elements()`, sorted, and in the order of arrival
 * both, mixed            `combine`, of parts that can all be taken out again, and of some that cannot
 * withElements           `combine` with `elements()` in it, sorted
 * withSequence           the same in the order of arrival
 */
export const aggregates = [
  ...(['count', 'sum', 'whole', 'min', 'max', 'average', 'wholeAverage', 'gather'] as const),
  ...(['elements', 'sequence', 'first', 'last', 'firstBy', 'lastBy'] as const),
  ...(['distinct', 'approximate', 'quantiles', 'both', 'mixed'] as const),
  ...(['withElements', 'withSequence'] as const),
];
export type Aggregate = (typeof aggregates)[number];

/** What the function of a window does with each result; see `trigger-behaviours.ts`. */
export type FunctionChoice = 'twice' | 'states' | 'fading' | 'side' | 'judged';

export interface WindowStep {
  readonly step: 'window';
  /** `all`: windowAll. */
  readonly by: KeyChoice;
  readonly span: Span;
  readonly time: 'event' | 'processing';
  /** ms; Infinity keeps windows for ever. */
  readonly lateness: number;
  readonly aggregate: Aggregate;
  readonly trigger?: TriggerChoice;
  readonly evictor?: EvictorChoice;
  readonly fn?: FunctionChoice;
}

/** Whether the result hangs on the order in which elements arrived. */
export function needsArrival(aggregate: Aggregate): boolean {
  return ['sequence', 'withSequence', 'first', 'last'].includes(aggregate);
}

const orderlessOnes: Partial<Record<Aggregate, Aggregate>> = {
  sequence: 'elements',
  withSequence: 'withElements',
  first: 'firstBy',
  last: 'lastBy',
};

/** The aggregate, or one like it to which the order of arrival means nothing. */
export function orderless(aggregate: Aggregate): Aggregate {
  return orderlessOnes[aggregate] ?? aggregate;
}

/** Whether an evictor may stand beside it. */
export function keepsElements(aggregate: Aggregate): boolean {
  return ['elements', 'sequence', 'withElements', 'withSequence'].includes(aggregate);
}

/** How long the states of a `fading` function live, in event time. */
export const FADING_MS = 40;

/** Whether windows go by the time of their elements. */
export function isTimed({ span, time }: WindowStep): boolean {
  return time === 'event' && (span.kind === 'aligned' || span.kind === 'session');
}

/** Whether a window speaks once, at its end, whatever the order of its elements: the default, also in other words. */
export function firesAtEnd(step: WindowStep): boolean {
  const { trigger } = step;
  if (!isTimed(step)) return false;
  if (trigger === undefined || trigger.kind === 'eventTime') return true;
  return trigger.kind === 'purging' && trigger.inner.kind === 'eventTime';
}

/** Whether a trigger speaks with elements only, and looks at no time. */
export function goesByElements(trigger: TriggerChoice | undefined): boolean {
  if (trigger === undefined) return false;
  if (trigger.kind === 'purging') return goesByElements(trigger.inner);
  if (trigger.kind === 'custom') return trigger.name === 'evens' || trigger.name === 'moody';
  return trigger.kind === 'count' || trigger.kind === 'delta';
}

/** Whether a trigger looks at the clock. */
export function goesByClock(trigger: TriggerChoice | undefined): boolean {
  if (trigger === undefined) return false;
  if (trigger.kind === 'purging') return goesByClock(trigger.inner);
  const { kind } = trigger;
  return kind === 'processingTime' || kind === 'continuousProcessingTime' || kind === 'timeout';
}
