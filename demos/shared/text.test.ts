import { expect, test } from 'vitest';
import { bar, coloured, fit, plain, visible, widthOf } from './text.js';

test('a text is padded or cut to exactly the width', () => {
  expect(fit('abc', 5)).toBe('abc  ');
  expect(fit('abc', 3)).toBe('abc');
  expect(fit('abcdef', 4)).toBe('abc…');
  expect(fit('abc', 0)).toBe('');
});

test('wide letters take two columns, accents none', () => {
  expect(widthOf('東京')).toBe(4);
  expect(widthOf('e\u0301')).toBe(1);
  expect(widthOf('🎵')).toBe(2);
  for (const width of [1, 2, 3, 4, 5]) expect(widthOf(fit('東京都', width))).toBe(width);
});

test('control characters cannot steer the terminal', () => {
  expect(visible('a\u001B[2Jb\n')).toBe('a·[2Jb·');
});

test('a bar grows by eighths, and is never longer than its width', () => {
  expect(bar(1, 4)).toBe('████');
  expect(bar(0.5, 4)).toBe('██');
  expect(bar(1 / 32, 4)).toBe('▏');
  expect(bar(2, 4)).toBe('████');
  expect(bar(0, 4)).toBe('');
});

test('whatever is more than nothing can be seen', () => {
  expect(bar(0.0001, 4)).toBe('▏');
});

test('colours end where they began, and can be left out', () => {
  expect(coloured('a', 'bold', 'red')).toBe('\u001B[1;31ma\u001B[0m');
  expect(plain('a', 'bold')).toBe('a');
});
