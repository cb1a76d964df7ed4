/**
 * The time that an operator counts from. A time of this century does not fit into a small integer, and V8 keeps each
 * number of an object that does not fit in a place of memory of its own; the distance from a time near by does fit (for
 * 24 days). So what is kept per key is `time - origin.ms`. Longer distances are right, too, only slower.
 */
export class TimeOrigin {
  /** Epoch ms, a whole number; 0 until it is settled. */
  ms = 0;
  #isSettled = false;

  /** Counts from this time on, if nothing has been counted before. A fraction is counted from 0, because only so is it exact. */
  settle(time: number): void {
    if (this.#isSettled || !Number.isFinite(time)) return;
    this.#isSettled = true;
    this.ms = Number.isInteger(time) ? time : 0;
  }

  /** Whether the distance to a time says exactly which time it is. */
  isExact(time: number): boolean {
    return this.ms + (time - this.ms) === time;
  }
}
