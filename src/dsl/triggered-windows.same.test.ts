import { describe, expect, test } from 'vitest';
import {
  combine,
  count,
  eventTime,
  evictors,
  elements,
  keyBy,
  outputTag,
  pipeline,
  session,
  sliding,
  sum,
  tumbling,
  unchecked,
  window,
  type WindowResult,
  type WindowSpec,
} from '../index.js';
import { testHarness, type TestHarness } from '../testing/index.js';
import { triggeredWindow } from './window.js';

interface Item {
  readonly key: string;
  readonly at: number;
  readonly gap: number;
}

type Harness = TestHarness<
  { input: Item },
  { output: WindowResult<string, { n: number; total: number }> }
>;

const late = outputTag<Item>('late');
const total = combine({ n: count(), total: sum(({ at }: Item) => at, { whole: true }) });

/** What the operator for everything must say alike, by running values and by elements. */
const specs: readonly (readonly [string, WindowSpec<Item>, unit: number])[] = [
  ['tumbling', tumbling({ size: 6 }), 1],
  ['tumbling with an offset', tumbling({ size: 6, offset: -2 }), 1],
  ['sliding', sliding({ size: 9, slide: 3 }), 1],
  ['sliding, no multiple', sliding({ size: 7, slide: 3, offset: 1 }), 1],
  ['sliding with gaps', sliding({ size: 2, slide: 5 }), 1],
  ['sessions', session({ gap: 4 }), 1],
  ['sessions of dynamic gaps', session<Item>({ gap: ({ gap }) => gap }), 1],
  // Keys of sessions wait in buckets of many ms.
  ['long sessions', session({ gap: 200 }), 50],
  ['long sessions of dynamic gaps', session<Item>({ gap: ({ gap }) => gap }), 50],
];

describe.each(specs)('%s', (_name, spec, unit) => {
  test.each([0, 7])('with lateness %d are the same in the operator for everything', (units) => {
    const lateness = units * unit;
    for (let seed = 1; seed <= 4; seed += 1) {
      const all = [
        harness(spec, lateness, window),
        harness(spec, lateness, triggeredWindow),
        harness(spec, lateness, window, { evictor: evictors.count(1_000) }),
      ] as const;
      const moves = new Moves(seed + units * 1_000, unit);
      for (let move = 0; move < 40; move += 1) {
        const play = moves.next();
        for (const t of all) play(t);
        const counts = all.map((t) => [t.output().length, t.late().length]);
        for (const here of counts) expect(here, `seed ${seed}, move ${move}`).toEqual(counts[0]);
      }
      for (const t of all) {
        t.watermark(1_000 * unit);
        expect(results(t).toSorted(), `seed ${seed}`).toEqual(results(all[0]).toSorted());
        expect(t.side(late)).toEqual(all[0].side(late));
        expect(t.counters()['w']).toEqual(all[0].counters()['w']);
        // The slot of a key may linger for a while behind its last window.
        t.watermark(1_000_000);
        expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
      }
      expect(results(all[0]).length, `seed ${seed}`).toBeGreaterThan(1);
    }
  });
});

/** Elements around a time that rises, watermarks mostly behind them, now and then a checkpoint or a crash. */
class Moves {
  readonly #random: (below: number) => number;
  readonly #unit: number;
  #time = -10;

  constructor(seed: number, unit: number) {
    this.#unit = unit;
    this.#random = chance(seed);
  }

  next(): (t: Harness) => unknown {
    const random = this.#random;
    const unit = this.#unit;
    const kind = random(20);
    this.#time += random(3 * unit);
    if (kind < 12) {
      const at = this.#time + random(20 * unit) - 10 * unit;
      const item = { key: random(3) === 0 ? 'b' : 'a', at, gap: 1 + random(8 * unit) };
      return (t) => t.push(item);
    }
    const watermark = this.#time + random(8 * unit) - 8 * unit;
    if (kind < 17) return (t) => t.watermark(watermark);
    return kind < 19 ? (t) => t.checkpoint() : (t) => t.crash();
  }
}

function harness(
  spec: WindowSpec<Item>,
  allowedLateness: number,
  operator: typeof window,
  options: object = {},
): Harness {
  const kept = combine({ all: elements<Item>(), total });
  const aggregator = 'evictor' in options ? { ...kept, keepsElements: true } : total;
  return testHarness(
    pipeline('p', unchecked<Item>(), (items) =>
      items.pipe(
        eventTime({ timestamp: ({ at }) => at, outOfOrderness: '1d', allowNegative: true }),
        keyBy(({ key }) => key),
        operator(spec, aggregator as typeof total, { uid: 'w', allowedLateness, late, ...options }),
      ),
    ),
  ) as unknown as Harness;
}

function results(t: Harness): string[] {
  return t.output().map(({ key, window: { start, end }, value }) => {
    const { n, total: of } =
      'total' in value && typeof value.total === 'object' ? (value.total as typeof value) : value;
    return `${key} [${start},${end}) ${n} ${of}`;
  });
}

function chance(seed: number): (below: number) => number {
  let state = seed * 7919;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}
