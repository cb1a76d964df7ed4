import { describe, expect, test } from 'vitest';
import { RetryPolicy, retrySchema, type RetryOptions } from './async-retry.js';

const policy = (retry: RetryOptions | undefined): RetryPolicy =>
  new RetryPolicy(retry === undefined ? undefined : retrySchema.parse(retry), 'a test');
const failed = { error: new Error('no') };

describe('RetryPolicy', () => {
  test('without options nothing is tried again', () => {
    expect(policy(undefined).delayAfter(1, failed)).toBeUndefined();
  });

  test('fixed: after each error, until the attempts are used up', () => {
    const fixed = policy({ attempts: 3, delay: '1s' });
    expect([1, 2, 3].map((attempt) => fixed.delayAfter(attempt, failed))).toEqual([
      1000,
      1000,
      undefined,
    ]);
    expect(fixed.delayAfter(1, { result: undefined })).toBeUndefined();
  });

  test('exponential: each wait is longer, up to a bound', () => {
    const growing = policy({ attempts: 10, delay: 100, multiplier: 3, maxDelay: '1s' });
    expect([1, 2, 3, 4, 9].map((attempt) => growing.delayAfter(attempt, failed))).toEqual([
      100, 300, 900, 1000, 1000,
    ]);
    expect(policy({ attempts: 1000, delay: 1, multiplier: 1000 }).delayAfter(999, failed)).toBe(
      3_600_000,
    );
  });

  test('predicates say which errors and which results are tried again', () => {
    const picky = policy({
      attempts: 3,
      delay: 1,
      onError: (error) => error instanceof RangeError,
      onResult: (result) => result === 'busy',
    });
    expect(picky.delayAfter(1, failed)).toBeUndefined();
    expect(picky.delayAfter(1, { error: new RangeError() })).toBe(1);
    expect(picky.delayAfter(1, { result: 'busy' })).toBe(1);
    expect(picky.delayAfter(1, { result: 'done' })).toBeUndefined();
    expect(picky.delayAfter(3, { result: 'busy' })).toBeUndefined();
  });
});
