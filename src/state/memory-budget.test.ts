import { describe, expect, test } from 'vitest';
import { MeanSize, MemoryBudget } from './memory-budget.js';

describe('MeanSize', () => {
  test('is the mean at first, then follows', () => {
    const mean = new MeanSize();
    const empty = mean.bytes;
    for (const bytes of [100, 200, 300]) mean.note(bytes);
    expect(mean.bytes - empty).toBeCloseTo(200);
    for (let look = 0; look < 1000; look += 1) mean.note(1000);
    expect(mean.bytes - empty).toBeGreaterThan(990);
  });
});

describe('MemoryBudget', () => {
  test('leaves room for garbage, and lets a quarter of the rest be changed', () => {
    const budget = new MemoryBudget(1000);
    expect([budget.excess(500), budget.excess(700)]).toEqual([0, 100]);
    expect([budget.isEpochFull(149), budget.isEpochFull(150)]).toEqual([false, true]);
  });

  test('an epoch that has changed nothing is never full', () => {
    expect(new MemoryBudget(0).isEpochFull(0)).toBe(false);
  });

  test('without a budget nothing has to leave', () => {
    const budget = new MemoryBudget(Infinity);
    expect([budget.isUnlimited, budget.excess(1e15), budget.isEpochFull(1e15)]).toEqual([
      true,
      0,
      false,
    ]);
  });
});
