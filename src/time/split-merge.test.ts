import { describe, expect, test } from 'vitest';
import { SplitMerge } from './split-merge.js';

/** Splits that say what a test has them say. */
function merged(...watermarks: number[]): {
  readonly merge: SplitMerge;
  readonly marks: { watermark: number; idle: boolean }[];
} {
  const merge = new SplitMerge();
  const marks = watermarks.map((watermark) => ({ watermark, idle: false }));
  for (const mark of marks) merge.add(mark);
  return { merge, marks };
}

const set = (mark: { watermark: number; idle: boolean } | undefined, to: object): void =>
  void Object.assign(mark ?? {}, to);

describe('the watermark of several splits', () => {
  test('is the minimum over them', () => {
    expect(merged(7, 5, 9).merge.combine()).toBe(5);
  });

  test('is that of the last combine, whatever the splits say meanwhile', () => {
    const { merge, marks } = merged(5);
    merge.combine();
    set(marks[0], { watermark: 8 });
    expect(merge.watermark).toBe(5);
    expect(merge.combine()).toBe(8);
  });

  test('waits for a split that has said nothing', () => {
    expect(merged(7, -Infinity).merge.combine()).toBe(-Infinity);
  });

  test('of no splits at all does not move', () => {
    const { merge, marks } = merged(5);
    merge.combine();
    for (const mark of marks) merge.remove(mark);
    expect(merge.combine()).toBe(5);
    expect(merged().merge.combine()).toBe(-Infinity);
  });

  test('does not go back for a new split, and waits until that has caught up', () => {
    const { merge, marks } = merged(10);
    merge.combine();
    const added = { watermark: -Infinity, idle: false };
    merge.add(added);
    set(marks[0], { watermark: 20 });
    expect(merge.combine()).toBe(10);
    set(added, { watermark: 9 });
    expect(merge.combine()).toBe(10);
    set(added, { watermark: 12 });
    expect(merge.combine()).toBe(12);
  });

  test('leaves idle splits out', () => {
    const { merge, marks } = merged(10, 5);
    set(marks[1], { idle: true });
    expect(merge.combine()).toBe(10);
  });

  test('waits again for a split that comes back behind it', () => {
    const { merge, marks } = merged(10, 5);
    set(marks[1], { idle: true });
    merge.combine();
    set(marks[1], { idle: false, watermark: 7 });
    set(marks[0], { watermark: 30 });
    expect(merge.combine()).toBe(10);
    set(marks[1], { watermark: 25 });
    expect(merge.combine()).toBe(25);
  });

  test('is that of the furthest split when all are idle', () => {
    const { merge, marks } = merged(10, 5, 7);
    for (const mark of marks) set(mark, { idle: true });
    expect(merge.combine()).toBe(10);
  });

  test('a removed split holds nothing back, and is removed once', () => {
    const { merge, marks } = merged(10, 5);
    const [, low = { watermark: 0, idle: false }] = marks;
    expect(merge.remove(low)).toBe(true);
    expect(merge.remove(low)).toBe(false);
    expect(merge.combine()).toBe(10);
  });

  test('reaches the end of time when every split that counts has', () => {
    const { merge, marks } = merged(Infinity, 5);
    expect(merge.combine()).toBe(5);
    set(marks[1], { watermark: Infinity });
    expect(merge.combine()).toBe(Infinity);
  });

  test('can be raised from outside, never lowered', () => {
    const { merge } = merged(5);
    expect(merge.raise(8)).toBe(8);
    expect(merge.raise(6)).toBe(8);
    expect(merge.combine()).toBe(8);
  });

  test('never goes back in any history of two splits', () => {
    const moves = [0, 1].flatMap((split) => [
      { split, to: { watermark: 1, idle: false } },
      { split, to: { watermark: 2, idle: false } },
      { split, to: { watermark: 3, idle: false } },
      { split, to: { idle: true } },
      { split, to: { idle: false } },
    ]);
    const histories = (depth: number): (typeof moves)[] =>
      depth === 0
        ? [[]]
        : histories(depth - 1).flatMap((before) => moves.map((move) => [...before, move]));
    for (const history of histories(4)) {
      const { merge, marks } = merged(-Infinity, -Infinity);
      let last = -Infinity;
      for (const { split, to } of history) {
        set(marks[split], to);
        const now = merge.combine();
        if (now < last) expect.fail(`${JSON.stringify(history)}: ${now} after ${last}`);
        last = now;
      }
    }
  });
});

test('all are idle when there are some and none is active', () => {
  const { merge, marks } = merged(1, 2);
  expect(merge.isIdle).toBe(false);
  for (const mark of marks) set(mark, { idle: true });
  expect(merge.isIdle).toBe(true);
  expect(merged().merge.isIdle).toBe(false);
});
