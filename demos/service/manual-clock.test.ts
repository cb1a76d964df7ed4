import { expect, test } from 'vitest';
import { ManualClock } from './manual-clock.js';

test('what is due is called in the order of its time, and sees that time', () => {
  const clock = new ManualClock(1_000);
  const seen: [string, number][] = [];
  const note = (name: string) => (): void => void seen.push([name, clock.now()]);
  const end = clock.every(200, note('every'));
  clock.after(300, note('after'));
  const cancel = clock.after(350, note('cancelled'));
  cancel();
  clock.advance(450);
  expect(seen).toEqual([
    ['every', 1_200],
    ['after', 1_300],
    ['every', 1_400],
  ]);
  expect(clock.now()).toBe(1_450);
  end();
  expect(clock.waiting).toBe(0);
});
