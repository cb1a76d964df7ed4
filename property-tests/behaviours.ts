/**
 * What the user's functions of `process` and `connect` do, written once against the little that they need: the real
 * context gives it in `build-process.ts`, a naive one in `reference-process.ts`.
 */
import type { Key } from 'tidemark';
import { isOdd, told, whole, type Behaviour, type ConnectStep, type Item } from './description.js';

/** What a user function may touch; times in ms. */
export interface Scratch {
  readonly key: Key;
  readonly watermark: number;
  /** Processing time. */
  readonly now: number;
  /** A value state, 0 at first. */
  readonly total: { get(): number; set(value: number): void; clear(): void };
  /** Map states: elements by their time, for each side. */
  readonly seen: Entries;
  readonly other: Entries;
  /** The state of `keeping`, whatever its kind. */
  readonly kept: Kept;
  /** Broadcast state, which only the second side writes. */
  readonly rules: Entries;
  /** Has `visit` called for each key that holds state. */
  visitKeys(): void;
  readonly timers: {
    setEventTime(time: number): void;
    deleteEventTime(time: number): void;
    setProcessingTime(time: number): void;
    deleteProcessingTime(time: number): void;
  };
  side(item: Item): void;
}

export interface Entries {
  get(at: number): readonly Item[] | undefined;
  set(at: number, items: readonly Item[]): void;
  delete(at: number): void;
  keys(): Iterable<number>;
}

/** A state of any kind, as far as a program can use it without knowing the kind. */
export interface Kept {
  write(n: number): void;
  /** What there is to be seen, in an order that the kind promises, or ascending. */
  read(): readonly number[];
  clear(): void;
}

export interface Handlers {
  element(item: Item, scratch: Scratch): Item[];
  second(item: Item, scratch: Scratch): Item[];
  /** For each key, where `second` has asked for it. */
  visit(scratch: Scratch): Item[];
  timer(time: number, scratch: Scratch): Item[];
}

type Optional = 'second' | 'visit';
type Maker = (gap: number) => Omit<Handlers, Optional> & Partial<Pick<Handlers, Optional>>;

