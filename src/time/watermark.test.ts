import { describe, expect, test } from 'vitest';
import { BoundedOutOfOrderness } from './watermark.js';

describe('BoundedOutOfOrderness', () => {
  test('before the first element there is no watermark, not one behind the bound', () => {
    const generator = new BoundedOutOfOrderness({ boundMs: 10, everyMs: 0 });
    expect(generator.watermark).toBe(-Infinity);
    expect(generator.flush()).toBe(false);
    expect(generator.watermark).toBe(-Infinity);
  });

  test('the watermark is the highest timestamp less the bound less one', () => {
    expect(sent({ boundMs: 0, everyMs: 0 }, [5, 7, 6, 9])).toEqual([4, 6, undefined, 8]);
    expect(sent({ boundMs: 3, everyMs: 0 }, [5, 7, 6, 9])).toEqual([1, 3, undefined, 5]);
  });

  test('negative timestamps make negative watermarks', () => {
    expect(sent({ boundMs: 5, everyMs: 0 }, [-100, -200, -50])).toEqual([-106, undefined, -56]);
  });

  test('with every 0 fractions of a millisecond move it too', () => {
    expect(sent({ boundMs: 0, everyMs: 0 }, [1, 1.5, 1.25])).toEqual([0, 0.5, undefined]);
  });

  test('it is sent when watermark + 1 crosses a multiple of every', () => {
    const timestamps = [0, 1, 199, 200, 201, 399, 1000, 1001, 1199, 1200];
    expect(sent({ boundMs: 0, everyMs: 200 }, timestamps)).toEqual([
      -1,
      undefined,
      undefined,
      199,
      undefined,
      undefined,
      999,
      undefined,
      undefined,
      1199,
    ]);
  });

  test('multiples of every are taken by floor, below zero as above', () => {
    const timestamps = [-401, -400, -399, -201, -200, -1, 0];
    expect(sent({ boundMs: 0, everyMs: 200 }, timestamps)).toEqual([
      -402,
      -401,
      undefined,
      undefined,
      -201,
      undefined,
      -1,
    ]);
  });

  test('flush sends what is pending, once', () => {
    const generator = new BoundedOutOfOrderness({ boundMs: 0, everyMs: 1000 });
    generator.on(0);
    generator.on(500);
    expect(generator.watermark).toBe(-1);
    expect(generator.flush()).toBe(true);
    expect(generator.watermark).toBe(499);
    expect(generator.flush()).toBe(false);
  });

  test('a flush does not change when the next one is sent', () => {
    const generator = new BoundedOutOfOrderness({ boundMs: 0, everyMs: 1000 });
    generator.on(500);
    generator.flush();
    expect(generator.on(999)).toBe(false);
    expect(generator.on(1000)).toBe(true);
    expect(generator.watermark).toBe(999);
  });

  test('an element far behind never lowers it', () => {
    const generator = new BoundedOutOfOrderness({ boundMs: 0, everyMs: 0 });
    generator.on(1000);
    expect(generator.on(-1_000_000)).toBe(false);
    generator.flush();
    expect(generator.watermark).toBe(999);
  });

  test('force raises it, and the data takes over once it is ahead', () => {
    const generator = new BoundedOutOfOrderness({ boundMs: 0, everyMs: 0 });
    expect(generator.force(100)).toBe(true);
    expect(generator.force(50)).toBe(false);
    expect(generator.on(80)).toBe(false);
    expect(generator.watermark).toBe(100);
    expect(generator.on(200)).toBe(true);
    expect(generator.watermark).toBe(199);
  });

  test('what is restored goes on exactly like the original', () => {
    const timestamps = [3, 250, 90, 401, 395, 820, 800, 1000, 1203];
    for (let cut = 0; cut <= timestamps.length; cut += 1) {
      const whole = new BoundedOutOfOrderness({ boundMs: 7, everyMs: 200 });
      const first = new BoundedOutOfOrderness({ boundMs: 7, everyMs: 200 });
      for (const timestamp of timestamps.slice(0, cut)) {
        whole.on(timestamp);
        first.on(timestamp);
      }
      const second = new BoundedOutOfOrderness({ boundMs: 7, everyMs: 200 });
      second.restore(first.snapshot());
      for (const timestamp of timestamps.slice(cut)) {
        expect(second.on(timestamp)).toBe(whole.on(timestamp));
        expect(second.watermark).toBe(whole.watermark);
      }
      expect(second.flush()).toBe(whole.flush());
      expect(second.snapshot()).toEqual(whole.snapshot());
    }
  });

  test('an element ends idleness, and says so once', () => {
    const generator = new BoundedOutOfOrderness({ boundMs: 0, everyMs: 200 });
    generator.on(1000);
    for (const timestamp of [1001, 500, 1200]) {
      generator.idle = true;
      expect(generator.on(timestamp)).toBe(true);
      expect(generator.idle).toBe(false);
      expect(generator.on(timestamp)).toBe(false);
    }
  });

  test('the highest timestamp is known before it is sent', () => {
    const generator = new BoundedOutOfOrderness({ boundMs: 5, everyMs: 1000 });
    expect(generator.highest).toBe(-Infinity);
    for (const timestamp of [10, 700, 650]) generator.on(timestamp);
    expect([generator.highest, generator.watermark]).toEqual([700, 4]);
  });

  test.each([
    { boundMs: 0, everyMs: 0 },
    { boundMs: 7, everyMs: 0 },
    { boundMs: 0, everyMs: 200 },
    { boundMs: 1234, everyMs: 200 },
  ])('the timestamp that it needs to get somewhere is the earliest that does: %o', (options) => {
    for (const before of [[], [10], [10, 390], [-55]])
      for (const time of [500, 598, 599, 600, 1000]) {
        const reaches = (timestamp: number): boolean => {
          const generator = new BoundedOutOfOrderness(options);
          for (const earlier of before) generator.on(earlier);
          generator.on(timestamp);
          return generator.watermark >= time;
        };
        const generator = new BoundedOutOfOrderness(options);
        for (const earlier of before) generator.on(earlier);
        const needed = generator.needs(time);
        expect([needed, reaches(needed), reaches(needed - 1)]).toEqual([needed, true, false]);
      }
  });

  test('state of a release that did not note the end of a split is read', () => {
    const generator = new BoundedOutOfOrderness({ boundMs: 0, everyMs: 0 });
    generator.restore({ highest: 10, sent: 9, idle: false });
    expect([generator.watermark, generator.ended]).toEqual([9, false]);
  });

  test('the idle flag is part of what is restored', () => {
    const generator = new BoundedOutOfOrderness({ boundMs: 0, everyMs: 0 });
    generator.idle = true;
    const other = new BoundedOutOfOrderness({ boundMs: 0, everyMs: 0 });
    other.restore(generator.snapshot());
    expect(other.idle).toBe(true);
  });
});

/** The watermark after each element for which one is to be sent. */
function sent(
  options: { boundMs: number; everyMs: number },
  timestamps: readonly number[],
): (number | undefined)[] {
  const generator = new BoundedOutOfOrderness(options);
  return timestamps.map((timestamp) => (generator.on(timestamp) ? generator.watermark : undefined));
}
