import { expect, test } from 'vitest';
import { TimeHeap } from './time-heap.js';

test('an empty heap gives Infinity and stays empty', () => {
  const heap = new TimeHeap();
  expect([heap.peek(), heap.pop(), heap.size]).toEqual([Infinity, Infinity, 0]);
});

test('Infinity in the heap is told from an empty heap by its size', () => {
  const heap = new TimeHeap();
  heap.push(Infinity);
  expect([heap.peek(), heap.size]).toEqual([Infinity, 1]);
  expect(heap.pop()).toBe(Infinity);
  expect(heap.size).toBe(0);
});

test('every order of up to seven numbers comes out sorted', () => {
  for (const given of permutations([-Infinity, -5, 0, 3, 3, 1e15, Infinity])) {
    const heap = new TimeHeap();
    for (const time of given) heap.push(time);
    expect(heap.peek()).toBe(-Infinity);
    expect(given.map(() => heap.pop())).toEqual([-Infinity, -5, 0, 3, 3, 1e15, Infinity]);
  }
});

test('pushes between pops keep the order', () => {
  const heap = new TimeHeap();
  const model: number[] = [];
  let seed = 7;
  for (let move = 0; move < 5000; move += 1) {
    seed = (seed * 48_271) % 2_147_483_647;
    if (seed % 5 < 3) {
      heap.push(seed % 100);
      model.push(seed % 100);
    } else {
      model.sort((a, b) => a - b);
      expect(heap.pop()).toBe(model.shift() ?? Infinity);
    }
    expect(heap.size).toBe(model.length);
  }
});

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) =>
    permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]),
  );
}
