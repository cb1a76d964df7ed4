import { expect, test } from 'vitest';
import { Wake } from './wake.js';

test('a ring ends the wait', async () => {
  const wake = new Wake();
  let isAwake = false;
  const waiting = wake.wait().then(() => (isAwake = true));
  await Promise.resolve();
  expect(isAwake).toBe(false);
  wake.ring();
  await waiting;
  expect(isAwake).toBe(true);
});

test('a ring while nobody waits is not lost, and counts once', async () => {
  const wake = new Wake();
  wake.ring();
  wake.ring();
  await wake.wait();
  let isAwake = false;
  const waiting = wake.wait().then(() => (isAwake = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isAwake).toBe(false);
  wake.ring();
  await waiting;
});

test('rings between two waits wake the second one', async () => {
  const wake = new Wake();
  const first = wake.wait();
  wake.ring();
  await first;
  wake.ring();
  await wake.wait();
  expect(wake).toBeInstanceOf(Wake);
});
