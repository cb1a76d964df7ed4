/**
 * The only doors to time, chance and the event loop. No other file in `src/` may read the real clock; a test
 * forbids it, because one stray `Date.now()` makes a run that cannot be replayed.
 */

export interface Clock {
  /** Wall-clock time in epoch milliseconds. */
  now(): number;
  /**
   * Calls back once at (or soon after) the epoch millisecond `time`; returns a function that cancels it.
   * Times in the past fire in the next turn; any distance into the future is allowed.
   */
  setTimer(time: number, callback: () => void): () => void;
  /** Lets the event loop turn once, so that I/O and other timers get their chance. */
  turn(): Promise<void>;
  /** Monotonic milliseconds, for durations in progress lines; never for semantics. */
  elapsed(): number;
}

/** `setTimeout` fires at once beyond this, so longer waits are taken in steps. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** The real clock. Node is kept alive by its timers, as a waiting job must be. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  turn: () => new Promise((resolve) => void setImmediate(resolve)),
  setTimer(time, callback) {
    let handle: ReturnType<typeof setTimeout>;
    const arm = (): void => {
      const waitMs = time - Date.now();
      handle =
        waitMs > TIMEOUT_MS_MAX
          ? setTimeout(arm, TIMEOUT_MS_MAX)
          : setTimeout(callback, Math.max(0, waitMs));
    };
    arm();
    return () => clearTimeout(handle);
  },
};

/** A number in [0, 1). */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();
