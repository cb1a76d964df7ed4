import { describe, expect, test } from 'vitest';
import { variantNames, variantOf, type BenchCase } from './case.js';
import { cases } from './cases.js';
import { measure } from './measure.js';
import { readOptions } from './options.js';
import { mix, OUT_OF_ORDER_MS, Plays } from './plays.js';
import { pollute } from './pollution.js';
import { figuresOf, jsonLines, tableOf } from './report.js';
import type { Measured, Row } from './rounds.js';
import { ratioOf, spreadOf } from './statistics.js';
import { Tally } from './tally.js';

// A few keys, some minutes of event time in which windows open, fire and close.
const tiny = { warm: 2_000, events: 12_345, keys: 50 };

describe.each(cases.map((benchCase) => [benchCase.name, benchCase] as const))(
  '%s',
  (_, benchCase) => {
    test.each(jobsOf(benchCase))('comes to one result in all variants of %s', async (job) => {
      const names = variantNames(benchCase).filter((name) => jobOf(benchCase, name) === job);
      const results = new Map<string, string>();
      for (const name of names) {
        const { outputs, checksum } = await measure(benchCase, name, tiny);
        results.set(name, `${outputs} results, checksum ${checksum}`);
      }
      expect(new Set(results.values()).size, JSON.stringify([...results])).toBe(1);
      expect([...results.values()][0]).not.toMatch(/^0 results/);
    });
  },
);

describe('the events', () => {
  test('depend on their number alone', () => {
    const options = { keys: 100, keysFirst: true };
    expect(new Plays(options).at(4711)).toEqual(new Plays(options).chunk(4000, 800)[711]);
  });

  test('bring each key once at first, where that is asked for', () => {
    const plays = new Plays({ keys: 1000, keysFirst: true }).chunk(0, 1000);
    expect(new Set(plays.map(({ user }) => user)).size).toBe(1000);
  });

  test('never lie further behind than the bound', () => {
    const times = new Plays({ keys: 10, keysFirst: false }).chunk(0, 50_000).map(({ at }) => at);
    let highest = -Infinity;
    let lag = 0;
    for (const time of times) {
      highest = Math.max(highest, time);
      lag = Math.max(lag, highest - time);
    }
    expect(lag).toBeLessThan(OUT_OF_ORDER_MS);
  });

  test('have few keys with most of the events when they are skewed', () => {
    const plays = new Plays({ keys: 1000, keysFirst: false, skewed: true }).chunk(0, 10_000);
    expect(plays.filter(({ user }) => user < 125).length).toBeGreaterThan(4500);
  });
});

describe('a tally', () => {
  test('does not depend on the order', () => {
    const forwards = new Tally<number>(mix);
    const backwards = new Tally<number>(mix);
    forwards.addAll([1, 2, 3]);
    backwards.addAll([3, 2, 1]);
    expect(forwards.checksum).toBe(backwards.checksum);
  });

  test('sees a missing and a changed value', () => {
    const checksums = [
      [1, 2, 3],
      [1, 2],
      [1, 2, 4],
    ].map((values) => {
      const tally = new Tally<number>(mix);
      tally.addAll(values);
      return tally.checksum;
    });
    expect(new Set(checksums).size).toBe(3);
  });
});

describe('the report', () => {
  const row = (variant: Row['variant'], nsPerEvent: readonly number[]): Row => ({
    variant,
    condition: 'clean',
    nsPerEvent: nsPerEvent.map((ns) => ns + 1),
    cpuNsPerEvent: nsPerEvent,
    heapBytesPerKey: variant === 'engine' ? 120.4 : undefined,
  });
  const measured: Measured = {
    benchCase: cases[0] as BenchCase,
    rows: [row('hand', [10, 20, 30]), row('rxjs', [40, 40, 40]), row('engine', [20, 20, 60])],
  };

  test('takes ratios within a round', () => {
    expect(ratioOf([20, 20, 60], [10, 20, 30])).toEqual({ median: 2, min: 1, max: 2 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  });

  test('prints a table', () => {
    expect(tableOf(measured).split('\n').slice(1, 5)).toEqual([
      'variant            ns/event  cpu ns/event             x hand             x RxJS  bytes/key',
      'hand     clean  21 (11..31)   20 (10..30)  1.00 (1.00..1.00)  0.50 (0.25..0.75)',
      'rxjs     clean  41 (41..41)   40 (40..40)  2.00 (1.33..4.00)  1.00 (1.00..1.00)',
      'engine   clean  21 (21..61)   20 (20..60)  2.00 (1.00..2.00)  0.50 (0.50..1.50)        120',
    ]);
  });

  test('prints a line of JSON per figure', () => {
    const lines = jsonLines(figuresOf(measured)).split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toContainEqual({
      case: 'stateless',
      metric: 'engine.clean.xHand',
      value: 2,
      unit: 'ratio',
      must: null,
      aim: null,
      better: 'lower',
    });
  });
});

test('options have defaults, and --runs is a number', () => {
  expect(readOptions([])).toMatchObject({ json: false, caseName: '', runs: 7, quick: false });
  expect(readOptions(['--quick', '--case', 'trend'])).toMatchObject({ caseName: 'trend', runs: 3 });
  expect(() => readOptions(['--runs', 'many'])).toThrow('whole number');
});

test('eight other pipelines run, each as RxJS, as a subscription and as a job', async () => {
  await pollute(500);
});

function jobsOf(benchCase: BenchCase): string[] {
  return [...new Set(variantNames(benchCase).map((name) => jobOf(benchCase, name)))];
}

function jobOf(benchCase: BenchCase, name: Parameters<typeof variantOf>[1]): string {
  return variantOf(benchCase, name).job ?? benchCase.name;
}
