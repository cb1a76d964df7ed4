/**
 * The reference of states with a time to live: entries in a list, each with the stamp of its last write, looked at one
 * by one at each read. After Flink's `StateTtlConfig`, in event time or by the clock.
 */
import type { Kept } from './behaviours.js';
import type { KeepChoice } from './description.js';

/** What a state needs to know of time when it is touched; ms. */
export interface StateTimes {
  /** The time of the element or timer in hand. */
  readonly timestamp: number;
  /** How far event time has come. */
  readonly reached: number;
  readonly now: number;
}

interface Entry {
  /** Tells entries of a map apart. */
  readonly name: number;
  value: number;
  /** How many values have been folded in. */
  count: number;
  stamp: number;
}

/** Both fold functions are the user's, so the pipeline calls them too. */
export function folded(a: number, b: number): number {
  return (a * 2 + b) % 1009;
}

/** Entries of a map state are named by it. */
export function nameIn(n: number): number {
  return Math.abs(n % 3);
}

export class ReferenceState implements Kept {
  readonly #choice: KeepChoice;
  readonly #times: () => StateTimes;
  #entries: Entry[] = [];

  constructor(choice: KeepChoice, times: () => StateTimes) {
    this.#choice = choice;
    this.#times = times;
  }

  write(n: number): void {
    const { kind } = this.#choice;
    const name = kind === 'map' ? nameIn(n) : 0;
    const former = kind === 'list' ? undefined : this.#entries.find((one) => one.name === name);
    if (former === undefined) {
      this.#entries.push({ name, value: n, count: 1, stamp: this.#stamp() });
      return;
    }
    const adds = this.#isAlive(former) || this.#choice.ttl?.givesExpired === true;
    if (kind === 'reducing') former.value = adds ? folded(former.value, n) : n;
    else if (kind === 'aggregating') former.value = adds ? former.value + n : n;
    else former.value = n;
    former.count = adds ? former.count + 1 : 1;
    former.stamp = Math.max(former.stamp, this.#stamp());
  }

  read(): readonly number[] {
    const { kind, ttl } = this.#choice;
    const alive = this.#entries.filter((entry) => this.#isAlive(entry));
    const visible = ttl?.givesExpired === true ? this.#entries : alive;
    this.#entries = alive;
    if (ttl?.update === 'onReadAndWrite')
      for (const entry of alive) entry.stamp = Math.max(entry.stamp, this.#stamp());
    if (kind === 'aggregating') return visible.map(({ value, count }) => value * 10 + count);
    const values = visible.map(({ value }) => value);
    return kind === 'map' ? values.toSorted((a, b) => a - b) : values;
  }

  clear(): void {
    this.#entries = [];
  }

  #isAlive({ stamp }: Entry): boolean {
    const { ttl } = this.#choice;
    if (ttl === undefined) return true;
    const { reached, now } = this.#times();
    return stamp + ttl.after > (ttl.time === 'event' ? reached : now);
  }

  #stamp(): number {
    const { timestamp, now } = this.#times();
    return this.#choice.ttl?.time === 'processing' ? now : timestamp;
  }
}
