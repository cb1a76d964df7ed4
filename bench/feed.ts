/**
 * Hands out the events of one run, and holds the stopwatch: the clock starts when the warm-up part has been handed
 * out and stops when more is asked for than there is.
 *
 * So starting up, filling the state and firing everything at the end of a bounded input are outside of the timing, in
 * all variants alike. Heap is looked at in the same two places, for the state is gone when a run has ended.
 */
import type { Play, Plays } from './plays.js';

export const CHUNK = 1024;

export interface Sizes {
  /** Events in all. */
  readonly events: number;
  /** How many of them pass before the clock starts. */
  readonly warm: number;
  readonly keys: number;
}

export interface Reading {
  /** Events between start and stop. */
  readonly events: number;
  readonly elapsedMs: number;
  /** What all threads of the process have worked in that time. */
  readonly cpuMs: number;
  /** What the heap has grown by from the first event to the last; 0 unless it was asked for. */
  readonly heapBytes: number;
}

export class Feed {
  readonly sizes: Sizes;
  readonly #plays: Plays;
  readonly #watchesHeap: boolean;
  readonly #warm: number;
  #position = 0;
  #isStarted = false;
  #started = { wallMs: Number.NaN, cpuMs: Number.NaN };
  #stopped = this.#started;
  #heapAtStart = 0;
  #heapAtEnd = 0;
  /** Called when the clock starts and when it stops, by those who measure something of their own. */
  whenStarted: () => void = () => undefined;
  whenStopped: () => void = () => undefined;

  constructor(plays: Plays, sizes: Sizes, options: { readonly watchesHeap: boolean }) {
    this.sizes = sizes;
    this.#plays = plays;
    this.#watchesHeap = options.watchesHeap;
    // The clock starts between two chunks.
    this.#warm = Math.ceil(sizes.warm / CHUNK) * CHUNK;
    if (this.#warm >= sizes.events) throw new Error('expected more events than the warm-up takes');
  }

  /** The number of the next event. */
  get position(): number {
    return this.#position;
  }

  /** The next chunk, of at most `most` events; undefined when there are no more. */
  next(most = CHUNK): Play[] | undefined {
    if (this.#position === 0) this.#begin();
    if (this.#position >= this.#warm && !this.#isStarted) this.#start();
    const count = Math.min(most, this.sizes.events - this.#position);
    if (count === 0) {
      this.#end();
      return undefined;
    }
    const chunk = this.#plays.chunk(this.#position, count);
    this.#position += count;
    return chunk;
  }

  /**
   * Hands out all events one by one, out of the same chunks: events of the world lie in the heap before anybody sees
   * them, and V8 must not be allowed to do away with them in some variants only.
   */
  each(take: (play: Play) => void): void {
    for (let plays = this.next(); plays !== undefined; plays = this.next()) {
      for (let index = 0; index < plays.length; index += 1) take(plays[index] as Play);
    }
  }

  /** To be asked for after the last event. */
  reading(): Reading {
    return {
      events: this.sizes.events - this.#warm,
      elapsedMs: this.#stopped.wallMs - this.#started.wallMs,
      cpuMs: this.#stopped.cpuMs - this.#started.cpuMs,
      heapBytes: this.#heapAtEnd - this.#heapAtStart,
    };
  }

  #begin(): void {
    if (this.#watchesHeap) this.#heapAtStart = heapInUse();
  }

  #start(): void {
    this.#isStarted = true;
    this.whenStarted();
    this.#started = now();
  }

  #end(): void {
    this.#stopped = now();
    this.whenStopped();
    if (this.#watchesHeap) this.#heapAtEnd = heapInUse();
  }
}

function now(): { readonly wallMs: number; readonly cpuMs: number } {
  // Not `cpuUsage()`: it gives `{ user, system }` with floats in it, V8 then takes `user` for a float in each literal of
  // two fields that begins with it, and all our results would be made in an outdated shape and converted one by one.
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  return { wallMs: performance.now(), cpuMs: (userCPUTime + systemCPUTime) / 1000 };
}

/** Bytes of heap and of buffers beside it, after a full collection. */
function heapInUse(): number {
  if (globalThis.gc === undefined) throw new Error('expected node --expose-gc');
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
