import { describe, expect, test } from 'vitest';
import {
  collect,
  eventTime,
  keyBy,
  map,
  pipeline,
  process,
  run,
  unchecked,
  type DeadRecord,
  type Duration,
  type EventTimeOptions,
  type Pipeline,
  type Source,
} from '../index.js';
import { testHarness } from '../testing/index.js';

const HOUR = 3_600_000;

interface Play {
  readonly at: number;
  readonly appended?: number;
}

/** Emits the watermark that each element meets. */
const judge = (options: Partial<EventTimeOptions<Play>> = {}): Pipeline<Play, number> =>
  pipeline('p', unchecked<Play>(), (plays) =>
    plays.pipe(
      eventTime({ timestamp: (play) => play.at, every: 0, ...options }),
      keyBy(() => 'k'),
      process({ uid: 'x', element: (_play, { watermark }) => [watermark] }),
    ),
  );

const byField = (maxFuture?: Duration | false): Pipeline<Play, number> =>
  judge({
    appended: (play) => play.appended,
    ...(maxFuture === undefined ? {} : { maxFuture }),
  });

describe('an element from the future', () => {
  test('becomes a dead letter, and the watermark does not run away', () => {
    const t = testHarness(byField('1m'), { onFailure: 'collect' });
    t.push({ at: 1000, appended: 1000 });
    t.push({ at: 61_001, appended: 1000 });
    t.push({ at: 2000, appended: 2000 });
    expect(t.watermarkOf('x')).toBe(1999);
    expect(t.output()).toEqual([-Infinity, 999]);
    expect(t.dead()).toMatchObject([
      { operator: 'eventTime', position: 'input element 2', timestamp: 61_001 },
    ]);
    expect(t.dead()[0]?.reason).toContain('TIMESTAMP_IN_FUTURE: expected a timestamp at most 1m');
    expect(t.counters()['eventTime']).toMatchObject({ received: 3, accepted: 2, dead: 1 });
  });

  test('is an error in a subscription', () => {
    const t = testHarness(byField('1m'));
    expect(() => t.push({ at: 61_001, appended: 1000 })).toThrow(
      /TIMESTAMP_IN_FUTURE.*60001ms ahead.*operator "eventTime", timestamp 61001, input element 1/,
    );
  });

  test.each([
    [HOUR, true],
    [HOUR + 1, false],
  ])('by default may lie an hour ahead, not more: %d ms', (ahead, isTaken) => {
    const t = testHarness(byField(), { onFailure: 'collect' });
    t.push({ at: 5000 + ahead, appended: 5000 });
    expect(t.output()).toHaveLength(isTaken ? 1 : 0);
  });

  test('with maxFuture 0 may not lie ahead at all', () => {
    const t = testHarness(byField(0), { onFailure: 'collect' });
    t.push({ at: 5, appended: 5 }).push({ at: 6, appended: 5 }).push({ at: 1, appended: 5 });
    expect(t.output()).toHaveLength(2);
  });

  test('with maxFuture false may lie as far ahead as it likes', () => {
    const t = testHarness(judge({ maxFuture: false }));
    t.push({ at: 9e12 });
    expect(t.output()).toHaveLength(1);
  });

  test('is taken where nobody knows when it was appended', () => {
    const t = testHarness(judge());
    t.push({ at: 9e12 });
    const unknown = testHarness(byField());
    unknown.push({ at: 9e12 }).push({ at: 9e12, appended: NaN });
    expect([t.output(), unknown.output()].map((output) => output.length)).toEqual([1, 2]);
  });

  test('an appending time that is no number is a dead letter', () => {
    for (const appended of [new Date(5), '5', 5n, null]) {
      const t = testHarness(judge({ appended: () => appended as never }), { onFailure: 'collect' });
      t.push({ at: 1 });
      expect(t.dead()[0]?.reason).toMatch(/TIMESTAMP_INVALID.*time of appending/);
    }
  });

  test('a function for it that throws is named', () => {
    const failing = judge({
      appended() {
        throw new Error('deep');
      },
    });
    expect(() => testHarness(failing).push({ at: 1 })).toThrow(/USER_FUNCTION_FAILED.*deep/);
  });
});

describe('the time at which the source delivers an element', () => {
  test('is what it is compared with, also behind stateless steps', async () => {
    const sink = collect<number>({ uid: 'out' });
    const dead = collect<DeadRecord>({ uid: 'dead' });
    const definition = pipeline('p', unchecked<Play>(), (plays) =>
      plays.pipe(
        map((play) => ({ ...play })),
        eventTime({ timestamp: (play) => play.at, every: 0 }),
        keyBy(() => 'k'),
        process({ uid: 'x', element: (_play, { watermark }) => [watermark] }),
      ),
    );
    const from = appendLog([
      { at: 1000, appended: 1000 },
      { at: 2000 + HOUR, appended: 1001 },
      { at: 3000, appended: 2000 },
      { at: 9e12, appended: NaN },
      { at: 3500, appended: 2000 },
    ]);
    const summary = await run(definition, { from, to: sink, deadLetters: dead }).done;
    expect(sink.values).toEqual([-Infinity, 999, 2999, 9e12 - 1]);
    expect(dead.values).toMatchObject([{ position: 'log element 2', timestamp: 2000 + HOUR }]);
    expect(summary).toMatchObject({ records: 5, deadLetters: 1 });
  });

  test('gives way to the option that says it otherwise', async () => {
    const sink = collect<number>({ uid: 'out' });
    const from = appendLog([{ at: 9e12, appended: 1000 }]);
    const definition = judge({ appended: () => 9e12 });
    await run(definition, { from, to: sink }).done;
    expect(sink.values).toHaveLength(1);
  });

  test('is not what another eventTime has assigned before', () => {
    const twice = pipeline('p', unchecked<Play>(), (plays) =>
      plays.pipe(
        eventTime({ timestamp: () => 0 }),
        eventTime({ timestamp: (play) => play.at, every: 0 }),
        keyBy(() => 'k'),
        process({ uid: 'x', element: ({ at }) => [at] }),
      ),
    );
    const t = testHarness(twice);
    t.push({ at: 9e12 });
    expect(t.output()).toEqual([9e12]);
  });
});

/** A source that knows when each record was appended, as a log does. */
function appendLog(plays: readonly Play[]): Source<Play> {
  return {
    name: 'log',
    replayable: true,
    splits: async () => ['0'],
    async open(_split, cursor) {
      const from = typeof cursor === 'number' ? cursor : 0;
      let isRead = false;
      return {
        async read() {
          if (isRead) return undefined;
          isRead = true;
          const values = plays.slice(from);
          return {
            cursor: plays.length,
            chunk: {
              kind: 'chunk',
              values,
              timestamps: values.map(({ appended = NaN }) => appended),
              keys: [],
              positions: values.map((_, index) => from + index + 1),
              derivedKeys: [],
              origin: { name: 'log', unit: 'element' },
            },
          };
        },
        async close() {},
      };
    },
  };
}
