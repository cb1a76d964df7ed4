import { describe, expect, test } from 'vitest';
import { Frontier, markOfBoth, type Feeder } from './frontier.js';

const END = Infinity;

describe('a node of two sides', () => {
  // Side 0 is fed by inputs 0 and 1, side 1 by input 2.
  const sides = (): Frontier =>
    new Frontier({
      inputs: 3,
      layout: [
        [
          { input: 0, side: 0 },
          { input: 1, side: 0 },
          { input: 2, side: 1 },
        ],
      ],
    });
  const walk = (frontier: Frontier): number => {
    const due = frontier.due(0);
    frontier.advanced(0, due, due);
    frontier.settleIdle(0);
    return due;
  };
  const at = (frontier: Frontier, input: number, watermark: number): number => {
    frontier.setInput(input, watermark);
    return walk(frontier);
  };

  test('is at the minimum of both', () => {
    const frontier = sides();
    expect(at(frontier, 0, 10)).toBe(-Infinity);
    expect(at(frontier, 2, 5)).toBe(-Infinity);
    expect(at(frontier, 1, 7)).toBe(5);
    expect(at(frontier, 2, 9)).toBe(7);
  });

  test('waits for a side that comes back behind, and stands still meanwhile', () => {
    const frontier = sides();
    at(frontier, 0, 10);
    at(frontier, 1, 10);
    frontier.setInputIdle(2, true);
    expect(walk(frontier)).toBe(10);
    expect(at(frontier, 2, 4)).toBe(10);
    at(frontier, 0, 30);
    expect(at(frontier, 1, 30)).toBe(10);
    expect(frontier.holding(0, 20)).toEqual([
      { feeder: { input: 2, side: 1 }, watermark: 4, idle: false, wasIdle: true },
    ]);
    expect(at(frontier, 2, 25)).toBe(25);
  });

  test('does not wait within a side for what comes back behind that side', () => {
    const frontier = sides();
    at(frontier, 2, 5);
    at(frontier, 0, 30);
    frontier.setInputIdle(1, true);
    expect(walk(frontier)).toBe(5);
    expect(at(frontier, 1, 20)).toBe(5);
    expect(at(frontier, 2, 40)).toBe(30);
  });

  test('a side at its end is not waited for; all idle, the furthest speaks', () => {
    const frontier = sides();
    at(frontier, 0, 10);
    at(frontier, 1, 12);
    expect(at(frontier, 2, END)).toBe(10);
    frontier.setInputIdle(0, true);
    frontier.setInputIdle(1, true);
    expect(walk(frontier)).toBe(12);
    expect(frontier.isIdle(0)).toBe(true);
    at(frontier, 0, END);
    expect(at(frontier, 1, END)).toBe(END);
    expect(frontier.isIdle(0)).toBe(false);
  });

  test('how far each side had come is in its mark, and comes back with it', () => {
    const frontier = sides();
    at(frontier, 0, 30);
    frontier.setInputIdle(1, true);
    at(frontier, 2, 5);
    const mark = frontier.mark(0);
    expect(mark).toEqual({ input: 5, output: 5, sides: [30, 5] });
    const restored = sides();
    restored.restore(0, mark);
    expect(restored.due(0)).toBe(5);
    at(restored, 1, 20);
    at(restored, 0, 30);
    expect(at(restored, 2, 40)).toBe(30);
  });

  test('a mark without sides, as older releases have written it, waits for both', () => {
    const frontier = sides();
    frontier.restore(0, { input: 10, output: 10 });
    at(frontier, 0, 30);
    at(frontier, 1, 30);
    expect(at(frontier, 2, 4)).toBe(10);
    expect(at(frontier, 2, 14)).toBe(14);
  });
});

test('the mark of several shards is the lowest, and idle only where all have been', () => {
  const one = { input: 5, output: 4, sides: [5, 9], wasIdle: true };
  expect(markOfBoth(one, { input: 6, output: 3, sides: [7, 8] })).toEqual({
    input: 5,
    output: 3,
    sides: [5, 8],
  });
  expect(markOfBoth(one, { ...one, input: 3 })).toEqual({ ...one, input: 3 });
});

test('an input that was idle before a restore is not waited for until it speaks', () => {
  const frontier = new Frontier({ inputs: 2, layout: [[{ input: 0 }, { input: 1 }]] });
  frontier.restore(0, { input: 10, output: 10 });
  frontier.setInput(1, 20);
  expect(frontier.due(0)).toBe(10);
  frontier.setInputWasIdle(0);
  expect(frontier.due(0)).toBe(20);
});

test('that an output has been idle is in its mark, also before the first watermark', () => {
  const layout: Feeder[][] = [[{ input: 0 }], [{ input: 1 }], [{ node: 0 }, { node: 1 }]];
  const frontier = new Frontier({ inputs: 2, layout });
  frontier.settleIdle(0, true);
  frontier.settleIdle(0, false);
  expect(frontier.mark(1)).toEqual({ input: -Infinity, output: -Infinity });
  const mark = frontier.mark(0);
  expect(mark).toEqual({ input: -Infinity, output: -Infinity, wasIdle: true });
  const restored = new Frontier({ inputs: 2, layout });
  restored.restore(0, mark);
  restored.restore(2, { input: 10, output: 10 });
  restored.advanced(1, 20, 20);
  expect(restored.due(2)).toBe(20);
});
