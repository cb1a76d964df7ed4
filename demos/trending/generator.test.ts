import { describe, expect, test } from 'vitest';
import { catalogue, songOf, viralSong } from './catalogue.js';
import { dayStart, heardMs, plays } from './generator.js';
import type { Play } from './generator.js';

const minute = 60_000;
const hour = 60 * minute;
const options = { seed: 7, events: 60_000 };
const day: readonly Play[] = [...plays(options)];
const timed = day.filter(({ at }) => !Number.isNaN(at));

/** How far each play lies behind the newest one before it. */
function delays(): number[] {
  let newest = -Infinity;
  return timed.map(({ at }) => {
    const behind = Math.max(0, newest - at);
    newest = Math.max(newest, at);
    return behind;
  });
}

function heardBetween(from: number, to: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { at, ms, songId } of timed)
    if (ms >= heardMs && at >= dayStart + from * hour && at < dayStart + to * hour)
      counts.set(songId, (counts.get(songId) ?? 0) + 1);
  return counts;
}

const order = (counts: Map<string, number>): string[] =>
  [...counts].toSorted(([, a], [, b]) => b - a).map(([key]) => key);

test('the same seed gives the same plays, another seed others', () => {
  const head = (seed: number): Play[] => [...plays({ seed, events: 2000 })];
  expect(head(3)).toEqual(head(3));
  expect(head(3)).not.toEqual(head(4));
});

test.each([1, 10, 999, 20_000])('there are exactly as many plays as asked for: %i', (events) => {
  expect([...plays({ seed: 1, events })]).toHaveLength(events);
});

describe('the day', () => {
  test('lasts 26 hours', () => {
    const ats = timed.map(({ at }) => at);
    expect(Math.min(...ats)).toBeGreaterThanOrEqual(dayStart);
    expect(Math.min(...ats)).toBeLessThan(dayStart + hour);
    expect(Math.max(...ats) - dayStart).toBeGreaterThan(25.9 * hour);
    expect(Math.max(...ats) - dayStart).toBeLessThan(26.2 * hour);
  });

  test('is quiet at four in the night and busy at eight in the evening', () => {
    const count = (from: number): number => heardBetweenCount(from, from + 1);
    expect(count(20)).toBeGreaterThan(4 * count(4));
  });

  test('has skips, about a fifth of all', () => {
    const skips = day.filter(({ ms }) => ms < heardMs).length;
    expect(skips / day.length).toBeGreaterThan(0.15);
    expect(skips / day.length).toBeLessThan(0.3);
  });

  test('has users who listen to more than one song in a row', () => {
    const users = new Set(day.map(({ userId }) => userId));
    expect(day.length / users.size).toBeGreaterThan(2);
  });
});

test('popularity has a long tail: the first tenth of the songs has most of the plays, and most songs have some', () => {
  const counts = heardBetween(0, 26);
  const sums = order(counts).map((key) => counts.get(key) ?? 0);
  const sum = (part: readonly number[]): number => part.reduce((a, b) => a + b, 0);
  expect(sum(sums.slice(0, 120)) / sum(sums)).toBeGreaterThan(0.5);
  expect(counts.size).toBeGreaterThan(1000);
});

test('one song is nowhere at noon, and first in the evening', () => {
  expect(order(heardBetween(11, 12)).slice(0, 50)).not.toContain(viralSong.id);
  expect(order(heardBetween(18, 19))[0]).toBe(viralSong.id);
});

describe('arrival', () => {
  test('is not in the order of event time, and mostly within two minutes of it', () => {
    const behind = delays();
    const within = behind.filter((ms) => ms <= 2 * minute).length;
    expect(behind.filter((ms) => ms > 0).length).toBeGreaterThan(day.length / 10);
    expect(within / behind.length).toBeGreaterThan(0.995);
    expect(within).toBeLessThan(behind.length);
  });

  test('of a few comes more than an hour late', () => {
    const late = delays().filter((ms) => ms > 62 * minute).length;
    expect(late).toBe(3);
  });
});

test('a player with a broken clock has no event time', () => {
  expect(day.filter(({ at }) => Number.isNaN(at))).toHaveLength(0);
  const long = plays({ seed: 1, events: 110_000 });
  let broken = 0;
  for (const { at } of long) if (Number.isNaN(at)) broken += 1;
  expect(broken).toBe(1);
});

test('songs have names of their own', () => {
  expect(new Set(catalogue.map(({ title }) => title)).size).toBe(catalogue.length);
  expect(songOf(viralSong.id)).toBe(viralSong);
  for (const { title, artist } of catalogue)
    expect(`${title}${artist}`).toMatch(/^[\p{L}\d&.,' -]+$/u);
});

function heardBetweenCount(from: number, to: number): number {
  return [...heardBetween(from, to).values()].reduce((a, b) => a + b, 0);
}
