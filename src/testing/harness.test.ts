import { describe, expect, test } from 'vitest';
import {
  asyncMap,
  connect,
  count,
  eventTime,
  keyBy,
  map,
  outputTag,
  pipeline,
  process,
  tumbling,
  unchecked,
  union,
  valueState,
  window,
} from '../index.js';
import { testHarness } from './index.js';

interface Play {
  readonly song: string;
  readonly at: number;
}

const late = outputTag<Play>('late');

const perMinute = pipeline('per-minute', unchecked<Play>(), (plays) =>
  plays.pipe(
    eventTime({ timestamp: (play) => play.at, idleness: '30s' }),
    keyBy((play) => play.song),
    window(tumbling({ size: '1m' }), count(), { uid: 'counts', late }),
    map(({ key, window: { start }, value }) => `${key}@${start}=${value}`),
  ),
);

const reminders = pipeline('reminders', unchecked<string>(), (names) =>
  names.pipe(
    keyBy((name) => name),
    process({
      uid: 'reminders',
      state: { times: valueState(0) },
      element(_name, { state, timers, now }) {
        state.times.set(state.times.get() + 1);
        timers.setProcessingTime(now + 1000);
      },
      timer({ domain, time }, { key, state }) {
        const text = `${domain} ${key} ${state.times.get()} at ${time}`;
        state.times.clear();
        return [text];
      },
    }),
  ),
);

