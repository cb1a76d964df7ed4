/**
 * Pending timers of one operator and one time domain, bucketed by time: a heap of distinct times, and for each time the
 * set of slots. Aligned windows put thousands of keys under one time, so a heap entry per key would cost ten times more.
 *
 * Every change is also written into a journal when the state is durable; a barrier takes the journal away.
 */
import type { TimerIndex } from '../core/operator.js';
import { TimeHeap } from './time-heap.js';

/** What the index needs of a slot. */
export interface TimerHolder {
  /** How many timers are set; a slot with timers is not dropped. */
  timers: number;
}

/** Changes in order, as columns. */
export interface TimerJournal<Holder> {
  readonly times: number[];
  readonly holders: Holder[];
  readonly adds: boolean[];
}

export class Timers<Live extends object, Holder extends TimerHolder & { readonly live: Live }> {
  readonly #cells = new Map<number, Set<Holder>>();
  readonly #heap = new TimeHeap();
  #journal: TimerJournal<Holder> | undefined;
  #size = 0;
  /** The cell that is being fired, so that its iterator is kept between slices. */
  #firing: { readonly time: number; readonly rest: IterableIterator<Holder> } | undefined;
  firedTime = NaN;

  /** @param journaled whether changes are kept for `takeJournal` */
  constructor(journaled: boolean) {
    if (journaled) this.#journal = emptyJournal();
  }

  get size(): number {
    return this.#size;
  }

  set(holder: Holder, time: number): void {
    if (this.put(holder, time)) this.#note(holder, time, true);
  }

  /** Sets a timer without a journal entry: for timers that come out of the journal's own slabs. */
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

  /** Hands over the changes since the last call, and begins a new journal. */
  takeJournal(): TimerJournal<Holder> {
    const journal = this.#journal ?? emptyJournal();
    if (this.#journal !== undefined) this.#journal = emptyJournal();
    return journal;
  }

  *entries(): IterableIterator<readonly [number, Holder]> {
    for (const [time, cell] of this.#cells) for (const holder of cell) yield [time, holder];
  }

  #removed(holder: Holder, time: number): void {
    this.#size -= 1;
    holder.timers -= 1;
    this.#note(holder, time, false);
  }

  #dropCell(time: number): void {
    this.#heap.pop();
    this.#cells.delete(time);
    if (this.#firing?.time === time) this.#firing = undefined;
  }

  #note(holder: Holder, time: number, add: boolean): void {
    const journal = this.#journal;
    if (journal === undefined) return;
    journal.times.push(time);
    journal.holders.push(holder);
    journal.adds.push(add);
  }
}

/** The view that operators get. */
export function timerIndex<Live extends object, Holder extends TimerHolder & { readonly live: Live }>(
  timers: Timers<Live, Holder>,
): TimerIndex<Live> {
  return timers as unknown as TimerIndex<Live>;
}

function emptyJournal<Holder>(): TimerJournal<Holder> {
  return { times: [], holders: [], adds: [] };
}
