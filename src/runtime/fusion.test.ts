import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Chunk } from '../core/flow.js';
import type { Key } from '../core/key.js';
import type { Counters, KeyCell, KeyedState } from '../core/operator.js';
import { fuse, type FusedRun, type FusedStep, type RunState } from './fusion.js';
import { nowhere } from './receivers.js';
import { makeCounters } from './records.js';

afterEach(() => vi.unstubAllGlobals());

describe('a run', () => {
  test('calls its steps in order, and sends the last value on with the time of the element', () => {
    const bench = new Bench([map((n) => n + 1), map((n) => n * 10), map((n) => `<${n}>`)]);
    bench.run.element(1, 7);
    bench.run.element(2, NaN);
    expect(bench.sent).toEqual([
      ['<20>', 7],
      ['<30>', NaN],
    ]);
  });

  test('a filter passes on what came in, whatever truthy thing it says', () => {
    const said: readonly unknown[] = [true, 1, 'yes', {}, false, 0, '', null, undefined, NaN];
    const bench = new Bench([filter((n) => said[n]), map((n) => n * 10)]);
    for (const n of said.keys()) bench.run.element(n, 0);
    expect(bench.sent.map(([value]) => value)).toEqual([0, 10, 20, 30]);
  });

  test('behind a filter that drops an element no step is called', () => {
    const called: number[] = [];
    const bench = new Bench([filter((n) => n > 1), map((n) => (called.push(n), n))]);
    for (const n of [1, 2]) bench.run.element(n, 0);
    expect(called).toEqual([2]);
  });

  test('each step counts what became of its own elements', () => {
    const bench = new Bench([
      filter((n) => n !== 1),
      map((n) => (n === 2 ? fail('two') : n)),
      filter((n) => n !== 3),
      map((n) => n),
    ]);
    expect(bench.counts()).toEqual([counts(0, 0), counts(0, 0), counts(0, 0), counts(0, 0)]);
    for (const n of [1, 2, 3, 4, 5]) bench.run.element(n, 0);
    const expected = [
      counts(5, 4, { filtered: 1 }),
      counts(4, 3, { dead: 1 }),
      counts(3, 2, { filtered: 1 }),
      counts(2, 2),
    ];
    expect(bench.counts()).toEqual(expected);
    bench.chunk([1, 2, 3, 4, 5]);
    expect(bench.counts()[0]).toEqual(counts(10, 8, { filtered: 2 }));
    expect(bench.counts()[3]).toEqual(counts(4, 4));
  });

  test('a step that fails hands in what it was given, and only that element is dropped', () => {
    const bench = new Bench([
      map((n) => n * 10),
      map((n) => (n === 20 ? fail('deep') : n + 1)),
      map((n) => n),
    ]);
    for (const n of [1, 2, 3]) bench.run.element(n, n * 100);
    expect(bench.sent).toEqual([
      [11, 100],
      [31, 300],
    ]);
    expect(bench.rejected).toEqual([{ step: 1, value: 20, time: 200, cause: 'Error: deep' }]);
  });

  test('what behind the run fails is not blamed on a step of it', () => {
    const bench = new Bench([map((n) => n)], () => fail('behind'));
    expect(() => bench.run.element(1, 0)).toThrow('behind');
    expect(bench.rejected).toEqual([]);
  });

  test.each([
    ['a map that gives a promise', map(() => Promise.resolve(1))],
    ['a filter that gives a promise', filter(() => Promise.resolve(true))],
    ['anything that can be waited for', map(() => thenable(() => undefined))],
  ])('refuses %s', (_name, step) => {
    const bench = new Bench([map((n) => n), step]);
    bench.run.element(1, 5);
    expect(bench.sent).toEqual([]);
    expect(bench.rejected).toEqual([{ step: 1, value: 1, time: 5, cause: 'Error: async 1' }]);
  });

  test.each([null, undefined, thenable(5), { than: () => 1 }])(
    'takes %o for a plain value',
    (value) => {
      const bench = new Bench([map(() => value)]);
      bench.run.element(1, 0);
      expect(bench.sent).toEqual([[value, 0]]);
    },
  );
});

