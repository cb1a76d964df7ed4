/** Aggregators for described windows: those of Tidemark, and one that keeps everything. */
import {
  approximateDistinctCount,
  average,
  combine,
  count,
  distinctCount,
  elements,
  first,
  last,
  max,
  min,
  quantiles,
  sum,
} from 'tidemark';
import type { Aggregator } from 'tidemark';
import { mergedIds, whole, type Item } from './description.js';
import { packed, rolled, small, thousandths, type Gathered } from './reference-aggregate.js';
import type { Aggregate } from './window-step.js';

type Gathering = Aggregator<Item, unknown, Gathered>;

const n = (item: Item): number => item.n;
const key = (item: Item): Item['key'] => item.key;
const by = { by: n };
const exact = { whole: true } as const;
const most = { accuracy: 0.001 } as const;

const makers: Readonly<Record<Aggregate, () => Gathering>> = {
  count: () => numeric(count()),
  sum: () => numeric(sum(n)),
  whole: () => numeric(sum(n, exact)),
  min: () => numeric(min(n)),
  max: () => numeric(max(n)),
  average: () => given(average(n), (mean) => forgotten(thousandths(mean))),
  wholeAverage: () => given(average(n, exact), (mean) => forgotten(thousandths(mean))),
  gather,
  elements: () => given(elements<Item>(), sorted),
  sequence: () => given(elements<Item>(), inSequence),
  first: () => given(first<Item>(), chosen),
  last: () => given(last<Item>(), chosen),
  firstBy: () => given(first(by), (item) => forgotten(item.n)),
  lastBy: () => given(last(by), (item) => forgotten(item.n)),
  distinct: () => numeric(distinctCount(key)),
  approximate: () => numeric(approximateDistinctCount(key)),
  quantiles: () =>
    given(
      quantiles((item: Item) => small(item.n), [0, 0.5, 1], most),
      (three) => forgotten(packed(...three)),
    ),
  both: () =>
    given(combine({ times: count(), sum: sum(n, exact) }), (parts) =>
      forgotten(100 * parts.sum + parts.times),
    ),
  mixed: () =>
    given(combine({ highest: max(n), times: count() }), (parts) =>
      forgotten(100 * parts.highest + parts.times),
    ),
  withElements: () =>
    given(combine({ times: count(), all: elements<Item>() }), ({ all, times }) =>
      times === all.length ? sorted(all) : nonsense,
    ),
  withSequence: () =>
    given(combine({ all: elements<Item>(), times: count() }), ({ all, times }) =>
      times === all.length ? inSequence(all) : nonsense,
    ),
};

export function aggregatorOf(aggregate: Aggregate): Gathering {
  return makers[aggregate]();
}

/** The same aggregator with another result. */
function given<Accumulator, Value>(
  inner: Aggregator<Item, Accumulator, Value>,
  of: (value: Value) => Gathered,
): Gathering {
  const outer: Aggregator<Item, Accumulator, Gathered> = {
    ...inner,
    result: (accumulator) => of(inner.result(accumulator)),
  };
  return outer;
}

function numeric<Accumulator>(inner: Aggregator<Item, Accumulator, number>): Gathering {
  return given(inner, forgotten);
}

function forgotten(number: number): Gathered {
  return { n: whole(number), ids: [] };
}

const nonsense: Gathered = { n: Number.NaN, ids: [] };

function inSequence(items: readonly Item[]): Gathered {
  return { n: rolled(items), ids: items.flatMap(({ ids }) => ids) };
}

/** An evictor may have left no element at all. */
function chosen(item: Item | undefined): Gathered {
  return { n: item?.n ?? 0, ids: item?.ids ?? [] };
}

function sorted(items: readonly Item[]): Gathered {
  const total = items.reduce((so, item) => so + item.n, 0);
  return { n: whole(total), ids: mergedIds(items) };
}

/** Keeps all elements and changes its accumulator in place, as the contract allows: sees slices that are shared. */
function gather(): Gathering {
  const gathering: Aggregator<Item, Item[], Gathered> = {
    name: 'gather',
    create: () => [],
    add: (items, item) => {
      items.push(item);
      return items;
    },
    merge: (into, other) => {
      into.push(...other);
      return into;
    },
    result: sorted,
  };
  return gathering;
}
