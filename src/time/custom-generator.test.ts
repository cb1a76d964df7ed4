import { describe, expect, test } from 'vitest';
import { CustomGenerator, type WatermarksDefinition } from './custom-generator.js';
import { BoundedOutOfOrderness } from './watermark.js';

interface Last {
  last: number;
}

/** Says what the element holds, and at each tick the last of them less one. */
const saying: WatermarksDefinition<unknown, Last> = {
  create: () => ({ last: -Infinity }),
  element(value, timestamp, state) {
    state.last = timestamp;
    return value as number | undefined;
  },
  periodic: ({ last }) => last - 1,
};

const generator = (definition = saying): CustomGenerator<Last> => new CustomGenerator(definition);

describe('CustomGenerator', () => {
  test('what is said at an element is the watermark', () => {
    const g = generator();
    expect(g.on(10, 7)).toBe(true);
    expect(g.watermark).toBe(7);
  });

  test('nothing said is no new watermark', () => {
    const g = generator();
    expect(g.on(10, undefined)).toBe(false);
    expect(g.watermark).toBe(-Infinity);
    expect(g.highest).toBe(10);
  });

  test('something lower, or the same, is dropped', () => {
    const g = generator();
    g.on(10, 7);
    expect(g.on(11, 5)).toBe(false);
    expect(g.on(12, 7)).toBe(false);
    expect(g.watermark).toBe(7);
  });

  test('what is said at a tick is the watermark, unless it is lower', () => {
    const g = generator();
    g.on(4, undefined);
    expect(g.periodic(50)).toBe(true);
    expect(g.watermark).toBe(3);
    g.on(2, undefined);
    expect(g.periodic(100)).toBe(false);
    expect(g.watermark).toBe(3);
  });

  test('a tick is told the state and the time', () => {
    const told: unknown[] = [];
    const g = generator({
      ...saying,
      periodic(state, now) {
        told.push([state.last, now]);
      },
    });
    g.on(4, undefined);
    expect(g.periodic(50)).toBe(false);
    expect(told).toEqual([[4, 50]]);
  });

  test.each([
    ['NaN', NaN],
    ['text', '5'],
    ['a bigint', 5n],
    ['null', null],
    ['a date', new Date(5)],
    ['a promise', Promise.resolve(5)],
  ])('%s is an error that names the function', (_name, said) => {
    expect(() => generator().on(10, said)).toThrow(
      /WATERMARK_INVALID.*element of defineWatermarks/,
    );
    const ticking = generator({ ...saying, periodic: () => said as number });
    expect(() => ticking.periodic(50)).toThrow(/WATERMARK_INVALID.*periodic of defineWatermarks/);
  });

  test('infinite watermarks are numbers: no element ever, or the end of time', () => {
    const g = generator();
    expect(g.on(10, -Infinity)).toBe(false);
    expect(g.on(10, Infinity)).toBe(true);
    expect(g.watermark).toBe(Infinity);
  });

  test('an element ends idleness, whatever is said', () => {
    const g = generator();
    g.idle = true;
    expect(g.on(10, undefined)).toBe(true);
    expect(g.idle).toBe(false);
  });

  test('force raises it, and nothing is ever pending', () => {
    const g = generator();
    expect(g.force(100)).toBe(true);
    expect(g.on(50, 49)).toBe(false);
    expect(g.flush()).toBe(false);
    expect(g.watermark).toBe(100);
  });

  test('each split has a state of its own, also where create gives one object twice', () => {
    const shared = { last: 0 };
    const [one, two] = [1, 2].map(() => generator({ ...saying, create: () => shared }));
    one?.on(10, undefined);
    expect(two?.snapshot().state).toEqual({ last: 0 });
  });
});

describe('a checkpoint', () => {
  test('what is restored goes on exactly like the original', () => {
    const percentile: WatermarksDefinition<unknown, { seen: number[] }> = {
      create: () => ({ seen: [] }),
      element(_value, timestamp, { seen }) {
        seen.push(timestamp);
        return Math.min(...seen.slice(-3));
      },
    };
    const timestamps = [5, 9, 2, 14, 11, 30, 28, 26, 40];
    for (let cut = 0; cut <= timestamps.length; cut += 1) {
      const whole = new CustomGenerator(percentile);
      for (const timestamp of timestamps.slice(0, cut)) whole.on(timestamp, undefined);
      const restored = new CustomGenerator(percentile);
      restored.restore(whole.snapshot());
      for (const timestamp of timestamps.slice(cut)) {
        expect(restored.on(timestamp, undefined)).toBe(whole.on(timestamp, undefined));
        expect(restored.watermark).toBe(whole.watermark);
      }
      expect(restored.snapshot()).toEqual(whole.snapshot());
    }
  });

  test('holds a copy, which later elements do not change', () => {
    const g = generator();
    g.on(10, 7);
    const saved = g.snapshot();
    g.on(20, 8);
    expect(saved).toMatchObject({ state: { last: 10 }, sent: 7, highest: 10 });
    const other = generator();
    other.restore(saved);
    other.on(30, 9);
    expect(saved.state).toEqual({ last: 10 });
  });

  test('knows what is idle and what has ended', () => {
    const g = generator();
    g.idle = true;
    g.ended = true;
    const other = generator();
    other.restore(g.snapshot());
    expect([other.idle, other.ended]).toEqual([true, true]);
  });

  test('of a built-in generator is taken over as far as it fits, and the other way round', () => {
    const bounded = new BoundedOutOfOrderness({ boundMs: 0, everyMs: 0 });
    bounded.on(10);
    const g = generator();
    g.restore(bounded.snapshot());
    expect([g.watermark, g.highest]).toEqual([9, 10]);
    expect(g.snapshot().state).toEqual({ last: -Infinity });
    g.on(20, 15);
    const back = new BoundedOutOfOrderness({ boundMs: 0, everyMs: 0 });
    back.restore(g.snapshot());
    expect([back.watermark, back.highest]).toEqual([15, 20]);
  });

  test('a state that no checkpoint could hold is refused at once', () => {
    for (const state of [5, null, undefined, 'text'])
      expect(() => generator({ ...saying, create: () => state as never })).toThrow(
        /OPTIONS_INVALID.*create of defineWatermarks/,
      );
    const withFunction = { ...saying, create: () => ({ last: 0, add: () => 1 }) };
    expect(() => generator(withFunction)).toThrow('VALUE_NOT_ENCODABLE');
  });
});
