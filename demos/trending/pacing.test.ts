import { expect, test } from 'vitest';
import { iterable, nodeRuntime } from '../../src/index.js';
import { paceMs, paced } from './pacing.js';

test('a paced source gives the same chunks, and asks before each', async () => {
  let asked = 0;
  const source = paced(iterable(['a', 'b', 'c'], { chunk: 2 }), async () => {
    asked += 1;
  });
  const reader = await source.open('0', undefined, nodeRuntime());
  expect((await reader.read())?.chunk.values).toEqual(['a', 'b']);
  expect(asked).toBe(1);
  expect((await reader.read())?.chunk.values).toEqual(['c']);
  expect(await reader.read()).toBeUndefined();
  expect(asked).toBe(3);
  await reader.close();
  expect([source.name, source.replayable]).toEqual(['iterable', true]);
});

test('a day of charts is shown at ten per second', () => {
  expect(paceMs({ charts: 100, elapsedMs: 10_000, share: 0.4 })).toBe(100);
  expect(paceMs({ charts: 1, elapsedMs: 0, share: undefined })).toBe(100);
});

test('a year of charts is shown in half a minute', () => {
  expect(paceMs({ charts: 1000, elapsedMs: 10_000, share: 0.01 })).toBeCloseTo(20_000 / 99_000);
  expect(paceMs({ charts: 99_000, elapsedMs: 31_000, share: 0.5 })).toBe(0);
});
