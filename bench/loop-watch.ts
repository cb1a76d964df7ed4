/**
 * Measures for how long the event loop was not free at most: nothing else of a service gets its turn in that time, no
 * request, no timer, no heartbeat.
 *
 * It asks for a turn of the loop after each turn, and what lies between two of them was one block. That is finer than a
 * timer, which comes once a millisecond at best. Collections of garbage within a block count, as they do in real life.
 */
export class LoopWatch {
  #last = Number.NaN;
  #longest = 0;
  #immediate: NodeJS.Immediate | undefined;

  /** The longest block so far, ms. */
  get longestMs(): number {
    return this.#longest;
  }

  start(): void {
    this.#last = performance.now();
    this.#ask();
  }

  /** Ends the watch; what has not been interrupted up to here is a block as well. */
  stop(): void {
    clearImmediate(this.#immediate);
    this.#look();
  }

  #ask(): void {
    this.#immediate = setImmediate(() => {
      this.#look();
      this.#ask();
    });
  }

  #look(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }
}
