/** The end of every variant: counts what comes out, and folds it into a checksum that does not depend on the order. */
import { mix } from './plays.js';

export class Tally<Out> {
  readonly #digest: (value: Out) => number;
  count = 0;
  checksum = 0;

  /** @param digest a whole number of 32 bits per value */
  constructor(digest: (value: Out) => number) {
    this.#digest = digest;
  }

  add(value: Out): void {
    this.count += 1;
    this.checksum = (this.checksum + this.#digest(value)) | 0;
  }

  addAll(values: readonly Out[]): void {
    for (let index = 0; index < values.length; index += 1) this.add(values[index] as Out);
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
