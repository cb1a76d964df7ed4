/** How outputs are compared: the rules of order, and repeated watermarks left out of what is expected. */
import type { Check, Item, Recorded } from './case.js';
import { Mismatch } from './drive.js';

/** What an operator has put out since the last check. */
export interface Outputs {
  readonly out: readonly Item[];
  readonly sides: ReadonlyMap<string, readonly Recorded[]>;
}

/**
 * Leaves out watermarks that do not rise. Flink's harness forwards them; Tidemark never sends one twice. One per run of
 * an operator: a restored one begins again.
 */
export class Risen {
  #last = -Infinity;

  /** `out` and `groups` of a check without the watermarks that repeat the last one. */
  of({ out = [], groups }: Check): { out: Item[]; groups: readonly number[] | undefined } {
    const keeps = out.map((item) => {
      if (!('wm' in item)) return true;
      const rises = item.wm > this.#last;
      if (rises) this.#last = item.wm;
      return rises;
    });
    const kept = out.filter((_, index) => keeps[index] === true);
    if (groups === undefined || kept.length === out.length) return { out: kept, groups };
    let start = 0;
    const lengths = groups.map((length) => {
      start += length;
      return keeps.slice(start - length, start).filter(Boolean).length;
    });
    return { out: kept, groups: lengths.filter((length) => length > 0) };
  }
}

/** Compares by the order that the check names. @throws Mismatch */
export function compareOut(
  expected: readonly Item[],
  got: readonly Item[],
  { order = 'sorted', fixedPositions = [] }: Pick<Check, 'order' | 'fixedPositions'>,
  groups: readonly number[] | undefined,
): void {
  const [want, have] = [expected.map(textOf), got.map(textOf)];
  if (!isAsExpected({ want, have, order, groups, expected }))
    throw new Mismatch(`expected ${order} ${list(want)}, got ${list(have)}`);
  for (const [index, item] of fixedPositions)
    if (have[index] !== textOf(item))
      throw new Mismatch(`expected ${textOf(item)} at ${index}, got ${String(have[index])}`);
}

/** Compares with each value taken apart; see `OperatorSubjectOptions.parts`. @throws Mismatch */
export function compareParts({
  expected,
  got,
  check,
  groups,
  parts,
}: {
  readonly expected: readonly Item[];
  readonly got: readonly Item[];
  readonly check: Check;
  readonly groups: readonly number[] | undefined;
  readonly parts: (record: Recorded) => Recorded[];
}): void {
  const apart = (item: Item): Item[] => ('v' in item ? parts(item) : [item]);
  let start = 0;
  const lengths = groups?.map((length) => {
    start += length;
    return expected.slice(start - length, start).flatMap(apart).length;
  });
  compareOut(expected.flatMap(apart), got.flatMap(apart), check, lengths);
}

/** Compares records in any order, or in the given one. @throws Mismatch */
export function compareRecords(
  expected: readonly Recorded[],
  got: readonly Recorded[],
  { exact, name }: { exact: boolean; name: string },
): void {
  const [want, have] = [expected.map(textOf), got.map(textOf)];
  if (!(exact ? isSame(want, have) : isSame(want.toSorted(), have.toSorted())))
    throw new Mismatch(`${name}: expected ${list(want)}, got ${list(have)}`);
}

/** Compares any two values. @throws Mismatch */
export function compareValue(expected: unknown, got: unknown, name: string): void {
  if (canonical(expected) !== canonical(got))
    throw new Mismatch(`${name}: expected ${canonical(expected)}, got ${canonical(got)}`);
}

/** Compares two collections in which order does not count. @throws Mismatch */
export function compareSet(
  expected: readonly unknown[],
  got: readonly unknown[],
  name: string,
): void {
  compareValue(expected.map(canonical).toSorted(), got.map(canonical).toSorted(), name);
}

/** A text that is equal for equal values: fields by name, infinities and the like spelt out. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === undefined) return null;
    if (typeof inner === 'number' && !Number.isFinite(inner)) return `number ${inner}`;
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

interface Comparison {
  readonly want: readonly string[];
  readonly have: readonly string[];
  readonly order: string;
  readonly groups: readonly number[] | undefined;
  readonly expected: readonly Item[];
}

function isAsExpected({ want, have, order, groups, expected }: Comparison): boolean {
  switch (order) {
    case 'exact':
      return isSame(want, have);
    case 'prefix':
      return isSame(want, have.slice(0, want.length));
    case 'contained':
      return want.length === have.length && have.every((text) => want.includes(text));
    case 'sorted':
      return isSame(
        sortedRuns(want, runsBetweenMarks(expected)),
        sortedRuns(have, runsBetweenMarks(expected)),
      );
    case 'groups':
      return isSame(sortedRuns(want, groups ?? []), sortedRuns(have, groups ?? []));
    default:
      throw new Error(`an order that this runner does not know: ${order}`);
  }
}

/** Lengths of the runs of records between watermarks and the like, each of which is a run of its own. */
function runsBetweenMarks(items: readonly Item[]): number[] {
  const runs: number[] = [];
  let length = 0;
  for (const item of items) {
    if ('v' in item) {
      length += 1;
      continue;
    }
    runs.push(length, 1);
    length = 0;
  }
  return [...runs, length];
}

/** Sorts inside each run; what lies behind the last run is kept as it is. */
function sortedRuns(texts: readonly string[], runs: readonly number[]): string[] {
  let start = 0;
  const sorted = runs.flatMap((length) => {
    start += length;
    return texts.slice(start - length, start).toSorted();
  });
  return [...sorted, ...texts.slice(start)];
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}

/** A record without a timestamp has no `ts`; MIN stands for the same in the vectors. */
function textOf(item: Item): string {
  if (!('v' in item)) return canonical(item);
  const { v, ts } = item;
  const hasNone = ts === undefined || Number.isNaN(ts) || ts === -Infinity;
  return canonical(hasNone ? { v } : { v, ts });
}

function list(texts: readonly string[]): string {
  const shown = texts.slice(0, 12).join(' ');
  return `[${shown}${texts.length > 12 ? ` and ${texts.length - 12} more` : ''}]`;
}
