/** Random logs: keys, times and orders of arrival, small enough to shrink into something that can be read. */
import fc from 'fast-check';
import type { Key } from 'tidemark';
import type { Item } from './description.js';

/** Keys that are mistaken for others by who compares texts, prototypes or references. */
const weirdKeys: readonly Key[] = [
  ...['', '__proto__', 'constructor', '\u0000', '10', '10n', '[10]', 'true', '\ud800', '\ufffd'],
  ...['\u{1f30a}', 10, -0, 0, -1, 0.1, 2 ** 53, 10n, -(2n ** 70n), true, false],
  ...[[10], ['10'], [10, 'a'], ['10', 'a'], ['10a'], []],
  ...[{ a: 1, b: 2 }, { b: 2, a: 1 }, { a: 1 }, { a: '1' }],
];

/** Few keys are hot, so that state is shared; some are weird. */
export const keys: fc.Arbitrary<Key> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b') },
  { weight: 3, arbitrary: fc.constantFrom('c', 'd', 'e', 'f', 'g', 'h') },
  { weight: 3, arbitrary: fc.constantFrom(...weirdKeys) },
);

/** Ties, steps to the next window border, odd steps, and now and then a gap. */
const steps = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }).map((tens) => tens * 10) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 2, arbitrary: fc.integer({ min: 4, max: 25 }) },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 900 }) },
);

/** What is known of an element before the order of arrival is. */
interface Draft {
  readonly step: number;
  readonly key: Key;
  readonly n: number;
  readonly delay: number;
  /** How far beyond the bound it strays. */
  readonly extra: number;
}

export interface LogOptions {
  readonly bound: number;
  /** Whether elements may lie behind the watermark. */
  readonly stragglers: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** A log in its order of arrival; ids are places in it, from `firstId` on. */
export function logs(options: LogOptions): fc.Arbitrary<Item[]> {
  const { bound, stragglers, minLength = 0, maxLength = 40 } = options;
  const extra = stragglers
    ? fc.oneof(
        { weight: 3, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 150 }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 10 }) },
      )
    : fc.constant(0);
  const draft: fc.Arbitrary<Draft> = fc.record({
    step: steps,
    key: keys,
    n: fc.integer({ min: -9, max: 9 }),
    delay: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: bound })),
    extra,
  });
  const unit = fc.constantFrom(1, 10);
  return fc.tuple(fc.array(draft, { minLength, maxLength, size: 'max' }), unit).map(arrived);
}

/** Several splits; ids tell their elements apart. */
export function splits(options: LogOptions, most: number): fc.Arbitrary<Item[][]> {
  return fc
    .array(logs(options), { minLength: 1, maxLength: most })
    .map((arrays) => arrays.map((items, split) => renumbered(items, split * 1000)));
}

export function renumbered(items: readonly Item[], firstId: number): Item[] {
  return items.map((item, index) => ({ ...item, ids: [firstId + index] }));
}

/**
 * Elements arrive `delay` after they happened, so nothing lies further behind than the largest delay. Times that are
 * multiples of 10 meet the borders of windows, which is where a millisecond decides.
 */
function arrived([drafts, unit]: readonly [readonly Draft[], number]): Item[] {
  const down = (ms: number): number => ms - (ms % unit);
  let at = 0;
  const timed = drafts.map(({ step, key, n, delay, extra }) => {
    at += down(step);
    return { at, key, n, arrival: at + down(delay) + down(extra) };
  });
  const ordered = timed.toSorted((a, b) => a.arrival - b.arrival);
  return renumbered(
    ordered.map(({ key, n, at: time }) => ({ key, n, at: time, ids: [] })),
    0,
  );
}

/** Orders in which all elements arrive within the bound, as another way for them to be delayed. */
export function reorderings(items: readonly Item[], bound: number): fc.Arbitrary<Item[]> {
  const delay = fc.integer({ min: 0, max: bound });
  const tie = fc.nat({ max: 1000 });
  return fc
    .array(fc.tuple(delay, tie), { minLength: items.length, maxLength: items.length })
    .map((delays) =>
      items
        .map((item, index) => ({ item, order: delays[index] ?? [0, 0] }))
        .toSorted(
          (a, b) => a.item.at + a.order[0] - b.item.at - b.order[0] || a.order[1] - b.order[1],
        )
        .map(({ item }) => item),
    );
}
