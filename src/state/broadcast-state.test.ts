import { describe, expect, test } from 'vitest';
import { freezeStore, type FrozenPiece } from '../checkpoint/store-slabs.js';
import { reload } from '../testing/harness-disk.js';
import { BroadcastCopy, entrySpec } from './broadcast-state.js';
import type { MapState } from './handles-map.js';
import { KeyedStore } from './slots.js';

type Any = MapState<never, unknown>;

function newStore(durable = true): KeyedStore<{ value: unknown; order: number }> {
  return new KeyedStore({ spec: entrySpec, maxParallelism: 128, durable });
}

function copyOf(store = newStore(), names = ['rules'], isGuarded = false): BroadcastCopy {
  return new BroadcastCopy(store, { names, isGuarded, where: '"x"' });
}

function rulesOf(copy: BroadcastCopy): MapState<string | number | bigint, unknown> {
  return copy.handles['rules'] as unknown as MapState<string | number | bigint, unknown>;
}

/** What one epoch after the other has committed, in a store that begins with it. */
function reloaded(pieces: readonly FrozenPiece[], durable = true) {
  return reload(newStore(durable) as never, pieces) as ReturnType<typeof newStore>;
}

function committed(store: ReturnType<typeof newStore>): FrozenPiece[] {
  return [...freezeStore(store as never, 'x')].filter((piece) => piece !== undefined);
}

describe('a map', () => {
  test('gives what was put, in the order in which its keys were first put', () => {
    const copy = copyOf();
    const rules = rulesOf(copy);
    copy.isWritable = true;
    rules.set('b', 1);
    rules.set('a', 2);
    rules.set('b', 3);
    expect([...rules.entries()]).toEqual([
      ['b', 3],
      ['a', 2],
    ]);
    expect([...rules.keys()]).toEqual(['b', 'a']);
    expect([...rules.values()]).toEqual([3, 2]);
    expect([rules.size, rules.isEmpty(), rules.has('a'), rules.get('c')]).toEqual([
      2,
      false,
      true,
      undefined,
    ]);
  });

  test('a key that went and came back is the last', () => {
    const copy = copyOf();
    const rules = rulesOf(copy);
    copy.isWritable = true;
    rules.set('a', 1);
    rules.set('b', 2);
    rules.delete('a');
    rules.delete('a');
    rules.set('a', 3);
    expect([...rules.keys()]).toEqual(['b', 'a']);
    rules.clear();
    expect(rules.isEmpty()).toBe(true);
    expect(copy.store.size).toBe(0);
  });

  test('keys are equal by value and kind, and an undefined value is one', () => {
    const copy = copyOf();
    const rules = rulesOf(copy);
    copy.isWritable = true;
    rules.set(10, 'number');
    rules.set('10', 'text');
    rules.set(10n, 'bigint');
    rules.set(-0, undefined);
    expect([rules.get(10), rules.get('10'), rules.get(10n)]).toEqual(['number', 'text', 'bigint']);
    expect([rules.has(0), rules.get(0), rules.size]).toEqual([true, undefined, 4]);
  });

  test.each(['set', 'delete', 'clear'])('%s is refused where it is only read', (method) => {
    const copy = copyOf();
    copy.isWritable = true;
    rulesOf(copy).set('a', 1);
    copy.isWritable = false;
    const call = rulesOf(copy)[method as 'set'] as (key: string, value: number) => void;
    expect(() => call.call(rulesOf(copy), 'a', 2)).toThrow('BROADCAST_READ_ONLY');
    expect(rulesOf(copy).get('a')).toBe(1);
  });

  test('two maps of one step do not meet', () => {
    const copy = copyOf(newStore(), ['rules', 'others']);
    copy.isWritable = true;
    rulesOf(copy).set('a', 1);
    expect((copy.handles['others'] as unknown as Any).isEmpty()).toBe(true);
  });

  test('what it gives is frozen in tests', () => {
    const copy = copyOf(newStore(), ['rules'], true);
    copy.isWritable = true;
    rulesOf(copy).set('a', { limit: 1 });
    const given = rulesOf(copy).get('a') as { limit: number };
    expect(() => {
      given.limit = 2;
    }).toThrow(TypeError);
  });
});

describe('a checkpoint', () => {
  test('brings back entries and their order, and later entries come behind them', () => {
    const store = newStore();
    const copy = copyOf(store);
    copy.isWritable = true;
    for (let n = 0; n < 50; n += 1) rulesOf(copy).set(`rule ${(n * 7) % 50}`, n);
    const slabs = committed(store);
    rulesOf(copy).delete('rule 7');
    rulesOf(copy).set('rule 14', 'new');
    slabs.push(...committed(store));
    const expected = [...rulesOf(copy).entries()];
    const restored = copyOf(reloaded(slabs));
    expect([...rulesOf(restored).entries()]).toEqual(expected);
    restored.isWritable = true;
    rulesOf(restored).set('behind', 1);
    expect([...rulesOf(restored).keys()].at(-1)).toBe('behind');
  });

  test('an epoch writes the entries that it has changed, and no others', () => {
    const store = newStore();
    const copy = copyOf(store);
    copy.isWritable = true;
    for (let n = 0; n < 500; n += 1) rulesOf(copy).set(n, 'x'.repeat(100));
    const all = committed(store).reduce((sum, { block }) => sum + (block?.length ?? 0), 0);
    rulesOf(copy).set(3, 'y');
    const one = committed(store).reduce((sum, { block }) => sum + (block?.length ?? 0), 0);
    expect(all).toBeGreaterThan(50_000);
    expect(one).toBeLessThan(200);
    expect(committed(store)).toEqual([]);
  });

  test('an entry that changes while the epoch is written stays as it was in it', () => {
    const store = newStore();
    const copy = copyOf(store);
    copy.isWritable = true;
    rulesOf(copy).set('a', 'old');
    const drain = freezeStore(store as never, 'x');
    rulesOf(copy).set('a', 'new');
    const slabs = [...drain].filter((slab) => slab !== undefined);
    expect(rulesOf(copyOf(reloaded(slabs))).get('a')).toBe('old');
  });

  test('a copy that no checkpoint reads keeps the same', () => {
    const store = newStore();
    const copy = copyOf(store);
    copy.isWritable = true;
    rulesOf(copy).set('a', 1);
    const other = copyOf(reloaded(committed(store), false));
    other.isWritable = true;
    rulesOf(other).set('b', 2);
    rulesOf(other).delete('a');
    expect([...rulesOf(other).entries()]).toEqual([['b', 2]]);
  });

  test('a map that is no longer declared goes', () => {
    const store = newStore();
    const copy = copyOf(store, ['rules', 'old']);
    copy.isWritable = true;
    rulesOf(copy).set('a', 1);
    (copy.handles['old'] as unknown as MapState<string, unknown>).set('b', 2);
    const slabs = committed(store);
    const next = reloaded(slabs);
    expect(copyOf(next).store.size).toBe(1);
    slabs.push(...committed(next));
    expect(reloaded(slabs).size).toBe(1);
  });
});
