import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../core/clock.js';
import { steadyClock } from './steady-clock.js';

/** A wall clock that somebody may set, over one that only goes on. */
function settable(): Clock & { pass(ms: number): void; set(byMs: number): void; timers: number[] } {
  let elapsed = 0;
  let offset = 1_000_000;
  const timers: number[] = [];
  return {
    timers,
    pass: (ms) => (elapsed += ms),
    set: (byMs) => (offset += byMs),
    now: () => elapsed + offset,
    elapsed: () => elapsed,
    turn: () => Promise.resolve(),
    setTimer(time) {
      timers.push(time);
      return () => undefined;
    },
  };
}

describe('a clock that is set back', () => {
  test('is followed as it is while it goes on, also when it is set ahead', () => {
    const wall = settable();
    const steady = steadyClock(wall);
    expect(steady.now()).toBe(1_000_000);
    wall.pass(5);
    wall.set(3600);
    expect(steady.now()).toBe(1_003_605);
    steady.setTimer(1_004_000, () => undefined);
    expect(wall.timers).toEqual([1_004_000]);
  });

  test('is caught up with at half pace', () => {
    const wall = settable();
    const steady = steadyClock(wall);
    steady.now();
    wall.set(-1000);
    expect(steady.now()).toBe(1_000_000);
    wall.pass(500);
    expect(steady.now()).toBe(1_000_250);
    wall.pass(1500);
    expect([steady.now(), wall.now()]).toEqual([1_001_000, 1_001_000]);
    wall.pass(10);
    expect(steady.now()).toBe(1_001_010);
  });

  test('still wakes up in time', () => {
    const wall = settable();
    const steady = steadyClock(wall);
    steady.now();
    wall.set(-60_000);
    // In 100 ms by its own pace, which are 200 of the wall clock.
    steady.setTimer(1_000_100, () => undefined);
    expect(wall.timers).toEqual([1_000_000 - 60_000 + 200]);
    wall.pass(200);
    expect(steady.now()).toBe(1_000_100);
  });

  test('law: time never goes back, passes while time passes, and meets the wall clock again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ pass: fc.nat(5000), set: fc.integer({ min: -9000, max: 9000 }) }), {
          maxLength: 30,
        }),
        (steps) => {
          const wall = settable();
          const steady = steadyClock(wall);
          let before = steady.now();
          for (const { pass, set } of steps) {
            wall.set(set);
            const at = steady.now();
            expect(at).toBeGreaterThanOrEqual(before);
            wall.pass(pass);
            const later = steady.now();
            expect(later - at).toBeGreaterThanOrEqual(Math.floor(pass / 2));
            before = later;
          }
          wall.pass(2 * 30 * 9000);
          expect(steady.now()).toBe(wall.now());
        },
      ),
    );
  });
});
