/**
 * Laws 5, 6 and 7 for `connect` with `broadcast`: a subscription, the harness and a job of any number of shards give
 * the same, also where a job dies and goes on with another number of shards.
 *
 * Family: metamorphic, against a reference that recomputes from scratch. It can see copies that part, a rule that a
 * shard has not met, one that is lost or met twice at a restart or a rescale, what leaves more than once because each
 * shard says it, a watermark that does not wait for the rules, and a key that a visit misses.
 */
import fc from 'fast-check';
import { Subject } from 'rxjs';
import {
  broadcast,
  collect,
  connect,
  eventTime,
  iterable,
  keyBy,
  listState,
  mapState,
  memory,
  partFiles,
  pipeline,
  run,
  unchecked,
  type CrashPoint,
  type Source,
} from 'tidemark';
import { simulatedWorld, testHarness } from 'tidemark/testing';
import { afterAll, describe, expect } from 'vitest';
import { namedDeaths } from './deaths.js';
import { check, readSettings } from './settings.js';

interface Reading {
  readonly at: number;
  readonly key: number;
  readonly n: number;
}

/** From `at` on, readings count `factor` times what rule `id` says; 0 ends the rule. */
interface Rule {
  readonly at: number;
  readonly id: string;
  readonly factor: number;
  /** Opens the gate: what has been read so far leaves, and what is read from then on leaves at once. */
  readonly opens: boolean;
}

interface Version {
  readonly at: number;
  readonly factor: number;
}

const GATE = 'gate';

/**
 * What it emits does not depend on how the two streams meet: a reading is weighed by the rules as of its own time, once
 * the watermark says that all of them are there; and it passes the gate once, by itself or by the visit.
 */
const weighed = pipeline(
  'weighed',
  { readings: unchecked<Reading>(), rules: unchecked<Rule>() },
  ({ readings, rules }) => {
    const time = eventTime<{ readonly at: number }>({ timestamp: ({ at }) => at, every: 0 });
    return (readings.pipe(time) as typeof readings).pipe(
      keyBy(({ key }) => key),
      connect(broadcast(rules.pipe(time) as typeof rules), {
        uid: 'weighed',
        state: { open: listState<Reading>(), atGate: listState<number>() },
        broadcastState: { rules: mapState<string, readonly Version[]>() },
        first(reading, { state, timers, broadcastState }) {
          state.open.add(reading);
          timers.setEventTime(reading.at);
          if (broadcastState.rules.has(GATE)) return [passed(reading.n)];
          state.atGate.add(reading.n);
          return [];
        },
        second({ at, id, factor, opens }, { broadcastState, visitKeys }) {
          const versions = broadcastState.rules.get(id) ?? [];
          broadcastState.rules.set(id, [...versions, { at, factor }]);
          if (opens && !broadcastState.rules.has(GATE)) {
            broadcastState.rules.set(GATE, []);
          }
          if (opens) visitKeys();
          return [`rule ${id} ${at} ${factor}`];
        },
        eachKey(_rule, { state }) {
          const waiting = [...state.atGate.get()];
          state.atGate.clear();
          return waiting.map(passed);
        },
        timer({ time: now }, { state, broadcastState }) {
          const all = [...state.open.get()];
          state.open.clear();
          for (const reading of all) if (reading.at > now) state.open.add(reading);
          const rulesNow = [...broadcastState.rules.entries()];
          return all
            .filter(({ at }) => at <= now)
            .map(({ at, n }) => weighedText(n, weightAt(rulesNow, at)));
        },
      }),
    );
  },
);

function passed(n: number): string {
  return `passed ${n}`;
}

function weighedText(n: number, weight: number): string {
  return `weighed ${n} ${weight}`;
}

/** The walk over the rules is part of the answer: copies that are walked in another order would show. */
function weightAt(rules: readonly (readonly [string, readonly Version[]])[], at: number): number {
  return rules.reduce((weight, [, versions]) => {
    const version = versions.findLast((candidate) => candidate.at <= at);
    // A rule that begins later may be there already, or not.
    return version === undefined ? weight : (weight * 3 + version.factor) % 1009;
  }, 0);
}

/** Recomputes everything from scratch. Rules stand in the order in which their ids were first used. */
function reference(readings: readonly Reading[], rules: readonly Rule[]): string[] {
  const versions = new Map<string, Version[]>();
  for (const { id, at, factor, opens } of rules) {
    versions.set(id, [...(versions.get(id) ?? []), { at, factor }]);
    if (opens && !versions.has(GATE)) versions.set(GATE, []);
  }
  const isOpen = versions.has(GATE);
  return [
    ...rules.map(({ id, at, factor }) => `rule ${id} ${at} ${factor}`),
    ...readings.map(({ n, at }) => weighedText(n, weightAt([...versions], at))),
    ...(isOpen ? readings.map(({ n }) => passed(n)) : []),
  ].toSorted();
}

const inTime = <T extends { readonly at: number }>(list: readonly T[]): T[] =>
  list.toSorted((one, other) => one.at - other.at);

const readings = fc
  .array(fc.record({ at: fc.nat({ max: 30 }), key: fc.nat({ max: 6 }) }), { maxLength: 30 })
  .map((list) => inTime(list).map((reading, n) => ({ ...reading, n })));

// All times differ, so that the order of the rules is one.
const rules = fc
  .uniqueArray(
    fc.record({
      at: fc.nat({ max: 30 }),
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      factor: fc.nat({ max: 9 }),
      opens: fc.boolean(),
    }),
    { maxLength: 12, selector: ({ at }) => at },
  )
  .map(inTime);

