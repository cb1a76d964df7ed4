/** Lets a source wait for more (for time to pass, or for bytes) in a way that the job can end when it stops. */
import type { Clock } from '../core/clock.js';

export class Interruption {
  #isRaised = false;
  #release: (() => void) | undefined;

  get isRaised(): boolean {
    return this.#isRaised;
  }

  /** Ends the wait under way and all later ones. */
  raise(): void {
    this.#isRaised = true;
    this.#release?.();
  }

  /** Waits until the clock says `time`. Returns false, at once, when it was interrupted. */
  async until(clock: Clock, time: number): Promise<boolean> {
    if (this.#isRaised) return false;
    let cancel: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.#release = resolve;
      cancel = clock.setTimer(time, resolve);
    });
    cancel?.();
    this.#release = undefined;
    return !this.#isRaised;
  }

  /** What a promise gives, or undefined when it is interrupted first. One wait at a time. */
  async or<T>(promise: Promise<T>): Promise<T | undefined> {
    if (this.#isRaised) return undefined;
    return new Promise((resolve, reject) => {
      this.#release = () => resolve(undefined);
      promise.then(resolve, reject);
    });
  }
}
