import { describe, expect, test } from 'vitest';
import { count, elements, evictors, sum, type Aggregator } from '../index.js';
import type { Evictor, WindowElement } from '../time/evictors.js';
import { WindowContents } from './window-contents.js';
import { WindowRecord } from './window-records.js';

const last = evictors.count(1);
const lastAfter = evictors.count(1, { after: true });
const none: Evictor<unknown> = { name: 'none', when: 'before', keep: () => [] };

describe('without an evictor', () => {
  test('a window keeps one running value', () => {
    const [contents, record] = [of(sum((n: number) => n)), recordOf()];
    for (const n of [1, 2, 3]) contents.add(record, n, n);
    expect([record.contents, contents.fire(record)]).toEqual([6, 6]);
    contents.fired(record);
    expect([record.contents, record.hasContents]).toEqual([6, true]);
  });

  test('it begins anew once it has been purged', () => {
    const [contents, record] = [of(count()), recordOf()];
    contents.add(record, 1, 1);
    record.purge();
    contents.add(record, 1, 1);
    expect(contents.fire(record)).toBe(1);
  });

  test('a value that is undefined is one all the same', () => {
    const newest: Aggregator<unknown, unknown, unknown> = {
      name: 'newest',
      create: () => 'none',
      add: (_before, value) => value,
      merge: (into, other) => [into, other],
      result: (value) => value,
    };
    const [contents, record, other] = [of(newest), recordOf(), recordOf()];
    contents.add(record, undefined, 1);
    contents.add(other, 5, 1);
    contents.merge(record, other);
    expect(contents.fire(record)).toEqual([undefined, 5]);
  });

  test('of two that become one the first stands first, and an empty one adds nothing', () => {
    const contents = of(elements<string>());
    const [merged, first, empty, second] = [recordOf(), recordOf(), recordOf(), recordOf()];
    contents.add(first, 'a', 1);
    contents.add(second, 'b', 2);
    for (const from of [first, empty, second]) contents.merge(merged, from);
    expect(contents.fire(merged)).toEqual(['a', 'b']);
    contents.merge(empty, recordOf());
    expect(empty.hasContents).toBe(false);
  });
});

describe('under an evictor', () => {
  test('a window keeps its elements with their times, for whichever aggregator', () => {
    const [contents, record] = [of(count(), last), recordOf()];
    contents.add(record, 'a', 5);
    contents.add(record, 'b', NaN);
    expect(record.contents).toEqual([
      { value: 'a', timestamp: 5 },
      { value: 'b', timestamp: NaN },
    ]);
  });

  test('that stands before, what is thrown out is not in the value, and is gone', () => {
    const [contents, record] = [of(elements<string>(), last), recordOf()];
    for (const text of ['a', 'b']) contents.add(record, text, 0);
    expect(contents.fire(record)).toEqual(['b']);
    contents.fired(record);
    contents.add(record, 'c', 0);
    expect(valuesIn(record)).toEqual(['b', 'c']);
  });

  test('that stands behind, what is thrown out was in the value, and is gone then', () => {
    const [contents, record] = [of(elements<string>(), lastAfter), recordOf()];
    for (const text of ['a', 'b']) contents.add(record, text, 0);
    expect([contents.fire(record), valuesIn(record)]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    contents.fired(record);
    expect(valuesIn(record)).toEqual(['b']);
  });

  test('that leaves nothing, the value is that of no elements, and the window is empty', () => {
    const [contents, record] = [of(count(), none), recordOf()];
    contents.add(record, 'a', 0);
    expect([contents.fire(record), record.hasContents]).toEqual([0, false]);
    contents.add(record, 'b', 0);
    expect([valuesIn(record), contents.fire(record)]).toEqual([['b'], 0]);
  });

  test('of two that become one all elements are there, the first ones first', () => {
    const contents = of(elements<string>(), last);
    const [merged, first, second] = [recordOf(), recordOf(), recordOf()];
    contents.add(first, 'a', 9);
    contents.add(second, 'b', 1);
    for (const from of [first, recordOf(), second]) contents.merge(merged, from);
    expect(valuesIn(merged)).toEqual(['a', 'b']);
  });

  test('whose list of what stays is its own, later elements do not change it', () => {
    const kept: WindowElement<unknown>[] = [];
    const keeper: Evictor<unknown> = {
      name: 'keeper',
      when: 'before',
      keep(all) {
        kept.push(...all);
        return kept as never;
      },
    };
    const [contents, record] = [of(elements(), keeper), recordOf()];
    contents.add(record, 'a', 0);
    contents.fire(record);
    contents.add(record, 'b', 0);
    expect(kept.length).toBe(1);
  });
});

function of(aggregator: unknown, evictor?: Evictor<unknown>): WindowContents {
  return new WindowContents(aggregator as Aggregator<unknown, unknown, unknown>, evictor);
}

function recordOf(): WindowRecord {
  return new WindowRecord({ start: 0, end: 10, trigger: undefined, cells: { c0: undefined } });
}

function valuesIn({ contents }: WindowRecord): unknown[] {
  return (contents as WindowElement<unknown>[]).map(({ value }) => value);
}
