/**
 * How a chart looks on a terminal: pure functions from a chart and the progress of the run to lines.
 *
 *      TRENDING   Fri 6 Mar  15:35 – 16:35 UTC
 *
 *      1  ▲ 2  Lemonade Thunder  Pia Quillfeather   █████████████████████     447
 *      2  ▼ 1  2 a.m., Upperton  The Scarlet Pap…   ████████████████████▌     439
 */
import { bar, fit, plain, widthOf } from '../shared/text.js';
import type { Paint } from '../shared/text.js';
import type { Change, Chart, Entry } from './chart.js';
import { amount, clockTime, day, moment, span } from './wording.js';

export interface Progress {
  readonly phase: string;
  readonly records: number;
  readonly perSecond: number;
  /** Event time reached, epoch ms; -Infinity before the first record. */
  readonly eventTime: number;
  /** Epoch ms; -Infinity before the first one. */
  readonly watermark: number;
  readonly late: number;
  readonly deadLetters: number;
  /** The committed epoch that the run went on from; 0 for a fresh start. */
  readonly resumedFrom: number;
  /** How much of the input has been read, 0 to 1; undefined when nobody knows how much there is. */
  readonly share: number | undefined;
}

export interface Label {
  readonly title: string;
  readonly artist?: string;
}

export interface Look {
  readonly paint: Paint;
  /** What a key is called. */
  readonly label: (key: string) => Label;
  /** What is counted, such as `plays`. */
  readonly noun: string;
  /** What the chart is of, such as `plays per 1h, every 5m`. */
  readonly caption: string;
  /** Rows of the terminal; what does not fit is left out from below. */
  readonly rows: number;
}

const defaultLook: Look = {
  paint: plain,
  label: (key) => ({ title: key }),
  noun: 'records',
  caption: '',
  rows: Infinity,
};

/** Narrower than this there is nothing to show, and wider than this the eye loses the line. */
const widthMin = 26;
const widthMax = 110;
/** Lines beside the places: head, gaps, progress, numbers. */
const otherLines = 8;

/**
 * The whole picture, each line at most `width` columns.
 *
 * @param chart undefined before the first window has ended
 */
export function renderChart(
  chart: Chart | undefined,
  progress: Progress,
  width: number,
  look: Partial<Look> = {},
): string[] {
  const style = { ...defaultLook, ...look };
  const columns = Math.max(widthMin, Math.min(width, widthMax)) - 2;
  const entries = chart?.entries.slice(0, Math.max(1, style.rows - otherLines)) ?? [];
  const widths = columnWidths(entries, columns);
  const waiting = chart === undefined ? ['waiting for the first window to end …'] : [];
  return [
    '',
    headline(chart, columns, style),
    '',
    ...waiting.map((text) => style.paint(fit(text, columns).trimEnd(), 'dim')),
    ...entries.map((entry) => row(entry, widths, entries[0]?.count ?? 1, style)),
    '',
    ...progressLines(progress, columns, style),
  ].map((line) => (line === '' ? '' : ` ${line}`));
}

function headline(chart: Chart | undefined, columns: number, { paint, caption }: Look): string {
  const name = 'TRENDING';
  if (chart === undefined) return paint(name, 'bold', 'magenta');
  const { start, end } = chart.window;
  const hours = `${clockTime(start)} – ${clockTime(end)} UTC`;
  const when = fit(`${day(end - 1)}  ${hours}`, columns - name.length - 3).trimEnd();
  const room = columns - name.length - 3 - when.length;
  const right = caption.length + 3 <= room ? paint(caption.padStart(room), 'dim') : '';
  return `${paint(name, 'bold', 'magenta')}   ${paint(when, 'bold')}${right}`;
}

interface Widths {
  readonly rank: number;
  readonly name: number;
  readonly bar: number;
  readonly count: number;
}

