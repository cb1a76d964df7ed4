import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { addAll, mergeAll, mergePlans } from '../../property-tests/merging.js';
import { check } from '../../property-tests/settings.js';
import {
  average,
  combine,
  count,
  distinctCount,
  elements,
  eventTime,
  first,
  keyBy,
  last,
  map,
  max,
  min,
  pipeline,
  quantiles,
  sliding,
  sum,
  tumbling,
  unchecked,
  window,
  type Aggregator,
} from '../index.js';
import { encodeValue } from '../state/value-codec.js';
import { verifyOperator } from '../testing/index.js';

interface Play {
  readonly user: string;
  readonly ms: number;
}
const ms = (play: Play): number => play.ms;
const plays = fc.array(fc.record({ user: fc.string({ maxLength: 2 }), ms: fc.integer() }), {
  minLength: 1,
});
const parts = {
  plays: count(),
  total: sum(ms, { whole: true }),
  mean: average(ms, { whole: true }),
  shortest: min(ms),
  longest: max(ms),
  quantiles: quantiles(ms, [0.5]),
};

describe('combine', () => {
  check(
    'gives what each part gives alone, under its name, however it is merged',
    fc.property(plays, mergePlans, (given, plan) => {
      const all = combine(parts);
      const alone = Object.entries<Aggregator<Play, unknown, unknown>>(parts).map(
        ([name, part]) => [name, part.result(addAll(part, given))],
      );
      const merged = mergeAll(all, given, plan);
      expect(all.result(merged)).toEqual(Object.fromEntries(alone));
      expect(encodeValue(merged)).toEqual(encodeValue(addAll(all, given)));
    }),
  );

  check(
    'takes out again what was merged in',
    fc.property(plays, plays, (given, more) => {
      const whole = combine({ plays: count(), total: sum(ms, { whole: true }) });
      const both = whole.merge(addAll(whole, given), addAll(whole, more));
      expect(whole.subtract?.(both, addAll(whole, more))).toEqual(addAll(whole, given));
    }),
  );

  test('changes its accumulator in place', () => {
    const all = combine(parts);
    const accumulator = all.create();
    expect(all.add(accumulator, { user: 'ann', ms: 3 })).toBe(accumulator);
    expect(all.merge(accumulator, all.create())).toBe(accumulator);
  });

  test('may be nested', () => {
    const nested = combine({
      plays: count(),
      of: combine({ longest: max(ms), shortest: min(ms) }),
    });
    const result = nested.result(addAll(nested, [play('ann', 3), play('bob', 5)]));
    expect(result).toEqual({ plays: 2, of: { longest: 5, shortest: 3 } });
    expect(nested.name).toBe('combine(of: combine(longest: max, shortest: min), plays: count)');
  });

  test('keeps state by name, so that the parts may be written in another order', () => {
    const one = combine({ b: count(), a: sum(ms) });
    const other = combine({ a: sum(ms), b: count() });
    expect(one.name).toBe(other.name);
    const accumulator = addAll(one, [play('ann', 7)]);
    expect(other.result(accumulator)).toEqual({ a: 7, b: 1 });
    expect(Object.keys(one.result(accumulator))).toEqual(['b', 'a']);
  });

  test('calls an aggregator that is an object with a `this`', () => {
    class Longest {
      readonly name = 'longest';
      readonly start = 0;
      create(): number {
        return this.start;
      }
      add(accumulator: number, value: Play): number {
        return this.merge(accumulator, value.ms);
      }
      merge(into: number, other: number): number {
        return Math.max(this.start, into, other);
      }
      result(accumulator: number): number {
        return accumulator + this.start;
      }
    }
    const five = combine({
      a: count(),
      b: count(),
      c: count(),
      d: new Longest(),
      e: new Longest(),
    });
    expect(five.result(addAll(five, [play('ann', 3)]))).toEqual({ a: 1, b: 1, c: 1, d: 3, e: 3 });
  });
});

describe('what combine says of itself', () => {
  test('it can be taken out again when every part can', () => {
    expect(combine({ a: count(), b: sum(ms, { whole: true }) }).subtract).toBeDefined();
    expect(combine({ a: count(), b: sum(ms) }).subtract).toBeUndefined();
    expect(combine({ a: count(), b: max(ms) }).subtract).toBeUndefined();
  });

  test('it depends on arrival, and keeps elements, when one part does', () => {
    const flags = ({ arrivalOrder, keepsElements }: Aggregator<Play, unknown, unknown>) => [
      arrivalOrder,
      keepsElements,
    ];
    expect(flags(combine({ a: count(), b: max(ms) }))).toEqual([false, false]);
    expect(flags(combine({ a: count(), b: last<Play>() }))).toEqual([true, false]);
    expect(flags(combine({ a: count(), b: last({ by: ms }) }))).toEqual([false, false]);
    expect(flags(combine({ a: elements<Play>(), b: count() }))).toEqual([true, true]);
  });
});

