/**
 * The form of a record batch, version 2: what stands where in its header, and finding the batches of a fetched range.
 *
 * A partition answers a fetch with a stretch of its log file: whole batches, and at the end perhaps a part of one,
 * because the broker cuts by bytes. A batch may begin before the offset that was asked for. Reading the headers is
 * cheap and tells nearly everything; the records stay as they are until somebody wants them (`record-columns.ts`).
 *
 *     0 first offset   8 length of what follows   12 leader epoch   16 version   17 CRC-32C of what follows
 *     21 attributes    23 last offset, relative   27 first time     35 latest time
 *     43 producer id   51 producer epoch          53 first sequence 57 records   61 the records
 */
import { TidemarkError } from '../../core/errors.js';
import { crc32c } from './crc32c.js';

/** Where the records begin. */
export const HEADER_BYTES = 61;
/** Where the bytes begin that the checksum covers. */
export const CHECKED_FROM = 21;
/** First offset and length: what stands before the bytes that the length counts. */
const LENGTH_FROM = 12;

/** The bits of the attributes. */
export const attributeBits = {
  codec: 0b111,
  appendTime: 1 << 3,
  transactional: 1 << 4,
  control: 1 << 5,
} as const;

/** What a control batch says about the transaction of its producer. */
export type Marker = 'commit' | 'abort' | 'other';

export interface BatchHeader {
  /** Where the batch begins and ends in the range, in bytes. */
  readonly start: number;
  readonly end: number;
  readonly baseOffset: number;
  /** The last offset that the batch stands for; compaction may have removed its record, or all records. */
  readonly lastOffset: number;
  readonly recordCount: number;
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly codec: number;
  readonly isTransactional: boolean;
  /** Undefined for a batch of data. */
  readonly marker: Marker | undefined;
  /** Whether the broker's clock, not the producer's, gave all records the latest time. */
  readonly hasAppendTime: boolean;
  /** Epoch milliseconds. */
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  /** -1 without an idempotent producer. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

export interface ReadBatchesOptions {
  /** Names the origin in errors, such as `topic "plays" partition 3`. */
  readonly where?: string;
  /** Default true. kafkajs never checks. */
  readonly verifyCrc?: boolean;
}

/**
 * The headers of all whole batches, in order; a part of a batch at the end is left out.
 *
 * Throws `BYTES_MALFORMED` where the checksum is wrong, or the version is one from before Kafka 0.11.
 */
export function readBatches(bytes: Uint8Array, options: ReadBatchesOptions = {}): BatchHeader[] {
  const { where = 'a fetched range', verifyCrc = true } = options;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const batches: BatchHeader[] = [];
  let start = 0;
  while (start + HEADER_BYTES <= bytes.length) {
    const length = view.getInt32(start + 8);
    const place = { where, start };
    const version = view.getInt8(start + 16);
    if (version !== 2) throw malformed('a record batch of version 2', `version ${version}`, place);
    if (length < HEADER_BYTES - LENGTH_FROM)
      throw malformed('a batch with a whole header', `a length of ${length}`, place);
    const end = start + LENGTH_FROM + length;
    if (end > bytes.length) break;
    if (verifyCrc) checkCrc(bytes, view.getUint32(start + 17), end, place);
    batches.push(headerAt(view, start, end));
    start = end;
  }
  return batches;
}

/** The offset behind the last whole batch: where the next fetch begins. `from` where there is none. */
export function offsetBehind(batches: readonly BatchHeader[], from: number): number {
  const last = batches.at(-1);
  return last === undefined ? from : Math.max(from, last.lastOffset + 1);
}

function headerAt(view: DataView, start: number, end: number): BatchHeader {
  const attributes = view.getInt16(start + 21);
  const baseOffset = int64(view, start);
  const isControl = (attributes & attributeBits.control) !== 0;
  return {
    start,
    end,
    baseOffset,
    lastOffset: baseOffset + view.getInt32(start + 23),
    recordCount: view.getInt32(start + 57),
    codec: attributes & attributeBits.codec,
    isTransactional: (attributes & attributeBits.transactional) !== 0,
    marker: isControl ? markerAt(view, start + HEADER_BYTES, end) : undefined,
    hasAppendTime: (attributes & attributeBits.appendTime) !== 0,
    baseTimestamp: int64(view, start + 27),
    maxTimestamp: int64(view, start + 35),
    producerId: int64(view, start + 43),
    producerEpoch: view.getInt16(start + 51),
    baseSequence: view.getInt32(start + 53),
  };
}

/**
 * The key of the only record of a control batch is a version and a type, two bytes each: 0 abort, 1 commit.
 *
 * In front of the key stand its record's length, attributes (a plain byte), time and offset, and its own length. A batch
 * that compaction has emptied, or a type of a later Kafka, decides nothing.
 */
function markerAt(view: DataView, from: number, end: number): Marker {
  let at = behindVarint(view, from, end) + 1;
  for (let varints = 0; varints < 3; varints++) at = behindVarint(view, at, end);
  if (at + 4 > end) return 'other';
  const type = view.getInt16(at + 2);
  return type === 0 ? 'abort' : type === 1 ? 'commit' : 'other';
}

function behindVarint(view: DataView, from: number, end: number): number {
  let at = from;
  while (at < end && view.getUint8(at) >= 0x80) at++;
  return at + 1;
}

/** A 64-bit number as a double: offsets, times and ids of producers stay far below 2^53. */
export function int64(view: DataView, at: number): number {
  return view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4);
}

interface Place {
  readonly where: string;
  readonly start: number;
}

function checkCrc(bytes: Uint8Array, expected: number, end: number, place: Place): void {
  const got = crc32c(bytes, place.start + CHECKED_FROM, end);
  if (got !== expected) throw malformed(`checksum ${expected}`, `${got}`, place);
}

function malformed(expected: string, got: string, { where, start }: Place): TidemarkError {
  return new TidemarkError('BYTES_MALFORMED', {
    expected,
    got,
    where: `${where}, batch at byte ${start}`,
    hint: 'The batch was damaged on its way or on the disk of the broker, or is older than Kafka 0.11.',
  });
}
