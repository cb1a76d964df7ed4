/**
 * A slab: a packed list of records, sealed by a checksum. Pure.
 *
 *     magic 0xD5 │ format 1 │ count u32 │ records … │ crc32 u32
 *     record:  key length varint │ key │ 0 (tombstone) or value length + 1 varint │ value
 */
import { TidemarkError } from '../core/errors.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { crc32 } from './checksum.js';

const MAGIC = 0xd5;
const FORMAT = 1;
const HEADER_BYTES = 6;
const SEAL_BYTES = 4;

export class SlabWriter {
  readonly #writer = new ByteWriter(4096);
  #count = 0;

  constructor() {
    this.#writer.u8(MAGIC);
    this.#writer.u8(FORMAT);
    this.#writer.u32(0);
  }

  /** Adds a record; a value of undefined is a tombstone. */
  append(key: Uint8Array, value: Uint8Array | undefined): void {
    this.#count += 1;
    this.#writer.varint(key.length);
    this.#writer.bytes(key);
    this.#writer.varint(value === undefined ? 0 : value.length + 1);
    if (value !== undefined) this.#writer.bytes(value);
  }

  finish(): Uint8Array {
    const body = this.#writer.take();
    const sealed = new Uint8Array(body.length + SEAL_BYTES);
    sealed.set(body);
    const view = new DataView(sealed.buffer);
    view.setUint32(2, this.#count);
    view.setUint32(body.length, crc32(sealed.subarray(0, body.length)));
    return sealed;
  }
}

/** Calls back with each record, in order. */
export function forEachRecord(
  bytes: Uint8Array,
  where: string,
  visit: (key: ByteReader, value: ByteReader | undefined) => void,
): void {
  forEachRaw(bytes, where, (key, value) =>
    visit(new ByteReader(key, where), value === undefined ? undefined : new ByteReader(value, where)),
  );
}

/** One slab with the last record of each key, oldest slab first; with `base`, tombstones are dropped. */
export function mergeSlabs(slabs: readonly Uint8Array[], options: { base: boolean }): Uint8Array {
  const records = new Map<string, { key: Uint8Array; value: Uint8Array | undefined }>();
  for (const slab of slabs)
    forEachRaw(slab, 'slab', (key, value) => {
      const text = String.fromCharCode(...key);
      records.delete(text);
      records.set(text, { key, value });
    });
  const merged = new SlabWriter();
  for (const { key, value } of records.values()) if (value !== undefined || !options.base) merged.append(key, value);
  return merged.finish();
}

function forEachRaw(bytes: Uint8Array, where: string, visit: (key: Uint8Array, value: Uint8Array | undefined) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - SEAL_BYTES;
  if (end < HEADER_BYTES || bytes[0] !== MAGIC || view.getUint32(end) !== crc32(bytes.subarray(0, end)))
    throw new TidemarkError('STATE_DAMAGED', {
      expected: 'a slab that matches its checksum',
      got: `${bytes.length} bytes that do not`,
      where,
      hint: 'Restore the state from a backup, or begin again with an empty one.',
    });
  const reader = new ByteReader(bytes, where);
  reader.window(HEADER_BYTES, end);
  for (let left = view.getUint32(2); left > 0; left -= 1) {
    const key = reader.take(reader.varint());
    const size = reader.varint();
    visit(key, size === 0 ? undefined : reader.take(size - 1));
  }
}
