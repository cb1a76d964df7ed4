/** Random ends of a life of a job: crashes at named awaits and before any call of the world, and stops. */
import fc from 'fast-check';
import { crashPoints } from 'tidemark';
import type { Description } from './description.js';
import { isShardable } from './traits.js';
import type { Death } from './worlds.js';

/** At a visit that a short job may well have; recovery has one of each. */
export const namedDeaths: fc.Arbitrary<Death> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      point: fc.constantFrom(...crashPoints.filter((point) => point.startsWith('epoch.'))),
      visit: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      point: fc.constantFrom(...crashPoints.filter((point) => point.startsWith('recover.'))),
      visit: fc.constant(1),
    }),
  },
);

/** Before a call of the clock, the files or the disk: in the middle of elements, or of a rename and its sync. */
export const unnamedDeaths: fc.Arbitrary<Death> = fc.record({
  call: fc.integer({ min: 1, max: 50 }),
});

/** How many shards each incarnation has, over and over again. */
export const shardCounts = fc.array(fc.constantFrom(1, 2, 3), { minLength: 1, maxLength: 3 });

/** The same for a pipeline to which their number may mean something: one then. */
export function shardsFor(description: Description, shards: readonly number[]): readonly number[] {
  return isShardable(description) ? shards : [1];
}

/** No death at all: the job is stopped, commits what it has, and is started again. */
export const stops: fc.Arbitrary<Death> = fc.record({ stop: fc.integer({ min: 1, max: 40 }) });

/** No death either: files and disk fail at some calls, and the job begins again by itself. */
export const faults: fc.Arbitrary<Death> = fc.record({
  faults: fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 6 }),
});

export const deaths: fc.Arbitrary<Death> = fc.oneof(
  { weight: 2, arbitrary: namedDeaths },
  { weight: 2, arbitrary: unnamedDeaths },
  { weight: 1, arbitrary: stops },
  { weight: 1, arbitrary: faults },
);

/** At epochs of a long life: slabs of a key that changes in each of them are merged every eight. */
export const lateDeaths: fc.Arbitrary<Death> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      point: fc.constantFrom(...crashPoints.filter((point) => point.startsWith('epoch.'))),
      visit: fc.integer({ min: 7, max: 12 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ call: fc.integer({ min: 50, max: 300 }) }) },
);
