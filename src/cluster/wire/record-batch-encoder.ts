/**
 * Writes record batches, record by record, straight into the bytes that will be sent.
 *
 * Nothing is kept per record: a record is its bytes as soon as it is appended, and header and checksum are put in front
 * when the batch is done. The finished bytes belong to the caller, because a produce that fails is repeated with the
 * same bytes and the same sequence.
 */
import { assert } from '../../core/errors.js';
import { crc32c } from './crc32c.js';
import { attributeBits, CHECKED_FROM, HEADER_BYTES } from './record-batch.js';

/** Key and value of a header; the value may be missing. */
export type Header = readonly [name: string, value: Uint8Array | null];

export interface BatchIdentity {
  /** From InitProducerId; -1 (the default of all three) for a plain producer. */
  readonly producerId?: number;
  readonly producerEpoch?: number;
  /** Sequence of the first record of the batch within its partition and producer epoch. */
  readonly baseSequence?: number;
  readonly transactional?: boolean;
}

const NOBODY: BatchIdentity = {};
const noHeaders: readonly Header[] = [];

/** A copy of up to this many bytes is quicker by hand than by a call. */
const LOOP_COPY_MAX = 24;

export class RecordBatchEncoder {
  private readonly capacity: number;
  private buffer: Buffer;
  private spare: Buffer | undefined;
  private position = HEADER_BYTES;
  private records = 0;
  private baseTimestamp = 0;
  private maxTimestamp = 0;

  /** `capacity`: bytes to begin with; the buffer doubles when it is full. */
  constructor(capacity = 64 * 1024) {
    this.capacity = Math.max(capacity, 1024);
    this.buffer = Buffer.allocUnsafeSlow(this.capacity);
  }

  /** Records appended since the last `finish`. */
  get recordCount(): number {
    return this.records;
  }

  /** The length in bytes that the batch has so far, header included. */
  get byteLength(): number {
    return this.position;
  }

  /** `timestamp` in epoch milliseconds, a whole number. A null value is a tombstone. */
  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers: readonly Header[] = noHeaders,
  ): void {
    const { records } = this;
    if (records === 0) this.baseTimestamp = this.maxTimestamp = timestamp;
    else if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp;
    const time = zigzag(timestamp - this.baseTimestamp);
    const keyLength = key === null ? 0 : key.length;
    const valueLength = value === null ? 0 : value.length;
    const bodyLength =
      1 +
      varintSize(time) +
      varintSize(records * 2) +
      varintSize(keyLength * 2) +
      keyLength +
      varintSize(valueLength * 2) +
      valueLength +
      (headers === noHeaders ? 1 : headersSize(headers));
    this.reserve(bodyLength + 5);
    this.varint(bodyLength * 2);
    this.buffer[this.position++] = 0;
    this.varint(time);
    this.varint(records * 2);
    this.nullable(key);
    this.nullable(value);
    if (headers === noHeaders) this.buffer[this.position++] = 0;
    else this.headers(headers);
    this.records = records + 1;
  }

  /** The whole batch, which now belongs to the caller. The encoder begins the next one. */
  finish(identity: BatchIdentity = NOBODY): Buffer {
    assert(this.records > 0, 'a batch has records');
    const { producerId = -1, producerEpoch = -1, baseSequence = -1, transactional } = identity;
    const { buffer, position } = this;
    putInt64(buffer, 0, 0);
    buffer.writeInt32BE(position - 12, 8);
    buffer.writeInt32BE(-1, 12);
    buffer[16] = 2;
    buffer.writeInt16BE(transactional === true ? attributeBits.transactional : 0, 21);
    buffer.writeInt32BE(this.records - 1, 23);
    putInt64(buffer, this.baseTimestamp, 27);
    putInt64(buffer, this.maxTimestamp, 35);
    putInt64(buffer, producerId, 43);
    buffer.writeInt16BE(producerEpoch, 51);
    buffer.writeInt32BE(baseSequence, 53);
    buffer.writeInt32BE(this.records, 57);
    buffer.writeUInt32BE(crc32c(buffer, CHECKED_FROM, position), 17);
    this.buffer = this.spare ?? Buffer.allocUnsafeSlow(this.capacity);
    this.spare = undefined;
    this.position = HEADER_BYTES;
    this.records = 0;
    return buffer.subarray(0, position);
  }

  /**
   * Gives the memory of a finished batch back, once nobody will send it again. Not needed, but fresh memory costs more
   * than the encoding of what is put there.
   */
  recycle(batch: Buffer): void {
    const whole = Buffer.from(batch.buffer);
    if (whole.length >= (this.spare?.length ?? 0)) this.spare = whole;
  }

  private headers(headers: readonly Header[]): void {
    this.varint(headers.length * 2);
    for (const [name, value] of headers) {
      this.varint(Buffer.byteLength(name) * 2);
      this.position += this.buffer.write(name, this.position);
      this.nullable(value);
    }
  }

  /** Length and bytes; a length of -1, which is 1 in zigzag, stands for null. */
  private nullable(bytes: Uint8Array | null): void {
    if (bytes === null) {
      this.buffer[this.position++] = 1;
      return;
    }
    const { length } = bytes;
    this.varint(length * 2);
    const { buffer, position } = this;
    if (length > LOOP_COPY_MAX) buffer.set(bytes, position);
    else for (let at = 0; at < length; at++) buffer[position + at] = bytes[at] ?? 0;
    this.position = position + length;
  }

  /** A number that is zigzag already. Beyond 31 bits division takes the place of shifts. */
  private varint(zigzagged: number): void {
    const { buffer } = this;
    let rest = zigzagged;
    let at = this.position;
    while (rest > 0x7fffffff) {
      buffer[at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest > 0x7f) {
      buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    buffer[at++] = rest;
    this.position = at;
  }

  private reserve(extra: number): void {
    const needed = this.position + extra;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, needed));
    larger.set(this.buffer.subarray(0, this.position));
    this.buffer = larger;
  }
}

/** Positive numbers on even ones, negative on odd ones, so that small ones of both signs are short. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function varintSize(zigzagged: number): number {
  if (zigzagged < 0x80) return 1;
  if (zigzagged < 0x4000) return 2;
  if (zigzagged < 0x20_0000) return 3;
  let size = 4;
  for (let rest = zigzagged / 0x1000_0000; rest >= 1; rest /= 0x80) size++;
  return size;
}

function headersSize(headers: readonly Header[]): number {
  let size = varintSize(headers.length * 2);
  for (const [name, value] of headers) {
    const nameLength = Buffer.byteLength(name);
    const valueLength = value === null ? 0 : value.length;
    size += varintSize(nameLength * 2) + nameLength + varintSize(valueLength * 2) + valueLength;
  }
  return size;
}

function putInt64(buffer: Buffer, value: number, at: number): void {
  buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000), at);
  buffer.writeUInt32BE(value < 0 ? (value % 0x1_0000_0000) >>> 0 : value % 0x1_0000_0000, at + 4);
}
