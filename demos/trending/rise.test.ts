import { expect, test } from 'vitest';
import { movement } from './chart.js';
import type { Place } from './chart.js';
import { RiseWatch } from './rise.js';
import type { Rise } from './rise.js';

/** Charts of windows of two slides: `a3 b2` for a window, one after another from end 10. */
function watch(...texts: string[]): Rise | undefined {
  const rises = new RiseWatch();
  let former: Place[] = [];
  texts.forEach((text, index) => {
    const end = 10 * (index + 1);
    const places = text
      .split(' ')
      .map((word) => ({ key: word.charAt(0), count: Number(word.slice(1)) }));
    rises.on({ window: { start: end - 20, end }, entries: movement(places, former) });
    former = places;
  });
  return rises.best;
}

test('a key that enters, climbs to the top and goes on growing is the rise of the day', () => {
  expect(watch('a9', 'a9', 'a9 v1', 'a9 v5', 'v10 a8', 'v20 a8', 'a9 v7')).toEqual({
    key: 'v',
    enteredAt: 30,
    enteredCount: 1,
    firstAt: 50,
    peakAt: 60,
    peakCount: 20,
  });
});

test('whoever was there from the start did not come from nowhere', () => {
  expect(watch('a9 b1', 'a9 b2', 'a9 b3', 'b10 a9')).toBeUndefined();
  expect(watch('a9 b1', 'a9', 'a9', 'a9 b8', 'b10 a9')).toBeUndefined();
});

test('whoever never came first did not rise', () => {
  expect(watch('a9', 'a9', 'a9', 'a9 v8')).toBeUndefined();
});

test('a handful of counts is chance', () => {
  expect(watch('a3', 'a3', 'a3', 'v4 a3')).toBeUndefined();
});

test('whoever came first because the others fell did not rise', () => {
  expect(watch('a99', 'a99', 'a99 v20', 'v21 a20', 'v22 a10')).toBeUndefined();
});

test('of several climbs the highest counts', () => {
  expect(watch('a9', 'a9', 'a9 u1', 'u10 a9 v2', 'v30 u10')?.key).toBe('v');
});

test('who drops out before the top begins again', () => {
  expect(watch('a9', 'a9', 'a9 v1', 'a9', 'a9 v1', 'v10 a9')).toMatchObject({
    enteredAt: 50,
    firstAt: 60,
  });
});

test('charts that are mended afterwards do not turn the story back', () => {
  const rises = new RiseWatch();
  const chart = (end: number, key: string): void =>
    rises.on({ window: { start: end - 10, end }, entries: movement([{ key, count: 5 }], []) });
  for (const end of [10, 20, 30]) chart(end, 'a');
  chart(20, 'v');
  expect(rises.best).toBeUndefined();
});
