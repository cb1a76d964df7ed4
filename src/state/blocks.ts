/**
 * A block: neighbouring records of a run, sorted by place and then by key, in one value of the backend.
 *
 *     42  version  count │ count × (place, end of key, end of record) │ key value key value … │ checksum
 *     1   1        4     │         4      4           4               │                       │ 4
 *
 * The table has entries of one size, so a key is found by halves, and no other record is decoded. A tombstone, which
 * says that the key is gone, has the top bit of its end set. No two blocks of a run share a place, so that a look-up is
 * always a matter of one block.
 */
import { assert } from '../core/errors.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { crc32 } from './checksum.js';
import { damagedSeal, SEAL_HEAD_BYTES, SEAL_TAIL_BYTES, unseal, type SealKind } from './sealed.js';

export const blockKind: SealKind = { magic: 0x42, version: 1, name: 'a block of records' };

const HEADER_BYTES = SEAL_HEAD_BYTES + 4;
const ENTRY_BYTES = 12;
const TOMBSTONE = 2 ** 31;

/** Packs sorted records, and may be used again after `finish`. */
export class BlockWriter {
  readonly #table = new ByteWriter(4096);
  readonly #payload = new ByteWriter(16_384);
  #count = 0;
  #place = 0;
  #keyEnd = 0;

  get count(): number {
    return this.#count;
  }

  /** How large the block would be if it were finished now. */
  get byteLength(): number {
    return HEADER_BYTES + this.#table.length + this.#payload.length + SEAL_TAIL_BYTES;
  }

  /** Opens a record: the caller writes the key into what it gets, calls `endKey`, writes the value, calls `end`. */
  begin(place: number): ByteWriter {
    this.#place = place;
    this.#keyEnd = -1;
    return this.#payload;
  }

  endKey(): void {
    this.#keyEnd = this.#payload.length;
  }

  /** Closes the record; without `endKey` it is a tombstone. */
  end(): void {
    const { length } = this.#payload;
    const isTombstone = this.#keyEnd < 0;
    this.#table.u32(this.#place);
    this.#table.u32(isTombstone ? length : this.#keyEnd);
    this.#table.u32(isTombstone ? length + TOMBSTONE : length);
    this.#count += 1;
  }

  finish(): Uint8Array {
    assert(this.#count > 0, 'a block has a record');
    const block = new ByteWriter(this.byteLength);
    block.u8(blockKind.magic);
    block.u8(blockKind.version);
    block.u32(this.#count);
    block.bytes(this.#table.peek());
    block.bytes(this.#payload.peek());
    block.u32(crc32(block.peek()));
    this.#table.reset();
    this.#payload.reset();
    this.#count = 0;
    // The memory is exactly as large as the block and nobody else knows it, so no copy is needed.
    return block.peek();
  }
}

/** A block that is read in place. */
export class Block {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly #where: string;
  readonly #view: DataView;
  readonly #payload: number;
  #keyReader: ByteReader | undefined;
  #valueReader: ByteReader | undefined;

  /**
   * @param isTrusted whether the checksum of these bytes has been looked at before
   * @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN
   */
  constructor(bytes: Uint8Array, where: string, isTrusted = false) {
    this.bytes = bytes;
    this.#where = where;
    this.count = unseal(blockKind, bytes, where, isTrusted).u32();
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#payload = HEADER_BYTES + this.count * ENTRY_BYTES;
    const end = this.count === 0 ? -1 : this.endOf(this.count - 1);
    if (end !== bytes.length - SEAL_TAIL_BYTES)
      throw damagedSeal(blockKind, `${this.count} records up to byte ${end}`, where);
  }

  placeAt(index: number): number {
    return this.#view.getUint32(HEADER_BYTES + index * ENTRY_BYTES);
  }

  startOf(index: number): number {
    return index === 0 ? this.#payload : this.endOf(index - 1);
  }

  keyEndOf(index: number): number {
    return this.#payload + this.#view.getUint32(HEADER_BYTES + index * ENTRY_BYTES + 4);
  }

  /** Where the value ends. */
  endOf(index: number): number {
    const end = this.#view.getUint32(HEADER_BYTES + index * ENTRY_BYTES + 8);
    return this.#payload + (end >= TOMBSTONE ? end - TOMBSTONE : end);
  }

  isTombstone(index: number): boolean {
    return this.#view.getUint32(HEADER_BYTES + index * ENTRY_BYTES + 8) >= TOMBSTONE;
  }

  /** The index of the first record at or behind a place. */
  from(place: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.placeAt(middle) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The index of a key, or -1. */
  find(place: number, key: Uint8Array): number {
    for (let at = this.from(place); at < this.count && this.placeAt(at) === place; at += 1)
      if (this.#isKey(at, key)) return at;
    return -1;
  }

  /** A reader of the key, good until the next call. */
  keyOf(index: number): ByteReader {
    const reader = (this.#keyReader ??= new ByteReader(this.bytes, this.#where));
    reader.window(this.startOf(index), this.keyEndOf(index));
    return reader;
  }

  /** A reader of the value, good until the next call; empty for a tombstone. */
  valueOf(index: number): ByteReader {
    const reader = (this.#valueReader ??= new ByteReader(this.bytes, this.#where));
    reader.window(this.keyEndOf(index), this.endOf(index));
    return reader;
  }

  #isKey(index: number, key: Uint8Array): boolean {
    const start = this.startOf(index);
    if (this.keyEndOf(index) - start !== key.length) return false;
    const { bytes } = this;
    for (let at = 0; at < key.length; at += 1) if (bytes[start + at] !== key[at]) return false;
    return true;
  }
}
