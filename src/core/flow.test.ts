import { expect, test } from 'vitest';
import {
  CHUNK_ELEMENTS_MAX,
  MAX_WATERMARK,
  MIN_WATERMARK,
  NO_TIMESTAMP,
  hasTimestamp,
} from './flow.js';

test.each([0, -0, -1, 8.64e15, MIN_WATERMARK, MAX_WATERMARK])(
  'an element at %d has a timestamp',
  (time) => {
    expect(hasTimestamp(time)).toBe(true);
  },
);

test('an element without event time has none', () => {
  expect(hasTimestamp(NO_TIMESTAMP)).toBe(false);
});

test('every time lies between the first and the last watermark', () => {
  for (const time of [-8.64e15, -1, 0, 8.64e15, Number.MAX_VALUE, -Number.MAX_VALUE]) {
    expect(time > MIN_WATERMARK).toBe(true);
    expect(time < MAX_WATERMARK).toBe(true);
  }
});

test('an element without event time is on neither side of any watermark', () => {
  for (const watermark of [MIN_WATERMARK, 0, MAX_WATERMARK]) {
    expect(NO_TIMESTAMP <= watermark).toBe(false);
    expect(NO_TIMESTAMP > watermark).toBe(false);
  }
});

test('a chunk holds a bounded number of elements', () => {
  expect(CHUNK_ELEMENTS_MAX).toBe(1024);
});
