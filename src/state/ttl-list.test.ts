import { describe, expect, test } from 'vitest';
import {
  eventTime,
  keyBy,
  listState,
  pipeline,
  process,
  unchecked,
  type ListState,
  type TtlOptions,
} from '../index.js';
import { testHarness } from '../testing/index.js';
import { cellsSpec } from './handles.js';
import { TtlListCell } from './ttl-list.js';

interface Call {
  readonly key: string;
  readonly at: number;
  readonly run: (list: ListState<number>) => unknown;
}

const get = (list: ListState<number>): unknown => list.get();
const add = (element: number) => (list: ListState<number>) => list.add(element);

describe('in event time', () => {
  const ttl: TtlOptions = { after: 10, cleanup: 'none' };

  test('each element has a life of its own, in whatever order they came', () => {
    const t = bench(ttl);
    t.push(at(100, add(1)))
      .push(at(95, add(2)))
      .push(at(104, add(3)));
    t.watermark(104).push(at(0, get));
    t.watermark(105).push(at(0, get));
    t.watermark(110).push(at(0, get));
    t.watermark(114).push(at(0, get));
    expect(t.output()).toEqual([[1, 2, 3], [1, 3], [3], []]);
    expect(t.stateSize()).toBe(0);
  });

  test('addAll and update stamp all that they take', () => {
    const t = bench(ttl);
    t.push(at(100, (list) => list.addAll([1, 2])));
    t.push(at(105, (list) => list.update([3, 4])));
    t.watermark(114).push(at(0, get));
    t.push(at(0, (list) => list.update([])));
    expect(t.output()).toEqual([[3, 4]]);
    expect(t.stateSize()).toBe(0);
  });

  test('a read that stamps keeps the living, with a new life', () => {
    const t = bench({ ...ttl, update: 'onReadAndWrite' });
    t.push(at(100, add(1)))
      .push(at(105, add(2)))
      .watermark(111);
    t.push(at(112, get));
    expect(t.state('x', 'a')).toEqual({ it: [[112], [2]] });
    t.watermark(121).push(at(121, get)).watermark(131).push(at(140, get));
    expect(t.output()).toEqual([[2], [2], []]);
  });

  test('stamps survive a crash', () => {
    const t = bench(ttl);
    t.push(at(100, add(1)))
      .push(at(105, add(2)))
      .checkpoint();
    t.push(at(106, add(3))).crash();
    t.watermark(111).push(at(0, get));
    expect(t.output()).toEqual([[2, 3]]);
  });
});

describe('where expired elements may be seen', () => {
  const seen: TtlOptions = {
    after: 10,
    time: 'processing',
    visibility: 'returnExpiredIfNotCleanedUp',
    cleanup: 'none',
  };

  test('they stay in sight while one element is alive, and are seen once more when none is', () => {
    const t = bench(seen);
    t.push(at(0, add(1))).advance(5);
    t.push(at(0, add(2))).advance(5);
    t.push(at(0, get)).push(at(0, get)).advance(5);
    t.push(at(0, get)).push(at(0, get));
    expect(t.output()).toEqual([[1, 2], [1, 2], [1, 2], []]);
    expect(t.stateSize()).toBe(0);
  });

  test('a read that stamps drops them, after it has shown them', () => {
    const t = bench({ ...seen, update: 'onReadAndWrite' });
    t.push(at(0, add(1))).advance(5);
    t.push(at(0, add(2))).advance(5);
    t.push(at(0, get)).push(at(0, get));
    expect(t.output()).toEqual([[1, 2], [2]]);
  });
});

test('size counts what is stored', () => {
  const t = bench({ after: 10, time: 'processing', cleanup: 'none' });
  t.push(at(0, (list) => list.size))
    .push(at(0, add(1)))
    .advance(10);
  t.push(at(0, (list) => list.size))
    .push(at(0, get))
    .push(at(0, (list) => list.size));
  expect(t.output()).toEqual([0, 1, [], 0]);
});

test('an array that was given out is not changed later, whatever the TTL does', () => {
  for (const update of ['onCreateAndWrite', 'onReadAndWrite'] as const) {
    const t = bench({ after: 10, update, cleanup: 'none' });
    t.push(at(100, add(1)))
      .push(at(105, add(2)))
      .push(at(106, get));
    t.push(at(107, add(3))).watermark(111);
    t.push(at(112, get))
      .push(at(113, add(4)))
      .push(at(114, get));
    const [first, second, third] = t.output() as number[][];
    expect(first).toEqual([1, 2]);
    expect(second).toEqual(update === 'onReadAndWrite' ? [1, 2, 3] : [2, 3]);
    expect(third?.at(-1)).toBe(4);
    expect(second).not.toContain(4);
  }
});

describe('the cleanup', () => {
  const ttl: TtlOptions = { after: 40, time: 'processing' };

  test('drops expired elements that nobody reads, once the oldest has been gone for a quarter of the TTL', () => {
    const t = bench(ttl);
    t.push(at(0, add(1))).advance(20);
    t.push(at(0, add(2))).advance(29);
    t.push(at(0, () => undefined));
    expect(t.state('x', 'a')).toEqual({
      it: [
        [0, 20],
        [1, 2],
      ],
    });
    t.advance(1).push(at(0, () => undefined));
    expect(t.state('x', 'a')).toEqual({ it: [[20], [2]] });
    t.advance(40).push(at(0, () => undefined));
    expect(t.stateSize()).toBe(0);
  });

  test('keeps a long list within a bound, and copies each element a few times at most', () => {
    const t = bench(ttl);
    let most = 0;
    for (let time = 0; time < 2_000; time += 1) {
      t.push(at(0, add(time))).advance(1);
      const [stamps] = (t.state('x', 'a') as { it: [number[], number[]] }).it;
      most = Math.max(most, stamps.length);
    }
    expect(most).toBeLessThanOrEqual(52);
  });
});

describe('the oldest stamp', () => {
  test('is the least one, and not known while one is not known', () => {
    const cell = new TtlListCell<string>([], []);
    expect(cell.oldest).toBe(Infinity);
    for (const [stamp, oldest] of [
      [5, 5],
      [9, 5],
      [3, 3],
      [NaN, -Infinity],
      [1, -Infinity],
    ] as const) {
      cell.add('x', stamp);
      expect(cell.oldest).toBe(oldest);
    }
  });

  test('is found again when a list is unpacked with stamps, or without', () => {
    const spec = cellsSpec({ it: listState<number>({ ttl: { after: 10 } }) });
    const oldestOf = (packed: unknown): number => (spec.unpack(packed).c0 as TtlListCell).oldest;
    expect(
      oldestOf(
        new Map([
          [
            ['it'],
            [
              [7, 4],
              [1, 2],
            ],
          ],
        ]),
      ),
    ).toBe(4);
    expect(oldestOf(new Map([['it', [1, 2]]]))).toBe(-Infinity);
  });
});

function bench(ttl: TtlOptions) {
  return testHarness(
    pipeline('p', unchecked<Call>(), (calls) =>
      calls.pipe(
        eventTime({ timestamp: (call) => call.at, every: 0 }),
        keyBy((call) => call.key),
        process({
          uid: 'x',
          state: { it: listState<number>({ ttl }) },
          element({ run }, { state }) {
            const result = run(state.it);
            return result === undefined ? [] : [result];
          },
        }),
      ),
    ),
  );
}

function at(time: number, run: Call['run']): Call {
  return { key: 'a', at: time, run };
}
