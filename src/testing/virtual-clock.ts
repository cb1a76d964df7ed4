/** A clock that moves only when a test moves it; timers fire in the order of their times. */
import type { Clock } from '../core/clock.js';

interface Pending {
  readonly time: number;
  readonly callback: () => void;
}

export class VirtualClock implements Clock {
  #now: number;
  #pending: Pending[] = [];

  /** @param start epoch ms; default 0 */
  constructor(start = 0) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#now;
  }

  turn(): Promise<void> {
    return Promise.resolve();
  }

  setTimer(time: number, callback: () => void): () => void {
    const timer = { time, callback };
    this.#pending.push(timer);
    return () => {
      this.#pending = this.#pending.filter((other) => other !== timer);
    };
  }

  /** The time of the next timer, Infinity when there is none. */
  next(): number {
    return this.#pending.reduce((earliest, { time }) => Math.min(earliest, time), Infinity);
  }

  /** Moves to `time`, firing what is due on the way; also what a timer sets while it fires. */
  moveTo(time: number): void {
    for (let due = this.next(); due <= time; due = this.next()) {
      this.#now = Math.max(this.#now, due);
      const timer = this.#pending.find((candidate) => candidate.time === due);
      this.#pending = this.#pending.filter((other) => other !== timer);
      timer?.callback();
    }
    this.#now = Math.max(this.#now, time);
  }

  /** Goes back to an earlier time and forgets all timers: what a crash of the harness does. */
  reset(time: number): void {
    this.#pending = [];
    this.#now = time;
  }
}
