/**
 * The events of the bench: each a fresh object, made out of a small ring of templates and its own number.
 *
 * A preloaded array of a million objects would measure cache misses more than work, and one object used over and over
 * would measure no allocation at all. What event n looks like depends on n alone, so all variants see the same events.
 */

export interface Play {
  readonly user: number;
  readonly song: string;
  readonly ms: number;
  /** Event time, epoch ms: up to `OUT_OF_ORDER_MS` behind the newest one before it. */
  readonly at: number;
}

/** A bound that no event ever lies behind. */
export const OUT_OF_ORDER_MS = 100;

/** The event time of the first event, epoch ms: a whole number of minutes. */
export const FIRST_MS = 1_436_918_400_000;
/** Ten thousand events per second of event time: with 10 k keys each key comes once a second. */
const EVENTS_PER_MS = 10;
const RING = 1024;
/** Coprime to all numbers of keys that are powers of ten, so that its multiples visit each key. */
const STRIDE = 7919;

export interface PlaysOptions {
  readonly keys: number;
  /** The first events bring each key once, so that what is measured behind them finds all keys there. */
  readonly keysFirst: boolean;
  /** Few keys have most of the events. Default: all keys are alike. */
  readonly skewed?: boolean;
  /** After Zipf with s = 1: the n-th key comes in proportion to 1 / n. */
  readonly zipf?: boolean;
  /** Default 10. */
  readonly eventsPerMs?: number;
  /** Default: up to 63 ms out of order. */
  readonly inOrder?: boolean;
}

interface Template {
  readonly song: string;
  readonly ms: number;
}

export class Plays {
  readonly #ring: readonly Template[] = Array.from({ length: RING }, (_, index) => ({
    song: `song-${index % 97}`,
    // `| 0`, because what is left of a number too large for a small integer stays a number in the heap.
    ms: (mix(index) % 240_000) | 0,
  }));
  readonly #keys: number;
  readonly #keysFirst: number;
  readonly #isSkewed: boolean;
  /** Logarithm of the number of keys, for Zipf; else 0. */
  readonly #logKeys: number;
  readonly #eventsPerMs: number;
  /** The bits of chance that set an event back in time. */
  readonly #delayBits: number;

  constructor(options: PlaysOptions) {
    const { keys, keysFirst, skewed = false, inOrder = false } = options;
    this.#keys = keys;
    this.#keysFirst = keysFirst ? keys : 0;
    this.#isSkewed = skewed;
    this.#logKeys = options.zipf === true ? Math.log(keys) : 0;
    this.#eventsPerMs = options.eventsPerMs ?? EVENTS_PER_MS;
    this.#delayBits = inOrder ? 0 : 63;
  }

  at(n: number): Play {
    const chance = mix(n);
    const template = this.#ring[n % RING] as Template;
    return {
      user: n < this.#keysFirst ? ((n * STRIDE) % this.#keys) | 0 : this.#keyOf(chance),
      song: template.song,
      ms: template.ms,
      at: FIRST_MS + Math.floor(n / this.#eventsPerMs) - (chance & this.#delayBits),
    };
  }

  /** The events from number `from` on, `count` of them. */
  chunk(from: number, count: number): Play[] {
    const plays = new Array<Play>(count);
    for (let index = 0; index < count; index += 1) plays[index] = this.at(from + index);
    return plays;
  }

  #keyOf(chance: number): number {
    const unit = chance / 2 ** 32;
    // Neighbours in rank are strewn over all keys: keys may not tell by their order how often they come.
    if (this.#logKeys > 0)
      return (((Math.exp(unit * this.#logKeys) | 0) * STRIDE) % this.#keys) | 0;
    // `| 0` and not `Math.floor`: keys are small integers for V8, too, and not numbers in the heap.
    return (this.#keys * (this.#isSkewed ? unit * unit * unit : unit)) | 0;
  }
}

/** Spreads the bits of a whole number over 32 bits, unsigned. */
export function mix(n: number): number {
  let hash = Math.imul(n ^ 0x5bd1e995, 0x9e3779b1);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca77);
  hash ^= hash >>> 13;
  return hash >>> 0;
}