describe('a chunk', () => {
  test('is taken from an index on, to its end, each element under its own position and time', () => {
    const bench = new Bench([filter((n) => n !== 30)]);
    expect(bench.chunk([10, 20, 30, 40], 1)).toBe(4);
    expect(bench.sent).toEqual([
      [20, 1_001],
      [40, 1_003],
    ]);
    expect(bench.positions).toEqual([501, 503]);
    expect(bench.chunk([10], 1)).toBe(1);
  });

  test('is left behind the element that has asked for a walk, and taken up again there', () => {
    const bench = new Bench([map((n) => n)], (n) => {
      if (n === 2) bench.interruption.walkRequested = true;
    });
    expect(bench.chunk([1, 2, 3, 4])).toBe(2);
    bench.interruption.walkRequested = false;
    expect(bench.chunk([1, 2, 3, 4], 2)).toBe(4);
    expect(bench.sent.map(([n]) => n)).toEqual([1, 2, 3, 4]);
  });

  test('is left behind the element that has filled the output', () => {
    const bench = new Bench([map((n) => n)], (n) => {
      if (n === 3) bench.pressure.isFull = true;
    });
    expect(bench.chunk([1, 2, 3, 4])).toBe(3);
    bench.pressure.isFull = false;
    expect(bench.chunk([1, 2, 3, 4], 3)).toBe(4);
  });

  test('an element that is dropped can ask for a stop as well', () => {
    const bench = new Bench([
      filter((n) => {
        if (n === 2) bench.interruption.walkRequested = true;
        return n !== 2;
      }),
    ]);
    expect(bench.chunk([1, 2, 3])).toBe(2);
  });

  test('who hears of a rejection knows how many elements have been taken', () => {
    const bench = new Bench([map((n) => (n % 2 === 0 ? fail('even') : n))]);
    bench.chunk([1, 2, 3, 4, 5], 1);
    expect(bench.fedAtRejection).toEqual([1, 3]);
  });

  test('what a rejection throws ends it, and what was taken is counted', () => {
    const bench = new Bench([map((n) => (n === 3 ? fail('three') : n))]);
    bench.throwsOnRejection = true;
    expect(() => bench.chunk([1, 2, 3, 4])).toThrow('three');
    expect(bench.sent.map(([n]) => n)).toEqual([1, 2]);
    expect(bench.counts()).toEqual([counts(3, 2, { dead: 1 })]);
  });
});

describe('where code may not be made from text', () => {
  test('there is no run, and the steps count for themselves', () => {
    const steps = [map((n) => n)(new Bench([map((n) => n)]), 0)];
    forbid(new EvalError('forbidden by the policy of this page'));
    expect(fuse(steps, nowhere)).toBeUndefined();
    expect(Object.getOwnPropertyDescriptor(steps[0]?.counters, 'received')?.get).toBeUndefined();
  });

  test('any other error is a bug, and is not swallowed', () => {
    forbid(new SyntaxError('oops'));
    expect(() => fuse([], nowhere)).toThrow(SyntaxError);
  });
});

describe('a keyBy in the run', () => {
  test('writes its key before each element that is sent', () => {
    const cell = register();
    const keys: unknown[] = [];
    const bench = new Bench([key((n) => `k${n}`, cell), filter((n) => n !== 2)], () =>
      keys.push(cell.key),
    );
    bench.chunk([1, 2, 3]);
    bench.run.element(4, 0);
    expect(keys).toEqual(['k1', 'k3', 'k4']);
  });

  test('of two the last one counts', () => {
    const [first, last] = [register(), register()];
    const bench = new Bench([key((n) => n, first), map((n) => n + 1), key((n) => n * 2, last)]);
    bench.run.element(1, 0);
    expect([last.key, bench.sent]).toEqual([4, [[2, 0]]]);
  });

  test('has keys of other types than text and number checked, and drops what is none', () => {
    const asked: unknown[] = [];
    const check = (given: Key): void => {
      asked.push(given);
      if (given === undefined) fail('no key');
    };
    const all: unknown[] = ['a', 1, true, 10n, ['x'], undefined];
    const bench = new Bench([key((n) => all[n] as Key, register(), check)]);
    bench.chunk([...all.keys()]);
    expect(asked).toEqual([true, 10n, ['x'], undefined]);
    expect(bench.sent.length).toBe(5);
    expect(bench.rejected).toEqual([{ step: 0, value: 5, time: 1_005, cause: 'Error: no key' }]);
    expect(bench.counts()).toEqual([counts(6, 5, { dead: 1 })]);
  });

  test('whose function throws drops the element', () => {
    const bench = new Bench([key((n) => (n === 1 ? fail('deep') : n), register())]);
    bench.run.element(1, 9);
    bench.run.element(2, 9);
    expect(bench.rejected).toEqual([{ step: 0, value: 1, time: 9, cause: 'Error: deep' }]);
    expect(bench.sent).toEqual([[2, 9]]);
  });
});

