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

test('it knows how long it was waited for, by the clock that it is given', async () => {
  const wake = new Wake();
  let now = 100;
  const clock = { elapsed: () => now };
  const waiting = wake.wait(clock);
  now = 130;
  wake.ring();
  await waiting;
  wake.ring();
  now = 200;
  await wake.wait(clock);
  expect(wake.waitedMs).toBe(30);
});