/** Rank, movement and count take what they need; the name takes two thirds of the rest, the bar what is left. */
function columnWidths(entries: readonly Entry[], columns: number): Widths {
  const rank = String(entries.length).length + 1;
  const count = Math.max(5, amount(entries[0]?.count ?? 0).length);
  const rest = columns - rank - movementWidth - count - 5;
  const name = Math.max(6, Math.min(52, Math.floor(rest * 0.68)));
  return { rank, name, bar: Math.max(0, rest - name), count };
}

const movementWidth = 5;

function row(entry: Entry, widths: Widths, most: number, { paint, label }: Look): string {
  const rank = String(entry.rank).padStart(widths.rank);
  const filled = bar(entry.count / most, widths.bar);
  const isFirst = entry.rank === 1;
  return [
    paint(rank, ...(isFirst ? (['bold', 'yellow'] as const) : (['dim'] as const))),
    ' ',
    movementText(entry.change, paint),
    ' ',
    name(label(entry.key), widths.name, paint),
    '  ',
    paint(filled, isFirst ? 'yellow' : 'cyan'),
    ' '.repeat(widths.bar - filled.length),
    ' ',
    amount(entry.count).padStart(widths.count),
  ].join('');
}

function movementText(change: Change, paint: Paint): string {
  if (change === 'new') return paint(fit('● new', movementWidth), 'magenta');
  if (change > 0) return paint(fit(`▲ ${change}`, movementWidth), 'green');
  if (change < 0) return paint(fit(`▼ ${-change}`, movementWidth), 'red');
  return paint(fit('·', movementWidth), 'dim');
}

/** The title in full as long as there is room, then the artist, cut if need be. */
function name({ title, artist }: Label, width: number, paint: Paint): string {
  const head = fit(title, width);
  const room = width - widthOf(head.trimEnd()) - 2;
  if (artist === undefined || room < 4) return paint(head, 'bold');
  return `${paint(head.trimEnd(), 'bold')}  ${paint(fit(artist, room), 'dim')}`;
}

function progressLines(progress: Progress, columns: number, { paint, noun }: Look): string[] {
  const { share } = progress;
  const lines: string[] = [];
  if (share !== undefined) {
    const percent = `${Math.floor(share * 100)} %`.padStart(6);
    const room = Math.max(4, columns - percent.length);
    const done = bar(share, room);
    lines.push(
      `${paint(done, 'magenta')}${paint('╌'.repeat(room - done.length), 'dim')}${percent}`,
    );
  }
  // On a narrow terminal the numbers take two lines, because half a number says nothing.
  const groups = [countsText(progress, noun), timesText(progress)];
  const line = groups.join('  ·  ');
  const wanted = line.length <= columns ? [line] : groups;
  if (progress.resumedFrom > 0) wanted.push(`resumed after epoch ${progress.resumedFrom}`);
  return [...lines, ...wanted.map((text) => paint(fit(text, columns).trimEnd(), 'dim'))];
}

/** One line for those who do not look at a terminal. */
export function progressText(progress: Progress, noun: string): string {
  const share = progress.share === undefined ? '' : `${Math.floor(progress.share * 100)} %, `;
  return `${progress.phase}: ${share}${countsText(progress, noun)}, ${timesText(progress)}`;
}

function countsText({ records, perSecond, late, deadLetters }: Progress, noun: string): string {
  const dead =
    deadLetters === 0 ? '' : `, ${amount(deadLetters)} dead letter${deadLetters === 1 ? '' : 's'}`;
  return `${amount(records)} ${noun}, ${amount(perSecond)}/s, ${amount(late)} late${dead}`;
}

/** How far event time has come, and how long it is waited for stragglers. */
function timesText({ eventTime, watermark }: Progress): string {
  if (!Number.isFinite(eventTime)) return 'no event time yet';
  if (watermark === Infinity) return `event time ${moment(eventTime)}, all windows closed`;
  if (!Number.isFinite(watermark)) return `event time ${moment(eventTime)}`;
  return `event time ${moment(eventTime)}, watermark ${span(eventTime - watermark)} behind`;
}
