import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  collect,
  eventTime,
  iterable,
  keyBy,
  map,
  memory,
  outputTag,
  pipeline,
  processAll,
  run,
  stream,
  unchecked,
  valueState,
} from '../index.js';
import { testHarness, verifyOperator } from '../testing/index.js';

interface Event {
  readonly key: string;
  readonly at: number;
}

/** Numbers the elements, and says the count a second after each. */
const counting = pipeline('counting', unchecked<Event>(), (events) =>
  events.pipe(
    eventTime({ timestamp: (event) => event.at, every: 0 }),
    processAll({
      uid: 'x',
      state: { count: valueState(0) },
      element({ key, at }, { state: { count }, timers }) {
        timers.setEventTime(at + 1_000);
        count.set(count.get() + 1);
        return [`${count.get()} ${key}`];
      },
      timer({ time }, { state: { count }, timestamp, watermark }) {
        if (watermark === Infinity) count.clear();
        return [`${time} ${timestamp}`];
      },
    }),
  ),
);

describe('processAll', () => {
  test('has one scope of state and timers for the whole stream', () => {
    const t = testHarness(counting);
    t.push({ key: 'a', at: 1 }).push({ key: 'b', at: 5 }).push({ key: 'a', at: 1 });
    t.watermark(1_001);
    expect(t.output()).toEqual(['1 a', '2 b', '3 a', '1001 1001']);
    expect([t.stateSize(), t.timers()]).toEqual([1, 1]);
  });

  test('gives the same five ways, and leaves nothing', () => {
    verifyOperator(counting, {
      steps: [
        { push: { key: 'a', at: 1 } },
        { push: { key: 'b', at: 5 } },
        { watermark: 1_001 },
        { push: { key: 'c', at: 1_500 } },
        { end: true },
      ],
      expect: ['1 a', '2 b', '1001 1001', '3 c', '1005 1005', '2500 2500'],
    });
  });

  test('does not see the key of a keyed stream, and its output has none', () => {
    const t = testHarness(
      pipeline('p', unchecked<string>(), (texts) =>
        texts.pipe(
          keyBy((text) => text),
          processAll({
            uid: 'x',
            state: { seen: valueState('') },
            element(text, context) {
              context.state.seen.set(context.state.seen.get() + text);
              return [context.state.seen.get()];
            },
          }),
          map((all) => all),
        ),
      ),
    );
    t.push('a').push('b').checkpoint();
    t.push('c').crash();
    expect(t.output()).toEqual(['a', 'ab', 'abc']);
  });

  test('runs in one shard, whatever the parallelism', async () => {
    const output = collect<string>({ uid: 'out' });
    const events = Array.from({ length: 50 }, (_, at) => ({ key: `${at % 7}`, at }));
    const job = run(counting, {
      from: iterable(events),
      to: output,
      state: memory(),
      parallelism: 4,
    });
    await job.done;
    const counted = output.values.filter((text) => / \d$/.test(text) && !/^\d{4}/.test(text));
    expect(counted).toEqual(events.map(({ key }, index) => `${index + 1} ${key}`));
  });

  test('sends to side outputs', () => {
    const odd = outputTag<number>('odd');
    const t = testHarness(
      pipeline('p', unchecked<number>(), (numbers) =>
        numbers.pipe(
          processAll({
            uid: 'x',
            sides: [odd],
            element(n: number, context) {
              if (n % 2 === 0) return [n];
              context.side(odd, n);
              return [];
            },
          }),
        ),
      ),
    );
    t.push(1).push(2).push(3);
    expect([t.output(), t.side(odd), t.stateSize()]).toEqual([[2], [1, 3], 0]);
  });

  test('what its function throws names the step and the position', () => {
    const broken = stream(of(1)).pipe(
      processAll({
        uid: 'broken',
        element: () => {
          throw new Error('deep');
        },
      }),
    );
    let error: unknown;
    broken.subscribe({ error: (cause) => (error = cause) });
    expect(String(error)).toMatch(/USER_FUNCTION_FAILED.*operator "broken".*element 1/);
  });

  test('refuses async functions, a missing uid, and event-time state without event time', () => {
    const element = (): never[] => [];
    expect(() => processAll({ uid: 'x', element: (async () => []) as never })).toThrow(
      /USER_FUNCTION_ASYNC.*processAll "x".element/,
    );
    expect(() => processAll({ element } as never)).toThrow('UID_INVALID');
    const state = { it: valueState(0, { ttl: { after: '1h' } }) };
    expect(() => of(1).pipe(processAll({ uid: 'x', state, element }))).toThrow('TIME_MISSING');
  });
});
