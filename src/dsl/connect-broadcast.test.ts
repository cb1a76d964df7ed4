import { describe, expect, test } from 'vitest';
import {
  broadcast,
  connect,
  eventTime,
  keyBy,
  mapState,
  outputTag,
  pipeline,
  unchecked,
  valueState,
} from '../index.js';
import { testHarness, verifyOperator, type TestHarness } from '../testing/index.js';

interface Payment {
  readonly who: string;
  readonly amount: number;
  readonly at: number;
}

interface Limit {
  readonly group: string;
  readonly limit: number;
  readonly at?: number;
}

const told = outputTag<string>('told');
const time = eventTime<Payment>({ timestamp: ({ at }) => at, every: 0 });

/** Sums up the payments of each, and says who is above the limit; a new limit is held against everybody. */
const limits = pipeline(
  'limits',
  { payments: unchecked<Payment>(), limits: unchecked<Limit>() },
  ({ payments, limits: limits$ }) =>
    payments.pipe(
      time,
      keyBy(({ who }) => who),
      connect(broadcast(limits$), {
        uid: 'limits',
        state: { total: valueState(0) },
        broadcastState: { limits: mapState<string, number>() },
        sides: [told],
        first({ amount, at }, { key, state, broadcastState, timers }) {
          state.total.set(state.total.get() + amount);
          timers.setEventTime(at + 100);
          return state.total.get() > (broadcastState.limits.get('all') ?? Infinity)
            ? [`${key} is above`]
            : [];
        },
        second({ group, limit }, context) {
          context.broadcastState.limits.set(group, limit);
          context.side(told, `${group} ${limit} at ${context.watermark}`);
          context.visitKeys();
          return [`limit ${limit} of ${group}, ${context.broadcastState.limits.size} in all`];
        },
        eachKey({ limit }, { key, state }) {
          return state.total.get() > limit ? [`${key} is above with ${state.total.get()}`] : [];
        },
        timer({ time: fired }, { key, state, broadcastState }) {
          state.total.clear();
          return [`${key} forgotten at ${fired} under ${broadcastState.limits.get('all')}`];
        },
      }),
    ),
);

type Limits = TestHarness<{ payments: Payment; limits: Limit }, { output: string }>;
const harness = (): Limits => testHarness(limits) as unknown as Limits;
const pay = (t: Limits, who: string, amount: number, at = 0): void =>
  void t.push({ who, amount, at }, { input: 'payments' });
const limit = (t: Limits, value: number, group = 'all'): void =>
  void t.push({ group, limit: value }, { input: 'limits' });

describe('broadcast state', () => {
  test('is written by one side and read by the other, whatever its key', () => {
    const t = harness();
    pay(t, 'ann', 10);
    limit(t, 15);
    pay(t, 'ann', 10);
    pay(t, 'bob', 10);
    expect(t.output()).toEqual(['limit 15 of all, 1 in all', 'ann is above']);
  });

  test('survives a crash with the state of the keys', () => {
    const t = harness();
    pay(t, 'ann', 10);
    limit(t, 15);
    limit(t, 1, 'other');
    t.checkpoint();
    limit(t, 30);
    t.restore();
    pay(t, 'ann', 10);
    expect(t.output().at(-1)).toBe('ann is above');
    limit(t, 2, 'third');
    expect(t.output()).toContain('limit 2 of third, 3 in all');
  });

  test('a new value is held against each key that holds state', () => {
    const t = harness();
    for (const [who, amount] of Object.entries({ ann: 10, bob: 20, eve: 30 })) pay(t, who, amount);
    limit(t, 15);
    expect(t.output().toSorted()).toEqual([
      'bob is above with 20',
      'eve is above with 30',
      'limit 15 of all, 1 in all',
    ]);
    expect(t.output()[0]).toBe('limit 15 of all, 1 in all');
  });

  test('timers read it too, and go by the event time of the other side alone', () => {
    const t = harness();
    limit(t, 15);
    pay(t, 'ann', 10, 0);
    pay(t, 'ann', 10, 101);
    expect(t.output().at(-1)).toBe('ann forgotten at 100 under 15');
    limit(t, 16);
    expect(t.side(told)).toEqual(['all 15 at -Infinity', 'all 16 at 100']);
  });

  test('writing it with a key in hand is refused, wherever that is', () => {
    for (const place of ['first', 'timer'] as const) {
      const write = (context: { broadcastState: object }): void => {
        const { rules } = context.broadcastState as { rules: Map<string, number> };
        rules.set('x', 1);
      };
      const t = testHarness(
        pipeline('p', { a: unchecked<string>(), b: unchecked<string>() }, ({ a, b }) =>
          a.pipe(
            eventTime({ timestamp: () => 0, every: 0 }),
            keyBy((text) => text),
            connect(broadcast(b), {
              uid: 'x',
              state: { seen: valueState(false) },
              broadcastState: { rules: mapState<string, number>() },
              first(_text, context) {
                context.state.seen.set(true);
                context.timers.setEventTime(10);
                if (place === 'first') write(context);
              },
              second: () => [],
              timer: (_timer, context) => write(context),
            }),
          ),
        ),
      );
      const all = (): void => void t.push('k', { input: 'a' }).end();
      expect(all, place).toThrow(/BROADCAST_READ_ONLY.*operator "x", key "k"/);
    }
  });
});

