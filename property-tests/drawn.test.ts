/**
 * What the laws are checked with: each operator, each of its options and each kind of trouble is drawn often enough.
 *
 * A law that never meets an operator cannot fail on it, and nobody would notice. So the same cases are drawn each time,
 * and counted. `TIDEMARK_DRAWN=1` prints the counts.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Kind } from './arbitraries.js';
import { cases, clockedCases, meetings, silences, splitCases } from './cases.js';
import { aggregates, needsArrival } from './window-step.js';
import { featuresOf, featuresOfLog, itemsOf } from './features.js';
import { isStateful } from './description.js';
import { oracle, oracleOf } from './oracle.js';
import { elementsOf, inOrder, interleaved } from './oracle-stream.js';

const SAMPLES = 3000;
const SEED = 1;
/** One case in this many has each feature, at least. */
const ONE_IN = 300;

/** Counts names, each at most once per case. */
function tally(all: readonly Iterable<string>[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const names of all) for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function expectEach(counts: Map<string, number>, names: readonly string[], title: string): void {
  if (process.env['TIDEMARK_DRAWN'] !== undefined) {
    const lines = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
    console.log([title, ...lines.map(([name, count]) => `  ${count} ${name}`)].join('\n'));
  }
  const rare = names.filter((name) => (counts.get(name) ?? 0) < SAMPLES / ONE_IN);
  expect(rare.map((name) => `${name}: ${counts.get(name) ?? 0}`)).toEqual([]);
}

const spans = ['tumbling', 'sliding', 'with gaps', 'session', 'session, dynamic'];
const behaviours = ['running', 'quiet', 'toggling', 'past', 'judged', 'parting', 'keeping'];
const kinds = ['value', 'list', 'map', 'reducing', 'aggregating'];
const eventTriggers = ['eventTime', 'count', 'purging', 'continuousEventTime', 'delta', 'never'];
const evictors = ['count', 'time', 'delta'].flatMap((kind) => [kind, `${kind} after`]);
const customs = ['evens', 'moody', 'halfway', 'restless'];

const named = (prefix: string, names: readonly string[]): string[] =>
  names.map((name) => `${prefix} ${name}`);

const connects = [
  ...named('connect', ['tally', 'pairs', 'ruled', 'gated']),
  ...named('connectAll', ['tally', 'pairs', 'ruled']),
];

const ordered = [
  ...['map', 'filter', 'flatMap', 'rx', 'union', 'reduce', 'maxFuture', 'side outputs'],
  ...named('time', ['bounded', 'monotone', 'marked', 'wavering']),
  ...named('window', [...spans, 'global', 'count', 'count, sliding']),
  ...named('windowAll', [...spans, 'global', 'count']),
  ...named('lateness', ['none', 'some', 'for ever']),
  ...named('engine', ['slices', 'running totals', 'running sessions', 'general']),
  ...named('aggregate', aggregates),
  ...named('trigger', [...eventTriggers, ...customs]),
  ...named('evictor', evictors),
  ...named('function', ['twice', 'states', 'fading', 'side', 'judged']),
  ...named('process', behaviours),
  ...named(
    'processAll',
    behaviours.filter((name) => name !== 'judged'),
  ),
  ...named('state', kinds),
  ...named(
    'state',
    kinds.map((kind) => `${kind}, ttl`),
  ),
  ...named('ttl', ['event', 'onCreateAndWrite', 'onReadAndWrite', 'incremental', 'none']),
  ...['ttl gives expired', 'negative offset', ...connects],
  ...['dedupe first', 'dedupe last', 'topK text', 'topK number', 'topK whole'],
  'topK on bare results',
  ...named('asyncMap', ['ordered', 'unordered', 'by key', 'before a window']),
];

const clocked = [
  ...named('processing time', spans),
  ...named('trigger', ['processingTime', 'continuousProcessingTime', 'timeout']),
  ...['process waking', 'ttl processing', 'time periodic'],
];

const steady = [
  ...named('window', spans),
  ...named('windowAll', spans),
  ...named('engine', ['slices', 'running totals', 'running sessions', 'general']),
  ...named(
    'aggregate',
    aggregates.filter((name) => !needsArrival(name)),
  ),
  ...named('process', ['quiet', 'parting']),
  ...named('asyncMap', ['ordered', 'unordered', 'by key', 'before a window']),
  ...[
    ...connects.filter((name) => !name.endsWith('pairs')),
    'dedupe last',
    'topK whole',
    'evictor time',
    'trigger purging',
    'union',
  ],
];

const eager = [
  ...named('window', ['global', 'count', 'count, sliding']),
  ...named('process', ['running', 'parting', 'keeping']),
  ...named('trigger', ['count', 'delta', 'evens', 'moody']),
  ...['asyncMap ordered', 'dedupe first', 'reduce', 'evictor count', 'evictor delta'],
  ...named('aggregate', ['sequence', 'withSequence', 'first', 'last']),
];

const silentNames = ['silent', 'comes back', 'ends in silence'];

describe('what is drawn', () => {
  test.each<[Kind, readonly string[], boolean]>([
    ['ordered', ordered, true],
    ['steady', steady, false],
    ['eager', eager, false],
  ])('has all that a pipeline may have that is %s', (kind, names, stragglers) => {
    const drawn = fc.sample(cases({ kind, stragglers }), { numRuns: SAMPLES, seed: SEED });
    const counts = tally(drawn.map(({ description }) => featuresOf(description)));
    expectEach(counts, names, kind);
  });

  test('has all that the clock decides', () => {
    const arbitrary = clockedCases({ stragglers: true, periodic: true });
    const drawn = fc.sample(arbitrary, { numRuns: SAMPLES, seed: SEED });
    const counts = tally(drawn.map(({ description }) => featuresOf(description)));
    expectEach(counts, clocked, 'clocked');
  });

  test('has logs with all that makes them hard', () => {
    const arbitrary = clockedCases({ stragglers: true, faults: true });
    const drawn = fc.sample(arbitrary, { numRuns: SAMPLES, seed: SEED });
    const features = drawn.map(({ description, happenings }) => {
      const { counts } = oracle(description, happenings);
      const sum = (part: 'late' | 'dead' | 'filtered'): number =>
        [...counts.values()].reduce((all, count) => all + count[part], 0);
      return [
        ...featuresOfLog(itemsOf(happenings)),
        ...(['late', 'dead', 'filtered'] as const).filter((part) => sum(part) > 0),
        ...((counts.get('eventTime')?.dead ?? 0) > 0 ? ['refused by eventTime'] : []),
      ];
    });
    const names = [
      ...['empty', 'long', 'equal times', 'out of order', 'big gaps', 'times before 1970'],
      ...['keys that come once', 'a hot key', 'functions that fail'],
      ...['late', 'dead', 'filtered', 'refused by eventTime'],
    ];
    expectEach(tally(features), names, 'logs');
  });

  test('has two inputs of which one is empty', () => {
    const arbitrary = meetings({ kind: 'ordered', stragglers: true });
    const drawn = fc.sample(arbitrary, { numRuns: SAMPLES, seed: SEED });
    const counts = tally(
      drawn.map(({ first, second }) => [
        ...(first.length === 0 ? ['first empty'] : []),
        ...(second.length === 0 ? ['second empty'] : []),
        ...(first.length > 5 && second.length > 5 ? ['both'] : []),
      ]),
    );
    expectEach(counts, ['first empty', 'second empty', 'both'], 'two inputs');
  });

  test('has inputs that fall silent, come back and end in silence, and splits that begin late', () => {
    const runs = { numRuns: SAMPLES / 3, seed: SEED };
    const silent = fc.sample(
      meetings({ kind: 'ordered', stragglers: true }).chain(({ first, second, turns }) =>
        silences(interleaved(inOrder(first, 0), inOrder(second, 1), turns)),
      ),
      runs,
    );
    const features = silent.map((happenings) =>
      happenings.flatMap((happening, index) => {
        if (!('idle' in happening)) return [];
        const next = happenings
          .slice(index + 1)
          .find((later) => 'input' in later && later.input === happening.input);
        return ['silent', next !== undefined && 'item' in next ? 'comes back' : 'ends in silence'];
      }),
    );
    expectEach(tally(features.map((names) => new Set(names))), silentNames, 'silence');
    const late = fc.sample(splitCases(4), runs).filter(({ arrays }) => arrays.length > 2);
    expect(late.length).toBeGreaterThan(runs.numRuns / 4);
  });

  test('comes to something: most pipelines with state say something, and many have two steps with state', () => {
    const arbitrary = cases({ kind: 'ordered', stragglers: true });
    const drawn = fc.sample(arbitrary, { numRuns: SAMPLES, seed: SEED });
    const stateful = drawn.filter(({ description: { steps } }) => steps.some(isStateful));
    const saying = stateful.filter(
      ({ description, items }) => elementsOf(oracleOf(description, items).stream).length > 0,
    );
    const chained = drawn.filter(
      ({ description: { steps } }) => steps.filter(isStateful).length >= 2,
    );
    expect(stateful.length).toBeGreaterThan(SAMPLES * 0.8);
    expect(saying.length).toBeGreaterThan(stateful.length * 0.75);
    expect(chained.length).toBeGreaterThan(SAMPLES * 0.25);
  });
});
