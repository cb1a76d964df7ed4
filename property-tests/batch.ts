/** The oracle for runs in which order means nothing: everything at once, sorted. */
import fc from 'fast-check';
import type { Description, Item } from './description.js';
import { oracle } from './oracle.js';
import type { Happening } from './oracle-stream.js';

/**
 * What a pipeline gives for items in any admissible order: all of them arrive, sorted by time, then time ends. Only for
 * pipelines to which order means nothing, and logs in which nothing is late. Cases in which sessions touch are passed
 * over, because there it does not hold: see `Expected.touches`.
 */
export function batchOracle(
  description: Description,
  items: readonly Item[],
  second: readonly Item[] = [],
): readonly Item[] {
  const time = { generator: 'bounded', bound: Number.MAX_SAFE_INTEGER, every: 0 } as const;
  const sorted = (log: readonly Item[]): Item[] => log.toSorted((a, b) => a.at - b.at);
  const happenings: Happening[] = [
    ...sorted(items).map((item): Happening => ({ input: 0, item })),
    ...sorted(second).map((item): Happening => ({ input: 1, item })),
    { input: 0, end: true },
    { input: 1, end: true },
  ];
  const expected = oracle({ ...description, time }, happenings);
  fc.pre(!expected.touches);
  return expected.items;
}
