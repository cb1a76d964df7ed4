import { expect, test } from 'vitest';
import { pickIndex, seededRandom, weightedIndex } from './random.js';

test('the same seed gives the same numbers', () => {
  const [a, b] = [seededRandom(7), seededRandom(7)];
  for (let n = 0; n < 100; n += 1) expect(a()).toBe(b());
});

test('mulberry32 gives the numbers that are published for seed 0', () => {
  const random = seededRandom(0);
  expect([random(), random()]).toEqual([0.26642920868471265, 0.0003297457005828619]);
});

test('numbers are spread evenly', () => {
  const random = seededRandom(1);
  const counts = new Array<number>(10).fill(0);
  for (let n = 0; n < 10_000; n += 1) {
    const index = pickIndex(random, 10);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test('an index is drawn as often as its weight says, and never with weight 0', () => {
  const draw = weightedIndex([1, 0, 3]);
  const random = seededRandom(1);
  const counts = [0, 0, 0];
  for (let n = 0; n < 4000; n += 1) {
    const index = draw(random);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  expect(counts[1]).toBe(0);
  expect(Math.abs((counts[2] ?? 0) - 3000)).toBeLessThan(150);
});
