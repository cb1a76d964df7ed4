/** The last words of a run: what was read, what was late, what could not be read, and the climb of the day. */
import { fit, plain, visible, widthOf } from '../shared/text.js';
import type { Paint } from '../shared/text.js';
import type { DeadRecord, LateRecord } from '../../src/index.js';
import type { Rise } from './rise.js';
import type { Label } from './view.js';
import { amount, clockTime, span, timestamp } from './wording.js';

export interface SummaryFacts {
  readonly phase: string;
  readonly noun: string;
  /** Over all runs on one state. */
  readonly records: number;
  /** Of them, how many an earlier run has read. */
  readonly recordsBefore: number;
  readonly resumedFromEpoch: number;
  readonly filtered: number;
  readonly late: number;
  readonly deadLetters: number;
  readonly lateSamples: readonly LateRecord[];
  readonly deadSamples: readonly DeadRecord[];
  readonly charts: number;
  /** Wall-clock time of this run. */
  readonly elapsedMs: number;
  readonly rise: Rise | undefined;
  readonly label: (key: string) => Label;
  readonly sizeMs: number;
}

/** At most so many samples are named; the counts say how many there were. */
const samplesMax = 5;

/** @param width of the terminal: samples are cut to it; in a file they stand in full */
export function summaryLines(
  facts: SummaryFacts,
  paint: Paint = plain,
  width = Infinity,
): string[] {
  return [
    ...headLines(facts, paint),
    ...(facts.filtered === 0 ? [] : [line('left out', facts.filtered, 'by the filter', paint)]),
    line('late', facts.late, 'after all their windows had closed', paint),
    ...samples(
      facts.lateSamples.map((record) => lateText(record, facts.label)),
      facts.late,
      { paint, width },
    ),
    line('dead letters', facts.deadLetters, 'could not be read', paint),
    ...samples(facts.deadSamples.map(deadText), facts.deadLetters, { paint, width }),
    ...(facts.rise === undefined ? [] : riseLines(facts.rise, facts, paint)),
  ];
}

function headLines(facts: SummaryFacts, paint: Paint): string[] {
  const { records, recordsBefore, resumedFromEpoch, elapsedMs, noun, phase } = facts;
  const read = records - recordsBefore;
  const perSecond = elapsedMs > 0 ? read / (elapsedMs / 1000) : 0;
  const head = paint(phase.charAt(0).toUpperCase() + phase.slice(1), 'bold');
  const done = `${amount(read)} ${noun} in ${span(elapsedMs)}, ${amount(perSecond)}/s`;
  const first = `${head}: ${done}, ${amount(facts.charts)} charts.`;
  if (resumedFromEpoch === 0) return [first];
  return [
    first,
    `  resumed after epoch ${resumedFromEpoch}; ${amount(records)} ${noun} over all runs`,
  ];
}

function line(what: string, count: number, why: string, paint: Paint): string {
  return `  ${paint(what.padEnd(12), 'dim')} ${amount(count).padStart(9)}${count === 0 ? '' : `  ${why}`}`;
}

function samples(
  texts: readonly string[],
  count: number,
  { paint, width }: { paint: Paint; width: number },
): string[] {
  const cut = (text: string): string =>
    widthOf(text) + 6 > width ? fit(text, Math.max(20, width - 6)) : text;
  const named = texts.slice(0, samplesMax).map((text) => `      ${paint(cut(text), 'dim')}`);
  const rest = count - named.length;
  return rest > 0 && named.length > 0
    ? [...named, `      ${paint(`and ${amount(rest)} more`, 'dim')}`]
    : named;
}

/** `shop.csv line 7: 1970-01-01 00:00:15, 17,496 days behind, key "543546"`. */
function lateText(record: LateRecord, label: SummaryFacts['label']): string {
  const { position, timestamp: at, watermark, key } = record;
  const behind = watermark === Infinity ? 'after the end' : `${span(watermark - at)} behind`;
  const { title } = label(String(key));
  const named = title === key ? `key ${JSON.stringify(key)}` : JSON.stringify(title);
  return visible(`${position}: ${timestamp(at)}, ${behind}, ${named}`);
}

/** `shop.csv line 9: RECORD_UNREADABLE: expected 4 columns, got 2: "u1,543546"`. */
function deadText({ position, reason, raw }: DeadRecord): string {
  // The place stands in front already, and what to do about a record is for whoever owns the file.
  const [what = reason] = reason.split(/, at (?=operator "|\S+ line )/);
  const shown = raw.length > 60 ? `${raw.slice(0, 59)}…` : raw;
  return visible(`${position}: ${what}: ${shown}`);
}

function riseLines(rise: Rise, { label, noun, sizeMs }: SummaryFacts, paint: Paint): string[] {
  const { title, artist } = label(rise.key);
  const by = artist === undefined ? '' : ` by ${artist}`;
  const name = paint(visible(`${title}${by}`), 'bold', 'yellow');
  const climb = rise.firstAt - rise.enteredAt;
  const within = climb === 0 ? 'at once' : `${span(climb)} after it entered the chart`;
  const peak = `${amount(rise.peakCount)} ${noun} in ${span(sizeMs)} until ${clockTime(rise.peakAt)}`;
  return [
    `  ${name} went from nowhere to #1 at ${clockTime(rise.firstAt)},`,
    `  ${within}; its peak: ${peak}.`,
  ];
}
