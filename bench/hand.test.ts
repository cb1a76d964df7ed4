// The loops by hand against a recount of all events that knows no watermark.
import { describe, expect, test } from 'vitest';
import { HandSessions } from './hand-sessions.js';
import { IntegerCounts } from './hand-table.js';
import { HandSliding, HandTumbling, type CountResult, type HandWindows } from './hand-windows.js';
import { mix, Plays, type Play } from './plays.js';

const plays = new Plays({ keys: 40, keysFirst: false, eventsPerMs: 0.05 }).chunk(0, 20_000);

function resultsOf(windowsOf: (fire: (results: CountResult[]) => void) => HandWindows): string[] {
  const lines: string[] = [];
  const windows = windowsOf((results) => {
    for (const { key, window, value } of results)
      lines.push(`${key} ${window.start} ${window.end} ${value}`);
  });
  windows.addAll(plays);
  windows.end();
  return lines.toSorted();
}

function recount(windowsOf: (play: Play) => number[], sizeMs: number): string[] {
  const counts = new Map<string, number>();
  for (const play of plays)
    for (const start of windowsOf(play)) {
      const window = `${play.user} ${start} ${start + sizeMs}`;
      counts.set(window, (counts.get(window) ?? 0) + 1);
    }
  return [...counts].map(([window, count]) => `${window} ${count}`).toSorted();
}

describe('windows by hand', () => {
  test('tumble as a recount does', () => {
    const sizes = { sizeMs: 1000, slideMs: 1000 };
    expect(resultsOf((fire) => new HandTumbling(sizes, fire))).toEqual(
      recount(({ at }) => [Math.floor(at / 1000) * 1000], 1000),
    );
  });

  test('slide as a recount does', () => {
    const sizes = { sizeMs: 6000, slideMs: 1000 };
    const startsOf = ({ at }: Play): number[] =>
      Array.from({ length: 6 }, (_, back) => (Math.floor(at / 1000) - back) * 1000);
    expect(resultsOf((fire) => new HandSliding(sizes, fire))).toEqual(recount(startsOf, 6000));
  });
});

describe('sessions by hand', () => {
  const gapMs = 1000;

  /** Sorted first, so that no element is late and none joins two sessions. */
  function sessions(): string[] {
    const results: string[] = [];
    for (const user of new Set(plays.map((play) => play.user))) {
      const own = plays.filter((play) => play.user === user);
      const sorted = own.map(({ at }) => at).toSorted((a, b) => a - b);
      let [start, count] = [sorted[0] ?? NaN, 0];
      for (const [index, at] of sorted.entries()) {
        count += 1;
        const next = sorted[index + 1] ?? Infinity;
        if (next <= at + gapMs) continue;
        results.push(`${user} ${start} ${at + gapMs} ${count}`);
        [start, count] = [next, 0];
      }
    }
    return results.toSorted();
  }

  test('come to what a recount in order of time comes to', () => {
    expect(resultsOf((fire) => new HandSessions(gapMs, fire))).toEqual(sessions());
  });

  test('meet elements that join two of them', () => {
    // Without order, taken as they come and never joined, there are more.
    const ends = new Map<number, number>();
    let taken = 0;
    for (const { user, at } of plays) {
      const end = ends.get(user) ?? -Infinity;
      if (at > end) taken += 1;
      ends.set(user, Math.max(end, at + gapMs));
    }
    expect(sessions().length).toBeLessThan(taken);
  });
});

test('a table of integers counts like a map', () => {
  const table = new IntegerCounts();
  const counts = new Map<number, number>();
  const keys = Array.from({ length: 50_000 }, (_, n) => mix(n) % 20_000);
  const expected = keys.map((key) => {
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count;
  });
  expect(keys.map((key) => table.increment(key))).toEqual(expected);
});
