/**
 * What the user's functions of `process` and `connect` do, written once against the little that they need: the real
 * context gives it in `build.ts`, a naive one in `reference-process.ts`.
 */
import type { Key } from 'tidemark';
import type { Behaviour, Item } from './description.js';

/** What a user function may touch; times in ms. */
export interface Scratch {
  readonly key: Key;
  readonly watermark: number;
  /** A value state, 0 at first. */
  readonly total: { get(): number; set(value: number): void; clear(): void };
  /** Map states: elements by their time, for each side. */
  readonly seen: Entries;
  readonly other: Entries;
  readonly timers: { setEventTime(time: number): void; deleteEventTime(time: number): void };
}

export interface Entries {
  get(at: number): readonly Item[] | undefined;
  set(at: number, items: readonly Item[]): void;
  delete(at: number): void;
  keys(): Iterable<number>;
}

export interface Handlers {
  element(item: Item, scratch: Scratch): Item[];
  second(item: Item, scratch: Scratch): Item[];
  timer(time: number, scratch: Scratch): Item[];
}

/** Written for a watermark of -Infinity, because an item's number is a whole one. */
const NO_WATERMARK = -1_000_000;

type Maker = (gap: number) => Omit<Handlers, 'second'> & Partial<Pick<Handlers, 'second'>>;

const makers: Readonly<Record<Behaviour | 'tally' | 'pairs', Maker>> = {
  running: () => ({
    element: (item, { total }) => {
      total.set(total.get() + item.n);
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
      return [{ key, n: last, at: time, ids: [] }];
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
    element: (item, { watermark }) => [{ ...item, n: Math.max(watermark, NO_WATERMARK) }],
    timer: () => [],
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
};

export function handlersOf(behaviour: Behaviour | 'tally' | 'pairs', gap: number): Handlers {
  const made = makers[behaviour](gap);
  return { second: made.element, ...made };
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

function summary(key: Key, time: number, items: readonly Item[]): Item {
  const ids = items.flatMap((item) => item.ids).toSorted((a, b) => a - b);
  return { key, n: items.length, at: time, ids };
}

function pair(first: Item, second: Item): Item {
  const ids = [...first.ids, ...second.ids].toSorted((a, b) => a - b);
  return { key: first.key, n: first.n * 100 + second.n, at: Math.max(first.at, second.at), ids };
}
