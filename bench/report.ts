/** Measurements as tables for people and as lines of JSON for programs. */
import { figuresOfRow, ratioHeadings, type Figure } from './figures.js';
import type { Measured, Row } from './rounds.js';
import type { Spread } from './statistics.js';
import { sayVerdict, type Verdict } from './verdicts.js';

const columns: readonly [measure: string, heading: string, digits: number][] = [
  ['nsPerEvent', 'ns/event', 0],
  ['cpuNsPerEvent', 'cpu ns/event', 0],
  ...[...ratioHeadings].map(([measure, heading]): [string, string, number] => [
    measure,
    heading,
    2,
  ]),
  ['bytesPerKey', 'bytes/key', 0],
  ['longestBlockMs', 'longest block, ms', 2],
  ['allMs', 'all, ms', 0],
  ['p50Ms', 'p50, ms', 2],
  ['p99Ms', 'p99, ms', 2],
  ['p999Ms', 'p99.9, ms', 2],
  ['windows', 'windows', 0],
  ['results', 'results', 0],
];

/** One object per line: first the kind of line, then what it says. */
export function jsonLines(figures: readonly Figure[]): string {
  const lines = figures.map(({ variant, condition, measure, spread, unit, ...rest }) => ({
    kind: 'figure',
    case: rest.case,
    // Such as `engine.clean.xHand`.
    metric: `${variant}.${condition}.${measure}`,
    value: rounded(spread.median),
    min: rounded(spread.min),
    max: rounded(spread.max),
    unit,
  }));
  return lines.map((line) => JSON.stringify(line)).join('\n');
}

export function verdictLines(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ values, timesMust, aim, ...verdict }) => ({
    kind: 'verdict',
    ...verdict,
    clean: rounded(values.clean),
    polluted: rounded(values.polluted),
    aim: aim ?? null,
    timesMust: rounded(timesMust),
  }));
  return lines.map((line) => JSON.stringify(line)).join('\n');
}

export function tableOf(measured: Measured): string {
  const { benchCase, rows } = measured;
  const lines = [
    ['variant', '', ...columns.map(([, heading]) => heading)],
    ...rows.map((row) => [row.variant, row.condition, ...cellsOf(measured, row)]),
  ];
  return `${benchCase.name}: ${benchCase.title}\n${aligned(lines, 2)}\n`;
}

/** The closing table. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map((verdict) => [
    verdict.mode === 'job' ? verdict.case : '',
    verdict.mode === 'job' ? verdict.what : '  as a subscription',
    digits(verdict.values.clean),
    digits(verdict.values.polluted),
    `${verdict.better === 'lower' ? '<=' : '>='} ${verdict.must}`,
    verdict.aim === undefined ? '' : String(verdict.aim),
    sayVerdict(verdict),
  ]);
  const headings = ['case', 'figure', 'clean', 'polluted', 'must', 'aim', 'verdict'];
  return `What has to be reached, by the worse of both conditions\n${aligned([headings, ...lines], 2, 6)}\n`;
}

function cellsOf(measured: Measured, row: Row): string[] {
  const figures = figuresOfRow(measured, row);
  return columns.map(([measure, , places]) => {
    const found = figures.find((figure) => figure.measure === measure);
    return found === undefined ? '' : withRange(found.spread, places);
  });
}

/** Lines of cells as text; columns without a cell are left out, and all but some stand to the right. */
function aligned(lines: readonly (readonly string[])[], left: number, alsoLeft = -1): string {
  const isLeft = (at: number): boolean => at < left || at === alsoLeft;
  const headings = lines[0] ?? [];
  const isUsed = headings.map((_, at) => lines.slice(1).some((line) => line[at] !== ''));
  const widths = headings.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const pad = (cell: string, at: number): string =>
    isLeft(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  return lines
    .map((line) =>
      line
        .map(pad)
        .filter((_, at) => isUsed[at])
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function withRange({ median, min, max }: Spread, places: number): string {
  const [middle, low, high] = [median, min, max].map((value) => value.toFixed(places));
  return min === max ? `${middle}` : `${middle} (${low}..${high})`;
}

function digits(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(2);
}

/** Four digits are more than can be relied upon. */
function rounded(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : Number(value.toPrecision(4));
}
