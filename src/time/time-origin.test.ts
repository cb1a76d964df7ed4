import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimeOrigin } from './time-origin.js';

test('counts from 0 until it is settled, and then for ever from the first finite time', () => {
  const origin = new TimeOrigin();
  expect(origin.ms).toBe(0);
  origin.settle(-Infinity);
  origin.settle(NaN);
  expect(origin.ms).toBe(0);
  origin.settle(5000);
  origin.settle(7000);
  expect(origin.ms).toBe(5000);
});

test('a fraction is counted from 0', () => {
  const origin = new TimeOrigin();
  origin.settle(0.1);
  origin.settle(5000);
  expect(origin.ms).toBe(0);
  expect(origin.isExact(0.1)).toBe(true);
});

test('the distance to a whole time says which time it is', () => {
  const time = fc.integer({ min: -8.64e15 / 2, max: 8.64e15 / 2 });
  fc.assert(
    fc.property(time, time, (first, other) => {
      const origin = new TimeOrigin();
      origin.settle(first);
      return origin.isExact(other) && origin.ms + (other - origin.ms) === other;
    }),
  );
});

test('the distance to a fraction may not', () => {
  const origin = new TimeOrigin();
  origin.settle(1_700_000_000_000);
  expect(origin.isExact(0.1)).toBe(false);
  expect(origin.isExact(1_700_000_000_000.5)).toBe(true);
});
