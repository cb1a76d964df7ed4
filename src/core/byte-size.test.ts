import { expect, test } from 'vitest';
import { byteSize, type Bytes } from './byte-size.js';

test.each<[Bytes, number]>([
  [1, 1],
  ['1B', 1],
  ['64KB', 65_536],
  ['256MB', 268_435_456],
  ['1.5GB', 1_610_612_736],
])('%s is %d bytes', (size, bytes) => {
  expect(byteSize(size, 'memory')).toBe(bytes);
});

test.each([0, -1, 1.5, NaN, Infinity, '', '64', '64 MB', '64mb', '1e3B', '0B', {}, null])(
  '%j is refused, naming the option',
  (size) => {
    expect(() => byteSize(size as Bytes, 'checkpoint.bytes')).toThrow(
      /OPTIONS_INVALID.*checkpoint\.bytes/,
    );
  },
);
