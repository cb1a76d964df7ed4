import { expect, test } from 'vitest';
import { hasTimestamp } from '../core/flow.js';
import { sourceChunk } from './source-chunk.js';

const origin = { name: 'plays.csv', unit: 'line' };

test('a source chunk has no times and no keys, and columns of equal length', () => {
  for (const length of [0, 1, 1024]) {
    const values = Array.from({ length }, (_, index) => index);
    const chunk = sourceChunk(origin, { values, positions: values });
    expect(chunk).toMatchObject({ kind: 'chunk', values, positions: values, keys: [], origin });
    expect(chunk.timestamps.length).toBe(length);
    expect(chunk.timestamps.some(hasTimestamp)).toBe(false);
  }
});

test('a source chunk names unreadable records only when there are some', () => {
  const unreadable = [{ before: 0, position: 1, raw: 'x', reason: 'bad' }];
  expect(sourceChunk(origin, { values: [], positions: [], unreadable }).unreadable).toEqual(
    unreadable,
  );
  expect('unreadable' in sourceChunk(origin, { values: [], positions: [], unreadable: [] })).toBe(
    false,
  );
});
