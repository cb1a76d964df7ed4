import { expect, test } from 'vitest';
import { makeFilter, mayHold } from './key-filter.js';
import { seededRandom } from '../testing/simulated-world.js';

test('never denies what was put in, and seldom admits what was not', () => {
  const random = seededRandom(1);
  for (const count of [0, 1, 10, 1000, 20_000]) {
    // Of one part: the first bits are the same.
    const place = (): number => 0xfe000000 + Math.floor(random() * 2 ** 25);
    const places = Uint32Array.from({ length: count + 10 }, place);
    const filter = makeFilter(places, count);
    for (let at = 0; at < count; at += 1) expect(mayHold(filter, places[at] as number)).toBe(true);
    const known = new Set(places.subarray(0, count));
    let wrong = 0;
    for (let round = 0; round < 10_000; round += 1) {
      const other = place();
      if (!known.has(other) && mayHold(filter, other)) wrong += 1;
    }
    expect(wrong).toBeLessThan(count === 0 ? 1 : 300);
  }
});
