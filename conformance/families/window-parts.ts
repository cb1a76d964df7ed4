/** The parts of a window case: its windows, trigger and evictor, in the words of Tidemark. */
import { evictors, type Evictor } from '../../src/time/evictors.js';
import { globalWindow, type GlobalWindow } from '../../src/time/global-windows.js';
import type { Aggregator } from '../../src/dsl/aggregators.js';
import type { DataStream } from '../../src/dsl/data-stream.js';
import { session, type SessionWindows } from '../../src/time/session-windows.js';
import { defineTrigger, type Trigger } from '../../src/time/trigger.js';
import { triggers } from '../../src/time/triggers.js';
import { sliding, tumbling, type AlignedWindows, type WindowTime } from '../../src/time/windows.js';
import type { Fields } from '../case.js';
import { NotApplicable } from '../drive.js';

export type Spec = AlignedWindows | SessionWindows<unknown> | GlobalWindow;

/** `window`, without the types that tie its arguments together. */
export type AnyWindow = (
  spec: Spec,
  aggregator: Aggregator<unknown, never, unknown>,
  options: Fields,
) => (source: DataStream<unknown>) => DataStream<unknown>;

interface AssignerFields {
  readonly type: string;
  readonly time?: WindowTime;
  readonly size: number;
  readonly slide: number;
  readonly offset?: number;
  readonly gap: number | { readonly rules: readonly GapRule[] };
  readonly stagger?: string;
  readonly pointWindowIfSecondFieldEquals?: number;
}

interface GapRule {
  readonly key?: unknown;
  readonly value?: unknown;
  readonly gap: number;
}

export function specOf(assigner: unknown): Spec {
  const fields = assigner as AssignerFields;
  const { type, size, slide, offset = 0, time = 'event' } = fields;
  if (fields.stagger !== undefined && fields.stagger !== 'aligned')
    throw new NotApplicable('windows staggered by the arrival of the first element: not offered');
  switch (type) {
    case 'tumbling':
      return tumbling({ size, offset, time });
    case 'sliding':
      return sliding({ size, slide, offset, time });
    case 'session':
      return sessionOf(fields, time);
    case 'global':
      return globalWindow();
    default:
      throw new Error(`an assigner that this runner does not know: ${type}`);
  }
}

function sessionOf(fields: AssignerFields, time: WindowTime): SessionWindows<unknown> {
  const { gap, pointWindowIfSecondFieldEquals: point } = fields;
  const spec = session<unknown>({
    gap: typeof gap === 'number' ? gap : (value) => gapByRules(gap.rules, value),
    time,
  });
  if (point === undefined) return spec;
  // An assigner written by a user of Flink: `session` refuses a gap of 0, the specification carries one.
  const isPoint = (value: unknown): boolean => Array.isArray(value) && value[1] === point;
  return { ...spec, gap: 'dynamic', gapOf: (value) => (isPoint(value) ? 0 : spec.gapOf(value)) };
}

/** The first rule whose conditions hold; `value` means the second field, or the whole element. */
function gapByRules(rules: readonly GapRule[], value: unknown): number {
  const [key, second] = Array.isArray(value) ? (value as unknown[]) : [value, value];
  const rule = rules.find(
    (candidate) =>
      (candidate.key === undefined || candidate.key === key) &&
      (candidate.value === undefined || candidate.value === second),
  );
  if (rule === undefined) throw new Error(`no rule for the gap of ${JSON.stringify(value)}`);
  return rule.gap;
}

interface TriggerFields {
  readonly type: string;
  readonly inner?: Fields;
  readonly count: number;
  readonly interval: number;
  readonly timeout: number;
  readonly resetTimerOnNewRecord?: boolean;
  readonly clearOnTimeout?: boolean;
  readonly cleanup: number;
  readonly threshold: number;
}

type AnyTrigger = Trigger<unknown, never>;

export function triggerOf(given: unknown): AnyTrigger {
  return triggerFor(given as TriggerFields) as AnyTrigger;
}

function triggerFor(fields: TriggerFields): unknown {
  switch (fields.type) {
    case 'eventTime':
      return triggers.eventTime();
    case 'processingTime':
      return triggers.processingTime();
    case 'count':
      return triggers.count(fields.count);
    case 'purging':
      return triggers.purging(triggerOf(fields.inner));
    case 'continuousEventTime':
      return triggers.continuousEventTime(fields.interval);
    case 'continuousProcessingTime':
      return triggers.continuousProcessingTime(fields.interval);
    case 'delta':
      return triggers.delta({ threshold: fields.threshold, delta: distance });
    case 'never':
      return triggers.never();
    case 'processingTimeout':
      return triggers.timeout(triggerOf(fields.inner), {
        after: fields.timeout,
        ...(fields.resetTimerOnNewRecord === undefined
          ? {}
          : { resetOnElement: fields.resetTimerOnNewRecord }),
        ...(fields.clearOnTimeout === undefined ? {} : { clearOnTimeout: fields.clearOnTimeout }),
      });
    case 'eventTimeAlsoAtCleanup':
      return alsoAtCleanup(fields.cleanup);
    default:
      throw new Error(`a trigger that this runner does not know: ${fields.type}`);
  }
}

/** Whether a trigger, or what it wraps, never fires. */
export function neverFires(given: unknown): boolean {
  const { type, inner } = given as TriggerFields;
  return type === 'never' || (type === 'purging' && neverFires(inner));
}

/** Written by a user of Flink, where the timer of the clean-up reaches the trigger too; here it sets one of its own. */
function alsoAtCleanup(cleanup: number): unknown {
  return defineTrigger<unknown>({
    name: 'alsoAtCleanup',
    element(_value, context) {
      context.setEventTime(context.maxTimestamp + cleanup);
      if (context.maxTimestamp <= context.watermark) return 'fire';
      context.setEventTime(context.maxTimestamp);
      return 'continue';
    },
    eventTime: (time, { maxTimestamp }) =>
      time === maxTimestamp || time === maxTimestamp + cleanup ? 'fireAndPurge' : 'continue',
    clear(context) {
      context.deleteEventTime(context.maxTimestamp);
      context.deleteEventTime(context.maxTimestamp + cleanup);
    },
  });
}

export function evictorOf(given: unknown): Evictor<unknown> {
  const fields = given as Fields & { type: string; after?: boolean };
  const options = { after: fields.after ?? false };
  switch (fields.type) {
    case 'count':
      return evictors.count(fields['max'] as number, options);
    case 'time':
      return evictors.time(fields['window'] as number, options);
    case 'delta':
      return evictors.delta<unknown>({
        threshold: fields['threshold'] as number,
        delta: distance,
        ...options,
      });
    default:
      throw new Error(`an evictor that this runner does not know: ${fields.type}`);
  }
}

/** `new[1] - old[1]`, the one distance that the vectors use. */
function distance(before: unknown, now: unknown): number {
  return secondOf(now) - secondOf(before);
}

function secondOf(element: unknown): number {
  return Number((element as readonly unknown[])[1]);
}
