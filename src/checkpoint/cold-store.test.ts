import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Key } from '../core/key.js';
import type { KeyedStateSpec, TimeDomain } from '../core/operator.js';
import { memory } from '../state/memory-backend.js';
import { KeyedStore } from '../state/slots.js';
import type { StateBackend } from '../state/backend.js';
import { ColdStore } from './cold-store.js';
import { EmbeddedCommitter } from './embedded-committer.js';
import type { JobRecord } from './job-record.js';
import { freezeStore, loadStore, type FrozenPiece } from './store-slabs.js';

interface Box {
  value: unknown;
}

const spec: KeyedStateSpec<Box> = {
  create: () => ({ value: undefined }),
  pack: ({ value }) => value,
  unpack: (value) => ({ value }),
  isEmpty: ({ value }) => value === undefined,
  evictable: true,
};
const maxParallelism = 3;
const groups = { from: 0, to: maxParallelism };

/** A store with what surrounds it in a job; with `budget: false` one that keeps everything in the heap. */
class Bench {
  readonly #backend: StateBackend;
  readonly #isCold: boolean;
  #committer!: EmbeddedCommitter;
  store!: KeyedStore<Box>;
  #draining: Generator<FrozenPiece | undefined, void, void> | undefined;
  #epoch = 0;

  constructor(backend: StateBackend, isCold: boolean) {
    this.#backend = backend;
    this.#isCold = isCold;
    this.restart();
  }

