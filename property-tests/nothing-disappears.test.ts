/**
 * Law 3: at each operator every element is exactly one of accepted, late, dead-lettered, filtered, refused.
 *
 * Family: the counters against an independent count by the oracle. It can see an element that is dropped in silence,
 * counted twice at a restart or in two shards, called late for another watermark than the one it met, or taken by a
 * window that it does not belong to.
 */
import fc from 'fast-check';
import {
  collect,
  eventTime,
  iterable,
  keyBy,
  map,
  pipeline,
  run,
  unchecked,
  window,
} from 'tidemark';
import type { DeadRecord, Key, RunSummary } from 'tidemark';
import { testHarness } from 'tidemark/testing';
import { describe, expect } from 'vitest';
import { cases, windowSteps } from './arbitraries.js';
import { aggregatorOf } from './aggregates.js';
import { buildAny, specOf } from './build.js';
import { deaths } from './deaths.js';
import { keyChoices, uidOfStep, type Description, type Item } from './description.js';
import { logs } from './logs.js';
import { inJob } from './modes.js';
import { oracleOf, type Expected } from './oracle.js';
import { elementsOf, inOrder, sourceStream, type Moment, type Timed } from './oracle-stream.js';
import { referenceWindow } from './reference-window.js';
import { check } from './settings.js';
import { inWorld } from './worlds.js';

type Counted = RunSummary['operators'];

describe('nothing disappears', () => {
  check(
    'in the harness, and late elements are named',
    fc.property(cases({ steady: false, stragglers: true }), ({ description, items }) => {
      const harness = testHarness(buildAny(description));
      for (const item of items) harness.push(item);
      harness.end();
      const expected = oracleOf(description, items);
      expectCounts(harness.counters(), expected);
      const late = harness.late().map(({ operator, timestamp }) => `${operator} ${timestamp}`);
      expect(late.toSorted()).toEqual(lateOf(expected).toSorted());
      for (const { timestamp, watermark } of harness.late())
        expect(timestamp).toBeLessThanOrEqual(watermark);
    }),
    { runs: 500, timeoutMs: 60_000 },
  );

  check(
    'in a job of several shards',
    fc.asyncProperty(
      cases({ steady: false, stragglers: true, maxStateful: 1, connects: false }),
      fc.constantFrom(1, 3),
      async ({ description, items }, parallelism) => {
        const { summary } = await inJob(description, [[items]], { parallelism });
        expectCounts(summary.operators, oracleOf(description, items));
        expectSummary(summary, description, items);
      },
    ),
    { runs: 150, timeoutMs: 60_000 },
  );

  check(
    'over the deaths of a job',
    fc.asyncProperty(
      cases({ steady: false, stragglers: true }),
      fc.array(deaths, { minLength: 1, maxLength: 3 }),
      fc.nat(),
      async ({ description, items }, planned, seed) => {
        const options = { deaths: planned, seed, records: 4, chunk: 3 };
        const { summary } = await inWorld(description, [[items]], options);
        expectCounts(summary.operators, oracleOf(description, items));
        expectSummary(summary, description, items);
      },
    ),
    { runs: 150, timeoutMs: 60_000 },
  );

  check(
    'not even what fails: it becomes a dead letter, once, and the rest goes on',
    fc.asyncProperty(faultyLogs(), fc.constantFrom(1, 3), async (given, parallelism) => {
      const [results, dead] = [collect({ uid: 'out' }), collect<DeadRecord>({ uid: 'dead' })];
      const { done } = run(faultyPipeline(given), {
        from: iterable(given.items, { chunk: 5 }),
        to: results,
        deadLetters: dead,
        deadLettersMax: { share: 1, inARow: 1000 },
        checkpoint: { records: 7 },
        parallelism,
      });
      const { operators, deadLetters, records } = await done;
      const expected = faultyOracle(given);
      expect(pick(operators)).toEqual(expected.operators);
      expect(results.values).toHaveLength(expected.results);
      expect(dead.values.map(({ operator }) => operator).toSorted()).toEqual(expected.dead);
      expect(deadLetters).toBe(expected.dead.length);
      expect(records).toBe(given.items.length);
    }),
    { runs: 150, timeoutMs: 60_000 },
  );
});

function expectCounts(counted: Counted, { counts }: Expected): void {
  for (const [name, expected] of counts) {
    const { received, accepted, late, dead, filtered, refused } = counted[name] ?? noCounts;
    expect({ name, received, accepted, late, filtered }).toEqual({ name, ...expected });
    expect({ name, dead, refused }).toEqual({ name, dead: 0, refused: 0 });
  }
  for (const [name, { received, accepted, late, dead, filtered, refused }] of Object.entries(
    counted,
  ))
    expect(accepted + late + dead + filtered + refused, name).toBe(received);
}

