import { describe, expect, test } from 'vitest';
import { countWindow, globalWindow } from './global-windows.js';

describe('globalWindow', () => {
  test('is one kind and nothing else', () => {
    expect(globalWindow()).toEqual({ kind: 'global' });
  });
});

describe('countWindow', () => {
  test('without a slide none overlap', () => {
    expect(countWindow({ size: 3 })).toEqual({ kind: 'count', size: 3, slide: 3 });
  });

  test('the slide may be shorter or longer than the size', () => {
    expect(countWindow({ size: 3, slide: 1 })).toEqual({ kind: 'count', size: 3, slide: 1 });
    expect(countWindow({ size: 3, slide: 5 })).toEqual({ kind: 'count', size: 3, slide: 5 });
  });

  test.each([0, -1, 1.5, NaN, Infinity, '2', null])('%s is no size and no slide', (wrong) => {
    for (const options of [{ size: wrong }, { size: 2, slide: wrong }])
      expect(() => countWindow(options as never)).toThrow(
        /WINDOW_INVALID.*whole numbers > 0, got size .*, slide .*, at countWindow/,
      );
  });

  test('says what it was given, size and slide apart', () => {
    expect(() => countWindow({ size: 2, slide: 0 })).toThrow('got size 2, slide 0');
  });

  test('a size is needed', () => {
    expect(() => countWindow({} as never)).toThrow('WINDOW_INVALID');
  });
});
