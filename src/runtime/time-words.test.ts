import { expect, test } from 'vitest';
import { count, spanText, timeText } from './time-words.js';

test('a time is said in UTC, to the millisecond', () => {
  expect(timeText(0)).toBe('1970-01-01 00:00:00.000');
  expect(timeText(1_700_000_000_123)).toBe('2023-11-14 22:13:20.123');
  expect(timeText(-1)).toBe('1969-12-31 23:59:59.999');
});

test('a time that no calendar has is said as it is', () => {
  expect(timeText(-Infinity)).toBe('none');
  expect(timeText(Infinity)).toBe('the end');
  expect(timeText(9e15)).toBe('9000000000000000');
});

test.each([
  [0, '0ms'],
  [999, '999ms'],
  [10_000, '10s'],
  [47_999, '47.999s'],
  [59_999.6, '1m'],
  [61_000, '61s'],
  [61_001, '1.0m'],
  [5_400_000, '90m'],
  [5_400_001, '1.5h'],
  [864_000_001, '10.0d'],
])('a span of %d ms is %s', (ms, text) => {
  expect(spanText(ms)).toBe(text);
});

test('one is said otherwise than two', () => {
  expect([count(0, 'timer'), count(1, 'timer'), count(2, 'timer')]).toEqual([
    '0 timers',
    '1 timer',
    '2 timers',
  ]);
});