type AnyStep = (bench: Bench, index: number) => FusedStep;

/** A run with everything around it lying open. */
class Bench {
  readonly run: FusedRun;
  readonly sent: [unknown, number][] = [];
  /** The position under which each element was sent. */
  readonly positions: number[] = [];
  readonly rejected: unknown[] = [];
  readonly fedAtRejection: number[] = [];
  readonly interruption = { walkRequested: false, fed: 0 };
  readonly pressure = { isFull: false };
  throwsOnRejection = false;
  readonly #steps: readonly FusedStep[];
  readonly #whence = {
    origin: { name: 'in', unit: 'element' },
    position: -1,
    derivedKey: undefined,
  };

  constructor(parts: readonly AnyStep[], sent: (value: number) => unknown = () => undefined) {
    this.#steps = parts.map((part, index) => part(this, index));
    const run = fuse(this.#steps, {
      element: (value, time) => {
        this.sent.push([value, time]);
        this.positions.push(this.#whence.position);
        sent(value as number);
      },
    });
    if (run === undefined) throw new Error('no run');
    this.run = run;
  }

  base(step: number): Pick<FusedStep, 'counters' | 'reject'> {
    const counters = makeCounters();
    return {
      counters,
      reject: (value, time, cause) => {
        counters.dead += 1;
        this.rejected.push({ step, value, time, cause: String(cause) });
        this.fedAtRejection.push(this.interruption.fed);
        if (this.throwsOnRejection) throw cause;
      },
    };
  }

  /** Takes a chunk whose elements have the times 1000 and up, the positions 500 and up. */
  chunk(values: readonly unknown[], from = 0): number {
    const chunk: Chunk = {
      kind: 'chunk',
      values,
      timestamps: values.map((_, index) => 1_000 + index),
      positions: values.map((_, index) => 500 + index),
      keys: [],
      derivedKeys: [],
      origin: this.#whence.origin,
    };
    const state: RunState = {
      whence: this.#whence,
      interruption: this.interruption,
      pressure: this.pressure,
    };
    return this.run.chunk(chunk, from, state);
  }

  counts(): Counters[] {
    return this.#steps.map(({ counters }) => ({ ...counters }));
  }
}

function map(fn: (value: number) => unknown): AnyStep {
  return functionStep('map', fn);
}

function filter(fn: (value: number) => unknown): AnyStep {
  return functionStep('filter', fn);
}

function functionStep(kind: 'map' | 'filter', fn: (value: number) => unknown): AnyStep {
  return (bench, index) => ({
    ...bench.base(index),
    kind,
    fn,
    asyncError: () => new Error(`async ${index}`),
  });
}

function key(
  fn: (value: number) => Key,
  cell: KeyCell,
  check: (key: Key) => void = () => undefined,
): AnyStep {
  const state = (): KeyedState<object> | undefined => undefined;
  return (bench, index) => ({ ...bench.base(index), kind: 'key', fn, cell, check, state });
}

function register(): KeyCell {
  return { key: '' };
}

/** Lets nobody make code from text until the test is over. */
function forbid(error: Error): void {
  vi.stubGlobal('Function', function forbidden() {
    throw error;
  });
}

function counts(received: number, accepted: number, more: Partial<Counters> = {}): Counters {
  return { ...makeCounters(), received, accepted, ...more };
}

/** An object with a part `then`. */
function thenable(then: unknown): object {
  // oxlint-disable-next-line unicorn/no-thenable -- what is tested here
  return { then };
}

function fail(text: string): never {
  throw new Error(text);
}
