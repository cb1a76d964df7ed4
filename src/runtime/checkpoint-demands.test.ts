import { expect, test } from 'vitest';
import { CheckpointDemands } from './checkpoint-demands.js';

/** What has become of a promise by now. */
async function fate(promise: Promise<number>): Promise<number | string> {
  const waiting = new Promise<string>((resolve) => setImmediate(() => resolve('waits')));
  return Promise.race([promise.catch((error: unknown) => `failed: ${String(error)}`), waiting]);
}

test('a demand is served by the next epoch, not by the one under way', async () => {
  const demands = new CheckpointDemands();
  demands.begun();
  const asked = demands.ask();
  demands.ended(1);
  expect(await fate(asked)).toBe('waits');
  expect(demands.areWaiting).toBe(true);
  demands.begun();
  expect(demands.areWaiting).toBe(false);
  expect(await fate(asked)).toBe('waits');
  demands.ended(2);
  expect(await fate(asked)).toBe(2);
});

test('several demands are served by one epoch', async () => {
  const demands = new CheckpointDemands();
  const asked = [demands.ask(), demands.ask()];
  demands.begun();
  demands.ended(7);
  expect(await Promise.all(asked)).toEqual([7, 7]);
});

test('an epoch that fails leaves its demands to the next attempt', async () => {
  const demands = new CheckpointDemands();
  const asked = demands.ask();
  demands.begun();
  demands.failed();
  expect([await fate(asked), demands.areWaiting]).toEqual(['waits', true]);
  demands.begun();
  demands.ended(3);
  expect(await fate(asked)).toBe(3);
});

test('the end of the run fails what still waits, and what is asked later', async () => {
  const demands = new CheckpointDemands();
  const begun = demands.ask();
  demands.begun();
  const pending = demands.ask();
  demands.close(new Error('over'));
  for (const asked of [begun, pending, demands.ask()])
    expect(await fate(asked)).toBe('failed: Error: over');
});