  restart(): void {
    this.#draining = undefined;
    this.#committer = new EmbeddedCommitter(this.#backend, { where: 'x' });
    const record = this.#committer.read();
    this.store = new KeyedStore({ spec, maxParallelism, durable: true });
    const options = { uid: 'op', spec, groups, maxParallelism, where: 'x' } as const;
    const cold = new ColdStore(this.#committer.runs, options as never);
    const startsCold = this.#isCold && record !== undefined && !cold.hasTimers();
    if (record !== undefined && !startsCold)
      loadStore(this.store as never, this.#committer.of('op'), groups);
    if (this.#isCold) this.store.attach(cold as never, startsCold ? cold.count() : 0);
    this.#committer.cleanAll();
  }

  barrier(): void {
    while (this.#draining !== undefined) this.drain();
    this.#draining = freezeStore(this.store as never, 'op');
  }

  /** A step of the commit under way, if there is one. */
  drain(): void {
    const next = this.#draining?.next();
    if (next === undefined) return;
    if (next.done !== true) {
      if (next.value !== undefined) this.#committer.write('op', next.value);
      return;
    }
    this.#draining = undefined;
    this.#committer.compactAll();
    this.#epoch += 1;
    this.#committer.commit(record(this.#epoch));
    this.store.settled();
    this.#committer.clean();
  }

  evict(): void {
    if (this.#isCold) for (let turn = 0; turn < 4; turn += 1) this.store.evict(100);
  }

  /** Everything that somebody outside can see. */
  get seen(): unknown {
    const { eventTimers, processingTimers, size } = this.store;
    const domains = { eventTimers, processingTimers };
    return {
      size,
      slots: [...this.store.slots()]
        .filter(({ live }) => live.value !== undefined)
        .map(({ key, live }) => inspect([key, live.value]))
        .sort(),
      timers: Object.entries(domains).map(([name, timers]) =>
        [...timers.entries()].map(([time, { key }]) => inspect([name, time, key])).sort(),
      ),
    };
  }
}

type Op =
  | { readonly op: 'set'; readonly key: Key; readonly value: unknown }
  | { readonly op: 'remove' | 'look'; readonly key: Key }
  | {
      readonly op: 'timer' | 'delete';
      readonly key: Key;
      readonly time: number;
      readonly domain: TimeDomain;
    }
  | { readonly op: 'fire'; readonly time: number; readonly domain: TimeDomain }
  | { readonly op: 'barrier' | 'drain' | 'commit' | 'evict' | 'restart' | 'sweep' };

const key = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 6 }), weight: 3 },
  fc.constantFrom<Key>('a', '1', 10n, true, [1, 'a'], { a: 1 }, -0.5),
);
const domain = fc.constantFrom<TimeDomain>('event', 'processing');
const time = fc.constantFrom(-5, 0, 10, 20, 1e12, 2e12);
const value = fc.oneof(fc.integer(), fc.string({ maxLength: 5 }), fc.constant('long'));
const op: fc.Arbitrary<Op> = fc.oneof(
  { arbitrary: fc.record({ op: fc.constant('set' as const), key, value }), weight: 6 },
  {
    arbitrary: fc.record({ op: fc.constantFrom('remove' as const, 'look' as const), key }),
    weight: 5,
  },
  fc.record({ op: fc.constantFrom('timer' as const, 'delete' as const), key, time, domain }),
  fc.record({ op: fc.constant('fire' as const), time, domain }),
  {
    arbitrary: fc.record({
      op: fc.constantFrom(
        ...(['barrier', 'drain', 'commit', 'evict', 'evict', 'evict', 'restart', 'sweep'] as const),
      ),
    }),
    weight: 8,
  },
);

/** Does an operation as an operator would, and gives what it has seen. */
function act(bench: Bench, step: Op): unknown {
  const { store } = bench;
  switch (step.op) {
    case 'set': {
      const slot = store.slot(step.key);
      const before = slot.live.value;
      store.touch(slot);
      slot.live.value = step.value === 'long' ? 'x'.repeat(9000) : step.value;
      return before;
    }
    case 'remove': {
      const slot = store.slot(step.key);
      store.touch(slot);
      slot.live.value = undefined;
      return store.release(slot);
    }
    case 'look': {
      const found = store.find(step.key);
      return [found?.live.value, found !== undefined && store.holds(found)];
    }
    case 'timer':
      return store.timers[step.domain].set(store.slot(step.key), step.time);
    case 'delete': {
      const slot = store.slot(step.key);
      store.timers[step.domain].delete(slot, step.time);
      return store.release(slot);
    }
    case 'fire':
      return fire(bench, step.domain, step.time);
    case 'sweep': {
      for (const slot of store.slots()) {
        if (typeof slot.live.value !== 'number') continue;
        store.touch(slot);
        slot.live.value = slot.live.value % 2 === 0 ? undefined : slot.live.value - 1;
        store.release(slot);
      }
      return undefined;
    }
    case 'barrier':
      return bench.barrier();
    case 'drain':
      return bench.drain();
    case 'commit':
      bench.barrier();
      for (let turn = 0; turn < 1000; turn += 1) bench.drain();
      return undefined;
    case 'evict':
      return bench.evict();
    case 'restart':
      return bench.restart();
  }
}

function fire({ store }: Bench, domain: TimeDomain, until: number): string[] {
  const fired: string[] = [];
  const timers = store.timers[domain];
  for (let slot = timers.take(until); slot !== undefined; slot = timers.take(until)) {
    fired.push(inspect([timers.firedTime, String(slot.key), slot.live.value]));
    store.release(slot);
  }
  return fired.sort();
}

describe('a store with a budget of nearly nothing', () => {
  test('behaves as one that keeps everything in the heap', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 10, maxLength: 120 }), async (steps) => {
        const cold = new Bench(await memory().open(), true);
        const hot = new Bench(await memory().open(), false);
        for (const step of steps) {
          expect(act(cold, step)).toEqual(act(hot, step));
          expect(cold.seen).toEqual(hot.seen);
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe('a cold store', () => {
  test('does not look at the last commit for a key while nothing is cold', async () => {
    const bench = new Bench(await memory().open(), true);
    act(bench, { op: 'set', key: 1, value: 1 });
    act(bench, { op: 'commit' });
    bench.store.attach({ read: refuse, page: refuse }, 0);
    expect(bench.store.find(2)).toBeUndefined();
    bench.evict();
    expect(() => bench.store.find(1)).toThrow('asked');
  });

  test('a slot that has left the heap is not the slot of its key any more', async () => {
    const bench = new Bench(await memory().open(), true);
    act(bench, { op: 'set', key: 1, value: 'a' });
    const slot = bench.store.slot(1);
    bench.evict();
    expect(bench.store.holds(slot)).toBe(true);
    act(bench, { op: 'commit' });
    bench.evict();
    expect([bench.store.holds(slot), bench.store.heapSize, bench.store.size]).toEqual([
      false,
      0,
      1,
    ]);
    expect(bench.store.slotOf({ key: 1, slot })).not.toBe(slot);
    expect(bench.store.find(1)?.live.value).toBe('a');
  });

  test('what only passes by in a walk does not stay', async () => {
    const bench = new Bench(await memory().open(), true);
    for (let key = 0; key < 200; key += 1) act(bench, { op: 'set', key, value: key });
    act(bench, { op: 'commit' });
    for (let turn = 0; turn < 20; turn += 1) bench.evict();
    const before = bench.store.heapSize;
    expect(before).toBeLessThan(10);
    expect([...bench.store.slots()].length).toBe(200);
    expect(bench.store.heapSize).toBe(before);
  });
});

function refuse(): never {
  throw new Error('asked');
}

function record(epoch: number): JobRecord {
  return {
    job: 'test',
    epoch,
    maxParallelism,
    isFinished: false,
    splits: [],
    marks: new Map(),
    sinks: new Map(),
    operators: new Map(),
    counters: new Map(),
    records: 0,
  };
}
