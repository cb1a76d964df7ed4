/** Cuts sorted records into blocks, and gathers what the index of their run says. */
import type { ByteWriter } from './bytes.js';
import { BlockWriter, type Block } from './blocks.js';
import { makeFilter } from './key-filter.js';
import type { RunIndex } from './run-index.js';

/**
 * Where a block is cut. A look-up reads one whole, so a larger one makes it slower; a smaller one makes more of them.
 * Two pages of LMDB, less what it needs for itself.
 */
const BLOCK_BYTES = 2 * 4096 - 16;
const PLACES_AT_FIRST = 256;

export class RunWriter {
  readonly #block = new BlockWriter();
  readonly #isFiltered: boolean;
  #places = new Uint32Array(PLACES_AT_FIRST);
  #records = 0;
  #bytes = 0;
  #firsts: number[] = [];
  #lastPlace = -1;
  #recordBytes = 0;
  #bytesBefore = 0;

  /** @param isFiltered whether keys are looked up in the run, so that it needs a filter */
  constructor(isFiltered: boolean) {
    this.#isFiltered = isFiltered;
  }

  get records(): number {
    return this.#records;
  }

  /**
   * The block that is full before a record at this place begins; undefined when there is room. To be called before
   * each `begin`.
   */
  cut(place: number): Uint8Array | undefined {
    const { count, byteLength } = this.#block;
    // Records of like size are expected, so that blocks end below the limit and not above.
    const isFull = count > 0 && byteLength + this.#recordBytes > BLOCK_BYTES;
    return isFull && place !== this.#lastPlace ? this.#finishBlock() : undefined;
  }

  /** As of a `BlockWriter`. */
  begin(place: number): ByteWriter {
    if (this.#block.count === 0) this.#firsts.push(place);
    this.#lastPlace = place;
    return this.#block.begin(place);
  }

  endKey(): void {
    this.#block.endKey();
  }

  end(): void {
    const before = this.#block.count === 0 ? 0 : this.#bytesBefore;
    this.#block.end();
    this.#bytesBefore = this.#block.byteLength;
    this.#recordBytes = this.#bytesBefore - before;
    if (this.#isFiltered) this.#note(this.#lastPlace);
    this.#records += 1;
  }

  /** Adds a record of another run. */
  copy(from: Block, index: number, place: number): void {
    const payload = this.begin(place);
    const keyEnd = from.keyEndOf(index);
    payload.bytes(from.bytes.subarray(from.startOf(index), keyEnd));
    if (!from.isTombstone(index)) {
      this.endKey();
      payload.bytes(from.bytes.subarray(keyEnd, from.endOf(index)));
    }
    this.end();
  }

  /** The last block, if there is one, and the index. The writer may then be used for another run. */
  finish(net: number): { readonly block: Uint8Array | undefined; readonly index: RunIndex } {
    const block = this.#block.count > 0 ? this.#finishBlock() : undefined;
    const index: RunIndex = {
      firsts: Uint32Array.from(this.#firsts),
      filter: this.#isFiltered ? makeFilter(this.#places, this.#records) : new Uint8Array(0),
      records: this.#records,
      net,
      bytes: this.#bytes,
    };
    this.#records = 0;
    this.#bytes = 0;
    this.#firsts = [];
    this.#lastPlace = -1;
    return { block, index };
  }

  #finishBlock(): Uint8Array {
    const block = this.#block.finish();
    this.#bytes += block.length;
    this.#bytesBefore = 0;
    return block;
  }

  #note(place: number): void {
    if (this.#records === this.#places.length) {
      const larger = new Uint32Array(this.#places.length * 2);
      larger.set(this.#places);
      this.#places = larger;
    }
    this.#places[this.#records] = place;
  }
}
