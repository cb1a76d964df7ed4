import { expect, test } from 'vitest';
import { crashPoints, silentLogger } from './runtime.js';

test('every place to die has a name of its own, in the order of a life', () => {
  expect(new Set(crashPoints).size).toBe(crashPoints.length);
  const phases = crashPoints.map((point) => point.split('.')[0]);
  expect(phases).toEqual([...phases].sort().reverse());
});

test('the silent logger says nothing and gives nothing back', () => {
  for (const level of ['debug', 'info', 'warn', 'error'] as const)
    expect(silentLogger[level]({}, 'x')).toBeUndefined();
});
