import { describe, expect, test } from 'vitest';
import { session, sessionsMeet } from './session-windows.js';
import type { TimeWindow } from './windows.js';

describe('session', () => {
  test('has one gap for all elements, in ms, and goes by event time', () => {
    const spec = session({ gap: '30s' });
    expect([spec.kind, spec.time, spec.gap, spec.gapOf('any')]).toEqual([
      'session',
      'event',
      30_000,
      30_000,
    ]);
  });

  test('goes by the clock where that is asked for', () => {
    expect(session({ gap: 1, time: 'processing' }).time).toBe('processing');
    expect(session({ gap: () => 1, time: 'processing' }).time).toBe('processing');
  });

  test('asks a function for the gap of each element, in any form of a duration', () => {
    const spec = session<number>({ gap: (n) => (n > 0 ? n : '2s') });
    expect([spec.gap, spec.gapOf(5), spec.gapOf(0)]).toEqual(['dynamic', 5, 2_000]);
  });

  test.each([0, '0s'])('a gap of %s is refused', (gap) => {
    expect(() => session({ gap: gap as never })).toThrow(
      /WINDOW_INVALID.*expected a gap > 0, got .*session\.gap/,
    );
  });

  test.each([-1, 1.5, NaN, Infinity, '1 minute', undefined])('%s is no gap', (gap) => {
    expect(() => session({ gap: gap as never })).toThrow(/DURATION_INVALID.*session\.gap/);
  });

  test('what a function gives for an element is refused like a fixed gap', () => {
    expect(() => session({ gap: () => 0 }).gapOf(1)).toThrow('WINDOW_INVALID');
    expect(() => session({ gap: () => -5 }).gapOf(1)).toThrow('DURATION_INVALID');
    expect(() => session({ gap: (() => undefined) as never }).gapOf(1)).toThrow('DURATION_INVALID');
    expect(() => session({ gap: (async () => 5) as never }).gapOf(1)).toThrow('DURATION_INVALID');
  });

  test.each(['wall', 'Event', null, 5])('%s is no time to go by', (time) => {
    expect(() => session({ gap: 1, time: time as never })).toThrow(
      /OPTIONS_INVALID.*'event' or 'processing'.*session\.time/,
    );
  });
});

describe('two windows are one session', () => {
  const cases: readonly (readonly [string, TimeWindow, TimeWindow, boolean])[] = [
    ['when they overlap', span(0, 3), span(2, 5), true],
    ['when one lies in the other', span(0, 9), span(2, 5), true],
    ['when they are the same', span(0, 3), span(0, 3), true],
    ['when they touch', span(0, 3), span(3, 6), true],
    ['not when a millisecond lies between them', span(0, 3), span(4, 6), false],
    ['on either side of 1970 alike', span(-6, -3), span(-3, 0), true],
  ];

  test.each(cases)('%s', (_name, a, b, meet) => {
    expect([sessionsMeet(a, b), sessionsMeet(b, a)]).toEqual([meet, meet]);
  });
});

function span(start: number, end: number): TimeWindow {
  return { start, end };
}
