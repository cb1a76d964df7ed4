/** What has to be reached and what is aimed for, and how a run compares with it: the closing table. */
import type { VariantName } from './case.js';
import type { Figure } from './figures.js';
import type { Condition } from './protocol.js';

interface Limit {
  readonly case: string;
  readonly measure: string;
  /** In words, for the table. */
  readonly what: string;
  readonly must: number;
  /** Undefined where nothing beyond the must is aimed for. */
  readonly aim?: number;
  /** The one that is judged as the job. Default: `engine`. */
  readonly variant?: VariantName;
  /** Default: lower. */
  readonly better?: 'lower' | 'higher';
  /** Default: both. */
  readonly modes?: readonly Mode[];
}

const xHand = { measure: 'xHand', what: 'x the loop by hand' };
const timesRxjs = { measure: 'timesRxjs', better: 'higher' } as const;
const keyed = { must: 1.7, aim: 1.25 };
const spilled: Pick<Limit, 'modes' | 'variant'> = { modes: ['job'], variant: 'engine-spill' };

const keyedCounts: readonly Limit[] = ['10k', '100k', '1m'].flatMap((keys) => [
  { case: `keyed-count-${keys}`, ...xHand, ...keyed },
  {
    case: `keyed-count-${keys}`,
    ...timesRxjs,
    what: 'times as fast as RxJS scan over a Map',
    must: 1,
  },
]);

export const limits: readonly Limit[] = [
  { case: 'stateless', ...xHand, must: 2, aim: 1 },
  { case: 'stateless', ...timesRxjs, what: 'times as fast as RxJS per event', must: 1.5 },
  ...keyedCounts,
  {
    case: 'keyed-count-100k',
    measure: 'timesGroupBy',
    what: 'times as fast as RxJS groupBy + scan',
    must: 30,
    aim: 70,
    better: 'higher',
  },
  {
    case: 'keyed-count-100k',
    measure: 'timesFewerBytes',
    what: 'times fewer bytes per key than RxJS groupBy + scan',
    must: 15,
    aim: 35,
    better: 'higher',
  },
  { case: 'process-three-states', ...xHand, ...keyed },
  { case: 'tumbling', ...xHand, ...keyed },
  { case: 'sliding', measure: 'xTumbling', what: 'x its own tumbling', must: 2, aim: 1.2 },
  { case: 'session', ...xHand, must: 2, aim: 1.5 },
  {
    case: 'million-windows',
    measure: 'longestBlockMs',
    what: 'longest block of the loop, ms',
    must: 10,
    aim: 2,
  },
  {
    case: 'latency',
    measure: 'p999Ms',
    what: 'end of window to last result, p99.9, ms',
    must: 10,
    aim: 3,
  },
  {
    case: 'ingest',
    measure: 'pushesPerSecond',
    what: 'pushes per second, 1,000 in flight',
    must: 50_000,
    aim: 200_000,
    better: 'higher',
    modes: ['job'],
  },
  {
    case: 'spill',
    measure: 'speedOfHeap',
    what: 'of the speed of all in the heap',
    must: 0.3,
    aim: 0.5,
    better: 'higher',
    ...spilled,
  },
  {
    case: 'spill',
    measure: 'rssBeyondBudgetMb',
    what: 'RssAnon beyond the budget, MB',
    must: 150,
    ...spilled,
  },
  {
    case: 'recovery',
    measure: 'firstEventMs',
    what: 'start to first event, ms',
    must: 1000,
    aim: 500,
    modes: ['job'],
  },
  {
    case: 'dirty-keys',
    measure: 'perDirtyKeyUs',
    what: 'µs per dirty key',
    must: 0.3,
    aim: 0.1,
    modes: ['job'],
  },
  {
    case: 'dirty-keys',
    measure: 'longestPieceMs',
    what: 'longest piece of an epoch, ms',
    must: 10,
    aim: 2,
    modes: ['job'],
  },
];

/** `job`: by `run`, which is what the limits are for. `subscription`: the same, for information. */
export type Mode = 'job' | 'subscription';

export const variantOfMode: Readonly<Record<Mode, VariantName>> = {
  job: 'engine',
  subscription: 'engine-subscribe',
};

export interface Verdict {
  readonly case: string;
  readonly what: string;
  readonly measure: string;
  readonly mode: Mode;
  /** Medians; undefined where it was not measured, or too little to say. */
  readonly values: Readonly<Partial<Record<Condition, number>>>;
  readonly must: number;
  readonly aim: number | undefined;
  readonly better: 'lower' | 'higher';
  readonly verdict: 'aim' | 'met' | 'missed' | 'unknown';
  /** How many times the must it is away from it; 1 or less where it is met. */
  readonly timesMust: number;
}

/** The verdicts on the cases that there are figures of; the worse of both conditions counts. */
export function verdictsOf(figures: readonly Figure[]): Verdict[] {
  const measured = new Set(figures.map((figure) => figure.case));
  return limits
    .filter((limit) => measured.has(limit.case))
    .flatMap((limit) => modesOf(limit).map((mode) => judge(limit, mode, figures)));
}

export function modesOf({ modes = ['job', 'subscription'] }: Limit): readonly Mode[] {
  return modes;
}

function judge(limit: Limit, mode: Mode, figures: readonly Figure[]): Verdict {
  const { what, measure, must, aim, better = 'lower' } = limit;
  const found = figures.filter(
    (figure) =>
      figure.case === limit.case &&
      figure.measure === measure &&
      figure.variant === ((mode === 'job' && limit.variant) || variantOfMode[mode]),
  );
  const values: Partial<Record<Condition, number>> = {};
  for (const { condition, spread } of found) values[condition] = spread.median;
  const medians = Object.values(values);
  const worst = better === 'lower' ? Math.max(...medians) : Math.min(...medians);
  const away = (from: number): number => (better === 'lower' ? worst / from : from / worst);
  const isMet = away(must) <= 1;
  const isAim = isMet && (aim === undefined || away(aim) <= 1);
  const verdict = medians.length === 0 ? 'unknown' : isAim ? 'aim' : isMet ? 'met' : 'missed';
  const timesMust = medians.length === 0 ? NaN : away(must);
  const limits = { must, aim, better };
  return { case: limit.case, what, measure, mode, values, ...limits, verdict, timesMust };
}

/** In words. The limits are made for jobs; what they would say of a subscription stands in brackets. */
export function sayVerdict({ verdict, timesMust, mode, aim }: Verdict): string {
  const words = {
    aim: aim === undefined ? 'met' : 'met, and the aim',
    met: 'met',
    missed: `missed, ${timesMust.toFixed(2)} times the must`,
    unknown: 'too little measured',
  }[verdict];
  return mode === 'job' ? words : `(${words})`;
}
