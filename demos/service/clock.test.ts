import { expect, test } from 'vitest';
import { realClock } from './clock.js';

test('the real clock calls back later, again and again or once, until it is told not to', async () => {
  const before = Date.now();
  expect(realClock.now()).toBeGreaterThanOrEqual(before);
  let count = 0;
  let end = (): void => undefined;
  await new Promise<void>((resolve) => {
    end = realClock.every(1, () => {
      count += 1;
      if (count === 3) resolve();
    });
  });
  end();
  realClock.after(1, () => (count = -1))();
  await new Promise<void>((resolve) => void realClock.after(20, resolve));
  expect(count).toBe(3);
});
