/**
 * Laws 5 to 7 for asynchronous steps: `asyncMap` gives what `map` gives, however long its answers take, whatever dies.
 *
 * Family: differential, against the same pipeline with `map`. It can see a result that crosses a watermark (a window then
 * closes without it, or counts what is late), an element in flight that is not in the commit or is there twice, a call
 * beyond the capacity, a barrier or an end that waits for ever, and an idempotency key that changes with a replay.
 */
import fc from 'fast-check';
import {
  asyncMap,
  count,
  eventTime,
  iterable,
  keyBy,
  map,
  partFiles,
  pipeline,
  run,
  splitIterable,
  tumbling,
  unchecked,
  window,
  type AsyncCall,
  type DataStream,
} from 'tidemark';
import { PendingCalls, simulatedWorld, testHarness, type PlannedCrash } from 'tidemark/testing';
import { describe, expect } from 'vitest';
import { namedDeaths } from './deaths.js';
import { check } from './settings.js';

interface Play {
  readonly id: number;
  readonly song: number;
  readonly at: number;
}

interface Shape {
  readonly ordered: boolean;
  readonly isKeyed: boolean;
  readonly capacity: number;
  /** Of the watermark, ms; elements further behind are late. */
  readonly bound: number;
}

type Ask = (play: Play, call: AsyncCall) => PromiseLike<Play>;

const titled = (play: Play): Play => ({ ...play, song: play.song % 3 });

/** Plays whose song is looked up, by `ask` or by `map`, and then counted. */
function counted(shape: Shape, ask: Ask | undefined) {
  const { isKeyed, bound, ordered, capacity } = shape;
  const looked = (plays: DataStream<Play>): DataStream<Play> => {
    if (ask === undefined) return plays.pipe(map(titled));
    const options = { uid: 'ask', ordered, capacity };
    return isKeyed
      ? plays.pipe(
          keyBy(({ song }) => song),
          asyncMap((play: Play, call) => ask(play, call), options),
        )
      : plays.pipe(asyncMap((play: Play, call) => ask(play, call), options));
  };
  return pipeline('counted', unchecked<Play>(), (plays) =>
    looked(
      plays.pipe(eventTime({ timestamp: ({ at }) => at, outOfOrderness: bound, every: 0 })),
    ).pipe(
      keyBy(({ song }) => song),
      window(tumbling({ size: 10 }), count(), { uid: 'counts' }),
      map(({ key, window: { start }, value }) => `${key}@${start}=${value}`),
    ),
  );
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  ordered: fc.boolean(),
  isKeyed: fc.boolean(),
  capacity: fc.constantFrom(1, 2, 5, 100),
  bound: fc.constantFrom(0, 7, 30),
});

/** Times that go up, with stragglers of which some are late. */
const plays = (most: number): fc.Arbitrary<Play[]> =>
  fc
    .array(fc.tuple(fc.nat(7), fc.nat(6), fc.nat(20)), {
      minLength: 1,
      maxLength: most,
      size: 'max',
    })
    .map((steps) => {
      let now = 0;
      return steps.map(([song, forward, back], id) => {
        now += forward;
        return { id, song, at: Math.max(0, now - back) };
      });
    });

/** What `map` gives. */
function expected(shape: Shape, given: readonly Play[]): { output: string[]; late: number } {
  const harness = testHarness(counted(shape, undefined));
  for (const play of given) harness.push(play);
  return { output: harness.end().output(), late: harness.late().length };
}

/** Calls that are answered in any order. */
class Desk {
  readonly pending = new PendingCalls<Play>();
  most = 0;

  readonly ask: Ask = (play, call) => this.pending.ask(play, call);

  answer(which: number): void {
    const open = this.pending.open() as Play[];
    const chosen = open[which % Math.max(1, open.length)];
    if (chosen !== undefined) this.pending.answer(chosen, titled(chosen));
    this.note();
  }

  note(): void {
    this.most = Math.max(this.most, this.pending.open().length);
  }

  get keys(): Map<number, Set<string>> {
    const keys = new Map<number, Set<string>>();
    for (const { value, idempotencyKey } of this.pending.calls) {
      const { id } = value as Play;
      keys.set(id, (keys.get(id) ?? new Set()).add(idempotencyKey));
    }
    return keys;
  }
}

function expectIdentities(keys: ReadonlyMap<number, ReadonlySet<string>>): void {
  const all = [...keys.values()].flatMap((set) => [...set]);
  expect(all.length, 'one key for each element').toBe(keys.size);
  expect(new Set(all).size, 'no two elements have the same').toBe(keys.size);
}

type Move = 'push' | 'checkpoint' | 'crash' | 'restore' | { readonly answer: number };

