/** A value with a checksum behind it: for small records of connectors, which are read whole or refused whole. */
import { TidemarkError } from '../core/errors.js';
import { crc32 } from './checksum.js';
import { decodeValue, encodeValue } from './value-codec.js';

const CHECKSUM_BYTES = 4;

/** The value, then four bytes of checksum. Throws VALUE_NOT_ENCODABLE. */
export function sealValue(value: unknown): Uint8Array {
  return seal(encodeValue(value));
}

/** @throws TidemarkError STATE_DAMAGED, naming `where` */
export function openSealed(sealed: Uint8Array, where: string): unknown {
  return decodeValue(openBytes(sealed, where));
}

/** The bytes, then four bytes of checksum. */
export function seal(body: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(body.length + CHECKSUM_BYTES);
  sealed.set(body);
  new DataView(sealed.buffer).setUint32(body.length, crc32(body));
  return sealed;
}

/** What was sealed, as a view. Throws STATE_DAMAGED, naming `where`. */
export function openBytes(sealed: Uint8Array, where: string): Uint8Array {
  const length = sealed.length - CHECKSUM_BYTES;
  const body = sealed.subarray(0, Math.max(0, length));
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (length >= 0 && view.getUint32(length) === crc32(body)) return body;
  throw new TidemarkError('STATE_DAMAGED', {
    expected: 'bytes that match their checksum',
    got: `${sealed.length} bytes that do not`,
    where,
    hint: 'Do not mend the files by hand: restore the directory from a copy, or begin with an empty one.',
  });
}
