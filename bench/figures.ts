/** What is worked out of the measurements of a case: times, ratios to other variants of the same round, measures. */
import { jobOf, type VariantName } from './case.js';
import type { Condition } from './protocol.js';
import type { Measured, Row } from './rounds.js';
import { ratioOf, spreadOf, type Spread } from './statistics.js';

export interface Figure {
  readonly case: string;
  readonly variant: VariantName;
  readonly condition: Condition;
  /** Such as `xHand`. */
  readonly measure: string;
  readonly unit: string;
  /** Median of the rounds, and how far they are apart. */
  readonly spread: Spread;
}

/** How a row is compared with the row of a base variant, in the same condition and round. */
interface Comparison {
  readonly measure: string;
  readonly heading: string;
  readonly base: VariantName;
  /** The rows that it makes sense for. Default: those of the same job, and the events alone. */
  readonly only?: readonly VariantName[];
  /** `times` divides the base by the row: how many times better the row is. Default: the row by the base. */
  readonly as?: 'times';
  /** Default: the time per event. */
  readonly of?: 'memory';
}

const engines: readonly VariantName[] = ['engine', 'engine-subscribe'];
const groupBy = { base: 'rxjs-groupby', only: engines, as: 'times' } as const;
const tumbling = { measure: 'xTumbling', heading: 'x tumbling' } as const;

const comparisons: readonly Comparison[] = [
  { measure: 'xHand', heading: 'x hand', base: 'hand' },
  {
    measure: 'xHand',
    heading: 'x hand',
    base: 'hand-tumbling',
    only: ['hand-tumbling', 'engine-tumbling', 'engine-subscribe-tumbling'],
  },
  { measure: 'timesRxjs', heading: 'times RxJS', base: 'rxjs', as: 'times' },
  { measure: 'timesGroupBy', heading: 'times groupBy', ...groupBy },
  { ...tumbling, base: 'hand-tumbling', only: ['hand'] },
  { ...tumbling, base: 'engine-tumbling', only: ['engine'] },
  { ...tumbling, base: 'engine-subscribe-tumbling', only: ['engine-subscribe'] },
  { measure: 'xNoEpochs', heading: 'x no epochs', base: 'engine', only: ['engine-epochs'] },
  {
    measure: 'speedOfHeap',
    heading: 'speed of heap',
    base: 'engine',
    only: ['engine-spill'],
    as: 'times',
  },
  { measure: 'timesFewerBytes', heading: 'fewer bytes than groupBy', of: 'memory', ...groupBy },
];

export const ratioHeadings: ReadonlyMap<string, string> = new Map(
  comparisons.map(({ measure, heading }) => [measure, heading]),
);

export function figuresOf(measured: Measured): Figure[] {
  return measured.rows.flatMap((row) => figuresOfRow(measured, row));
}

export function figuresOfRow(measured: Measured, row: Row): Figure[] {
  const { benchCase } = measured;
  const { variant, condition } = row;
  const figures: Figure[] = [];
  const put = (measure: string, unit: string, spread: Spread | undefined): void => {
    if (spread === undefined) return;
    figures.push({ case: benchCase.name, variant, condition, measure, unit, spread });
  };
  if (benchCase.measuresSpeed !== false) {
    put('nsPerEvent', 'ns/event', spreadOf(row.nsPerEvent));
    put('cpuNsPerEvent', 'ns/event', spreadOf(row.cpuNsPerEvent));
    for (const comparison of comparisons)
      put(comparison.measure, 'ratio', compare(measured, row, comparison));
  }
  for (const name of measureNames(row)) {
    const values = row.measures.map((measures) => measures[name] ?? NaN);
    put(name, name.endsWith('Ms') ? 'ms' : 'count', spreadOf(values));
  }
  if (row.heapBytesPerKey !== undefined)
    put('bytesPerKey', 'bytes/key', spreadOf([row.heapBytesPerKey]));
  return figures;
}

/** Those that all rounds have. */
function measureNames({ measures }: Row): string[] {
  const [first = {}, ...others] = measures;
  return Object.keys(first).filter((name) => others.every((other) => name in other));
}

function compare(measured: Measured, row: Row, comparison: Comparison): Spread | undefined {
  const { base, only = [], as, of } = comparison;
  if (only.length > 0 && !only.includes(row.variant)) return undefined;
  const other = measured.rows.find(
    ({ variant, condition }) => variant === base && condition === row.condition,
  );
  if (other === undefined) return undefined;
  const jobs = [row, other].map(({ variant }) => jobOf(measured.benchCase, variant));
  if (only.length === 0 && jobs[0] !== jobs[1] && jobs[0] !== 'feed') return undefined;
  const [mine, theirs] = [row, other].map((each) =>
    of === 'memory' ? known(each.heapBytesPerKey) : each.cpuNsPerEvent,
  ) as [readonly number[], readonly number[]];
  if (mine.length === 0 || theirs.length === 0) return undefined;
  return as === 'times' ? ratioOf(theirs, mine) : ratioOf(mine, theirs);
}

function known(value: number | undefined): readonly number[] {
  return value === undefined ? [] : [value];
}
