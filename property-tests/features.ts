/** What is in a drawn case, as names that can be counted: operators with their options, and properties of logs. */
import type { Description, Item, ProcessStep, Step } from './description.js';
import type { Happening } from './oracle-stream.js';
import { textOf } from './text.js';
import {
  firesAtEnd,
  isTimed,
  keepsElements,
  needsArrival,
  type Span,
  type TriggerChoice,
  type WindowStep,
} from './window-step.js';

/** The names of everything in a description, each once. */
export function featuresOf({ inputs, time, maxFuture, sides, steps }: Description): Set<string> {
  return new Set([
    `inputs ${inputs}`,
    `time ${time.generator}`,
    ...(maxFuture === undefined ? [] : ['maxFuture']),
    ...(sides ? ['side outputs'] : []),
    ...steps.flatMap(featuresOfStep),
    ...(isAsyncBefore(steps, 'window') ? ['asyncMap before a window'] : []),
  ]);
}

/** Whether an asynchronous step stands somewhere in front of a step of this name. */
function isAsyncBefore(steps: readonly Step[], name: Step['step']): boolean {
  const at = steps.findIndex(({ step }) => step === 'asyncMap');
  return at >= 0 && steps.slice(at).some(({ step }) => step === name);
}

function featuresOfStep(step: Step): string[] {
  switch (step.step) {
    case 'window':
      return featuresOfWindow(step);
    case 'process':
      return featuresOfProcess(step);
    case 'asyncMap':
      return [
        `asyncMap ${step.ordered ? 'ordered' : 'unordered'}`,
        ...(step.by === undefined ? [] : ['asyncMap by key']),
      ];
    case 'connect':
      return [`${step.by === 'all' ? 'connectAll' : 'connect'} ${step.behaviour}`];
    case 'dedupe':
      return [`dedupe ${step.keep}`];
    case 'topK':
      return [`topK ${step.name}`, ...(step.isDirect ? ['topK on bare results'] : [])];
    default:
      return [step.step];
  }
}

function featuresOfWindow(step: WindowStep): string[] {
  const { by, span, time, lateness, aggregate, trigger, evictor, fn } = step;
  const late = lateness === 0 ? 'none' : lateness === Infinity ? 'for ever' : 'some';
  return [
    `${by === 'all' ? 'windowAll' : 'window'} ${nameOfSpan(span)}`,
    ...(isTimed(step) ? [`lateness ${late}`] : []),
    ...(time === 'processing' ? [`processing time ${nameOfSpan(span)}`] : []),
    ...(span.kind === 'aligned' && span.offset < 0 ? ['negative offset'] : []),
    `engine ${engineOf(step)}`,
    `aggregate ${aggregate}`,
    ...(trigger === undefined ? [] : triggerNames(trigger)),
    ...(evictor === undefined ? [] : [`evictor ${evictor.kind} ${evictor.after ? 'after' : ''}`]),
    ...(fn === undefined ? [] : [`function ${fn}`]),
  ].map((name) => name.trim());
}

function nameOfSpan(span: Span): string {
  switch (span.kind) {
    case 'aligned':
      if (span.size === span.slide) return 'tumbling';
      return span.slide < span.size ? 'sliding' : 'with gaps';
    case 'session':
      return span.isDynamic ? 'session, dynamic' : 'session';
    case 'global':
      return 'global';
    case 'count':
      return span.size === span.slide ? 'count' : 'count, sliding';
  }
}

/** Which of the operators behind `window` it should get. */
function engineOf(step: WindowStep): string {
  const { trigger, evictor, fn, lateness, aggregate, span } = step;
  const isPlain =
    firesAtEnd(step) &&
    trigger === undefined &&
    evictor === undefined &&
    fn !== 'states' &&
    fn !== 'fading' &&
    lateness !== Infinity &&
    !needsArrival(aggregate);
  if (!isPlain || keepsElements(aggregate)) return 'general';
  if (span.kind === 'session') return 'running sessions';
  const isTotal = ['count', 'whole', 'wholeAverage', 'both'].includes(aggregate) && lateness === 0;
  return isTotal && span.kind === 'aligned' && span.slide < span.size ? 'running totals' : 'slices';
}

function triggerNames(trigger: TriggerChoice): string[] {
  switch (trigger.kind) {
    case 'purging':
    case 'timeout':
      return [`trigger ${trigger.kind}`, ...triggerNames(trigger.inner)];
    case 'custom':
      return [`trigger ${trigger.name}`];
    default:
      return [`trigger ${trigger.kind}`];
  }
}

function featuresOfProcess({ by, behaviour, keep }: ProcessStep): string[] {
  const names = [`${by === 'all' ? 'processAll' : 'process'} ${behaviour}`];
  if (behaviour !== 'keeping' || keep === undefined) return names;
  const { kind, ttl } = keep;
  names.push(`state ${kind}`);
  if (ttl === undefined) return names;
  names.push(`state ${kind}, ttl`, `ttl ${ttl.time}`, `ttl ${ttl.update}`, `ttl ${ttl.cleanup}`);
  if (ttl.givesExpired) names.push('ttl gives expired');
  return names;
}

/** What is in a log that makes it hard. */
export function featuresOfLog(items: readonly Item[]): Set<string> {
  const times = items.map(({ at }) => at);
  const sorted = times.toSorted((a, b) => a - b);
  const keys = items.map(({ key }) => textOf(key));
  const has = (name: string, isThere: boolean): string[] => (isThere ? [name] : []);
  return new Set([
    ...has('empty', items.length === 0),
    ...has('long', items.length >= 30),
    ...has('equal times', new Set(times).size < times.length),
    ...has(
      'out of order',
      times.some((at, index) => at < (times[index - 1] ?? -Infinity)),
    ),
    ...has(
      'big gaps',
      sorted.some((at, index) => at - (sorted[index - 1] ?? at) >= 200),
    ),
    ...has(
      'times before 1970',
      times.some((at) => at < 0),
    ),
    ...has('keys that come once', new Set(keys).size > keys.length / 2 && keys.length > 3),
    ...has(
      'a hot key',
      keys.some((key) => keys.filter((other) => other === key).length > 4),
    ),
    ...has(
      'functions that fail',
      items.some(({ fault }) => fault !== undefined),
    ),
  ]);
}

export function itemsOf(happenings: readonly Happening[]): Item[] {
  return happenings.flatMap((happening) => ('item' in happening ? [happening.item] : []));
}
