import { describe, expect, test } from 'vitest';
import type { Chunk } from '../core/flow.js';
import type { Key } from '../core/key.js';
import type { KeyCell, KeyedState, Slot } from '../core/operator.js';
import { fuse, type FusedRun, type FusedStep } from './fusion.js';
import { makeCounters } from './records.js';

describe('an eventTime in the run', () => {
  test('gives the time with which the steps behind it go on; those before it have what was delivered', () => {
    const bench = new Bench();
    bench.chunk([5, 7]);
    expect(bench.sent).toEqual(['5 at 5', '7 at 7']);
    bench.chunk([-1]);
    expect(bench.rejected).toEqual(['-1 at 1000']);
  });

  test('hears of an element when everything behind it has been done', () => {
    const bench = new Bench();
    bench.run.element(5, NaN);
    bench.run.element(6, NaN);
    expect(bench.log).toEqual(['send 5', 'stamped 5', 'send 6', 'stamped 6']);
  });

  test('hears of what is dropped behind it, and not of what it drops itself', () => {
    const bench = new Bench({ keep: (n) => n !== 6 });
    bench.chunk([5, 6, NaN, -2, 7]);
    expect(bench.log.filter((text) => text.startsWith('stamped'))).toEqual([
      'stamped 5',
      'stamped 6',
      'stamped 7',
    ]);
    expect(bench.sent).toEqual(['5 at 5', '7 at 7']);
    expect(bench.counts()).toEqual([
      { received: 5, accepted: 4, filtered: 0, dead: 1 },
      { received: 4, accepted: 3, filtered: 0, dead: 1 },
      { received: 3, accepted: 2, filtered: 1, dead: 0 },
      { received: 2, accepted: 2, filtered: 0, dead: 0 },
    ]);
  });

  test('that raises the watermark ends the stretch behind its element', () => {
    const bench = new Bench({ walksAt: 6 });
    expect(bench.chunk([5, 6, 7])).toBe(2);
    expect(bench.sent).toEqual(['5 at 5', '6 at 6']);
    bench.interruption.walkRequested = false;
    expect(bench.chunk([5, 6, 7], 2)).toBe(3);
    expect(bench.sent.at(-1)).toBe('7 at 7');
  });
});

describe('where state stands behind the keyBy', () => {
  test('keys of many elements are looked up together, then each has its turn with its slot', () => {
    const bench = new Bench({ hasState: true });
    expect(bench.chunk([1, 2, 1])).toBe(3);
    expect(bench.log.filter((text) => !text.startsWith('stamped'))).toEqual([
      'look up k1 k2 k1',
      'send 1',
      'send 2',
      'send 1',
    ]);
    expect(bench.turns).toEqual([
      { key: 'k1', slot: 'k1', position: 500 },
      { key: 'k2', slot: 'k2', position: 501 },
      { key: 'k1', slot: 'k1', position: 502 },
    ]);
  });

  test('a key without state has no slot in hand, and nothing is left in hand behind the chunk', () => {
    const bench = new Bench({ hasState: true, stateless: 'k2' });
    bench.chunk([2, 1]);
    expect(bench.turns.map(({ slot }) => slot)).toEqual([undefined, 'k1']);
    expect(bench.cell.slot).toBeUndefined();
    bench.run.element(3, NaN);
    expect(bench.turns.at(-1)).toEqual({ key: 'k3', slot: undefined, position: 501 });
  });

  test('only so many are looked up at once, and all come in order', () => {
    const bench = new Bench({ hasState: true });
    const many = Array.from({ length: 150 }, (_, index) => index + 1);
    expect(bench.chunk(many)).toBe(150);
    expect(bench.sent).toEqual(many.map((n) => `${n} at ${n}`));
    const sizes = bench.log
      .filter((text) => text.startsWith('look up'))
      .map((text) => text.split(' ').length - 2);
    expect(sizes).toEqual([64, 64, 22]);
  });

  test('what is dropped is not looked up', () => {
    const bench = new Bench({ hasState: true, keep: (n) => n !== 2 });
    bench.chunk([1, 2, -3, 4]);
    expect(bench.log).toContain('look up k1 k4');
    expect(bench.turns.map(({ position }) => position)).toEqual([500, 503]);
    expect(bench.rejected).toEqual(['-3 at 1002']);
  });

  test('a watermark that an element raises comes behind that element, not behind its handful', () => {
    const bench = new Bench({ hasState: true, walksAt: 3 });
    expect(bench.chunk([1, 2, 3, 4])).toBe(3);
    expect(bench.sent).toEqual(['1 at 1', '2 at 2', '3 at 3']);
    expect(bench.log).toContain('look up k1 k2 k3');
  });

  test('a full output stops it behind the handful', () => {
    const bench = new Bench({ hasState: true, fullAt: 10 });
    const many = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(bench.chunk(many)).toBe(64);
    bench.pressure.isFull = false;
    expect(bench.chunk(many, 64)).toBe(100);
    expect(bench.sent.length).toBe(100);
  });

  test('before the error of an element goes out, those before it have had their turn', () => {
    const bench = new Bench({ hasState: true, throwsOnRejection: true });
    expect(() => bench.chunk([1, 2, -3, 4])).toThrow('negative');
    expect(bench.sent).toEqual(['1 at 1', '2 at 2']);
    expect(bench.counts()[0]).toEqual({ received: 3, accepted: 2, filtered: 0, dead: 1 });
  });

  test('an error of the operator behind goes out under the position of its element', () => {
    const bench = new Bench({ hasState: true, failsAt: 2 });
    expect(() => bench.chunk([1, 2, 3])).toThrow('behind');
    expect(bench.sent).toEqual(['1 at 1', '2 at 2']);
    expect(bench.position).toBe(501);
  });
});

