import { describe, expect, test } from 'vitest';
import { durationMs, formatDuration, type Duration } from './duration.js';
import { TidemarkError } from './errors.js';

describe('durationMs', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['1.5h', 5_400_000],
    ['0.1s', 100],
    ['1.1s', 1100],
    ['0ms', 0],
    ['007s', 7000],
    [0, 0],
    [1500, 1500],
  ] as [Duration, number][])('%j is %d ms', (text, ms) => {
    expect(durationMs(text, 'x')).toBe(ms);
  });

  test('ms is not read as minutes followed by an s', () => {
    expect(durationMs('1ms', 'x')).toBe(1);
  });

  test.each([
    '1 hour',
    '1 h',
    '5',
    '',
    'm',
    '-5m',
    '+5m',
    '1e3ms',
    '.5h',
    '5.h',
    '5M',
    '5min',
    '5m5s',
    ' 5m',
    '5m\n',
    '٣s',
    '0.1ms',
    '0.0000001d',
    `${'9'.repeat(400)}d`,
    '99999999999d',
  ])('%j is refused', (text) => {
    expect(refusal(text).code).toBe('DURATION_INVALID');
  });

  test.each([-1, 0.5, NaN, Infinity, -Infinity, 2 ** 53])('the number %d is refused', (ms) => {
    expect(refusal(ms).code).toBe('DURATION_INVALID');
  });

  test.each([undefined, null, {}, [], true, 5n])('the value %s is refused', (value) => {
    expect(refusal(value).code).toBe('DURATION_INVALID');
  });

  test('the error says what is allowed, what was given and where', () => {
    const error = refusal('1 hour');
    expect(error.expected).toContain("'5m'");
    expect(error.got).toBe('"1 hour"');
    expect(error.where).toBe('window.size');
    expect(error.hint).toContain('without a space');
  });
});

describe('formatDuration', () => {
  test.each([
    [300_000, '5m'],
    [86_400_000, '1d'],
    [90_000, '90s'],
    [1500, '1500ms'],
    [0, '0ms'],
    [1, '1ms'],
    [Infinity, 'Infinity'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('what is formatted is read back as the same number', () => {
    for (const ms of [0, 1, 999, 1000, 60_000, 3_600_000, 86_400_000, 123_456_789])
      expect(durationMs(formatDuration(ms) as Duration, 'x')).toBe(ms);
  });
});

function refusal(value: unknown): TidemarkError {
  try {
    durationMs(value as Duration, 'window.size');
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('the duration was accepted');
}
