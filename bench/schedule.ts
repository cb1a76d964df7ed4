/**
 * Hands out the events of a feed when their time has come: event n is due n / rate after the first look, whatever became
 * of those before it. So whoever falls behind finds a queue, and his delay is measured and not left out.
 */
import { CHUNK, type Feed } from './feed.js';
import { FIRST_MS, type Play } from './plays.js';

/** Handed out together, so that not each event is a chunk: what is due within an eighth of a millisecond. */
const LEAST = 128;

export class Schedule {
  readonly #feed: Feed;
  readonly #eventsPerMs: number;
  #startMs = Number.NaN;

  constructor(feed: Feed, eventsPerMs: number) {
    this.#feed = feed;
    this.#eventsPerMs = eventsPerMs;
  }

  /** The next chunk, once it is due; undefined when there are no more events. */
  async next(): Promise<Play[] | undefined> {
    if (Number.isNaN(this.#startMs)) this.#startMs = performance.now();
    const left = this.#feed.sizes.events - this.#feed.position;
    if (left === 0) return this.#feed.next();
    for (;;) {
      const elapsedMs = performance.now() - this.#startMs;
      const due = Math.floor(elapsedMs * this.#eventsPerMs) - this.#feed.position;
      if (due >= Math.min(LEAST, left)) return this.#feed.next(Math.min(CHUNK, due));
      // Not a timer: it comes a millisecond late.
      await new Promise((resolve) => void setImmediate(resolve));
    }
  }

  /** For how long an event time has been over, ms. */
  sinceMs(eventTime: number): number {
    return performance.now() - this.#startMs - (eventTime - FIRST_MS);
  }
}
