/**
 * Pending timers of one operator and one time domain, bucketed by time: a heap of distinct times, and for each time the
 * set of slots. Aligned windows put thousands of keys under one time, so a heap entry per key would cost ten times more.
 *
 * A durable index also keeps what has changed since the last barrier, netted: a timer that came and went in between
 * leaves no trace, so the changes are never more than the timers of two epochs. A barrier takes them away whole.
 */
import type { TimerIndex } from '../core/operator.js';
import { TimeHeap } from '../time/time-heap.js';

/** What the index needs of a slot. */
export interface TimerHolder {
  /** How many timers are set; a slot with timers is not dropped. */
  timers: number;
}

/**
 * What became of a timer since the last barrier: `returned` was pending then, was removed, and is pending again.
 * Nothing needs to be written for it, but a further removal must be.
 */
export type TimerChange = 'added' | 'removed' | 'returned';

/** Changes by time, then by slot. */
export type TimerChanges<Holder> = Map<number, Map<Holder, TimerChange>>;

export class Timers<Live extends object, Holder extends TimerHolder & { readonly live: Live }> {
  readonly #cells = new Map<number, Set<Holder>>();
  readonly #heap = new TimeHeap();
  #changes: TimerChanges<Holder> | undefined;
  #size = 0;
  /** The cell that is being fired, so that its iterator is kept between slices. */
  #firing: { readonly time: number; readonly rest: IterableIterator<Holder> } | undefined;
  firedTime = NaN;

  /** @param isDurable whether changes are kept for `takeChanges` */
  constructor(isDurable: boolean) {
    if (isDurable) this.#changes = new Map();
  }

  get size(): number {
    return this.#size;
  }

  set(holder: Holder, time: number): void {
    if (this.put(holder, time)) this.#noteSet(holder, time);
  }

  /** Sets a timer that a checkpoint holds: no change. Returns false when it is set already. */
  put(holder: Holder, time: number): boolean {
    let cell = this.#cells.get(time);
    if (cell === undefined) {
      cell = new Set();
      this.#cells.set(time, cell);
      this.#heap.push(time);
    }
    const before = cell.size;
    cell.add(holder);
    if (cell.size === before) return false;
    this.#size += 1;
    holder.timers += 1;
    return true;
  }

  delete(holder: Holder, time: number): void {
    const cell = this.#cells.get(time);
    if (cell === undefined || !cell.delete(holder)) return;
    this.#removed(holder, time);
    // An emptied cell stays until its time comes or it is asked for next: the heap cannot remove from its middle.
  }

  next(): number {
    for (;;) {
      const time = this.#heap.peek();
      if (time === Infinity && this.#heap.size === 0) return Infinity;
      if ((this.#cells.get(time)?.size ?? 0) > 0) return time;
      this.#dropCell(time);
    }
  }

  take(until: number): Holder | undefined {
    const time = this.next();
    if (time > until || this.#size === 0) return undefined;
    const cell = this.#cells.get(time);
    if (cell === undefined) return undefined;
    if (this.#firing?.time !== time) this.#firing = { time, rest: cell.values() };
    let taken = this.#firing.rest.next();
    if (taken.done === true) {
      // Set again behind the iterator's back after it had finished: begin anew.
      this.#firing = { time, rest: cell.values() };
      taken = this.#firing.rest.next();
    }
    const holder = taken.value as Holder;
    cell.delete(holder);
    this.#removed(holder, time);
    this.firedTime = time;
    return holder;
  }

  /** Hands over the changes since the last call, in no time however many they are. */
  takeChanges(): TimerChanges<Holder> {
    const changes = this.#changes ?? new Map();
    if (this.#changes !== undefined) this.#changes = new Map();
    return changes;
  }

  *entries(): IterableIterator<readonly [number, Holder]> {
    for (const [time, cell] of this.#cells) for (const holder of cell) yield [time, holder];
  }

  #removed(holder: Holder, time: number): void {
    this.#size -= 1;
    holder.timers -= 1;
    this.#noteRemoved(holder, time);
  }

  #dropCell(time: number): void {
    this.#heap.pop();
    this.#cells.delete(time);
    if (this.#firing?.time === time) this.#firing = undefined;
  }

  #noteSet(holder: Holder, time: number): void {
    if (this.#changes === undefined) return;
    let changed = this.#changes.get(time);
    if (changed === undefined) {
      changed = new Map();
      this.#changes.set(time, changed);
    }
    changed.set(holder, changed.get(holder) === 'removed' ? 'returned' : 'added');
  }

  #noteRemoved(holder: Holder, time: number): void {
    if (this.#changes === undefined) return;
    const changed = this.#changes.get(time);
    if (changed?.get(holder) !== 'added') {
      if (changed === undefined) this.#changes.set(time, new Map([[holder, 'removed']]));
      else changed.set(holder, 'removed');
      return;
    }
    changed.delete(holder);
    if (changed.size === 0) this.#changes.delete(time);
  }
}

/** The view that operators get. */
export function timerIndex<
  Live extends object,
  Holder extends TimerHolder & { readonly live: Live },
>(timers: Timers<Live, Holder>): TimerIndex<Live> {
  return timers as unknown as TimerIndex<Live>;
}
