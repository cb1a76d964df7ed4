/**
 * The reference of `process` and `connect`: one plain record per key, timers as sets of times, and at each advance the
 * smallest due timer, again and again, found by looking at all of them.
 */
import type { Key } from 'tidemark';
import type { Entries, Handlers, Scratch } from './behaviours.js';
import type { Item, KeepChoice } from './description.js';
import { START_MS, watermarkBefore, type Moment, type Timed } from './oracle-stream.js';
import { ReferenceState, type StateTimes } from './reference-state.js';
import { textOf } from './text.js';

type Domain = 'event' | 'processing';

/** What a key has. */
interface Place {
  readonly key: Key;
  readonly cells: Pick<Scratch, 'total' | 'seen' | 'other' | 'kept'>;
  readonly timers: Readonly<Record<Domain, Set<number>>>;
}

export interface Arrival extends Timed {
  /** Which input of a connect it comes from. */
  readonly side: 0 | 1;
}

export interface Processed {
  readonly stream: Moment[];
  /** What went to the side output. */
  readonly sides: Moment[];
}

/** Runs handlers over a stream. A timer is due when the watermark, or the clock, has risen to its time or above. */
export function referenceProcess(
  stream: readonly Moment<Arrival>[],
  keyOf: (item: Item) => Key,
  handlers: Handlers,
  keep: KeepChoice = { kind: 'value' },
): Processed {
  const keys = new ReferenceKeys(handlers, keep);
  const sides: Moment[] = [];
  const output = stream.map((moment, index): Moment => {
    const { elements, watermark, now, ticks } = moment;
    const before = watermarkBefore(stream, index);
    keys.begin(before, ticks ? undefined : now);
    for (const arrival of elements) keys.element(keyOf(arrival.item), arrival);
    if (ticks) keys.fireProcessing(now);
    if (watermark > before) keys.fireEvent(watermark);
    keys.now = now;
    sides.push({ ...moment, elements: keys.sides });
    return { ...moment, elements: keys.emitted };
  });
  return { stream: output, sides };
}

class ReferenceKeys {
  readonly #handlers: Handlers;
  readonly #keep: KeepChoice;
  readonly #places = new Map<string, Place>();
  /** Broadcast state. */
  readonly #rules = newEntries();
  #visits = false;
  #watermark = -Infinity;
  #times: StateTimes = { timestamp: NaN, reached: -Infinity, now: NaN };
  now = START_MS;
  emitted: Timed[] = [];
  sides: Timed[] = [];

  constructor(handlers: Handlers, keep: KeepChoice) {
    this.#handlers = handlers;
    this.#keep = keep;
  }

  /** A moment begins. `now` is undefined where the clock moves in it. */
  begin(watermark: number, now: number | undefined): void {
    this.#watermark = watermark;
    this.now = now ?? this.now;
    this.emitted = [];
    this.sides = [];
  }

  element(key: Key, { item, timestamp, side }: Arrival): void {
    this.#times = { timestamp, reached: this.#watermark, now: this.now };
    const scratch = this.#scratch(this.#placeOf(key));
    const { element, second } = this.#handlers;
    this.#visits = false;
    this.#emit(side === 0 ? element(item, scratch) : second(item, scratch));
    if (!this.#visits) return;
    for (const place of this.#places.values())
      this.#emit(this.#handlers.visit(this.#scratch(place)));
  }

  /** What event time has come to for a timer is not the watermark that has leapt, but its own time. */
  fireEvent(watermark: number): void {
    const before = this.#watermark;
    this.#watermark = watermark;
    for (const { place, time } of this.#due('event', watermark)) {
      this.#times = { timestamp: time, reached: Math.max(time, before), now: this.now };
      this.#emit(this.#handlers.timer(time, this.#scratch(place)));
    }
  }

  /** Timers of the clock fire on the way; one that was set for the past at once. */
  fireProcessing(until: number): void {
    for (const { place, time } of this.#due('processing', until)) {
      this.now = Math.max(this.now, time);
      this.#times = { timestamp: NaN, reached: this.#watermark, now: this.now };
      this.#emit(this.#handlers.timer(time, this.#scratch(place)));
    }
  }

  /** Takes out the earliest timer that is due, again and again. */
  *#due(domain: Domain, until: number): Generator<{ place: Place; time: number }> {
    for (;;) {
      const due = [...this.#places.values()].flatMap((place) =>
        [...place.timers[domain]].filter((time) => time <= until).map((time) => ({ place, time })),
      );
      const [first] = due.toSorted((a, b) => a.time - b.time);
      if (first === undefined) return;
      first.place.timers[domain].delete(first.time);
      yield first;
    }
  }

  #emit(results: readonly Item[]): void {
    const { timestamp } = this.#times;
    this.emitted.push(...results.map((item) => ({ item, timestamp })));
  }

  #scratch({ key, cells, timers }: Place): Scratch {
    const { now, timestamp } = this.#times;
    return {
      key,
      watermark: this.#watermark,
      now,
      ...cells,
      timers: {
        setEventTime: (time) => timers.event.add(time),
        deleteEventTime: (time) => timers.event.delete(time),
        setProcessingTime: (time) => timers.processing.add(time),
        deleteProcessingTime: (time) => timers.processing.delete(time),
      },
      rules: this.#rules,
      visitKeys: () => void (this.#visits = true),
      side: (item) => void this.sides.push({ item, timestamp }),
    };
  }

  #placeOf(key: Key): Place {
    const name = textOf(key);
    const place = this.#places.get(name) ?? this.#newPlace(key);
    this.#places.set(name, place);
    return place;
  }

  #newPlace(key: Key): Place {
    let total = 0;
    return {
      key,
      cells: {
        total: { get: () => total, set: (value) => (total = value), clear: () => (total = 0) },
        seen: newEntries(),
        other: newEntries(),
        kept: new ReferenceState(this.#keep, () => this.#times),
      },
      timers: { event: new Set(), processing: new Set() },
    };
  }
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
