/**
 * CRC-32 (the one of zip and PNG) over bytes: finds the bit that a disk has turned. Native where Node has it.
 *
 * It stands alone in its file because it imports `node:zlib`, which bundles for an in-memory run must not need.
 */
import * as zlib from 'node:zlib';

/** `zlib.crc32` came with Node 20.15; a named import of it would not even load before that. */
const native = (zlib as { crc32?: (bytes: Uint8Array) => number }).crc32;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  return rest;
});

/** The checksum as a whole number from 0 to 2^32 - 1. */
export const crc32: (bytes: Uint8Array) => number =
  native === undefined ? crc32ByTable : (bytes) => native(bytes);

/** The same number without help from Node. Exported so that a test can hold the two together. */
export function crc32ByTable(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (let index = 0; index < bytes.length; index++)
    rest = (table[(rest ^ (bytes[index] ?? 0)) & 0xff] ?? 0) ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}
