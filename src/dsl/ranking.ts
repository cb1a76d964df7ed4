/** The operator behind `topK`: a ranking per group, told when the watermark passes the group. */
import { MIN_WATERMARK, hasTimestamp } from '../core/flow.js';
import { TidemarkError, show } from '../core/errors.js';
import type { Key, KeyScalar } from '../core/key.js';
import type {
  Budget,
  KeyCell,
  KeyedState,
  KeyedStateSpec,
  Operator,
  OperatorContext,
  Slot,
} from '../core/operator.js';
import { compositeKeyText } from '../state/key-codec.js';
import { compareKeys } from '../state/key-order.js';

interface Entry {
  readonly key: Key;
  readonly rank: number;
  readonly element: unknown;
}

/** The entries of one group, by the name of their key: a later one replaces the former. */
export interface Group {
  readonly entries: Map<KeyScalar, Entry>;
  /** Highest timestamp in the group: it is finished when the watermark reaches it. */
  time: number;
}

export interface RankingOptions {
  readonly k: number;
  readonly by: (element: unknown) => number;
  readonly keyOf: (element: unknown) => Key;
  /** How long after its time a group still takes updates, ms. */
  readonly latenessMs: number;
}

export function rankingSpec(): KeyedStateSpec<Group> {
  return {
    create: () => ({ entries: new Map(), time: MIN_WATERMARK }),
    pack: ({ entries, time }) => [
      time,
      [...entries.values()].map(({ key, rank, element }) => [key, rank, element]),
    ],
    unpack(packed) {
      const [time, entries] = packed as [number, [Key, number, unknown][]];
      return {
        time,
        entries: new Map(
          entries.map(([key, rank, element]) => [nameOf(key), { key, rank, element }]),
        ),
      };
    },
    isEmpty: ({ entries }) => entries.size === 0,
    evictable: true,
  };
}

export class Ranking implements Operator {
  readonly #context: OperatorContext;
  readonly #options: RankingOptions;
  readonly #store: KeyedState<Group>;
  readonly #cell: KeyCell;
  #firedUpTo: number;

  constructor(context: OperatorContext, options: RankingOptions) {
    this.#context = context;
    this.#options = options;
    this.#store = context.keyedState<Group>();
    this.#cell = context.keyCell(0);
    this.#firedUpTo = context.watermark();
  }

  element(element: unknown, timestamp: number): void {
    const { counters } = this.#context;
    counters.received += 1;
    if (
      !hasTimestamp(timestamp) ||
      timestamp + this.#options.latenessMs < this.#firedUpTo ||
      this.#isClosed(timestamp)
    ) {
      this.#context.late(element, timestamp);
      return;
    }
    const slot = this.#store.slotOf(this.#cell);
    this.#store.touch(slot);
    try {
      const key = this.#options.keyOf(element);
      slot.live.entries.set(nameOf(key), { key, rank: this.#rankOf(element), element });
    } catch (cause) {
      this.#context.fail(cause, { key: slot.key, timestamp });
    }
    counters.accepted += 1;
    if (timestamp > slot.live.time) this.#setTime(slot, timestamp);
    if (slot.live.time <= this.#firedUpTo) this.#emit(slot);
  }

  advance(time: number, budget: Budget): boolean {
    const timers = this.#store.timers.event;
    for (;;) {
      if (timers.next() > time) break;
      if (budget.left <= 0) return false;
      const slot = timers.take(time);
      if (slot === undefined) break;
      budget.left -= 1;
      this.#onTimer(slot, timers.firedTime);
    }
    this.#firedUpTo = time;
    return true;
  }

  /** The group of an element at this time has been told for the last time. */
  #isClosed(timestamp: number): boolean {
    return timestamp + this.#options.latenessMs <= this.#firedUpTo;
  }

  #onTimer(slot: Slot<Group>, time: number): void {
    this.#context.derive(slot.key, time);
    if (time === slot.live.time) this.#emit(slot);
    if (time === slot.live.time + this.#options.latenessMs) {
      this.#store.touch(slot);
      slot.live.entries.clear();
      this.#store.release(slot);
    }
  }

  /** A later element moves the end of its group; the timers go with it. */
  #setTime(slot: Slot<Group>, time: number): void {
    const { event } = this.#store.timers;
    const { latenessMs } = this.#options;
    if (slot.live.time !== MIN_WATERMARK) {
      event.delete(slot, slot.live.time);
      event.delete(slot, slot.live.time + latenessMs);
    }
    slot.live.time = time;
    if (time > this.#firedUpTo) event.set(slot, time);
    event.set(slot, time + latenessMs);
  }

  #rankOf(element: unknown): number {
    const rank = this.#options.by(element);
    if (typeof rank === 'number' && rank === rank) return rank;
    throw new TidemarkError('USER_FUNCTION_FAILED', {
      expected: 'a number to rank by',
      got: show(rank),
      where: `by of "${this.#context.name}"`,
      hint: 'NaN has no place in an order; give a default.',
    });
  }

  #emit({ key, live }: Slot<Group>): void {
    const top = bestOf(live.entries.values(), this.#options.k).map(({ element }) => element);
    this.#context.output.element({ per: key, top }, live.time);
  }
}

/** The best k, best first. One pass, because a group may be far larger than k. */
function bestOf(entries: Iterable<Entry>, k: number): Entry[] {
  const best: Entry[] = [];
  for (const entry of entries) {
    const worst = best[k - 1];
    if (worst !== undefined && better(worst, entry) < 0) continue;
    let at = best.length;
    for (; at > 0; at -= 1) {
      const before = best[at - 1];
      if (before === undefined || better(before, entry) < 0) break;
    }
    best.splice(at, 0, entry);
    if (best.length > k) best.pop();
  }
  return best;
}

/** Below 0 when `a` ranks before `b`: higher rank first, then the lower key. */
function better(a: Entry, b: Entry): number {
  return b.rank - a.rank || compareKeys(a.key, b.key);
}

/** A name for a key in a Map that holds scalars and composites: a string could be spelled like a composite. */
function nameOf(key: Key): KeyScalar {
  if (typeof key === 'string') return `s${key}`;
  return typeof key === 'object' ? `c${compositeKeyText(key)}` : key;
}
