/** Measurements as tables for people and as lines of JSON for programs. */
import type { VariantName } from './case.js';
import type { Measured, Row } from './rounds.js';
import { ratioOf, spreadOf, type Spread } from './statistics.js';

/** One line of `--json`. */
export interface Figure {
  readonly case: string;
  /** Variant, condition and measure, such as `engine.clean.xHand`. */
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  /** What must be reached, and what is aimed for; null where nobody has said. */
  readonly must: number | null;
  readonly aim: number | null;
  readonly better: 'lower' | 'higher';
}

/** What rows are compared with: the measure's name, its heading, the base, and which rows it makes sense for. */
interface Comparison {
  readonly measure: string;
  readonly heading: string;
  readonly base: VariantName;
  readonly only?: VariantName;
}

const comparisons: readonly Comparison[] = [
  { measure: 'xHand', heading: 'x hand', base: 'hand' },
  { measure: 'xRxjs', heading: 'x RxJS', base: 'rxjs' },
  { measure: 'xGroupBy', heading: 'x groupBy', base: 'rxjs-groupby', only: 'engine' },
  { measure: 'xTumbling', heading: 'x tumbling', base: 'engine-tumbling', only: 'engine' },
  { measure: 'xTumbling', heading: 'x tumbling', base: 'hand-tumbling', only: 'hand' },
  { measure: 'xNoEpochs', heading: 'x no epochs', base: 'engine', only: 'engine-epochs' },
];

export function figuresOf(measured: Measured): Figure[] {
  const figures: Figure[] = [];
  for (const row of measured.rows) {
    const put = (measure: string, value: number, unit: string): void => {
      const metric = `${row.variant}.${row.condition}.${measure}`;
      const limits = { must: null, aim: null, better: 'lower' } as const;
      figures.push({ case: measured.benchCase.name, metric, value, unit, ...limits });
    };
    put('nsPerEvent', spreadOf(row.nsPerEvent).median, 'ns/event');
    put('cpuNsPerEvent', spreadOf(row.cpuNsPerEvent).median, 'ns/event');
    for (const comparison of comparisons) {
      const ratio = compare(measured, row, comparison);
      if (ratio === undefined || comparison.base === row.variant) continue;
      put(comparison.measure, ratio.median, 'ratio');
    }
    if (row.heapBytesPerKey !== undefined) put('bytesPerKey', row.heapBytesPerKey, 'bytes/key');
  }
  return figures;
}

export function jsonLines(figures: readonly Figure[]): string {
  const rounded = figures.map((figure) => ({
    ...figure,
    value: Number(figure.value.toPrecision(4)),
  }));
  return rounded.map((figure) => JSON.stringify(figure)).join('\n');
}

export function tableOf(measured: Measured): string {
  const { benchCase, rows } = measured;
  const columns: readonly [heading: string, cell: (row: Row) => string][] = [
    ['variant', ({ variant }) => variant],
    ['', ({ condition }) => condition],
    ['ns/event', ({ nsPerEvent }) => withRange(spreadOf(nsPerEvent), 0)],
    ['cpu ns/event', ({ cpuNsPerEvent }) => withRange(spreadOf(cpuNsPerEvent), 0)],
    ...headings(measured).map((heading): [string, (row: Row) => string] => [
      heading,
      (row) => ratioCell(measured, row, heading),
    ]),
    ['bytes/key', ({ heapBytesPerKey: bytes }) => (bytes === undefined ? '' : bytes.toFixed(0))],
  ];
  const lines = [
    columns.map(([heading]) => heading),
    ...rows.map((row) => columns.map(([, cell]) => cell(row))),
  ];
  const used = columns.map((_, at) => at < 2 || lines.slice(1).some((line) => line[at] !== ''));
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .filter((_, at) => used[at])
      .join('  ')
      .trimEnd(),
  );
  return [`${benchCase.name}: ${benchCase.title}`, ...text, ''].join('\n');
}

/** The comparisons that some row of this case has. */
function headings(measured: Measured): string[] {
  const variants = new Set(measured.rows.map(({ variant }) => variant));
  const present = comparisons.filter(
    ({ base, only }) => variants.has(base) && (only === undefined || variants.has(only)),
  );
  return [...new Set(present.map(({ heading }) => heading))];
}

function ratioCell(measured: Measured, row: Row, heading: string): string {
  const found = comparisons
    .filter((comparison) => comparison.heading === heading)
    .map((comparison) => compare(measured, row, comparison))
    .find((ratio) => ratio !== undefined);
  return found === undefined ? '' : withRange(found, 2);
}

function compare(measured: Measured, row: Row, { base, only }: Comparison): Spread | undefined {
  if (only !== undefined && only !== row.variant) return undefined;
  const other = measured.rows.find(
    ({ variant, condition }) => variant === base && condition === row.condition,
  );
  return other === undefined ? undefined : ratioOf(row.cpuNsPerEvent, other.cpuNsPerEvent);
}

function withRange({ median, min, max }: Spread, digits: number): string {
  const [middle, low, high] = [median, min, max].map((value) => value.toFixed(digits));
  return `${middle} (${low}..${high})`;
}
