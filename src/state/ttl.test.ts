import { describe, expect, test } from 'vitest';
import { aggregatingState, listState, mapState, reducingState, valueState } from '../index.js';
import type { StateOptions } from './ttl.js';
import { Ttl, ttlOf, type StateTime } from './ttl.js';

describe('options', () => {
  const declarations: Record<string, (options: StateOptions) => unknown> = {
    valueState: (options) => valueState(0, options),
    listState: (options) => listState(options),
    mapState: (options) => mapState(options),
    reducingState: (options) => reducingState((a: number) => a, options),
    aggregatingState: (options) =>
      aggregatingState({ create: () => 0, add: (a: number) => a, result: (a) => a }, options),
  };

  test.each(Object.entries(declarations))('%s takes a TTL and names itself', (name, declare) => {
    expect(() => declare({ ttl: { after: '1h' } })).not.toThrow();
    expect(() => declare({ ttl: { after: 0 } })).toThrow(`ttl.after of ${name}`);
    expect(() => declare({ tll: { after: 1 } } as never)).toThrow(
      `OPTIONS_INVALID: expected only ttl, schema, migrate, got unknown option "tll", at options of ${name}`,
    );
  });

  test.each([0, -1, 1.5, NaN, '5', '-5m', undefined, null, {}])(
    'after: %s is no time to live',
    (after) => {
      expect(() => ttlOf({ ttl: { after: after as number } }, 'x')).toThrow('DURATION_INVALID');
    },
  );

  test('that are unknown or out of range are refused', () => {
    expect(() => ttlOf({ ttl: { after: 1, updates: 'x' } as never }, 'x')).toThrow(
      'unknown option "updates", at ttl of x',
    );
    for (const wrong of [
      { update: 'onRead' },
      { visibility: true },
      { time: 'wall' },
      { cleanup: 'fullSnapshot' },
    ])
      expect(() => ttlOf({ ttl: { after: 1, ...wrong } as never }, 'x')).toThrow(
        /OPTIONS_INVALID.* at ttl of x/,
      );
    expect(() => ttlOf({ ttl: '1h' as never }, 'x')).toThrow('OPTIONS_INVALID');
    expect(() => ttlOf('1h' as never, 'x')).toThrow('OPTIONS_INVALID');
  });

  test('without a TTL there is none', () => {
    expect([ttlOf(undefined, 'x'), ttlOf({}, 'x')]).toEqual([undefined, undefined]);
  });

  test('have defaults', () => {
    expect(ttlOf({ ttl: { after: '1s' } }, 'x')).toMatchObject({
      afterMs: 1000,
      isEvent: true,
      stampsReads: false,
      givesExpired: false,
      isSwept: true,
    });
    const other = {
      after: 1,
      update: 'onReadAndWrite',
      visibility: 'returnExpiredIfNotCleanedUp',
      time: 'processing',
      cleanup: 'none',
    } as const;
    expect(ttlOf({ ttl: other }, 'x')).toMatchObject({
      afterMs: 1,
      isEvent: false,
      stampsReads: true,
      givesExpired: true,
      isSwept: false,
    });
  });
});

describe('stamps', () => {
  const event = new Ttl({ after: 10 }, 10);
  const processing = new Ttl({ after: 10, time: 'processing' }, 10);
  const time = (timestamp: number, watermark: number): StateTime => ({
    timestamp,
    eventTime: () => watermark,
    processingTime: () => 1_000,
  });

  test('in event time are the timestamp in hand, else the watermark, else not known', () => {
    expect(event.stamp(time(5, 3))).toBe(5);
    expect(event.stamp(time(NaN, 3))).toBe(3);
    expect(event.stamp(time(NaN, -Infinity))).toBeNaN();
    expect([event.now(time(5, 3)), event.now(time(5, -Infinity))]).toEqual([3, -Infinity]);
  });

  test('in processing time are the clock', () => {
    expect([processing.stamp(time(5, 3)), processing.now(time(5, 3))]).toEqual([1_000, 1_000]);
  });

  test('expire when stamp + ttl is reached, and one that is not known never', () => {
    expect([109, 110, 111].map((now) => event.isExpired(100, now))).toEqual([false, true, true]);
    expect(event.isExpired(100, -Infinity)).toBe(false);
    expect(event.isExpired(NaN, Infinity)).toBe(false);
  });

  test('do not overflow', () => {
    const never = new Ttl({ after: Number.MAX_SAFE_INTEGER }, Number.MAX_SAFE_INTEGER);
    expect(never.isExpired(8.64e15, 8.64e15)).toBe(false);
  });

  test('in event time never go back, in processing time are those of the last write', () => {
    expect([event.later(5, 3), event.later(3, 5), event.later(NaN, 5)]).toEqual([5, 5, 5]);
    expect(processing.later(5, 3)).toBe(3);
  });
});
