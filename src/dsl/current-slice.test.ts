import { describe, expect, test } from 'vitest';
import { SliceAssigner, sliding, tumbling, type AlignedWindows } from '../time/windows.js';
import { CurrentSlice } from './current-slice.js';

describe('the slice of an element', () => {
  test('is none at first, so that no time lies in it', () => {
    const slice = of(tumbling({ size: 10 }));
    expect(0 >= slice.from && 0 < slice.to).toBe(false);
    expect(slice.number).toBe(0);
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

describe('the number of a slice', () => {
  test('is its own as long as few slices are about', () => {
    const slice = of(tumbling({ size: 10 }));
    const numbers = [5, 15, 5, 25, 15].map((at) => (slice.enter(at), slice.number));
    expect(numbers[0]).toBe(numbers[2]);
    expect(numbers[1]).toBe(numbers[4]);
    expect(new Set(numbers).size).toBe(3);
    expect(numbers).not.toContain(0);
  });

  test('is never that of another slice, however many there are', () => {
    const slice = of(tumbling({ size: 10 }));
    const slices = new Map<number, number>();
    let state = 7919;
    for (let index = 0; index < 5_000; index += 1) {
      state = (state * 48_271) % 2_147_483_647;
      slice.enter(state % 3_000);
      const known = slices.get(slice.number);
      expect(known ?? slice.from).toBe(slice.from);
      slices.set(slice.number, slice.from);
    }
  });
});

function of(windows: AlignedWindows, latenessMs = 0): CurrentSlice {
  return new CurrentSlice(new SliceAssigner(windows), latenessMs);
}
