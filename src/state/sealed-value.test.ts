import { expect, test } from 'vitest';
import { openSealed, sealValue } from './sealed-value.js';

test('a sealed value comes back, and any turned bit or cut is refused by name', () => {
  const value = { n: -0, list: [1n, new Date(5)] };
  const sealed = sealValue(value);
  expect(openSealed(sealed, 'here')).toEqual(value);
  for (let at = 0; at < sealed.length; at += 1) {
    const turned = sealed.with(at, (sealed[at] ?? 0) ^ (1 << (at % 8)));
    expect(() => openSealed(turned, 'here')).toThrow(/STATE_DAMAGED.*at here/);
    expect(() => openSealed(sealed.subarray(0, at), 'here')).toThrow(/STATE_DAMAGED/);
  }
});
