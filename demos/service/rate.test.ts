import { expect, test } from 'vitest';
import { Rate } from './rate.js';

test('twice the rate may come at once, and then as much as time has filled', () => {
  const rate = new Rate(100, 0);
  expect(rate.take(200, 0)).toEqual({ waitMs: 0 });
  expect(rate.take(1, 0)).toEqual({ waitMs: 10 });
  expect(rate.take(50, 500)).toEqual({ waitMs: 0 });
  expect(rate.take(1, 500)).toEqual({ waitMs: 10 });
});

test('what is refused takes nothing', () => {
  const rate = new Rate(100, 0);
  expect(rate.take(250, 0)).toEqual({ waitMs: 500 });
  expect(rate.take(200, 0)).toEqual({ waitMs: 0 });
});

test('no silence, however long, fills it beyond twice the rate', () => {
  const rate = new Rate(100, 0);
  expect(rate.take(201, 3_600_000).waitMs).toBeGreaterThan(0);
});

test('a clock that is set back neither fills nor empties it', () => {
  const rate = new Rate(100, 10_000);
  expect(rate.take(150, 0)).toEqual({ waitMs: 0 });
  expect(rate.take(50, 0)).toEqual({ waitMs: 0 });
  expect(rate.take(1, 0)).toEqual({ waitMs: 10 });
});
