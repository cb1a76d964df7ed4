import { describe, expect, test } from 'vitest';
import { TimeOrigin } from '../time/time-origin.js';
import { SliceAssigner, sliding, tumbling, type AlignedWindows } from '../time/windows.js';
import { CurrentSlice } from './current-slice.js';

describe('the slice of an element', () => {
  test('is none at first, so that no time lies in it', () => {
    const slice = of(tumbling({ size: 10 }));
    expect(0 >= slice.from && 0 < slice.to).toBe(false);
  });

  test('holds its start and not its end', () => {
    const slice = of(tumbling({ size: 10 }));
    for (const at of [10, 13.5, 19, 19.9]) {
      expect(slice.enter(at)).toBe(true);
      expect([slice.from, slice.to]).toEqual([10, 20]);
    }
    slice.enter(20);
    expect([slice.from, slice.to]).toEqual([20, 30]);
    slice.enter(-1);
    expect([slice.from, slice.to]).toEqual([-10, 0]);
  });

  test('is as wide as size and slide have in common', () => {
    const slice = of(sliding({ size: 9, slide: 6, offset: 1 }));
    slice.enter(5);
    expect([slice.from, slice.to]).toEqual([4, 7]);
  });

  test('is too late once its last window and the lateness are over', () => {
    const late = of(tumbling({ size: 10 }));
    late.enter(13);
    expect(late.lateAt).toBe(19);
    const allowed = of(tumbling({ size: 10 }), 5);
    allowed.enter(13);
    expect(allowed.lateAt).toBe(24);
    const slides = of(sliding({ size: 20, slide: 10 }), 5);
    slides.enter(13);
    expect(slides.lateAt).toBe(34);
  });

  test('is none between two windows', () => {
    const slice = of(sliding({ size: 3, slide: 10 }));
    expect([slice.enter(2), slice.enter(3), slice.from]).toEqual([true, false, NaN]);
    expect([slice.enter(9), slice.enter(10), slice.from]).toEqual([false, true, 10]);
  });
});

test('its start is counted from that of the first slice', () => {
  const slice = of(tumbling({ size: 10 }));
  const offsets = [1_436_918_400_005, 1_436_918_400_015, 1_436_918_400_007, 3].map(
    (time) => (slice.enter(time), slice.offset),
  );
  expect(offsets).toEqual([0, 10, 0, -1_436_918_400_000]);
});

test('is plain while it is not late and none of its windows has fired', () => {
  const slice = of(sliding({ size: 20, slide: 10 }), 5);
  slice.enter(13);
  const isPlain = (firedUpTo: number, lastFiredEnd: number): boolean => {
    slice.judge(firedUpTo, lastFiredEnd);
    return slice.isPlain;
  };
  expect([isPlain(-Infinity, -Infinity), isPlain(9, 10)]).toEqual([true, true]);
  // Its first window ends at 20; all are over at 34.
  expect([isPlain(19, 20), isPlain(34, 30)]).toEqual([false, false]);
  slice.judge(-Infinity, -Infinity);
  const gaps = of(sliding({ size: 3, slide: 10 }));
  gaps.enter(2);
  gaps.judge(-Infinity, -Infinity);
  expect([gaps.isPlain, gaps.enter(5), gaps.isPlain]).toEqual([true, false, false]);
});

function of(windows: AlignedWindows, latenessMs = 0): CurrentSlice {
  return new CurrentSlice(new SliceAssigner(windows), latenessMs, new TimeOrigin());
}
