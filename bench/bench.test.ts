import { describe, expect, test } from 'vitest';
import { jobOf, variantNames, type BenchCase } from './case.js';
import { cases } from './cases.js';
import { figuresOf } from './figures.js';
import { Latencies } from './latencies.js';
import { LoopWatch } from './loop-watch.js';
import { measure } from './measure.js';
import { readOptions } from './options.js';
import { mix, OUT_OF_ORDER_MS, Plays } from './plays.js';
import { pollute } from './pollution.js';
import { jsonLines, tableOf, verdictLines, verdictTable } from './report.js';
import type { Measured, Row } from './rounds.js';
import { ratioOf, spreadOf } from './statistics.js';
import { Tally } from './tally.js';
import { limits, modesOf, variantOfMode, verdictsOf } from './verdicts.js';

// A few keys, ten minutes of event time in which windows open, fire and close; not where a case has a rate of its own.
const tiny = { warm: 2_000, events: 12_345, keys: 50 };
const slow = { eventsPerMs: 0.02 };

describe.each(cases.map((benchCase) => [benchCase.name, benchCase] as const))(
  '%s',
  (_, benchCase) => {
    const tinyCase = { ...benchCase, plays: { ...slow, ...benchCase.plays } };
    test.each(jobsOf(benchCase))('comes to one result in all variants of %s', async (job) => {
      const names = variantNames(benchCase).filter((name) => jobOf(benchCase, name) === job);
      const results = new Map<string, string>();
      for (const name of names) {
        const { outputs, checksum } = await measure(tinyCase, name, tiny);
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

  test('counts what came one by one like what came in chunks', () => {
    const single = new Tally<number>(mix);
    const chunks = new Tally<number>(mix);
    const values = Array.from({ length: 3000 }, (_, n) => n);
    for (const value of values) single.add(value);
    single.finish();
    chunks.addAll(values);
    expect([single.count, single.checksum]).toEqual([3000, chunks.checksum]);
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
    measures: [],
  });
  const measured: Measured = {
    benchCase: caseNamed('stateless'),
    rows: [row('hand', [10, 20, 30]), row('rxjs', [40, 40, 40]), row('engine', [20, 20, 60])],
  };

  test('takes ratios within a round', () => {
    expect(ratioOf([20, 20, 60], [10, 20, 30])).toEqual({ median: 2, min: 1, max: 2 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  });

  test('prints a table', () => {
    expect(tableOf(measured).split('\n').slice(1, 5)).toEqual([
      'variant            ns/event  cpu ns/event             x hand         times RxJS  bytes/key',
      'hand     clean  21 (11..31)   20 (10..30)               1.00  2.00 (1.33..4.00)',
      'rxjs     clean           41            40  2.00 (1.33..4.00)               1.00',
      'engine   clean  21 (21..61)   20 (20..60)  2.00 (1.00..2.00)  2.00 (0.67..2.00)        120',
    ]);
  });

  test('compares what runs another job with its own loop by hand', () => {
    const rows = [row('hand', [10]), row('hand-tumbling', [5]), row('engine-tumbling', [10])];
    const figures = figuresOf({ benchCase: caseNamed('sliding'), rows });
    const xHand = figures.filter(({ measure: name }) => name === 'xHand');
    expect(xHand.map(({ variant, spread }) => [variant, spread.median])).toEqual([
      ['hand', 1],
      ['hand-tumbling', 1],
      ['engine-tumbling', 2],
    ]);
  });

  test('prints a line of JSON per figure', () => {
    const lines = jsonLines(figuresOf(measured)).split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toContainEqual({
      kind: 'figure',
      case: 'stateless',
      metric: 'engine.clean.xHand',
      value: 2,
      min: 1,
      max: 2,
      unit: 'ratio',
    });
  });

  test('says what of it has to be reached, and whether it is', () => {
    const table = verdictTable(verdictsOf(figuresOf(measured))).split('\n');
    expect(table.slice(1)).toEqual([
      'case       figure                           clean    must  aim  verdict',
      'stateless  x the loop by hand                2.00    <= 2    1  met',
      '             as a subscription                       <= 2    1  (too little measured)',
      'stateless  times as fast as RxJS per event   2.00  >= 1.5       met',
      '             as a subscription                     >= 1.5       (too little measured)',
      '',
    ]);
  });
});

describe('a verdict', () => {
  const figureOf = (condition: 'clean' | 'polluted', value: number) => ({
    case: 'stateless',
    variant: 'engine' as const,
    condition,
    measure: 'xHand',
    unit: 'ratio',
    spread: { median: value, min: value, max: value },
  });
  const verdictOf = (clean: number, polluted: number) =>
    verdictsOf([figureOf('clean', clean), figureOf('polluted', polluted)])[0];

  test('is that of the worse condition', () => {
    expect(verdictOf(0.9, 1)).toMatchObject({ verdict: 'aim' });
    expect(verdictOf(0.9, 2)).toMatchObject({ verdict: 'met' });
    expect(verdictOf(0.9, 3)).toMatchObject({ verdict: 'missed', timesMust: 1.5 });
    expect(verdictOf(3, 0.9)).toMatchObject({ verdict: 'missed', timesMust: 1.5 });
  });

  test('is a line of JSON as well', () => {
    const line = verdictLines(verdictsOf([figureOf('clean', 5)])).split('\n')[0] ?? '';
    expect(JSON.parse(line)).toEqual({
      kind: 'verdict',
      case: 'stateless',
      what: 'x the loop by hand',
      measure: 'xHand',
      mode: 'job',
      clean: 5,
      polluted: null,
      must: 2,
      aim: 1,
      better: 'lower',
      verdict: 'missed',
      timesMust: 2.5,
    });
  });

  test('can be given on every limit', () => {
    for (const limit of limits) {
      const { variants } = caseNamed(limit.case);
      expect(Object.keys(variants), limit.case).toEqual(
        expect.arrayContaining(modesOf(limit).map((mode) => variantOfMode[mode])),
      );
    }
  });
});

describe('what variants measure themselves', () => {
  test('the longest block of the loop is what has not been interrupted', async () => {
    const watch = new LoopWatch();
    watch.start();
    spin(5);
    await new Promise((resolve) => void setImmediate(resolve));
    spin(30);
    watch.stop();
    expect(watch.longestMs).toBeGreaterThanOrEqual(30);
  });

  test('a window is as late as its last result', () => {
    let nowMs = 0;
    const latencies = new Latencies((end) => nowMs - end);
    const result = (end: number) => ({ key: 1, window: { start: 0, end }, value: 1 });
    for (let end = 10; end <= 1000; end += 10) {
      nowMs = end + 1;
      latencies.addAll([result(end), result(end)]);
      nowMs = end + 3;
      latencies.addAll([result(end)]);
    }
    expect(latencies.measures({ after: 0, upTo: 1000 })).toEqual({
      p50Ms: 3,
      p99Ms: 3,
      windows: 100,
      results: 300,
    });
    expect(latencies.measures({ after: 500, upTo: 600 })).toEqual({
      p50Ms: 3,
      windows: 10,
      results: 30,
    });
  });

  test('a million windows give the length of the longest block', async () => {
    const { measures } = await measure(caseNamed('million-windows'), 'engine', tiny);
    expect(measures['longestBlockMs']).toBeGreaterThan(0);
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
  const jobs = variantNames(benchCase).map((name) => jobOf(benchCase, name));
  return [...new Set(jobs)].filter((job) => job !== 'feed');
}

function caseNamed(name: string): BenchCase {
  const found = cases.find((benchCase) => benchCase.name === name);
  if (found === undefined) throw new Error(`there is no case "${name}"`);
  return found;
}

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
