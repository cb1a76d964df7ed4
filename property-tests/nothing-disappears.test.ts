/**
 * Law 3: at each operator every element is exactly one of accepted, late, dead-lettered, filtered, refused.
 *
 * Family: the counters against an independent count by the oracle. It can see an element that is dropped in silence,
 * counted twice at a restart or in two shards, called late for another watermark than the one it met, or taken by a
 * window that it does not belong to.
 */
import fc from 'fast-check';
import { collect } from 'tidemark';
import type { DeadRecord, RunSummary } from 'tidemark';
import { describe, expect } from 'vitest';
import { cases, clockedCases } from './cases.js';
import { deaths, shardCounts, shardsFor } from './deaths.js';
import { harnessOf, inJob, perform } from './modes.js';
import { oracle, oracleOf, type Expected } from './oracle.js';
import { check } from './settings.js';
import { multisetOf, textOf } from './text.js';
import { inWorld } from './worlds.js';

type Counted = RunSummary['operators'];

describe('nothing disappears', () => {
  check(
    'in the harness, and late elements are named',
    fc.property(
      clockedCases({ stragglers: true, faults: true, periodic: true }),
      ({ description, happenings }) => {
        const harness = harnessOf(description);
        for (const happening of happenings) perform(harness, description, happening);
        const expected = oracle(description, happenings);
        expectCounts(harness.counters(), expected);
        const late = harness.late().map(({ operator, timestamp }) => `${operator} ${timestamp}`);
        expect(late.toSorted()).toEqual(lateOf(expected).toSorted());
        for (const { timestamp, watermark } of harness.late())
          expect(timestamp).toBeLessThanOrEqual(watermark);
        const dead = harness.dead().map(({ operator }) => operator);
        expect(dead.toSorted()).toEqual(deadOf(expected).toSorted());
      },
    ),
    { runs: 600, timeoutMs: 60_000 },
  );

  check(
    'in a job of several shards: what fails becomes a dead letter, once, and the rest goes on',
    fc.asyncProperty(
      cases({ kind: 'ordered', stragglers: true, faults: true, maxStateful: 1, connects: false }),
      fc.constantFrom(1, 3),
      async ({ description, items }, parallelism) => {
        const dead = collect<DeadRecord>({ uid: 'dead' });
        const options = { parallelism, deadLetters: dead };
        const { items: output, summary } = await inJob(description, [[items]], options);
        const expected = oracleOf(description, items);
        expect(multisetOf(output)).toEqual(multisetOf(expected.items));
        expectCounts(summary.operators, expected);
        expectSummary(summary, expected, items.length);
        const operators = dead.values.map(({ operator }) => operator);
        expect(operators.toSorted()).toEqual(deadOf(expected).toSorted());
      },
    ),
    { runs: 200, timeoutMs: 60_000 },
  );

  check(
    'over the deaths of a job',
    fc.asyncProperty(
      cases({ kind: 'ordered', stragglers: true, faults: true }),
      fc.array(deaths, { minLength: 1, maxLength: 3 }),
      shardCounts,
      fc.nat(),
      async ({ description, items }, planned, counts, seed) => {
        const shards = shardsFor(description, counts);
        const options = { deaths: planned, shards, seed, records: 4, chunk: 3, buries: true };
        const { lines, summary, dead } = await inWorld(description, [[items]], options);
        const expected = oracleOf(description, items);
        expect(lines.toSorted()).toEqual(expected.items.map(textOf).toSorted());
        expectCounts(summary.operators, expected);
        expectSummary(summary, expected, items.length);
        expect(dead.toSorted()).toEqual(deadOf(expected).toSorted());
      },
    ),
    { runs: 200, timeoutMs: 60_000 },
  );
});

function expectCounts(counted: Counted, { counts }: Expected): void {
  for (const [name, expected] of counts) {
    const { received, accepted, late, dead, filtered, refused } = counted[name] ?? noCounts;
    expect({ name, received, accepted, late, filtered, dead }).toEqual({ name, ...expected });
    expect({ name, refused }).toEqual({ name, refused: 0 });
  }
  for (const [name, { received, accepted, late, dead, filtered, refused }] of Object.entries(
    counted,
  ))
    expect(accepted + late + dead + filtered + refused, name).toBe(received);
}

function expectSummary(summary: RunSummary, { counts }: Expected, records: number): void {
  const all = [...counts.values()];
  expect(summary).toMatchObject({
    phase: 'finished',
    records,
    late: all.reduce((sum, { late }) => sum + late, 0),
    filtered: all.reduce((sum, { filtered }) => sum + filtered, 0),
    deadLetters: all.reduce((sum, { dead }) => sum + dead, 0),
    watermark: Infinity,
  });
}

const noCounts = { received: 0, accepted: 0, late: 0, dead: 0, filtered: 0, refused: 0 };

function lateOf({ late }: Expected): string[] {
  return [...late].flatMap(([uid, elements]) =>
    elements.map(({ timestamp }) => `${uid} ${timestamp}`),
  );
}

function deadOf({ counts }: Expected): string[] {
  return [...counts].flatMap(([name, { dead }]) => Array<string>(dead).fill(name));
}
