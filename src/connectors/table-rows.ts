/**
 * Rows of a table as entries of a store: keys that sort as keys do, values with a checksum.
 *
 *     table      what the table is, and the last epoch in it
 *     row/<key>  a row; one character per byte of the encoded key
 *     stage/…    rows of an epoch that is not committed yet
 */
import { TidemarkError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { decodeKey, encodeKey, byteText } from '../state/key-codec.js';
import { openSealed, sealValue } from '../state/sealed-value.js';

export const TABLE_FORMAT = 1;
export const TABLE_KEY = 'table';
export const STAGE_PREFIX = 'stage/';
const ROW_PREFIX = 'row/';
/** Sorts behind all rows: the character after the slash. */
export const ROWS_END = 'row0';
export const ROWS_START = ROW_PREFIX;

/** LMDB takes 1,978 bytes, and some of them are ours. */
const KEY_BYTES_MAX = 1900;

/** What a table says of itself, in the same transaction as the rows. */
export interface TableRecord {
  readonly format: number;
  /** Made with the table, so that one that was replaced is noticed. */
  readonly id: string;
  readonly job: string;
  readonly uid: string;
  /** The last epoch that changed a row, in whole; 0 before the first. */
  readonly epoch: number;
}

/** @throws TidemarkError KEY_INVALID: no key, or one that is too long for the store */
export function rowKey(key: Key, where: string): string {
  return rowKeyOf(encodeKey(key, where), where);
}

/** The same for a key that is encoded already. */
export function rowKeyOf(encoded: Uint8Array, where: string): string {
  // A byte below 2 is escaped and one above 127 is two bytes of UTF-8.
  let length = encoded.length;
  for (const byte of encoded) if (byte < 0x02 || byte > 0x7f) length += 1;
  if (length <= KEY_BYTES_MAX) return ROW_PREFIX + byteText(encoded);
  throw new TidemarkError('KEY_INVALID', {
    expected: `a key of at most ${KEY_BYTES_MAX} bytes`,
    got: `one of ${length}`,
    where,
    hint: 'Use an id or a hash as the key, and keep the long text in the row.',
  });
}

export function keyOfRow(name: string): Key {
  const text = name.slice(ROW_PREFIX.length);
  return decodeKey(Uint8Array.from(text, (character) => character.charCodeAt(0)));
}

/** @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN */
export function openTableRecord(sealed: Uint8Array, where: string): TableRecord {
  const record = openSealed(sealed, where) as TableRecord;
  if (record.format === TABLE_FORMAT) return record;
  throw new TidemarkError('STATE_VERSION_UNKNOWN', {
    expected: `a table of format ${TABLE_FORMAT}`,
    got: `format ${record.format}`,
    where,
    hint: 'Use the release of Tidemark that wrote this table, or a newer one.',
  });
}

export function sealTableRecord(record: TableRecord): Uint8Array {
  return sealValue(record);
}