describe('testHarness', () => {
  test('a forced watermark fires what is due', () => {
    const t = testHarness(perMinute).push({ song: 'a', at: 5 });
    expect(t.output()).toEqual([]);
    expect(t.watermark(59_999).output()).toEqual(['a@0=1']);
  });

  test('a crash loses what no checkpoint holds, and the replay gives the same output', () => {
    const straight = testHarness(perMinute);
    const crashing = testHarness(perMinute);
    for (const [index, at] of [1, 2, 70_000, 3, 130_000].entries()) {
      straight.push({ song: 'a', at });
      crashing.push({ song: 'a', at });
      if (index === 1) crashing.checkpoint();
      crashing.crash();
    }
    expect(crashing.end().output()).toEqual(straight.end().output());
    expect(crashing.late()).toEqual(straight.late());
  });

  test('an old checkpoint can be restored again, whatever has happened since', () => {
    const t = testHarness(perMinute).push({ song: 'a', at: 1 });
    const early = t.checkpoint();
    t.push({ song: 'a', at: 2 });
    t.checkpoint();
    t.push({ song: 'a', at: 70_000 });
    expect(t.restore(early).end().output()).toEqual(['a@0=1']);
    expect(t.restore(early).push({ song: 'b', at: 3 }).end().output()).toEqual(['a@0=1', 'b@0=1']);
  });

  test('a restored input that was idle is idle before any watermark moves', () => {
    interface Tick {
      readonly at: number;
    }
    const inputs = { one: unchecked<Tick>(), other: unchecked<Tick>() };
    const meeting = pipeline('meeting', inputs, ({ one, other }) => {
      const time = eventTime<Tick>({ timestamp: ({ at }) => at, outOfOrderness: 1, every: 200 });
      return one.pipe(
        time,
        union(other.pipe(time)),
        keyBy(({ at }) => at),
        process({ uid: 'seen', element: (_tick, { watermark }) => [watermark] }),
      );
    });
    const t = testHarness(meeting).push({ at: 1401 }, { input: 'one' }).idle({ input: 'other' });
    // The other input is back, behind what was said already, and 1400 is not a multiple of `every`.
    t.push({ at: 0 }, { input: 'other' }).push({ at: 1402 }, { input: 'one' });
    t.idle({ input: 'one' }).checkpoint();
    t.push({ at: 0 }, { input: 'one' });
    expect(t.output()).toEqual([-Infinity, 1399, 1399, 1399]);
    expect(t.crash().output()).toEqual([-Infinity, 1399, 1399, 1399]);
  });

  test('late elements are named by their origin and go to their side output', () => {
    const t = testHarness(perMinute).push({ song: 'a', at: 70_000 }).push({ song: 'a', at: 5 });
    expect(t.late()).toMatchObject([
      {
        operator: 'counts',
        timestamp: 5,
        watermark: 69_999,
        position: 'input element 2',
        key: 'a',
      },
    ]);
    expect(t.side(late)).toEqual([{ song: 'a', at: 5 }]);
    expect(t.counters()['counts']).toMatchObject({ received: 2, accepted: 1, late: 1 });
  });

  test('processing time moves by advance alone, and timers fire at their times', () => {
    const t = testHarness(reminders, { start: 5000 }).push('ann');
    t.advance(999);
    expect(t.output()).toEqual([]);
    t.advance(1);
    expect(t.records()).toEqual([{ value: 'processing ann 1 at 6000', timestamp: undefined }]);
    expect(t.stateSize()).toBe(0);
  });

  test('a processing-time timer survives a crash', () => {
    const t = testHarness(reminders).push('ann');
    t.checkpoint();
    expect(t.timers('reminders')).toBe(1);
    t.crash();
    expect(t.timers('reminders')).toBe(1);
    expect(t.advance(1000).output()).toEqual(['processing ann 1 at 1000']);
  });

  test('state is shown as a copy, by name', () => {
    const t = testHarness(reminders).push('ann').push('ann');
    expect(t.state('reminders', 'ann')).toEqual({ times: 2 });
    expect(t.state('reminders', 'bob')).toBeUndefined();
    expect(testHarness(perMinute).push({ song: 'a', at: 61_000 }).state('counts', 'a')).toEqual([
      [60_000, 1],
    ]);
  });

  test('an idle input does not hold the others back, and idleness comes by the clock', () => {
    const two = pipeline('two', { a: unchecked<Play>(), b: unchecked<Play>() }, ({ a, b }) =>
      a.pipe(
        eventTime({ timestamp: (play) => play.at }),
        keyBy((play) => play.song),
        connect(
          b.pipe(
            eventTime({ timestamp: (play) => play.at, idleness: '1s' }),
            keyBy((play) => play.song),
          ),
          {
            uid: 'both',
            first: (play, { timers }) => timers.setEventTime(play.at),
            second: () => undefined,
            timer: ({ time }) => [time],
          },
        ),
      ),
    );
    const t = testHarness(two);
    t.push({ song: 'x', at: 10 }, { input: 'a' }).push({ song: 'x', at: 5000 }, { input: 'a' });
    expect(t.output()).toEqual([]);
    expect(t.advance(1000).output()).toEqual([10]);
    expect(
      testHarness(two)
        .push({ song: 'x', at: 10 }, { input: 'a' })
        .watermark(10, { input: 'a' })
        .idle({ input: 'b' })
        .output(),
    ).toEqual([10]);
  });

  test('a watermark without event time, and an input that is not there, are refused', () => {
    expect(() => testHarness(reminders).watermark(5)).toThrow(/TIME_MISSING/);
    expect(() => testHarness(reminders).push('x', { input: 'other' })).toThrow(/OPTIONS_INVALID/);
  });

  test('failed records throw by default and can be collected', () => {
    const picky = pipeline('picky', unchecked<number>(), (numbers) =>
      numbers.pipe(
        map((n) => {
          if (n < 0) throw new Error('negative');
          return n;
        }),
      ),
    );
    expect(() => testHarness(picky).push(-1)).toThrow(/USER_FUNCTION_FAILED.*negative/);
    const t = testHarness(picky, { onFailure: 'collect' }).push(1).push(-1).push(2);
    expect(t.output()).toEqual([1, 2]);
    expect(t.dead()).toMatchObject([{ operator: 'map', position: 'input element 2', raw: '-1' }]);
  });

  test('settled waits for real promises, and throws what they fail with', async () => {
    const doubled = pipeline('doubled', unchecked<number>(), (numbers) =>
      numbers.pipe(
        asyncMap(
          async (n) => {
            await Promise.resolve();
            if (n < 0) throw new Error('negative');
            return n * 2;
          },
          { uid: 'double' },
        ),
      ),
    );
    const t = testHarness(doubled).push(1).push(2);
    expect(t.output()).toEqual([]);
    expect((await t.settled()).output()).toEqual([2, 4]);
    await expect(t.push(-1).settled()).rejects.toThrow(/USER_FUNCTION_FAILED.*negative/);
    await expect(t.push(3).settled()).resolves.toBe(t);
  });
});
