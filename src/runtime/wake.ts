/** A bell: one loop waits on it, many may ring it; a ring while nobody waits is not lost. */
export class Wake {
  #isRung = false;
  #waiting: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  /** Resolves at once when it has been rung since the last wait. */
  async wait(): Promise<void> {
    if (!this.#isRung) await new Promise<void>((resolve) => (this.#waiting = resolve));
    this.#isRung = false;
  }
}
