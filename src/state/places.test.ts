import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyGroupOf } from '../core/key-group.js';
import { PARTS, PLACES, partOf, partStart, placeOf, placeOfTime, placesOf } from './places.js';

const hash = fc.oneof(fc.nat({ max: 2 ** 32 - 1 }), fc.constantFrom(0, 2 ** 32 - 1, 2 ** 31));
const groupCount = fc.oneof(fc.integer({ min: 1, max: 32_768 }), fc.constantFrom(1, 128, 32_768));

test('the places of a group are those of its range, and ranges do not overlap', () => {
  fc.assert(
    fc.property(hash, groupCount, (value, groups) => {
      const place = placeOf(value, groups);
      const group = keyGroupOf(value, groups);
      const { from, to } = placesOf({ from: group, to: group + 1 }, groups);
      expect(Number.isInteger(place) && place >= from && place < to && to <= PLACES).toBe(true);
      expect(placesOf({ from: group, to: groups }, groups).from).toBe(from);
    }),
    { numRuns: 500 },
  );
});

test('a part is where its start says', () => {
  fc.assert(
    fc.property(hash, (place) => {
      const part = partOf(place);
      expect(part < PARTS && partStart(part) <= place && place < partStart(part + 1)).toBe(true);
    }),
  );
  expect(partStart(PARTS)).toBe(PLACES);
});

test('keys are dealt to parts evenly', () => {
  const counts = new Map<number, number>();
  for (let value = 0; value < 128_000; value += 1) {
    const part = partOf(placeOf(Math.imul(value, 0x9e3779b1) >>> 0, 100));
    counts.set(part, (counts.get(part) ?? 0) + 1);
  }
  expect(Math.min(...counts.values())).toBeGreaterThan(500);
});

test('places of times sort as times do', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
      if (a < b) expect(placeOfTime(a)).toBeLessThanOrEqual(placeOfTime(b));
    }),
  );
});
