import { expect, test } from 'vitest';
import { amount, clockTime, day, moment, span, timestamp } from './wording.js';

const at = Date.UTC(2026, 2, 6, 16, 35, 7);

test('numbers have commas', () => {
  expect([0, 999, 1000, 1_234_567, 12.6].map(amount)).toEqual([
    '0',
    '999',
    '1,000',
    '1,234,567',
    '13',
  ]);
});

test('times are UTC', () => {
  expect([clockTime(at), day(at), moment(at), timestamp(at)]).toEqual([
    '16:35',
    'Fri 6 Mar',
    'Fri 6 Mar 16:35:07',
    '2026-03-06 16:35:07',
  ]);
});

test('times beyond the calendar are still told', () => {
  expect(timestamp(9e15)).toBe('9000000000000000 ms');
  expect(day(NaN)).toBe('?');
});

test('spans have two units', () => {
  const cases: [number, string][] = [
    [0, '0.0 s'],
    [2345, '2.3 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [125_000, '2 min 5 s'],
    [3_900_000, '1 h 5 min'],
    [1_511_664_000_000, '17,496 days'],
    [Infinity, 'for ever'],
  ];
  for (const [ms, text] of cases) expect(span(ms)).toBe(text);
});
