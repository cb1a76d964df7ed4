/** What holds a step back, in words: one sentence for how it stands, one for what helps. */
import { MAX_WATERMARK, MIN_WATERMARK } from '../core/flow.js';
import type { SplitFacts } from '../core/operator.js';
import { count, spanText, timeText } from './time-words.js';
import { whyTime, type WhyHolder } from './why-report.js';
import type { Cause, Inside, InsideSplit } from './why-trace.js';

/** A cause in words. `time` is the watermark that somebody waits for. */
export function explainCause(cause: Cause, parts: Inside, time: number): WhyHolder {
  const { kind, path } = cause;
  const holder = {
    kind,
    path,
    input: undefined,
    split: undefined,
    watermark: whyTime(MIN_WATERMARK),
    highest: undefined,
    needs: undefined,
    isIdle: false,
    queued: 0,
  };
  switch (cause.kind) {
    case 'split':
      return { ...holder, ...explainSplit(cause, parts, time) };
    case 'untimed': {
      const at = parts.splits.find(({ taskInput }) => taskInput === cause.taskInput);
      return {
        ...holder,
        input: at?.input,
        split: at?.split,
        queued: at?.queued ?? 0,
        reason: `${nameOf(at)} has no event time, so there is no watermark before its end`,
        cure: 'Put eventTime({ timestamp: ... }) at the front of the pipeline.',
      };
    }
    case 'step':
      return {
        ...holder,
        watermark: whyTime(cause.watermark),
        reason: `"${cause.name}" still works on earlier elements, and keeps the watermark at ${timeText(cause.watermark)}`,
        cure: 'It goes on when they are done.',
      };
    case 'channel':
      return {
        ...holder,
        queued: cause.queued,
        reason: `the watermark is further before "${cause.name}", and on its way behind ${elements(cause.queued)}`,
        cure: 'It comes when they have been worked through; if it does not, look for a slow step or sink.',
      };
  }
}

/** A split, as far as sentences speak of it. */
interface Standing {
  readonly name: string;
  readonly watermark: number;
  /** -Infinity before the first element. */
  readonly highest: number;
  readonly facts: SplitFacts | undefined;
  readonly isIdle: boolean;
  readonly queued: number;
  /** Whether there are other splits. */
  readonly hasOthers: boolean;
  /** Whether another split is further, so that it would go on without this one. */
  readonly isBehind: boolean;
}

function explainSplit(
  { generator, taskInput, isIdle, watermark }: Extract<Cause, { kind: 'split' }>,
  parts: Inside,
  time: number,
): Omit<WhyHolder, 'kind' | 'path'> {
  const at = parts.splits.find((split) => split.taskInput === taskInput);
  const facts = generator.describe?.(taskInput, time);
  const highest = facts?.highest ?? MIN_WATERMARK;
  const queued = at?.queued ?? 0;
  const hasOthers = parts.splits.length > 1;
  const isBehind = furthest(parts) > watermark;
  const name = nameOf(at);
  const standing = { name, watermark, highest, facts, isIdle, queued, hasOthers, isBehind };
  return {
    input: at?.input,
    split: at?.split,
    watermark: whyTime(watermark),
    highest: highest === MIN_WATERMARK ? undefined : highest,
    needs: facts?.needs,
    isIdle,
    queued,
    reason: splitReason(standing),
    cure: splitCure(standing),
  };
}

/** The furthest watermark of a split; those without event time have none. */
function furthest({ tasks, splits }: Inside): number {
  const wiring = tasks[0]?.task.wiring;
  const watermarks = splits.map(({ taskInput }) => wiring?.watermarkOfInput(taskInput) ?? NaN);
  return Math.max(MIN_WATERMARK, ...watermarks.filter((watermark) => watermark < MAX_WATERMARK));
}

function splitReason(standing: Standing): string {
  const { name, watermark, highest, isIdle, queued } = standing;
  const behind = queued === 0 ? '' : `; ${elements(queued)} of it have been read, and wait`;
  const idle = isIdle ? ' is idle and' : '';
  if (highest === MIN_WATERMARK && watermark === MIN_WATERMARK)
    return `${name}${idle} has had no element yet${behind}`;
  const from = highest === MIN_WATERMARK ? '' : `: ${originOf(standing)}`;
  return `${name}${idle} stands at ${timeText(watermark)}${from}${behind}`;
}

/** How a watermark follows from the highest timestamp. */
function originOf({ highest, watermark, facts }: Standing): string {
  const newest = `its newest element is of ${timeText(highest)}`;
  const boundMs = facts?.boundMs;
  if (boundMs === undefined) return `${newest}, and its generator decides`;
  const less = boundMs === 0 ? newest : `${newest}, less outOfOrderness ${spanText(boundMs)}`;
  // Between two multiples of `every` it is further than what has been sent; after a force it is behind.
  if (highest - boundMs - 1 > watermark) return `${less}, in steps of every`;
  return highest - boundMs - 1 === watermark ? less : newest;
}

function splitCure({ highest, facts, isIdle, queued, hasOthers, isBehind }: Standing): string {
  const unit = wrongUnit(highest);
  if (unit !== undefined) return unit;
  if (queued > 0) return 'It goes on with them; if it does not, look for a slow step or sink.';
  const needs = facts?.needs;
  const element =
    needs === undefined
      ? 'It takes a further watermark of its generator'
      : `It takes an element at or after ${timeText(needs)}`;
  if (isIdle) {
    const anywhere = hasOthers ? ', here or in another split' : '';
    return `${element}${anywhere}: silence does not make time pass.`;
  }
  if (!isBehind) return `${element}.`;
  const idlenessMs = facts?.idlenessMs ?? Infinity;
  return idlenessMs === Infinity
    ? `${element}. If it may stay silent, set eventTime({ idleness: '1m' }).`
    : `${element}; after ${spanText(idlenessMs)} of silence it is idle, and holds nothing back.`;
}

/** Unix seconds of our time, taken as milliseconds, lie in January 1970; microseconds in the far future. */
function wrongUnit(highest: number): string | undefined {
  if (highest >= 1e9 && highest < 1e10)
    return 'Are its timestamps seconds? Give milliseconds: timestamp: (value) => value.seconds * 1000.';
  if (highest >= 1e14)
    return 'Are its timestamps microseconds? Give milliseconds: timestamp: (value) => value.micros / 1000.';
  return undefined;
}

function nameOf(at: InsideSplit | undefined): string {
  if (at === undefined) return 'an input';
  const split = at.split === undefined ? '' : `, split "${at.split}",`;
  return `input "${at.input}"${split}`;
}

function elements(number: number): string {
  return count(number, 'element');
}
