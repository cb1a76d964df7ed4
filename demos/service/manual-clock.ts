/** A clock that goes on when it is told to, for tests and for the picture of the README. */
import type { ServiceClock } from './clock.js';

interface Alarm {
  at: number;
  readonly everyMs: number | undefined;
  readonly callback: () => void;
}

export class ManualClock implements ServiceClock {
  #now: number;
  readonly #alarms = new Set<Alarm>();

  /** @param now epoch ms */
  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  every(ms: number, callback: () => void): () => void {
    return this.#set({ at: this.#now + ms, everyMs: ms, callback });
  }

  after(ms: number, callback: () => void): () => void {
    return this.#set({ at: this.#now + ms, everyMs: undefined, callback });
  }

  /** How many callbacks are waited for. */
  get waiting(): number {
    return this.#alarms.size;
  }

  /** Goes on by `ms`, and calls back whatever is due, in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let alarm = this.#next(until); alarm !== undefined; alarm = this.#next(until)) {
      this.#now = alarm.at;
      if (alarm.everyMs === undefined) this.#alarms.delete(alarm);
      else alarm.at += alarm.everyMs;
      alarm.callback();
    }
    this.#now = until;
  }

  #set(alarm: Alarm): () => void {
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  }

  #next(until: number): Alarm | undefined {
    let next: Alarm | undefined;
    for (const alarm of this.#alarms)
      if (alarm.at <= until && (next === undefined || alarm.at < next.at)) next = alarm;
    return next;
  }
}
