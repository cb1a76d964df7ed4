import { describe, expect, test } from 'vitest';
import { areEmpty, cellsSpec, SlotCursor, type Cells, type StateDeclarations } from './handles.js';
import { mapState } from './handles-map.js';
import { valueState } from './handles-value.js';
import { KeyedStore } from './slots.js';
import { TtlSweeper } from './ttl-sweeper.js';
import { decodeValue, encodeValue } from './value-codec.js';

const ttl = { after: 10, time: 'processing' } as const;

describe('a sweeper', () => {
  test('is there only where a state has a TTL and wants to be cleaned', () => {
    const { cursor } = bench({ it: valueState(0) });
    const swept = (declarations: StateDeclarations): boolean =>
      TtlSweeper.of(declarations, cursor) !== undefined;
    expect(swept({ it: valueState(0) })).toBe(false);
    expect(swept({ it: valueState(0, { ttl: { ...ttl, cleanup: 'none' } }) })).toBe(false);
    expect(swept({ other: valueState(0), it: valueState(0, { ttl }) })).toBe(true);
  });

  test('looks at two keys per turn, round and round', () => {
    const b = bench({ it: valueState(0, { ttl }) });
    for (let key = 0; key < 6; key += 1) b.write(key, 0);
    b.time = 10;
    const sizes = [1, 2, 3, 4].map(() => {
      b.sweeper.turn();
      return b.store.size;
    });
    expect(sizes).toEqual([4, 2, 0, 0]);
  });

  test('keeps memory within twice of what is alive, without any read', () => {
    const b = bench({ it: valueState(0, { ttl: { ...ttl, after: 100 } }) });
    let most = 0;
    for (let time = 0; time < 5_000; time += 1) {
      b.time = time;
      b.write(time, 0);
      b.sweeper.turn();
      most = Math.max(most, b.store.size);
    }
    expect(most).toBeLessThanOrEqual(200);
  });

  test('leaves alone what is alive, what has no TTL, and keys with a timer', () => {
    const b = bench({ plain: valueState(0), it: valueState(0, { ttl }) });
    b.write('plain', 0);
    b.write('both', 1);
    b.write('timer', 1);
    b.store.timers.event.set(b.store.slot('timer'), 5);
    b.time = 5;
    b.write('young', 1);
    b.time = 10;
    for (let turn = 0; turn < 4; turn += 1) b.sweeper.turn();
    const left = [...b.store.slots()].map(({ key, live }) => [key, live]);
    expect(left.map(([key]) => key)).toEqual(['plain', 'timer', 'young']);
    expect(areEmpty(b.store.slot('timer').live)).toBe(true);
  });

  test('what is removed is as it was in the epoch that has been frozen, and gone in the next', () => {
    const b = bench({ it: valueState(0, { ttl }) });
    b.write('a', 0);
    const saved: unknown[] = [];
    b.store.freeze((slot) => saved.push(decodeValue(encodeValue(b.store.spec.pack(slot.live)))));
    b.time = 10;
    b.sweeper.turn();
    expect(saved).toEqual([new Map([[['it'], [0, 1]]])]);
    b.store.thaw();
    const next = [...b.store.freeze(() => undefined).values()].flat();
    expect(next.map(({ key, isRemoved }) => [key, isRemoved])).toEqual([['a', true]]);
  });

  test('what is alive is not changed, so it is not saved again', () => {
    const b = bench({ it: valueState(0, { ttl }) });
    b.write('a', 0);
    b.store.freeze(() => undefined);
    b.store.thaw();
    b.time = 9;
    b.sweeper.turn();
    expect(b.store.freeze(() => undefined).size).toBe(0);
  });

  test('does nothing before the first watermark', () => {
    const b = bench({ it: valueState(0, { ttl: { after: 10 } }) });
    b.write('a', 0);
    b.sweeper.turn();
    expect(b.store.spec.pack(b.store.slot('a').live)).toEqual(new Map([[['it'], [NaN, 1]]]));
    b.watermark = 50;
    b.sweeper.turn();
    expect(b.store.spec.pack(b.store.slot('a').live)).toEqual(new Map([[['it'], [50, 1]]]));
    b.watermark = 60;
    b.sweeper.turn();
    expect(b.store.size).toBe(0);
  });

  test('an empty store is no work', () => {
    const b = bench({ it: valueState(0, { ttl }) });
    expect(() => b.sweeper.turn()).not.toThrow();
  });

  test('a map that takes the place of the one being swept keeps its entries', () => {
    const declaration = mapState<number, number>({ ttl });
    const b = bench({ it: declaration });
    b.cursor.point(b.store.slot('a'), NaN);
    const map = declaration.handle(b.cursor, 0);
    const fill = (): void => {
      for (let entry = 0; entry < 50; entry += 1) map.set(entry, entry);
    };
    fill();
    b.time = 10;
    b.sweeper.turn();
    expect(map.size).toBe(42);
    map.clear();
    fill();
    for (let turn = 0; turn < 10; turn += 1) b.sweeper.turn();
    expect(map.size).toBe(50);
  });

  test('a key that goes away while its map is swept is left alone', () => {
    const declaration = mapState<number, number>({ ttl });
    const b = bench({ it: declaration });
    b.cursor.point(b.store.slot('a'), NaN);
    const map = declaration.handle(b.cursor, 0);
    for (let entry = 0; entry < 50; entry += 1) map.set(entry, entry);
    b.time = 10;
    b.sweeper.turn();
    map.clear();
    b.store.release(b.cursor.slot);
    b.write('b', 0);
    b.sweeper.turn();
    expect([...b.store.slots()].map(({ key }) => key)).toEqual(['b']);
  });
});

function bench(declarations: StateDeclarations) {
  const spec = cellsSpec(declarations);
  const store = new KeyedStore<Cells>({ spec, maxParallelism: 128, durable: true });
  const times = { time: 0, watermark: -Infinity };
  const cursor = new SlotCursor(store, {
    isGuarded: true,
    watermark: () => times.watermark,
    now: () => times.time,
  });
  const handles = Object.values(declarations).map((one, index) => one.handle(cursor, index));
  const sweeper = TtlSweeper.of(declarations, cursor) as TtlSweeper;
  return Object.assign(times, {
    store,
    cursor,
    sweeper,
    write(key: string | number, state: number) {
      cursor.point(store.slot(key), NaN);
      const handle = handles[state] as { set(key: number, value?: number): void };
      handle.set(1, 1);
    },
  });
}
