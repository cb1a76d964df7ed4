/** Random logs: keys, times and orders of arrival, small enough to shrink into something that can be read. */
import fc from 'fast-check';
import type { Key } from 'tidemark';
import type { Fault, Item } from './description.js';
import type { Happening } from './oracle-stream.js';

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
  { weight: 15, arbitrary: fc.constant(0) },
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 4 }).map((tens) => tens * 10) },
  { weight: 10, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 10, arbitrary: fc.integer({ min: 4, max: 25 }) },
  { weight: 5, arbitrary: fc.integer({ min: 200, max: 900 }) },
  { weight: 1, arbitrary: fc.constant(10_000) },
);

/** When a log begins: where remainders are nothing, before 1970, where they turn from negative, and today. */
export const origins = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(-400, -1_000_007) },
  { weight: 1, arbitrary: fc.constant(1_700_000_000_000) },
);

/** What is known of an element before the order of arrival is. */
interface Draft extends Pick<Item, 'key' | 'n' | 'ahead' | 'fault'> {
  readonly step: number;
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
  /** When it begins. Default: drawn. */
  readonly origin?: number;
  /** How far elements may lie ahead of their appending. Default: they have no time of appending. */
  readonly maxFuture?: number | undefined;
  /** Whether user functions fail on some, and some lie too far ahead. Default false. */
  readonly faults?: boolean;
}

/** A log in its order of arrival; ids are places in it, from `firstId` on. */
export function logs(options: LogOptions): fc.Arbitrary<Item[]> {
  const { minLength = 0, maxLength = 40, origin } = options;
  const unit = fc.constantFrom(1, 10);
  const begin = origin === undefined ? origins : fc.constant(origin);
  return fc
    .tuple(fc.array(drafts(options), { minLength, maxLength, size: 'max' }), unit, begin)
    .map(arrived);
}

function drafts({ bound, stragglers, maxFuture, faults }: LogOptions): fc.Arbitrary<Draft> {
  const extra = stragglers
    ? fc.oneof(
        { weight: 6, arbitrary: fc.constant(0) },
        { weight: 3, arbitrary: fc.integer({ min: 0, max: 150 }) },
        { weight: 2, arbitrary: fc.integer({ min: 0, max: 10 }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 1000 }) },
      )
    : fc.constant(0);
  const ahead = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -5, max: maxFuture ?? 0 }) },
    { weight: 1, arbitrary: fc.constant(maxFuture ?? 0) },
    { weight: faults === true ? 2 : 0, arbitrary: fc.constant((maxFuture ?? 0) + 1) },
  );
  const fault = fc.oneof(
    { weight: 9, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom<Fault[]>('timestamp', 'step', 'key') },
  );
  return fc.record({
    step: steps,
    key: keys,
    n: fc.integer({ min: -9, max: 9 }),
    delay: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: bound })),
    extra,
    ...(maxFuture === undefined ? {} : { ahead }),
    ...(faults === true ? { fault } : {}),
  }) as fc.Arbitrary<Draft>;
}

/** Several splits; ids tell their elements apart. */
export function splits(options: LogOptions, most: number): fc.Arbitrary<Item[][]> {
  return origins.chain((origin) =>
    fc
      .array(logs({ ...options, origin }), { minLength: 1, maxLength: most })
      .map((arrays) => arrays.map((items, split) => renumbered(items, split * 1000))),
  );
}

/** The same splits, of which each begins where those before it have ended, so that none of them is late. */
export function inSequence(arrays: readonly (readonly Item[])[]): Item[][] {
  let reached = -Infinity;
  return arrays.map((items) => {
    const times = items.map(({ at }) => at);
    const later = reached === -Infinity ? 0 : Math.max(0, reached - Math.min(...times));
    reached = Math.max(reached, ...times.map((at) => at + later));
    return items.map((item) => ({ ...item, at: item.at + later }));
  });
}

/** A log with the clock going on between its elements, and behind them once more. */
export function clocked(items: readonly Item[]): fc.Arbitrary<Happening[]> {
  const forward = fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 30 }) },
    { weight: 1, arbitrary: fc.integer({ min: 50, max: 300 }) },
  );
  const { length } = items;
  return fc.array(forward, { minLength: length, maxLength: length }).map((forwards) => [
    ...items.flatMap((item, index): Happening[] => {
      // Nobody looks at the clock before something has come.
      const clock = index === 0 ? undefined : forwards[index];
      return [...(clock === undefined ? [] : [{ clock }]), { input: 0, item }];
    }),
    ...(length === 0 ? [] : [{ clock: 1000 }]),
    { input: 0, end: true },
  ]);
}

export function renumbered(items: readonly Item[], firstId: number): Item[] {
  return items.map((item, index) => ({ ...item, ids: [firstId + index] }));
}

/**
 * Elements arrive `delay` after they happened, so nothing lies further behind than the largest delay. Times that are
 * multiples of 10 meet the borders of windows, which is where a millisecond decides.
 */
function arrived([drafted, unit, origin]: readonly [readonly Draft[], number, number]): Item[] {
  const down = (ms: number): number => ms - (ms % unit);
  let at = origin;
  const timed = drafted.map(({ step, delay, extra, ...rest }) => {
    at += down(step);
    const { key, n, ...more } = rest;
    return { item: { key, n, at, ids: [], ...more }, arrival: at + down(delay) + down(extra) };
  });
  const ordered = timed.toSorted((a, b) => a.arrival - b.arrival);
  return renumbered(
    ordered.map(({ item }) => item),
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