describe('the broadcast side', () => {
  const p = (act: 'throw' | 'promise' | 'write a key'): TestHarness<never, never> =>
    testHarness(
      pipeline('p', { a: unchecked<string>(), b: unchecked<string>() }, ({ a, b }) =>
        a.pipe(
          keyBy((text) => text),
          connect(broadcast(b), {
            uid: 'x',
            state: { seen: valueState(false) },
            broadcastState: { rules: mapState<string, number>() },
            first: (_text, { state }) => state.seen.set(true),
            second(_rule, context) {
              if (act === 'throw') throw new Error('deep');
              if (act === 'promise') return Promise.resolve() as never;
              context.visitKeys();
              return [];
            },
            eachKey: (_rule, { broadcastState }) =>
              (broadcastState as never as { rules: Map<string, number> }).rules.clear() as never,
          }),
        ),
      ),
    ) as never;

  test('what it throws names the operator and the element', () => {
    expect(() => p('throw').push('r' as never, { input: 'b' })).toThrow(
      /USER_FUNCTION_FAILED.*operator "x", b element 1/,
    );
    expect(() => p('promise').push('r' as never, { input: 'b' })).toThrow('USER_FUNCTION_ASYNC');
  });

  test('a key that is visited cannot write broadcast state either', () => {
    const t = p('write a key').push('k' as never, { input: 'a' });
    expect(() => t.push('r' as never, { input: 'b' })).toThrow(
      /BROADCAST_READ_ONLY.*operator "x", key "k"/,
    );
  });

  test('a key that a visit has emptied takes no memory', () => {
    const t = testHarness(
      pipeline('p', { a: unchecked<string>(), b: unchecked<string>() }, ({ a, b }) =>
        a.pipe(
          keyBy((text) => text),
          connect(broadcast(b), {
            uid: 'x',
            state: { seen: valueState<boolean>() },
            first: (_text, { state }) => state.seen.set(true),
            second: (_rule, context) => context.visitKeys(),
            eachKey(rule, { key, state }) {
              if (key === rule) state.seen.clear();
            },
          }),
        ),
      ),
    );
    for (const key of ['a', 'b', 'c']) t.push(key, { input: 'a' });
    t.push('b', { input: 'b' });
    expect(t.stateSize('x')).toBe(2);
  });
});

test('all ways to run a case give the same', () => {
  const ways = verifyOperator(limits as never, {
    steps: [
      { push: { who: 'ann', amount: 10, at: 0 }, input: 'payments' },
      { push: { group: 'all', limit: 15 }, input: 'limits' },
      { push: { group: 'b', limit: 25 }, input: 'limits' },
      { push: { who: 'ann', amount: 10, at: 5 }, input: 'payments' },
      { push: { group: 'all', limit: 18 }, input: 'limits' },
      { end: true },
    ],
    expect: [
      'limit 15 of all, 1 in all',
      'limit 25 of b, 2 in all',
      'ann is above',
      'limit 18 of all, 2 in all',
      'ann is above with 20',
      'ann forgotten at 100 under 18',
      'ann forgotten at 105 under 18',
    ],
    // The entries of the broadcast state.
    keysLeft: 2,
  });
  expect(ways.length).toBe(5);
});
