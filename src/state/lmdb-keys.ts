/** Keys as they stand in LMDB: with a checksum, so that a key that has turned into another is found when it is opened. */
import { ByteReader, ByteWriter } from './bytes.js';
import { crc32, crc32ByTable } from './checksum.js';
import { writeKey } from './key-codec.js';

/** Comes before the encoding of every key. */
export const HEADER_KEY = Uint8Array.of(0);

const keyWriter = new ByteWriter();

export function storedKey(key: string): Uint8Array {
  keyWriter.reset();
  writeKey(keyWriter, key);
  // Too short to be worth a call out of JavaScript.
  keyWriter.u32(crc32ByTable(keyWriter.peek()));
  return keyWriter.take();
}

export function isWholeKey(key: Uint8Array): boolean {
  if (key.length === 1) return key[0] === HEADER_KEY[0];
  return new ByteReader(key.slice(-4)).u32() === crc32(key.subarray(0, -4));
}
