/** The operators behind `dedupe`: one remembers what it has let through, the other waits for what may still come. */
import { hasTimestamp } from '../core/flow.js';
import type {
  Budget,
  KeyCell,
  KeyedState,
  KeyedStateSpec,
  Operator,
  OperatorContext,
  Slot,
} from '../core/operator.js';
import { timestampMissing } from './user-function.js';

export interface DedupeSettings {
  readonly withinMs: number;
  /** Tag of the side output for late elements. */
  readonly late: string | undefined;
}

/** Timestamps that have been emitted for a key; mostly one. */
type Firsts = number[];

export const firstsSpec: KeyedStateSpec<Firsts> = {
  create: () => [],
  pack: (firsts) => firsts,
  unpack: (packed) => packed as Firsts,
  isEmpty: (firsts) => firsts.length === 0,
  evictable: true,
};

/** What both have in common: judging, counting, and walking the timers. */
abstract class Dedupe<Live extends object> implements Operator {
  protected readonly context: OperatorContext;
  protected readonly withinMs: number;
  protected readonly store: KeyedState<Live>;
  /** The watermark up to which all timers have fired. */
  protected firedUpTo: number;
  readonly #late: string | undefined;
  readonly #cell: KeyCell;

  constructor(context: OperatorContext, { withinMs, late }: DedupeSettings) {
    this.context = context;
    this.withinMs = withinMs;
    this.store = context.keyedState<Live>();
    this.firedUpTo = context.watermark();
    this.#late = late;
    this.#cell = context.keyCell(0);
  }

  element(value: unknown, timestamp: number): void {
    this.context.counters.received += 1;
    if (hasTimestamp(timestamp)) this.judge(value, timestamp);
    else this.context.reject(value, timestamp, timestampMissing(`dedupe "${this.context.name}"`));
  }

  advance(time: number, budget: Budget): boolean {
    const timers = this.store.timers.event;
    while (budget.left > 0) {
      const slot = timers.take(time);
      if (slot === undefined) break;
      budget.left -= 1;
      this.store.touch(slot);
      this.onTimer(slot, timers.firedTime);
      this.store.release(slot);
    }
    if (timers.size > 0 && timers.next() <= time) return false;
    this.firedUpTo = time;
    return true;
  }

  protected get key(): KeyCell['key'] {
    return this.#cell.key;
  }

  protected late(value: unknown, timestamp: number): void {
    this.context.late(value, timestamp);
    if (this.#late !== undefined) this.context.side(this.#late).element(value, timestamp);
  }

  protected abstract judge(value: unknown, timestamp: number): void;
  protected abstract onTimer(slot: Slot<Live>, time: number): void;
}

export class KeepFirst extends Dedupe<Firsts> {
  protected judge(value: unknown, timestamp: number): void {
    const { counters, output } = this.context;
    if (timestamp + this.withinMs <= this.firedUpTo) {
      this.late(value, timestamp);
      return;
    }
    const slot = this.store.slot(this.key);
    for (const first of slot.live)
      if (Math.abs(timestamp - first) < this.withinMs) {
        counters.filtered += 1;
        return;
      }
    this.store.touch(slot);
    slot.live.push(timestamp);
    // Not once: an element that lies behind the watermark by less than `within` is still judged by it.
    this.store.timers.event.set(slot, timestamp + 2 * this.withinMs);
    counters.accepted += 1;
    output.element(value, timestamp);
  }

  protected onTimer({ live }: Slot<Firsts>, time: number): void {
    const at = live.indexOf(time - 2 * this.withinMs);
    if (at >= 0) live.splice(at, 1);
  }
}

/**
 * Elements of a key that wait for the end of their interval, ascending by time, one per timestamp. Once the watermark
 * has reached `start`, nothing can come before it any more, so all but the last of the first interval are let go.
 */
export interface Intervals {
  /** Where the first interval begins. */
  start: number;
  times: number[];
  values: unknown[];
}

export const intervalsSpec: KeyedStateSpec<Intervals> = {
  create: () => ({ start: Infinity, times: [], values: [] }),
  pack: ({ start, times, values }) => [start, times, values],
  unpack(packed) {
    const [start, times, values] = packed as [number, number[], unknown[]];
    return { start, times, values };
  },
  isEmpty: ({ times }) => times.length === 0,
  evictable: true,
};

export class KeepLast extends Dedupe<Intervals> {
  protected judge(value: unknown, timestamp: number): void {
    const known = this.store.find(this.key);
    if (timestamp <= this.firedUpTo && !this.#isOpenFor(known?.live, timestamp)) {
      this.late(value, timestamp);
      return;
    }
    const slot = known ?? this.store.slot(this.key);
    this.store.touch(slot);
    this.context.counters.accepted += 1;
    insert(slot.live, timestamp, value);
    if (timestamp < slot.live.start) this.#begin(slot, timestamp);
    if (slot.live.start <= this.firedUpTo)
      this.#letGo(slot.live, this.#countOfFirst(slot.live) - 1);
  }

  protected onTimer(slot: Slot<Intervals>, time: number): void {
    const { live, key } = slot;
    const count = this.#countOfFirst(live);
    const last = live.values[count - 1];
    this.#letGo(live, count);
    live.start = Infinity;
    const next = live.times[0];
    if (next !== undefined) this.#begin(slot, next);
    this.context.derive(key, time);
    this.context.output.element(last, time);
  }

  /** An element behind the watermark counts only where it changes no interval. */
  #isOpenFor(live: Intervals | undefined, timestamp: number): boolean {
    return live !== undefined && timestamp >= live.start && timestamp < live.start + this.withinMs;
  }

  /** The first interval begins at `start` now. */
  #begin(slot: Slot<Intervals>, start: number): void {
    const { event } = this.store.timers;
    if (slot.live.start !== Infinity) event.delete(slot, this.#lastOf(slot.live.start));
    slot.live.start = start;
    event.set(slot, this.#lastOf(start));
  }

  /** The last millisecond of the interval that begins at `start`. */
  #lastOf(start: number): number {
    return start + this.withinMs - 1;
  }

  /** How many elements lie in the first interval. */
  #countOfFirst({ start, times }: Intervals): number {
    const end = start + this.withinMs;
    const count = times.findIndex((time) => time >= end);
    return count < 0 ? times.length : count;
  }

  #letGo({ times, values }: Intervals, count: number): void {
    if (count <= 0) return;
    times.splice(0, count);
    values.splice(0, count);
  }
}

/** From the end, because most elements come in order. */
function insert({ times, values }: Intervals, timestamp: number, value: unknown): void {
  let at = times.length;
  while (at > 0 && (times[at - 1] as number) > timestamp) at -= 1;
  if (at > 0 && times[at - 1] === timestamp) {
    values[at - 1] = value;
    return;
  }
  times.splice(at, 0, timestamp);
  values.splice(at, 0, value);
}
