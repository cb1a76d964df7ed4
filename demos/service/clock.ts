/** The time that the service is handed: the real one here, one that a test turns by hand in `service.testing.ts`. */

export interface ServiceClock {
  /** Wall-clock time in epoch ms. */
  now(): number;
  /** Calls back every `ms`, the first time after `ms`; returns what ends it. */
  every(ms: number, callback: () => void): () => void;
  /** Calls back once after `ms`; returns what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export const realClock: ServiceClock = {
  now: () => Date.now(),
  every(ms, callback) {
    const timer = setInterval(callback, ms);
    return () => clearInterval(timer);
  },
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
