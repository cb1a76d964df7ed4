import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../core/errors.js';
import {
  SliceAssigner,
  hop,
  windowsAt,
  sliding,
  tumbling,
  type AlignedWindows,
  type SlidingOptions,
  type TumblingOptions,
} from './windows.js';

const specs: readonly AlignedWindows[] = [
  [1, 1, 0],
  [10, 10, 0],
  [10, 10, 3],
  [10, 10, -3],
  [10, 5, 0],
  [10, 5, 4],
  [10, 5, -4],
  [3, 2, 0],
  [3, 2, 1],
  [7, 3, -2],
  [12, 5, 0],
  [2, 5, 0],
  [2, 5, 1],
  [4, 6, -5],
  [3, 9, 8],
].map(([sizeMs, slideMs, offsetMs]) => ({
  kind: sizeMs === slideMs ? 'tumbling' : 'sliding',
  time: 'event',
  sizeMs: sizeMs as number,
  slideMs: slideMs as number,
  offsetMs: offsetMs as number,
}));

const times = [
  ...Array.from({ length: 81 }, (_, index) => index - 40),
  -0.5,
  0.25,
  4.999,
  9.5,
  1_700_000_000_123,
  -1_700_000_000_123,
];

describe.each(specs)('windows of $sizeMs every $slideMs, shifted by $offsetMs', (spec) => {
  const slices = new SliceAssigner(spec);

  test('an element is in the windows of its slice, which are those of the formula of Flink', () => {
    for (const time of times) {
      const slice = slices.sliceOf(time);
      const ends: number[] = [];
      if (slices.lastEnd(slice) > slice)
        for (
          let end = slices.firstEnd(slice);
          end <= slices.lastEnd(slice);
          end = slices.nextEnd(end)
        )
          ends.push(end);
      expect(ends).toEqual(naiveEnds(spec, time));
      const windows = windowsAt(spec, Math.floor(time));
      expect(windows.map(({ end }) => end).toReversed()).toEqual(ends);
      expect(windows.every(({ start, end }) => end - start === spec.sizeMs)).toBe(true);
    }
  });

  test('a slice holds its times and is as wide as all slices', () => {
    for (const time of times) {
      const slice = slices.sliceOf(time);
      expect(slice <= time && time < slice + slices.widthMs).toBe(true);
      expect(slices.sliceOf(slice)).toBe(slice);
    }
  });

  test('the next end after a time is the first end above it', () => {
    for (const time of times) {
      const end = slices.endAfter(time);
      expect(end > time).toBe(true);
      expect(slices.isEnd(end)).toBe(true);
      for (let earlier = Math.floor(time) + 1; earlier < end; earlier += 1)
        expect(slices.isEnd(earlier)).toBe(false);
    }
  });

  test('a window is as long as the size and ends at its end', () => {
    const end = slices.endAfter(-7);
    expect(slices.windowEndingAt(end)).toEqual({ start: end - spec.sizeMs, end });
  });
});

describe('endAfter', () => {
  const slices = new SliceAssigner(tumbling({ size: 10 }));
  test('an end itself is not after itself', () => {
    expect(slices.endAfter(10)).toBe(20);
    expect(slices.endAfter(9)).toBe(10);
    expect(slices.endAfter(9.5)).toBe(10);
    expect(slices.endAfter(-10)).toBe(0);
  });
});

describe('tumbling', () => {
  test('reads durations', () => {
    expect(tumbling({ size: '1h', offset: '15m' })).toEqual({
      kind: 'tumbling',
      time: 'event',
      sizeMs: 3_600_000,
      slideMs: 3_600_000,
      offsetMs: 900_000,
    });
  });

  test('an offset may be negative, as for time zones east of Greenwich', () => {
    expect(tumbling({ size: '1d', offset: -28_800_000 }).offsetMs).toBe(-28_800_000);
  });

  test.each<[string, TumblingOptions]>([
    ['a size of nothing', { size: 0 }],
    ['an offset as large as the size', { size: 10, offset: 10 }],
    ['an offset below minus the size', { size: 10, offset: -11 }],
  ])('%s is refused', (_name, options) => {
    expect(code(() => tumbling(options))).toBe('WINDOW_INVALID');
  });

  test.each<[string, unknown]>([
    ['a negative size', { size: -5 }],
    ['a fraction of a millisecond', { size: 1.5 }],
    ['an offset with a fraction', { size: 10, offset: -1.5 }],
    ['no size', {}],
  ])('%s is no duration', (_name, options) => {
    expect(code(() => tumbling(options as TumblingOptions))).toBe('DURATION_INVALID');
  });

  test('a slide given to it is not taken', () => {
    expect(tumbling({ size: 10, slide: 5 } as TumblingOptions).slideMs).toBe(10);
  });
});

describe('sliding', () => {
  test.each<[string, SlidingOptions]>([
    ['a slide of nothing', { size: 10, slide: 0 }],
    ['a size of nothing', { size: 0, slide: 5 }],
    ['an offset as large as the slide', { size: 10, slide: 5, offset: 5 }],
  ])('%s is refused', (_name, options) => {
    expect(code(() => sliding(options))).toBe('WINDOW_INVALID');
  });

  test('a slide above the size is allowed', () => {
    expect(sliding({ size: 2, slide: 5 })).toMatchObject({ sizeMs: 2, slideMs: 5 });
  });
});

test('windows go by event time, unless they are told otherwise', () => {
  expect(tumbling({ size: '1m' }).time).toBe('event');
  expect(hop({ size: '1h', slide: '5m', time: 'processing' }).time).toBe('processing');
  expect(code(() => tumbling({ size: 1, time: 'wall' as 'event' }))).toBe('OPTIONS_INVALID');
});

/** Flink's `SlidingEventTimeWindows.assignWindows`, with the remainder taken by floor; borders are whole milliseconds. */
function naiveEnds({ sizeMs, slideMs, offsetMs }: AlignedWindows, timestamp: number): number[] {
  const time = Math.floor(timestamp);
  const rest = (time - offsetMs) % slideMs;
  const lastStart = time - (rest < 0 ? rest + slideMs : rest);
  const ends: number[] = [];
  for (let start = lastStart; start > time - sizeMs; start -= slideMs) ends.unshift(start + sizeMs);
  return ends;
}

function code(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof TidemarkError) return error.code;
    throw error;
  }
  return 'accepted';
}
