/** A bell: one loop waits on it, many may ring it; a ring while nobody waits is not lost. */
import type { Clock } from '../core/clock.js';

export class Wake {
  #isRung = false;
  #waiting: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  /** How long it was waited for, ms; only waits with a clock count. */
  waitedMs = 0;

  /** Resolves at once when it has been rung since the last wait. */
  async wait(clock?: Pick<Clock, 'elapsed'>): Promise<void> {
    if (!this.#isRung) {
      const since = clock?.elapsed() ?? 0;
      await new Promise<void>((resolve) => (this.#waiting = resolve));
      this.waitedMs += (clock?.elapsed() ?? 0) - since;
    }
    this.#isRung = false;
  }
}
