/** Aggregators for described windows: those of Tidemark, and one that keeps everything. */
import { count, max, min, sum } from 'tidemark';
import type { Aggregator } from 'tidemark';
import { mergedIds, type Aggregate, type Item } from './description.js';

/** What an aggregate gives: its number, and what it still knows of its elements. */
export type Gathered = Pick<Item, 'n' | 'ids'>;

export function aggregatorOf(aggregate: Aggregate): Aggregator<Item, unknown, Gathered> {
  switch (aggregate) {
    case 'count':
      return numeric(count());
    case 'sum':
      return numeric(sum((item: Item) => item.n));
    case 'min':
      return numeric(min((item: Item) => item.n));
    case 'max':
      return numeric(max((item: Item) => item.n));
    case 'gather':
      return gather();
  }
}

function numeric(inner: Aggregator<Item, number, number>): Aggregator<Item, unknown, Gathered> {
  const named: Aggregator<Item, number, Gathered> = {
    ...inner,
    result: (accumulator) => ({ n: inner.result(accumulator), ids: [] }),
  };
  return named;
}

/** Keeps all elements and changes its accumulator in place, as the contract allows: sees slices that are shared. */
function gather(): Aggregator<Item, unknown, Gathered> {
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
    result: (items) => ({
      n: items.reduce((total, { n }) => total + n, 0),
      ids: mergedIds(items),
    }),
  };
  return gathering;
}
