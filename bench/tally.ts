/**
 * The end of every variant, a sink that takes chunks: counts what comes out, and folds it into a checksum that does not
 * depend on the order.
 *
 * Results that come one by one are collected into chunks first. So they are really made, as they must be for any sink
 * that does something with them; counted on the spot, V8 would do away with them in some variants and not in others.
 */
import { CHUNK } from './feed.js';
import { mix } from './plays.js';

export class Tally<Out> {
  readonly #digest: (value: Out) => number;
  #chunk: unknown[] = [];
  count = 0;
  checksum = 0;

  /** @param digest a whole number of 32 bits per value */
  constructor(digest: (value: Out) => number) {
    this.#digest = digest;
  }

  /** Takes one result; it is counted with its chunk, at the latest by `finish`. */
  add(value: Out): void {
    this.#chunk.push(value);
    if (this.#chunk.length === CHUNK) this.finish();
  }

  addAll(values: readonly Out[]): void {
    let checksum = this.checksum;
    for (let index = 0; index < values.length; index += 1)
      checksum = (checksum + this.#digest(values[index] as Out)) | 0;
    this.checksum = checksum;
    this.count += values.length;
  }

  /** Counts what has been collected. */
  finish(): void {
    const chunk = this.#chunk;
    this.#chunk = [];
    this.addAll(chunk as Out[]);
  }
}

/** One number of 32 bits out of two. */
export function digest2(a: number, b: number): number {
  return mix(Math.imul(a, 31) + b);
}

/** One number of 32 bits out of three. */
export function digest3(a: number, b: number, c: number): number {
  return mix(Math.imul(Math.imul(a, 31) + b, 31) + c);
}