interface Choices {
  readonly keep?: (value: number) => boolean;
  readonly hasState?: boolean;
  /** A key of which nothing is kept yet. */
  readonly stateless?: string;
  /** The elements at which something happens. */
  readonly walksAt?: number;
  readonly fullAt?: number;
  readonly failsAt?: number;
  readonly throwsOnRejection?: boolean;
}

/** `map ─▶ eventTime ─▶ filter ─▶ keyBy`, with everything around it lying open. The map fails for what is below 0. */
class Bench {
  readonly run: FusedRun;
  readonly cell: KeyCell = { key: '' };
  readonly sent: string[] = [];
  readonly log: string[] = [];
  readonly turns: { key: Key; slot: Key | undefined; position: number }[] = [];
  readonly rejected: string[] = [];
  readonly interruption = { walkRequested: false, fed: 0 };
  readonly pressure = { isFull: false };
  readonly #choices: Choices;
  readonly #steps: readonly FusedStep[];
  readonly #whence = {
    origin: { name: 'in', unit: 'element' },
    position: -1,
    derivedKey: undefined,
  };

  constructor(choices: Choices = {}) {
    this.#choices = choices;
    const { keep = () => true, hasState = false } = choices;
    const asyncError = (): Error => new Error('async');
    this.#steps = [
      {
        ...this.#base(),
        kind: 'map',
        asyncError,
        fn: (n: number) => {
          if (n < 0) throw new Error('negative');
          return n;
        },
      },
      this.#eventTime(),
      { ...this.#base(), kind: 'filter', asyncError, fn: keep },
      {
        ...this.#base(),
        kind: 'key',
        cell: this.cell,
        check: () => undefined,
        fn: (n: number) => `k${n}`,
        state: () => (hasState ? this.#state() : undefined),
      },
    ];
    const run = fuse(this.#steps, { element: (value, time) => this.#send(value as number, time) });
    if (run === undefined) throw new Error('no run');
    this.run = run;
  }

  get position(): number {
    return this.#whence.position;
  }

  chunk(values: readonly number[], from = 0): number {
    const chunk: Chunk = {
      kind: 'chunk',
      values,
      timestamps: values.map((_, index) => 1_000 + index),
      positions: values.map((_, index) => 500 + index),
      keys: [],
      derivedKeys: [],
      origin: this.#whence.origin,
    };
    const { interruption, pressure } = this;
    return this.run.chunk(chunk, from, { whence: this.#whence, interruption, pressure });
  }

  counts(): { received: number; accepted: number; filtered: number; dead: number }[] {
    return this.#steps.map(({ counters: { received, accepted, filtered, dead } }) => ({
      ...{ received, accepted, filtered, dead },
    }));
  }

  #base(): Pick<FusedStep, 'counters' | 'reject'> {
    const counters = makeCounters();
    return {
      counters,
      reject: (value, time, cause) => {
        counters.dead += 1;
        this.rejected.push(`${String(value)} at ${time}`);
        if (this.#choices.throwsOnRejection === true) throw cause;
      },
    };
  }

  /** The time of an element is the element; NaN has none. */
  #eventTime(): FusedStep {
    const base = this.#base();
    return {
      ...base,
      kind: 'time',
      operator: {
        stamp: (value) => {
          if (Number.isNaN(value)) base.counters.dead += 1;
          return value as number;
        },
        stamped: (value) => {
          this.log.push(`stamped ${String(value)}`);
          if (value === this.#choices.walksAt) this.interruption.walkRequested = true;
        },
      },
    };
  }

  #state(): KeyedState<object> {
    const slotOf = (key: Key): Slot | undefined =>
      key === this.#choices.stateless ? undefined : { key, live: {} };
    return {
      prefetch: (keys: readonly Key[], count: number, slots: (Slot | undefined)[]) => {
        this.log.push(`look up ${keys.slice(0, count).join(' ')}`);
        for (let index = 0; index < count; index += 1) slots[index] = slotOf(keys[index] as Key);
      },
    } as unknown as KeyedState<object>;
  }

  #send(value: number, time: number): void {
    const { key, slot } = this.cell;
    this.sent.push(`${value} at ${time}`);
    this.log.push(`send ${value}`);
    this.turns.push({ key, slot: slot?.key, position: this.position });
    if (value === this.#choices.fullAt) this.pressure.isFull = true;
    if (value === this.#choices.failsAt) throw new Error('behind');
  }
}
