import { describe, expect, test } from 'vitest';
import {
  eventTime,
  keyBy,
  mapState,
  pipeline,
  process,
  unchecked,
  type MapState,
  type TtlOptions,
} from '../index.js';
import { testHarness } from '../testing/index.js';

type TheMap = MapState<string, number>;

interface Call {
  readonly at: number;
  readonly run: (map: TheMap) => unknown;
}

const all = (map: TheMap): unknown =>
  [...map.entries()].map(([key, value]) => `${key}${value}`).join();
const set = (key: string, value: number) => (map: TheMap) => map.set(key, value);
const get = (key: string) => (map: TheMap) => map.get(key) ?? 'none';

describe('in event time', () => {
  const ttl: TtlOptions = { after: 10, cleanup: 'none' };

  test('each entry has a life of its own, in whatever order they came', () => {
    const t = bench(ttl);
    t.push(at(100, set('x', 1)))
      .push(at(95, set('y', 2)))
      .push(at(104, set('z', 3)));
    t.watermark(105).push(at(0, all));
    t.watermark(110)
      .push(at(0, get('x')))
      .push(at(0, get('z')));
    t.watermark(114).push(at(0, all));
    expect(t.output()).toEqual(['x1,z3', 'none', 3, '']);
    expect(t.stateSize()).toBe(0);
  });

  test('an older write that comes later does not shorten the life of its entry', () => {
    const t = bench(ttl);
    t.push(at(100, set('x', 1))).push(at(93, set('x', 2)));
    t.watermark(109).push(at(0, get('x')));
    t.watermark(110).push(at(0, get('x')));
    expect(t.output()).toEqual([2, 'none']);
  });

  test('a read stamps its entry, and a read of all stamps all, where reads do', () => {
    const t = bench({ ...ttl, update: 'onReadAndWrite' });
    t.push(at(100, set('x', 1)))
      .push(at(100, set('y', 2)))
      .push(at(100, set('z', 3)));
    t.push(at(105, get('x'))).push(at(106, (map) => map.has('y')));
    expect(t.state('x', 'a')).toEqual({
      it: [
        [105, 106, 100],
        new Map([
          ['x', 1],
          ['y', 2],
          ['z', 3],
        ]),
      ],
    });
    t.watermark(110).push(at(111, (map) => [...map.keys()].join()));
    expect(t.state('x', 'a')).toEqual({
      it: [
        [111, 111],
        new Map([
          ['x', 1],
          ['y', 2],
        ]),
      ],
    });
    t.push(at(112, (map) => [...map.values()].join()));
    expect(t.output()).toEqual([1, true, 'x,y', '1,2']);
  });

  test('stamps survive a crash', () => {
    const t = bench(ttl);
    t.push(at(100, set('x', 1))).checkpoint();
    t.push(at(105, set('y', 2))).crash();
    t.watermark(110).push(at(0, all));
    expect(t.output()).toEqual(['y2']);
  });
});

describe('in processing time', () => {
  const ttl: TtlOptions = { after: 10, time: 'processing', cleanup: 'none' };

  test('what is stored counts for isEmpty and size until a read has removed it, as in Flink', () => {
    const t = bench(ttl);
    const stored = (map: TheMap): unknown => `${map.isEmpty()} ${map.size}`;
    t.push(at(0, stored))
      .push(at(0, set('x', 1)))
      .push(at(0, set('y', 1)))
      .advance(10);
    t.push(at(0, stored))
      .push(at(0, (map) => map.has('x')))
      .push(at(0, stored));
    t.push(at(0, all)).push(at(0, stored));
    expect(t.output()).toEqual(['true 0', 'false 2', false, 'false 1', '', 'true 0']);
  });

  test('an expired entry may be seen one last time, if that is asked for', () => {
    const t = bench({ ...ttl, visibility: 'returnExpiredIfNotCleanedUp' });
    t.push(at(0, set('x', 1)))
      .push(at(0, set('y', 2)))
      .advance(10);
    t.push(at(0, get('x')))
      .push(at(0, get('x')))
      .push(at(0, all))
      .push(at(0, all));
    expect(t.output()).toEqual([1, 'none', 'y2', '']);
  });

  test('delete and clear do not ask for the age', () => {
    const t = bench(ttl);
    t.push(at(0, set('x', 1)))
      .push(at(0, set('y', 2)))
      .advance(10);
    t.push(at(0, (map) => map.delete('x'))).push(at(0, (map) => map.delete('nothing')));
    t.push(at(0, (map) => map.size)).push(at(0, (map) => map.clear()));
    expect(t.output()).toEqual([1]);
    expect(t.stateSize()).toBe(0);
  });

  test('reading may go along with changes', () => {
    const t = bench(ttl);
    t.push(at(0, set('x', 1))).push(at(0, set('y', 2)));
    t.push(
      at(0, (map) => {
        for (const [key, value] of map.entries()) {
          map.delete(key);
          map.set(`${key}${key}`, value);
        }
      }),
    ).push(at(0, all));
    expect(t.output()).toEqual(['xx1,yy2']);
  });

  test('in tests values that are given out are frozen', () => {
    const t = bench(ttl);
    t.push(at(0, (map) => map.set('x', [1] as never)));
    for (const change of [
      (map: TheMap) => void (map.get('x') as never as number[]).push(2),
      (map: TheMap) => void ([...map.values()][0] as never as number[]).push(2),
    ])
      expect(() => t.push(at(0, change))).toThrow('USER_FUNCTION_FAILED');
  });
});

describe('the cleanup', () => {
  test('goes through a large map bit by bit, and finds all that has expired', () => {
    const t = bench({ after: 100, time: 'processing' });
    t.push(
      at(0, (map) => {
        for (let index = 0; index < 100; index += 1) map.set(`${index}`, index);
      }),
    ).advance(50);
    t.push(at(0, set('late', 1))).advance(50);
    const sizes: number[] = [];
    for (let index = 0; index < 15; index += 1) {
      t.push(at(0, () => undefined));
      const [stamps] = (t.state('x', 'a') as { it: [number[]] }).it;
      sizes.push(stamps.length);
    }
    expect(sizes[0]).toBeGreaterThan(80);
    expect(sizes.at(-1)).toBe(1);
    t.advance(50).push(at(0, () => undefined));
    expect(t.stateSize()).toBe(0);
  });

  test('begins anew when the map was cleared and filled again under its hands', () => {
    const t = bench({ after: 100, time: 'processing' });
    const fill = (map: TheMap): void => {
      for (let index = 0; index < 20; index += 1) map.set(`${index}`, index);
    };
    t.push(at(0, fill))
      .push(at(0, (map) => map.clear()))
      .push(at(0, fill))
      .advance(100);
    for (let index = 0; index < 5; index += 1) t.push(at(0, () => undefined));
    expect(t.stateSize()).toBe(0);
  });
});

function bench(ttl: TtlOptions) {
  return testHarness(
    pipeline('p', unchecked<Call>(), (calls) =>
      calls.pipe(
        eventTime({ timestamp: (call) => call.at, every: 0 }),
        keyBy(() => 'a'),
        process({
          uid: 'x',
          state: { it: mapState<string, number>({ ttl }) },
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
  return { at: time, run };
}
