import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock, systemRandom } from './clock.js';

const START = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;

describe('systemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: START });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('tells epoch milliseconds', () => {
    expect(systemClock.now()).toBe(START);
  });

  test('a timer fires once, at its time', () => {
    const fired: number[] = [];
    systemClock.setTimer(START + 50, () => fired.push(systemClock.now() - START));
    vi.advanceTimersByTime(49);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(fired).toEqual([50]);
  });

  test.each([START, START - 1, 0, -Infinity])(
    'a timer at or before now (%d) fires in the next turn',
    (time) => {
      const fired: string[] = [];
      systemClock.setTimer(time, () => fired.push('timer'));
      fired.push('set');
      vi.advanceTimersByTime(1);
      expect(fired).toEqual(['set', 'timer']);
    },
  );

  test('a timer beyond what setTimeout can hold fires at its time, not at once', () => {
    let isFired = false;
    systemClock.setTimer(START + 60 * DAY_MS, () => (isFired = true));
    vi.advanceTimersByTime(60 * DAY_MS - 1);
    expect(isFired).toBe(false);
    vi.advanceTimersByTime(1);
    expect(isFired).toBe(true);
  });

  test('a cancelled timer never fires, also one that was armed again on the way', () => {
    let fired = 0;
    const cancelNear = systemClock.setTimer(START + 10, () => (fired += 1));
    const cancelFar = systemClock.setTimer(START + 60 * DAY_MS, () => (fired += 1));
    cancelNear();
    vi.advanceTimersByTime(30 * DAY_MS);
    cancelFar();
    vi.advanceTimersByTime(60 * DAY_MS);
    expect(fired).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('cancelling after it has fired is harmless', () => {
    let fired = 0;
    const cancel = systemClock.setTimer(START, () => (fired += 1));
    vi.advanceTimersByTime(1);
    cancel();
    expect(fired).toBe(1);
  });
});

test('turn lets I/O and immediates have their chance', async () => {
  let isRun = false;
  setImmediate(() => (isRun = true));
  await systemClock.turn();
  expect(isRun).toBe(true);
});

test('elapsed never goes back', () => {
  const before = systemClock.elapsed();
  expect(systemClock.elapsed()).toBeGreaterThanOrEqual(before);
});

test('systemRandom is in [0, 1)', () => {
  for (let index = 0; index < 100; index += 1) {
    const number = systemRandom();
    expect(number >= 0 && number < 1).toBe(true);
  }
});