describe('combine refuses', () => {
  test.each([{}, [], [count()], null, 3, JSON.parse('{"__proto__": 1}')])('%j', (given) => {
    expect(() => combine(given as never)).toThrow(
      /OPTIONS_INVALID: expected an object of aggregators, at least one/,
    );
  });

  test.each([3, null, {}, count, { ...count(), add: undefined }])('a part %s', (part) => {
    expect(() => combine({ plays: count(), wrong: part } as never)).toThrow(
      /OPTIONS_INVALID: expected an aggregator, such as count\(\), got .*at combine\(\), wrong/,
    );
  });
});

test('the type of the result is inferred, with the elements of the stream or without', () => {
  interface Alone {
    plays: number;
    total: number;
  }
  const alone = combine({ plays: count(), total: sum(ms) });
  expectTypeOf(alone).toEqualTypeOf<Aggregator<Play, unknown[], Alone>>();

  pipeline('typed', unchecked<Play>(), (given) =>
    given.pipe(
      eventTime({ timestamp: ms }),
      keyBy(({ user }) => user),
      window(
        tumbling({ size: 10 }),
        combine({
          plays: count(),
          users: distinctCount(({ user }) => user),
          first: first(),
          longest: last({ by: (one) => one.ms }),
          all: elements(),
          times: quantiles((one) => one.ms, [0.5, 0.9]),
          inner: combine({ total: sum((one) => one.ms) }),
        }),
        { uid: 'w' },
      ),
      map(({ value }) => {
        expectTypeOf(value.plays).toEqualTypeOf<number>();
        expectTypeOf(value.users).toEqualTypeOf<number>();
        expectTypeOf(value.first).toEqualTypeOf<Play>();
        expectTypeOf(value.longest).toEqualTypeOf<Play>();
        expectTypeOf(value.all).toEqualTypeOf<Play[]>();
        expectTypeOf(value.times).toEqualTypeOf<[number, number]>();
        expectTypeOf(value.inner).toEqualTypeOf<{ total: number }>();
        return value;
      }),
    ),
  );

  // @ts-expect-error 3 is no aggregator
  expect(() => combine({ plays: 3 })).toThrow('OPTIONS_INVALID');
});

describe('combine in a window', () => {
  interface Timed {
    readonly at: number;
    readonly user: string;
  }
  const both = combine({
    plays: count(),
    listeners: distinctCount(({ user }: Timed) => user),
    times: quantiles(({ at }: Timed) => at, [0, 1]),
    earliest: first({ by: ({ at }: Timed) => at }),
  });
  const given: Timed[] = [
    { at: 1, user: 'ann' },
    { at: 7, user: 'bob' },
    { at: 6, user: 'bob' },
    { at: 12, user: 'ann' },
  ];
  const [ann, , bob, later] = given;
  const result = (start: number, end: number, value: object): object => ({
    key: 'all',
    window: { start, end },
    value,
  });

  test.each([
    [
      tumbling({ size: 10 }),
      [
        result(0, 10, { plays: 3, listeners: 2, times: [1, 7], earliest: ann }),
        result(10, 20, { plays: 1, listeners: 1, times: [12, 12], earliest: later }),
      ],
    ],
    [
      sliding({ size: 10, slide: 5 }),
      [
        result(-5, 5, { plays: 1, listeners: 1, times: [1, 1], earliest: ann }),
        result(0, 10, { plays: 3, listeners: 2, times: [1, 7], earliest: ann }),
        result(5, 15, { plays: 3, listeners: 2, times: [6, 12], earliest: bob }),
        result(10, 20, { plays: 1, listeners: 1, times: [12, 12], earliest: later }),
      ],
    ],
  ])('%j survives restores', (spec, expected) => {
    const definition = pipeline('combined', unchecked<Timed>(), (timed) =>
      timed.pipe(
        eventTime({ timestamp: ({ at }) => at, outOfOrderness: 5 }),
        keyBy(() => 'all'),
        window(spec, both, { uid: 'w' }),
      ),
    );
    const steps = given.map((push) => ({ push }));
    const ways = verifyOperator(definition, {
      steps: [...steps, { end: true }],
      expect: expected as never[],
    });
    expect(ways).toHaveLength(5);
  });
});

function play(user: string, length: number): Play {
  return { user, ms: length };
}