const makers: Readonly<Record<Behaviour | ConnectStep['behaviour'], Maker>> = {
  running: () => ({
    element: (item, { total }) => {
      total.set(whole(total.get() + item.n));
      return [{ ...item, n: total.get() }];
    },
    timer: () => [],
  }),

  quiet: (gap) => ({
    element: (item, { seen, timers }) => {
      remember(seen, item);
      timers.setEventTime(item.at + gap);
      return [];
    },
    timer: (time, { key, seen }) => {
      const last = seen.get(time - gap) ?? [];
      const isQuiet = ![...seen.keys()].some((at) => at > time - gap && at <= time);
      forgetUntil(seen, time - gap);
      return isQuiet ? [summary(key, time, last)] : [];
    },
  }),

  toggling: (gap) => ({
    element: (item, { total, timers }) => {
      // 0 is "none", so the time is kept one higher.
      if (total.get() > 0) timers.deleteEventTime(total.get() - 1 + gap);
      timers.setEventTime(item.at + gap);
      total.set(item.at + 1);
      return [];
    },
    timer: (time, { key, total }) => {
      const last = total.get() - 1;
      total.clear();
      return [{ key, n: whole(last), at: time, ids: [] }];
    },
  }),

  past: (gap) => ({
    element: (item, { total, timers }) => {
      total.set(total.get() + 1);
      timers.setEventTime(item.at - gap);
      return [];
    },
    timer: (time, { key, total }) => [{ key, n: total.get(), at: time, ids: [] }],
  }),

  judged: () => ({
    element: (item, { watermark }) => [{ ...item, n: told(watermark) }],
    timer: () => [],
  }),

  parting: () => ({
    element: (item, scratch) => {
      if (isOdd(item)) scratch.side(item);
      return isOdd(item) ? [] : [item];
    },
    timer: () => [],
  }),

  keeping: (gap) => ({
    element: (item, { kept, timers }) => {
      const act = Math.abs(item.n % 5);
      if (act === 3) kept.clear();
      else if (act !== 1) kept.write(item.n);
      if (act === 4 && gap > 0) timers.setEventTime(item.at + gap);
      return act === 1 || act === 2 ? [found(item.key, item.at, kept)] : [];
    },
    timer: (time, { key, kept }) => [found(key, time, kept)],
  }),

  waking: (gap) => ({
    element: (item, { now, seen, timers }) => {
      remember(seen, item);
      if (item.n % 4 === 0) timers.deleteProcessingTime(now + gap);
      else timers.setProcessingTime(now + gap * Math.abs(item.n % 4));
      return [];
    },
    timer: (time, { key, now, seen, timers }) => {
      const items = all(seen);
      forgetUntil(seen, Infinity);
      // One more, sometimes, which finds nothing.
      if (items.length % 2 === 1) timers.setProcessingTime(time + 3);
      return [{ ...summary(key, time, items), n: items.length + 100 * (now - time) }];
    },
  }),

  tally: (gap) => ({
    element: (item, { seen, timers }) => {
      remember(seen, item);
      timers.setEventTime(item.at + gap);
      return [];
    },
    second: (item, { other, timers }) => {
      remember(other, item);
      timers.setEventTime(item.at + gap);
      return [];
    },
    timer: (time, { key, seen, other }) => {
      const [first, second] = [seen.get(time - gap) ?? [], other.get(time - gap) ?? []];
      forgetUntil(seen, time - gap);
      forgetUntil(other, time - gap);
      const n = 1000 * first.length + second.length;
      return [{ ...summary(key, time, [...first, ...second]), n }];
    },
  }),

  pairs: () => ({
    element: (item, { seen, other }) => {
      remember(seen, item);
      return all(other).map((mate) => pair(item, mate));
    },
    second: (item, { seen, other }) => {
      remember(other, item);
      return all(seen).map((mate) => pair(mate, item));
    },
    timer: () => [],
  }),

  ruled: (gap) => ({
    element: (item, { seen, timers }) => {
      remember(seen, item);
      timers.setEventTime(item.at + gap);
      return [];
    },
    second: (item, { rules, side }) => {
      remember(rules, item);
      if (item.n % 3 === 0) side(item);
      return [{ ...item, n: whole(item.n + 100) }];
    },
    // A rule of a later time may be there already, or not.
    timer: (time, { key, seen, rules }) => {
      const last = seen.get(time - gap) ?? [];
      forgetUntil(seen, time - gap);
      const known = all(rules).filter(({ at }) => at <= time);
      const n = known.reduce((sum, rule) => whole(sum + rule.n), 1000 * known.length);
      return [{ ...summary(key, time, last), n: whole(n + last.length) }];
    },
  }),

  gated: () => ({
    element: (item, { seen, rules }) => {
      if ([...rules.keys()].length > 0) return [item];
      remember(seen, item);
      return [];
    },
    second: (item, { rules, visitKeys }) => {
      if (item.n % 3 !== 0) return [];
      rules.set(0, []);
      visitKeys();
      return [];
    },
    visit: ({ seen }) => {
      const waiting = all(seen);
      forgetUntil(seen, Infinity);
      return waiting;
    },
    timer: () => [],
  }),
};

/** Where there is no broadcast side. */
export const noEntries: Entries = {
  get: () => undefined,
  set: () => undefined,
  delete: () => undefined,
  keys: () => [],
};

export function handlersOf(behaviour: Behaviour | ConnectStep['behaviour'], gap: number): Handlers {
  const made = makers[behaviour](gap);
  return { second: made.element, visit: () => [], ...made };
}

function remember(entries: Entries, item: Item): void {
  entries.set(item.at, [...(entries.get(item.at) ?? []), item]);
}

function forgetUntil(entries: Entries, until: number): void {
  for (const at of [...entries.keys()]) if (at <= until) entries.delete(at);
}

/** In the order of time, since a map state promises none. */
function all(entries: Entries): Item[] {
  const times = [...entries.keys()].toSorted((a, b) => a - b);
  return times.flatMap((at) => entries.get(at) ?? []);
}

function found(key: Key, at: number, kept: Kept): Item {
  const numbers = kept.read();
  return { key, n: whole(numbers.reduce((sum, n) => sum + n, 0)), at, ids: [...numbers] };
}

function summary(key: Key, time: number, items: readonly Item[]): Item {
  const ids = items.flatMap((item) => item.ids).toSorted((a, b) => a - b);
  return { key, n: items.length, at: time, ids };
}

function pair(first: Item, second: Item): Item {
  const ids = [...first.ids, ...second.ids].toSorted((a, b) => a - b);
  const n = whole(first.n * 100 + second.n);
  return { key: first.key, n, at: Math.max(first.at, second.at), ids };
}
