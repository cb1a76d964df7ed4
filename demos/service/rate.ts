/** A bucket that fills with time: how many plays may still be taken now. */

export class Rate {
  readonly #perSecond: number;
  #left: number;
  #at: number;

  /**
   * @param perSecond how many on average; twice as many at once
   * @param now epoch ms
   */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond * 2;
    this.#at = now;
  }

  /** Takes `count` out of the bucket, or nothing when there are not so many: then it says in how many ms there are. */
  take(count: number, now: number): { readonly waitMs: number } {
    // A clock that was set back fills nothing, and takes nothing away.
    const passedMs = Math.max(0, now - this.#at);
    this.#at = now;
    this.#left = Math.min(this.#perSecond * 2, this.#left + (passedMs * this.#perSecond) / 1000);
    if (count <= this.#left) {
      this.#left -= count;
      return { waitMs: 0 };
    }
    return { waitMs: Math.ceil(((count - this.#left) * 1000) / this.#perSecond) };
  }
}
