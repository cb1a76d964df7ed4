import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { restarts, type Restarts } from './restart.js';

const middle = (): number => 0.5;

/** The waits that failures at the given times get. */
function waits(
  machine: Restarts,
  times: readonly number[],
  random = middle,
): (number | undefined)[] {
  return times.map((at) => machine.failed(at, random));
}

describe('none', () => {
  test('gives up at once', () => {
    expect(waits(restarts.none().begin(), [0])).toEqual([undefined]);
  });
});

describe('fixedDelay', () => {
  test('waits the same each time, so often and no more', () => {
    const machine = restarts.fixedDelay({ attempts: 2, delay: '3s' }).begin();
    expect(waits(machine, [0, 5, 1e9, 2e9])).toEqual([3000, 3000, undefined, undefined]);
  });

  test('counts each run for itself', () => {
    const strategy = restarts.fixedDelay({ attempts: 1 });
    expect(waits(strategy.begin(), [0, 1])).toEqual([1000, undefined]);
    expect(waits(strategy.begin(), [0, 1])).toEqual([1000, undefined]);
  });

  test('without an end goes on for ever', () => {
    const machine = restarts.fixedDelay({ attempts: Infinity, delay: 0 }).begin();
    expect(
      new Set(
        waits(
          machine,
          Array.from({ length: 10_000 }, (_, n) => n),
        ),
      ),
    ).toEqual(new Set([0]));
  });
});

describe('exponentialDelay', () => {
  const options = { initial: 100, max: '1s', multiplier: 2, resetAfter: '1m', jitter: 0 } as const;

  test('waits longer each time, up to the longest', () => {
    const machine = restarts.exponentialDelay(options).begin();
    expect(waits(machine, [0, 100, 400, 900, 1800, 3000])).toEqual([
      100, 200, 400, 800, 1000, 1000,
    ]);
  });

  test('begins again once the job has been well for long enough, counted from its start', () => {
    const machine = restarts.exponentialDelay(options).begin();
    // The second attempt begins at 100. One ms short of a minute is not enough.
    expect(waits(machine, [0, 60_099])).toEqual([100, 200]);
    // The third begins at 60,299.
    expect(waits(machine, [120_299])).toEqual([100]);
  });

  test('with a number of attempts gives up, unless it was well in between', () => {
    const strategy = restarts.exponentialDelay({ ...options, attempts: 2 });
    expect(waits(strategy.begin(), [0, 1000, 2000])).toEqual([100, 200, undefined]);
    expect(waits(strategy.begin(), [0, 1000, 100_000, 100_200, 100_500])).toEqual([
      100,
      200,
      100,
      200,
      undefined,
    ]);
  });

  test('jitter stays within its share, and below the longest wait', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 10 }),
        (chance, jitter, failures) => {
          const machine = restarts.exponentialDelay({ ...options, jitter }).begin();
          for (let n = 0; n < failures; n += 1) {
            const base = Math.min(1000, 100 * 2 ** n);
            const wait = machine.failed(n * 2000, () => chance) ?? NaN;
            expect(wait).toBeGreaterThanOrEqual(Math.floor(base * (1 - jitter)));
            expect(wait).toBeLessThanOrEqual(Math.min(1000, Math.ceil(base * (1 + jitter))));
          }
        },
      ),
    );
  });

  test('a first wait beyond the default of the longest is the longest', () => {
    const machine = restarts.exponentialDelay({ initial: '5m', jitter: 0 }).begin();
    expect(waits(machine, [0, 1])).toEqual([300_000, 300_000]);
  });
});

describe('failureRate', () => {
  test('gives up when there are too many within the time, and only then', () => {
    const strategy = restarts.failureRate({ max: 2, per: '10s', delay: 500 });
    expect(waits(strategy.begin(), [0, 1000, 2000])).toEqual([500, 500, undefined]);
    expect(waits(strategy.begin(), [0, 9999, 10_000, 19_998])).toEqual([500, 500, 500, undefined]);
    expect(waits(strategy.begin(), [0, 5000, 10_000, 15_000, 20_000])).toEqual([
      500, 500, 500, 500, 500,
    ]);
  });
});

describe('options', () => {
  test.each<[string, () => unknown]>([
    ['no attempts', () => restarts.fixedDelay({ attempts: 0 })],
    ['half an attempt', () => restarts.fixedDelay({ attempts: 1.5 })],
    ['an unknown option', () => restarts.fixedDelay({ attempts: 1, delya: 5 } as never)],
    ['a multiplier below 1', () => restarts.exponentialDelay({ multiplier: 0.5 })],
    ['a jitter above 1', () => restarts.exponentialDelay({ jitter: 2 })],
    ['a first wait of nothing', () => restarts.exponentialDelay({ initial: 0 })],
    ['a first wait beyond the longest', () => restarts.exponentialDelay({ initial: 2, max: 1 })],
    ['a rate per no time', () => restarts.failureRate({ max: 1, per: 0 })],
    ['no rate', () => restarts.failureRate({ max: 1 } as never)],
    ['more than a rate can be', () => restarts.failureRate({ max: 10_001, per: '1m' })],
  ])('%s is refused', (_name, make) => {
    expect(make).toThrow('OPTIONS_INVALID');
  });

  test('a delay that is none is refused', () => {
    expect(() => restarts.fixedDelay({ attempts: 1, delay: 'soon' as never })).toThrow(
      'DURATION_INVALID',
    );
  });

  test('each strategy describes itself', () => {
    expect(restarts.fixedDelay({ attempts: 3 }).description).toBe(
      'fixedDelay of 3 attempts, 1s apart',
    );
    expect(restarts.exponentialDelay().description).toBe('exponentialDelay from 1s to 1m');
    expect(restarts.failureRate({ max: 2, per: '1h' }).description).toBe('failureRate of 2 per 1h');
    expect(restarts.none().description).toBe('none');
  });
});
