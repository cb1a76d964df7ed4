/**
 * One record of the ingest log: the values of one group, in the order in which they were pushed.
 *
 *     49  version  first  durable  appended  count │ value value … │ checksum
 *     1   1        8      8        8         4     │               │ 4
 *
 * `first` is the number of the first value; `durable` the last number that was on disk when the group was written, by
 * which a reopened log tells what it lost from what it never promised. `appended` is the time of the group, epoch ms.
 */
import { TidemarkError } from '../core/errors.js';
import { ByteReader, ByteWriter } from '../state/bytes.js';
import { crc32 } from '../state/checksum.js';
import { openBytes } from '../state/sealed-value.js';
import { readValue } from '../state/value-codec.js';

const MAGIC = 0x49;
const VERSION = 1;
const HEADER_BYTES = 30;
const CHECKSUM_BYTES = 4;

/** What a record takes beside its values: head, checksum, and about what LMDB needs for an entry. */
export const RECORD_OVERHEAD_BYTES = 128;

/** What a record is counted as, so that a limit is kept without asking the disk. */
export function bytesOnDisk(record: Uint8Array): number {
  return record.length - HEADER_BYTES - CHECKSUM_BYTES + RECORD_OVERHEAD_BYTES;
}

export interface RecordHead {
  /** Number of the first value; the first one ever has number 1. */
  readonly first: number;
  readonly count: number;
  /** Everything up to this number was on disk, and may have been acknowledged. */
  readonly durable: number;
  /** Epoch ms. */
  readonly appended: number;
}

/** @param values the encoded values, one behind the other */
export function encodeRecord(head: RecordHead, values: Uint8Array): Uint8Array {
  const writer = new ByteWriter(HEADER_BYTES + values.length + CHECKSUM_BYTES);
  writer.u8(MAGIC);
  writer.u8(VERSION);
  writer.f64(head.first);
  writer.f64(head.durable);
  writer.f64(head.appended);
  writer.u32(head.count);
  writer.bytes(values);
  writer.u32(crc32(writer.peek()));
  // The memory is exactly as large as the record and nobody else knows it, so no copy is needed.
  return writer.peek();
}

/** @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN */
export function readHead(record: Uint8Array, where: string): RecordHead {
  return headOf(readerOf(record, where));
}

/** @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN */
export function decodeRecord(
  record: Uint8Array,
  where: string,
): { readonly head: RecordHead; readonly values: unknown[] } {
  const reader = readerOf(record, where);
  const head = headOf(reader);
  const values: unknown[] = [];
  for (let index = 0; index < head.count; index += 1) values.push(readValue(reader));
  reader.expectEnd();
  return { head, values };
}

function readerOf(record: Uint8Array, where: string): ByteReader {
  const reader = new ByteReader(openBytes(record, where), where);
  const [magic, version] = [reader.u8(), reader.u8()];
  if (magic === MAGIC && version === VERSION) return reader;
  throw new TidemarkError('STATE_VERSION_UNKNOWN', {
    expected: `records of version ${VERSION}`,
    got: `version ${version}`,
    where,
    hint: 'Use the release of Tidemark that wrote this log, or a newer one.',
  });
}

function headOf(reader: ByteReader): RecordHead {
  const [first, durable, appended] = [reader.f64(), reader.f64(), reader.f64()];
  return { first, durable, appended, count: reader.u32() };
}