/** A source that lets the loop turn before each chunk, so that there are epochs in between. */
function slow<T>(values: readonly T[], { chunk, waits }: Pace): Source<T> {
  const source = iterable(values, { chunk });
  return {
    ...source,
    async open(split, cursor, runtime) {
      const reader = await source.open(split, cursor, runtime);
      return {
        async read() {
          for (let turn = 0; turn < waits; turn += 1) await runtime.clock.turn();
          return reader.read();
        },
        close: () => reader.close(),
      };
    },
  };
}

interface Pace {
  readonly chunk: number;
  readonly waits: number;
}

const pace = fc.record({ chunk: fc.integer({ min: 1, max: 6 }), waits: fc.nat({ max: 3 }) });
const shardCounts = [1, 2, 4];
const reached = new Set<CrashPoint>();

describe('a broadcast stream', () => {
  check(
    'a subscription, however the two streams meet',
    fc.property(readings, rules, fc.infiniteStream(fc.boolean()), (one, other, turns) => {
      const inputs = { readings: new Subject<Reading>(), rules: new Subject<Rule>() };
      const connection = weighed.connect(inputs);
      const seen: string[] = [];
      connection.outputs.output.subscribe((text) => seen.push(text));
      connection.start();
      meet(one, other, turns, {
        first: (reading) => inputs.readings.next(reading),
        second: (rule) => inputs.rules.next(rule),
      });
      inputs.readings.complete();
      inputs.rules.complete();
      expect(seen.toSorted()).toEqual(reference(one, other));
    }),
    { runs: 200 },
  );

  check(
    'the harness, with crashes and restores',
    fc.property(
      readings,
      rules,
      fc.infiniteStream(fc.boolean()),
      fc.infiniteStream(fc.constantFrom('none', 'none', 'checkpoint', 'crash', 'restore')),
      (one, other, turns, interruptions) => {
        const t = testHarness(weighed);
        const interrupt = (): void => {
          const { value } = interruptions.next();
          if (value === 'checkpoint') t.checkpoint();
          if (value === 'crash') t.crash();
          if (value === 'restore') t.restore(t.checkpoint());
        };
        meet(one, other, turns, {
          first: (reading) => (interrupt(), t.push(reading, { input: 'readings' })),
          second: (rule) => (interrupt(), t.push(rule, { input: 'rules' })),
        });
        t.end();
        expect((t.output() as string[]).toSorted()).toEqual(reference(one, other));
        // Nothing is left but the rules, and what waits at a gate that nobody has opened.
        expect(t.timers()).toBe(0);
      },
    ),
    { runs: 200 },
  );

  check(
    'jobs of one, two and four shards, which also count the same',
    fc.asyncProperty(readings, rules, pace, async (one, other, speed) => {
      for (const parallelism of shardCounts) {
        const sink = collect<string>({ uid: 'out' });
        const summary = await run(weighed, {
          from: { readings: slow(one, speed), rules: slow(other, speed) },
          to: sink,
          state: memory(),
          checkpoint: { records: 7 },
          parallelism,
        }).done;
        expect(sink.values.toSorted()).toEqual(reference(one, other));
        expect(summary.operators['weighed']).toMatchObject({
          received: one.length + other.length,
          accepted: one.length + other.length,
        });
      }
    }),
    { runs: 60, timeoutMs: 60_000 },
  );

  check(
    'a job that dies, and goes on with another number of shards',
    fc.asyncProperty(
      readings,
      rules,
      pace,
      fc.array(namedDeaths, { minLength: 1, maxLength: 4 }),
      fc.array(fc.constantFrom(...shardCounts), { minLength: 1, maxLength: 4 }),
      fc.nat(),
      async (one, other, speed, deaths, shards, seed) => {
        const crashes = deaths.flatMap((death) => ('point' in death ? [death] : []));
        const world = simulatedWorld({ seed, crashes });
        for (let life = 0; ; life += 1) {
          const outcome = await world.live(
            (runtime) =>
              run(weighed, {
                from: { readings: slow(one, speed), rules: slow(other, speed) },
                to: partFiles<string>({ uid: 'out', directory: '/out', encode: (text) => text }),
                state: world.disk,
                checkpoint: { records: 4 },
                parallelism: shards[life % shards.length] ?? 1,
                runtime,
              }).done,
          );
          if (!outcome.crashed) break;
          reached.add(outcome.point);
        }
        expect((await world.lines('/out')).toSorted()).toEqual(reference(one, other));
      },
    ),
    { runs: 120, timeoutMs: 60_000 },
  );
});

afterAll(() => {
  // With a seed and a path only one case is run.
  if (readSettings(process.env).path === undefined) expect(reached.size).toBeGreaterThan(4);
});

/** Hands both streams on, each in its order, in turns that are drawn. */
function meet(
  one: readonly Reading[],
  other: readonly Rule[],
  turns: Iterator<boolean>,
  to: {
    readonly first: (reading: Reading) => unknown;
    readonly second: (rule: Rule) => unknown;
  },
): void {
  const [firsts, seconds] = [[...one], [...other]];
  while (firsts.length + seconds.length > 0) {
    const isFirst = turns.next().value === true;
    const reading = isFirst || seconds.length === 0 ? firsts.shift() : undefined;
    if (reading !== undefined) to.first(reading);
    else {
      const rule = seconds.shift();
      if (rule !== undefined) to.second(rule);
    }
  }
}
