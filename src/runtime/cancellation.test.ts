import { expect, test } from 'vitest';
import { Cancellation } from './cancellation.js';

const never = (): Promise<void> => new Promise(() => undefined);
const cancelled = new Error('cancelled');

test('work that ends is waited for, and what it fails with comes through', async () => {
  const cancellation = new Cancellation();
  await cancellation.wait(async () => undefined);
  await expect(cancellation.wait(() => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect(cancellation.pending).toBeUndefined();
});

test('work that hangs is left to itself, and remembered for as long as it hangs', async () => {
  const cancellation = new Cancellation();
  let end = (): void => undefined;
  const waited = cancellation.wait(() => new Promise((resolve) => (end = resolve)));
  cancellation.cancel(cancelled);
  await expect(waited).rejects.toBe(cancelled);
  expect(cancellation.pending).toBeDefined();
  end();
  await cancellation.pending;
  expect(cancellation.pending).toBeUndefined();
});

test('nothing begins after it', async () => {
  const cancellation = new Cancellation();
  cancellation.cancel(cancelled);
  let begun = false;
  const work = (): Promise<void> => {
    begun = true;
    return never();
  };
  await expect(cancellation.wait(work)).rejects.toBe(cancelled);
  expect(begun).toBe(false);
});
