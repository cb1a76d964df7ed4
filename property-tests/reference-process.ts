/**
 * The reference of `process` and `connect`: one plain record per key, timers as a set of times, and at each advance
 * the smallest due timer, again and again, found by looking at all of them.
 */
import type { Entries, Handlers, Scratch } from './behaviours.js';
import type { Item } from './description.js';
import type { Moment, Timed } from './oracle-stream.js';
import { textOf } from './text.js';
import type { Key } from 'tidemark';

/** What a key has. */
interface Place {
  readonly scratch: Scratch;
  readonly timers: Set<number>;
}

export interface Arrival extends Timed {
  /** Which input of a connect it comes from. */
  readonly side: 0 | 1;
}

/** Runs handlers over a stream. A timer is due when the watermark has risen to its time, or above. */
export function referenceProcess(
  stream: readonly Moment<Arrival>[],
  keyOf: (item: Item) => Key,
  handlers: Handlers,
): Moment[] {
  const places = new Map<string, Place>();
  const placeOf = (key: Key): Place => {
    const name = textOf(key);
    const place = places.get(name) ?? newPlace(key);
    places.set(name, place);
    return place;
  };
  let before = -Infinity;
  return stream.map(({ elements, watermark }) => {
    const emitted: Timed[] = [];
    for (const { item, timestamp, side } of elements) {
      const scratch = { ...placeOf(keyOf(item)).scratch, watermark: before };
      const results = side === 0 ? handlers.element(item, scratch) : handlers.second(item, scratch);
      emitted.push(...results.map((result) => ({ item: result, timestamp })));
    }
    if (watermark > before) emitted.push(...fireDue(places, watermark, handlers));
    before = watermark;
    return { elements: emitted, watermark };
  });
}

function fireDue(places: ReadonlyMap<string, Place>, until: number, handlers: Handlers): Timed[] {
  const emitted: Timed[] = [];
  for (;;) {
    const due = [...places.values()].flatMap((place) =>
      [...place.timers].filter((time) => time <= until).map((time) => ({ place, time })),
    );
    const [first] = due.toSorted((a, b) => a.time - b.time);
    if (first === undefined) return emitted;
    const { place, time } = first;
    place.timers.delete(time);
    const results = handlers.timer(time, { ...place.scratch, watermark: until });
    emitted.push(...results.map((item) => ({ item, timestamp: time })));
  }
}

function newPlace(key: Key): Place {
  const timers = new Set<number>();
  let total = 0;
  const scratch: Scratch = {
    key,
    watermark: -Infinity,
    total: { get: () => total, set: (value) => (total = value), clear: () => (total = 0) },
    seen: newEntries(),
    other: newEntries(),
    timers: {
      setEventTime: (time) => timers.add(time),
      deleteEventTime: (time) => timers.delete(time),
    },
  };
  return { scratch, timers };
}

function newEntries(): Entries {
  const entries = new Map<number, readonly Item[]>();
  return {
    get: (at) => entries.get(at),
    set: (at, items) => void entries.set(at, items),
    delete: (at) => void entries.delete(at),
    keys: () => entries.keys(),
  };
}
