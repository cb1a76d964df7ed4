import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { heapBytesOf } from './heap-size.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What a value takes, by the growth of the heap over many of them. */
function measured(make: (n: number) => unknown): number {
  const count = 20_000;
  const values = new Array<unknown>(count);
  collect();
  const before = process.memoryUsage();
  for (let n = 0; n < count; n += 1) values[n] = make(n);
  collect();
  const after = process.memoryUsage();
  const bytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  return values.length === count ? bytes / count : NaN;
}

test.each<[string, (n: number) => unknown]>([
  ['text', (n) => `${n}`.padEnd(100, 'x').split('').join('')],
  ['wide text', (n) => `${n}\u4e00`.padEnd(100, 'x').split('').join('')],
  ['an object of numbers', (n) => ({ a: n, b: n + 0.5, c: n + 1 })],
  ['nested objects', (n) => ({ a: { b: n }, c: [n, n + 1] })],
  ['a list', (n) => Array.from({ length: 50 }, (_, at) => at + n)],
  ['a map of numbers', (n) => new Map(Array.from({ length: 64 }, (_, at) => [at + n, at]))],
  ['a map of texts', (n) => new Map(Array.from({ length: 20 }, (_, at) => [`${n} key ${at}`, at]))],
  ['a set', (n) => new Set(Array.from({ length: 64 }, (_, at) => at + n))],
  ['memory', (n) => new Float64Array(100).fill(n)],
])('an estimate of %s is within a factor of two of the heap', (_name, make) => {
  const ratio = heapBytesOf(make(123)) / measured(make);
  expect(ratio).toBeGreaterThan(0.5);
  expect(ratio).toBeLessThan(2);
});

test('scalars take no more than the word that refers to them, or a number of its own', () => {
  expect([1, -1, true, undefined, null].map(heapBytesOf)).toEqual([0, 0, 0, 0, 0]);
  expect(heapBytesOf(1.5)).toBe(16);
});

test('of a very large value a part is looked at', () => {
  const large = Array.from({ length: 1_000_000 }, () => 'x'.repeat(84));
  const started = performance.now();
  expect(heapBytesOf(large) / 108e6).toBeCloseTo(1, 1);
  expect(performance.now() - started).toBeLessThan(1000);
});
