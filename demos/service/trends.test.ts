import { afterEach, describe, expect, test } from 'vitest';
import { PipelineError } from '../../src/index.js';
import { limits } from './limits.js';
import { ManualClock } from './manual-clock.js';
import { evening, failing, playsOf, poison } from './service.testing.js';
import { Trends } from './trends.js';
import type { Chart } from './trends.js';

const open: Trends[] = [];

afterEach(() => {
  for (const trends of open.splice(0)) trends.stop();
});

function start(definition?: ReturnType<typeof failing>): { clock: ManualClock; trends: Trends } {
  const clock = new ManualClock(evening);
  const trends = new Trends(clock, definition);
  open.push(trends);
  return { clock, trends };
}

describe('the newest chart', () => {
  test('is empty before the first', () => {
    const { trends } = start();
    const nothing = { number: 0, window: null, places: [], taken: 0, late: 0 };
    expect(trends.latest).toEqual(nothing);
  });

  test('is there when the plays that complete it have been taken', () => {
    const { clock, trends } = start();
    const told: Chart[] = [];
    trends.charts$.subscribe((chart) => void told.push(chart));
    trends.take(playsOf({ a: 1, b: 2 }, evening + 100));
    clock.advance(4_000);
    trends.take(playsOf({ c: 1 }, evening + 3_200));
    expect(trends.latest).toEqual({
      number: 1,
      window: { start: evening - 59_000, end: evening + 1_000 },
      places: [
        { rank: 1, song: 'b', plays: 2 },
        { rank: 2, song: 'a', plays: 1 },
      ],
      taken: 4,
      late: 0,
    });
    expect(told).toEqual([trends.latest]);
  });

  test('has at most ten places', () => {
    const { clock, trends } = start();
    const songs = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`s${index}`, 1]));
    trends.take(playsOf(songs, evening));
    clock.advance(4_000);
    trends.take(playsOf({ z: 1 }, evening + 4_000));
    expect(trends.latest.places).toHaveLength(limits.places);
  });

  test('says how many plays came too late', () => {
    const { clock, trends } = start();
    clock.advance(10_000);
    trends.take(playsOf({ a: 1 }, evening + 10_000));
    trends.take(playsOf({ old: 3 }, evening - 120_000));
    clock.advance(4_000);
    trends.take(playsOf({ a: 1 }, evening + 14_000));
    expect(trends.latest).toMatchObject({ taken: 5, late: 3 });
  });
});

describe('a failure', () => {
  test('is kept, told once, and ends the intake', () => {
    const { clock, trends } = start(failing());
    const told: unknown[] = [];
    trends.charts$.subscribe({ error: (error: unknown) => void told.push(error) });
    trends.take(playsOf({ a: 1, [poison]: 1, b: 1 }, evening));
    expect(trends.failure).toBeInstanceOf(PipelineError);
    expect(told).toEqual([trends.failure]);
    expect(trends.latest).toMatchObject({ number: 1, places: [{ song: 'a' }] });
    trends.take(playsOf({ c: 1 }, evening));
    expect(trends.latest.number).toBe(1);
    expect(clock.waiting).toBe(0);
  });
});

describe('a stop', () => {
  test('tells no half-filled windows, and leaves no timer behind', () => {
    const { clock, trends } = start();
    let charts = 0;
    let isComplete = false;
    trends.charts$.subscribe({ next: () => (charts += 1), complete: () => (isComplete = true) });
    trends.take(playsOf({ a: 1 }, evening));
    trends.stop();
    expect([charts, isComplete, clock.waiting]).toEqual([0, true, 0]);
    trends.take(playsOf({ a: 1 }, evening + 9_000));
    expect(charts).toBe(0);
  });
});