const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Move>('push') },
  { weight: 6, arbitrary: fc.record({ answer: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.constantFrom<Move>('checkpoint', 'crash', 'restore') },
);

describe('asynchronous steps are steps', () => {
  check(
    'in the harness: answers, crashes and restores at any moment',
    fc.property(
      shapes,
      plays(25),
      fc.array(moves, { maxLength: 120, size: 'max' }),
      (shape, given, script) => {
        const desk = new Desk();
        const harness = testHarness(counted(shape, desk.ask));
        let next = 0;
        for (const move of script) {
          const play = given[next];
          if (typeof move === 'object') desk.answer(move.answer);
          else if (move === 'checkpoint') harness.checkpoint();
          else if (move === 'crash') harness.crash();
          else if (move === 'restore') harness.restore(harness.checkpoint());
          else if (play !== undefined) {
            harness.push(play);
            next += 1;
            desk.note();
          }
        }
        for (const play of given.slice(next)) harness.push(play);
        harness.end();
        while (desk.pending.open().length > 0) desk.answer(0);
        const wanted = expected(shape, given);
        expect(harness.output().toSorted()).toEqual(wanted.output.toSorted());
        expect(harness.late()).toHaveLength(wanted.late);
        expect(harness.stateSize()).toBe(0);
        expect(desk.most).toBeLessThanOrEqual(shape.capacity);
        expectIdentities(desk.keys);
      },
    ),
    { runs: 500, timeoutMs: 60_000 },
  );

  const lives = fc.record({
    seed: fc.nat(),
    ends: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: namedDeaths as fc.Arbitrary<End> },
        { weight: 1, arbitrary: fc.record({ stopAfterMs: fc.nat(60) }) },
      ),
      { maxLength: 4 },
    ),
    waitMs: fc.constantFrom(0, 5, 40),
    records: fc.integer({ min: 1, max: 12 }),
    chunk: fc.integer({ min: 1, max: 6 }),
  });

  check(
    'a job of one split, with stragglers, that dies',
    fc.asyncProperty(shapes, plays(30), lives, async (shape, given, life) => {
      const wanted = expected(shape, given);
      const lived = await live(shape, [given], { ...life, shards: [1] });
      expect(lived.lines.toSorted()).toEqual(wanted.output.toSorted());
      expect(lived.late).toBe(wanted.late);
      expect(lived.most).toBeLessThanOrEqual(shape.capacity);
      expectIdentities(lived.keys);
    }),
    { runs: 200, timeoutMs: 60_000 },
  );

  check(
    'a job of several splits and another number of shards in each life',
    fc.asyncProperty(
      shapes,
      fc.array(plays(15), { minLength: 1, maxLength: 3 }),
      fc.array(fc.constantFrom(1, 3, 4), { minLength: 1, maxLength: 3 }),
      lives,
      async (shape, drawn, shards, life) => {
        // Nothing is late here: that would depend on which split is read first.
        const still = { ...shape, bound: 1000 };
        const splits = drawn.map((given, split) =>
          given.map((play) => ({ ...play, id: play.id * 10 + split })),
        );
        const lived = await live(still, splits, { ...life, shards });
        expect(lived.lines.toSorted()).toEqual(expected(still, splits.flat()).output.toSorted());
        expect(lived.late).toBe(0);
        expect(lived.most).toBeLessThanOrEqual(still.capacity * Math.max(...shards));
        expectIdentities(lived.keys);
      },
    ),
    { runs: 150, timeoutMs: 60_000 },
  );
});

type End = PlannedCrash | { readonly stopAfterMs: number };

interface Life {
  readonly seed: number;
  /** How each incarnation ends; the one behind them runs to its end. */
  readonly ends: readonly End[];
  /** The longest wait for an answer. */
  readonly waitMs: number;
  readonly records: number;
  readonly chunk: number;
  /** Shards of each incarnation, over and over again. */
  readonly shards: readonly number[];
}

interface Lived {
  readonly lines: readonly string[];
  readonly late: number;
  /** Calls in flight at most. */
  readonly most: number;
  readonly keys: ReadonlyMap<number, ReadonlySet<string>>;
}

/** A job whose calls are answered by the clock of its world, started again until it has finished. */
async function live(
  shape: Shape,
  splits: readonly (readonly Play[])[],
  life: Life,
): Promise<Lived> {
  const { seed, ends, shards, records, chunk } = life;
  const world = simulatedWorld({
    seed,
    crashes: ends.map((end) =>
      'point' in end ? end : { point: 'recover.opened', visit: Infinity },
    ),
  });
  const keys = new Map<number, Set<string>>();
  let most = 0;
  for (let incarnation = 0; ; incarnation += 1) {
    const end = ends[incarnation];
    const outcome = await world.live((runtime) => {
      const { clock } = runtime;
      let inFlight = 0;
      const ask: Ask = (play, { idempotencyKey }) => {
        keys.set(play.id, (keys.get(play.id) ?? new Set()).add(idempotencyKey));
        inFlight += 1;
        most = Math.max(most, inFlight);
        return new Promise((done) => {
          const waitMs = Math.floor(world.random() * life.waitMs);
          clock.setTimer(clock.now() + waitMs, () => {
            inFlight -= 1;
            done(titled(play));
          });
        });
      };
      const running = run(counted(shape, ask), {
        from:
          splits.length === 1
            ? iterable(splits[0] ?? [], { chunk })
            : splitIterable(splits, { chunk }),
        to: partFiles<string>({ uid: 'out', directory: '/out', encode: (line) => line }),
        state: world.disk,
        checkpoint: { records, every: '20ms' },
        parallelism: shards[incarnation % shards.length] ?? 1,
        runtime,
      });
      if (end !== undefined && 'stopAfterMs' in end)
        clock.setTimer(clock.now() + end.stopAfterMs, () => void running.stop());
      return running.done;
    });
    if (outcome.crashed || outcome.value.phase === 'stopped') continue;
    const late = outcome.value.operators['counts']?.late ?? 0;
    return { lines: await world.lines('/out'), late, most, keys };
  }
}