function expectSummary(
  summary: RunSummary,
  description: Description,
  items: readonly Item[],
): void {
  const counts = [...oracleOf(description, items).counts.values()];
  expect(summary).toMatchObject({
    phase: 'finished',
    records: items.length,
    late: counts.reduce((sum, { late }) => sum + late, 0),
    filtered: counts.reduce((sum, { filtered }) => sum + filtered, 0),
    deadLetters: 0,
    watermark: Infinity,
  });
}

const noCounts = { received: 0, accepted: 0, late: 0, dead: 0, filtered: 0, refused: 0 };

function lateOf({ late }: Expected): string[] {
  return [...late].flatMap(([uid, elements]) =>
    elements.map(({ timestamp }) => `${uid} ${timestamp}`),
  );
}

type Fault = 'none' | 'timestamp' | 'map' | 'key';
type Faulty = Item & { readonly fault: Fault };

interface FaultyLog {
  readonly bound: number;
  readonly step: Parameters<typeof referenceWindow>[2];
  readonly items: readonly Faulty[];
}

/** Logs in which user functions fail at three places. */
function faultyLogs(): fc.Arbitrary<FaultyLog> {
  const bound = 20;
  const fault = fc.constantFrom<Fault[]>('none', 'none', 'none', 'timestamp', 'map', 'key');
  const faults = fc.array(fault, { minLength: 40, maxLength: 40 });
  return fc
    .tuple(logs({ bound, stragglers: true }), faults, windowSteps)
    .map(([items, drawn, step]) => ({
      bound,
      step,
      items: items.map((item, index) => ({ ...item, fault: drawn[index] ?? 'none' })),
    }));
}

function faultyPipeline({ bound, step }: FaultyLog) {
  return pipeline('faulty', unchecked<Faulty>(), (input) =>
    input.pipe(
      eventTime({
        timestamp: ({ at, fault }) => (fault === 'timestamp' ? Number.NaN : at),
        outOfOrderness: bound,
        every: 0,
      }),
      map((item) => {
        if (item.fault === 'map') throw new Error('this one fails');
        return item;
      }),
      keyBy((item) => (item.fault === 'key' ? (undefined as unknown as Key) : item.key)),
      window(specOf(step.shape), aggregatorOf(step.aggregate), {
        uid: uidOfStep(0),
        allowedLateness: step.lateness,
      }),
    ),
  );
}

/** What fails behind eventTime has moved the watermark by then. */
function faultyOracle({ bound, step, items }: FaultyLog) {
  const timed = items.filter(({ fault }) => fault !== 'timestamp');
  const source = sourceStream(inOrder(timed), 0, { bound, every: 0 });
  const sound = ({ item }: Timed): boolean => (item as Faulty).fault === 'none';
  const stream = source.map(({ elements, watermark }): Moment => ({
    elements: elements.filter(sound),
    watermark,
  }));
  const judged = referenceWindow(stream, keyChoices.key, step);
  const count = (fault: Fault): number => items.filter((item) => item.fault === fault).length;
  const [late, filtered] = [judged.late.length, judged.filtered.length];
  const line = (received: number, dead: number) => ({
    ...noCounts,
    received,
    accepted: received - dead,
    dead,
  });
  const clean = count('none');
  return {
    results: elementsOf(judged.stream).length,
    dead: [
      ...Array<string>(count('timestamp')).fill('eventTime'),
      ...Array<string>(count('key')).fill('keyBy'),
      ...Array<string>(count('map')).fill('map'),
    ],
    operators: {
      eventTime: line(items.length, count('timestamp')),
      map: line(timed.length, count('map')),
      keyBy: line(clean + count('key'), count('key')),
      [uidOfStep(0)]: {
        ...noCounts,
        received: clean,
        accepted: clean - late - filtered,
        late,
        filtered,
      },
    },
  };
}

function pick(operators: Counted): Counted {
  const names = ['eventTime', 'map', 'keyBy', uidOfStep(0)];
  return Object.fromEntries(
    names.flatMap((name) => {
      const counted = operators[name];
      if (counted === undefined) return [];
      const { received, accepted, late, dead, filtered, refused } = counted;
      return [[name, { received, accepted, late, dead, filtered, refused }]];
    }),
  );
}
