/**
 * The records of fetched batches as columns: offsets, times, and where keys and values stand in the bytes.
 *
 * No object is made per record, nor a view per key, until somebody asks: a consumer that reads JSON wants text, one
 * that routes wants bytes, and one that skips wants nothing. The columns are cleared and used again, fetch after fetch;
 * the bytes are not, so what was taken out of them stays good.
 */
import { gunzipSync } from 'node:zlib';
import { TidemarkError } from '../../core/errors.js';
import { HEADER_BYTES } from './record-batch.js';
import type { BatchHeader } from './record-batch.js';
import type { Header } from './record-batch-encoder.js';

/** Opens the records of a compressed batch; must refuse to give more than `bytesMax` bytes. */
export type Decompress = (bytes: Uint8Array, bytesMax: number) => Uint8Array;

export interface RecordColumnsOptions {
  /** By number of the codec; gzip (1) is there from the start. */
  readonly codecs?: Readonly<Record<number, Decompress>>;
  /** The most that a compressed batch may become; default 128 MiB. */
  readonly batchBytesMax?: number;
}

const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const builtIn: Readonly<Record<number, Decompress>> = {
  1: (bytes, bytesMax) => gunzipSync(bytes, { maxOutputLength: bytesMax }),
};

export class RecordColumns {
  /** How many records there are; the columns may be longer. */
  count = 0;
  offsets = new Float64Array(1024);
  /** Epoch milliseconds. */
  timestamps = new Float64Array(1024);
  /** Where keys and values begin in the buffer of their record, and their lengths; -1 for null. */
  keyStarts = new Int32Array(1024);
  keyLengths = new Int32Array(1024);
  valueStarts = new Int32Array(1024);
  valueLengths = new Int32Array(1024);
  /** The number of the buffer that holds the record: each compressed batch has one of its own. */
  bufferOf = new Int32Array(1024);
  readonly buffers: Buffer[] = [];
  private readonly codecs: Readonly<Record<number, Decompress>>;
  private readonly batchBytesMax: number;
  /** Behind the varint that was read last. */
  private at = 0;

  constructor({ codecs, batchBytesMax = 128 * 1024 * 1024 }: RecordColumnsOptions = {}) {
    this.codecs = { ...builtIn, ...codecs };
    this.batchBytesMax = batchBytesMax;
  }

  clear(): void {
    this.count = 0;
    this.buffers.length = 0;
  }

  /**
   * Adds the records of a batch that `readBatches` has found in `bytes`, from the offset `from` on. Not for control
   * batches. What is half added when it throws `BYTES_MALFORMED` does not count.
   */
  append(bytes: Uint8Array, batch: BatchHeader, from = -Infinity): void {
    const isPlain = batch.codec === 0;
    const source = isPlain ? bytes : this.decompress(bytes, batch);
    const last = this.buffers.at(-1);
    if (
      last === undefined ||
      last.buffer !== source.buffer ||
      last.byteOffset !== source.byteOffset
    )
      this.buffers.push(Buffer.from(source.buffer, source.byteOffset, source.byteLength));
    this.reserve(batch.recordCount, source.length);
    const start = isPlain ? batch.start + HEADER_BYTES : 0;
    const end = isPlain ? batch.end : source.length;
    this.count = this.decode(source, batch, { start, end, from });
  }

  /** A view, good for as long as somebody holds it. */
  key(index: number): Buffer | null {
    return this.slice(index, this.keyStarts[index] ?? 0, this.keyLengths[index] ?? -1);
  }

  /** A view, good for as long as somebody holds it. */
  value(index: number): Buffer | null {
    return this.slice(index, this.valueStarts[index] ?? 0, this.valueLengths[index] ?? -1);
  }

  /** UTF-8, without a view in between. */
  keyText(index: number): string | null {
    return this.text(index, this.keyStarts[index] ?? 0, this.keyLengths[index] ?? -1);
  }

  /** UTF-8, without a view in between. */
  valueText(index: number): string | null {
    return this.text(index, this.valueStarts[index] ?? 0, this.valueLengths[index] ?? -1);
  }

  /** Headers stand behind the value, and are read when they are asked for. */
  headers(index: number): Header[] {
    const source = this.bufferAt(index);
    this.at = (this.valueStarts[index] ?? 0) + Math.max(0, this.valueLengths[index] ?? 0);
    const headers: Header[] = [];
    for (let left = this.signed(source); left > 0; left--) {
      const nameLength = this.signed(source);
      const nameStart = this.at;
      this.at += nameLength;
      const valueLength = this.signed(source);
      const valueStart = this.at;
      this.at += Math.max(0, valueLength);
      if (nameLength < 0 || valueLength < -1 || this.at > source.length)
        throw malformed('a header within its record', `lengths ${nameLength}, ${valueLength}`);
      const value = valueLength < 0 ? null : source.subarray(valueStart, valueStart + valueLength);
      headers.push([source.toString('utf8', nameStart, nameStart + nameLength), value]);
    }
    return headers;
  }

  /** The loop that everything hangs on: fields in locals, varints of one byte without a call. */
  private decode(source: Uint8Array, batch: BatchHeader, range: DecodeRange): number {
    const { offsets, timestamps, keyStarts, keyLengths, valueStarts, valueLengths, bufferOf } =
      this;
    const { baseOffset, baseTimestamp, maxTimestamp, hasAppendTime, recordCount } = batch;
    const { end, from } = range;
    const buffer = this.buffers.length - 1;
    let next = this.count;
    let at = range.start;
    for (let left = recordCount; left > 0; left--) {
      this.at = at;
      const length = this.signed(source);
      const recordEnd = this.at + length;
      at = this.at + 1; // The attributes of a record are not used.
      let byte = source[at++] ?? 0xff;
      let time = (byte >>> 1) ^ -(byte & 1);
      if (byte >= 0x80) {
        this.at = at - 1;
        time = this.long(source);
        at = this.at;
      }
      byte = source[at++] ?? 0xff;
      let delta = (byte >>> 1) ^ -(byte & 1);
      if (byte >= 0x80) {
        this.at = at - 1;
        delta = this.signed(source);
        at = this.at;
      }
      byte = source[at++] ?? 0xff;
      let keyLength = (byte >>> 1) ^ -(byte & 1);
      if (byte >= 0x80) {
        this.at = at - 1;
        keyLength = this.signed(source);
        at = this.at;
      }
      const keyStart = at;
      if (keyLength > 0) at += keyLength;
      this.at = at;
      const valueLength = this.signed(source);
      const valueStart = this.at;
      const valueEnd = valueLength > 0 ? valueStart + valueLength : valueStart;
      // Behind the value stands at least the number of headers. So a negative length of the record is caught, too.
      if (
        valueEnd >= recordEnd ||
        recordEnd > end ||
        Math.min(keyLength, valueLength) < -1 ||
        delta < 0
      )
        throw malformed('a record within its batch', `bytes ${at} to ${recordEnd} of ${end}`);
      at = recordEnd;
      const offset = baseOffset + delta;
      if (offset < from) continue;
      offsets[next] = offset;
      timestamps[next] = hasAppendTime ? maxTimestamp : baseTimestamp + time;
      keyStarts[next] = keyStart;
      keyLengths[next] = keyLength;
      valueStarts[next] = valueStart;
      valueLengths[next] = valueLength;
      bufferOf[next++] = buffer;
    }
    if (at !== end) throw malformed(`the batch to end at byte ${end}`, `its records at ${at}`);
    return next;
  }

  /** A zigzag varint of 32 bits at `this.at`. A byte that is not there counts as one that goes on, and is found out. */
  private signed(source: Uint8Array): number {
    let byte = source[this.at++] ?? 0xff;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 28) throw malformed('a varint of at most 5 bytes', 'a longer one');
      byte = source[this.at++] ?? 0xff;
      value |= (byte & 0x7f) << shift;
    }
    return (value >>> 1) ^ -(value & 1);
  }

  /** A zigzag varint of 64 bits, as a double: differences of times beyond 2^53 ms do not exist. */
  private long(source: Uint8Array): number {
    let value = 0;
    let byte = 0xff;
    for (let scale = 1; byte >= 0x80; scale *= 0x80) {
      if (scale > 2 ** 63) throw malformed('a varint of at most 10 bytes', 'a longer one');
      byte = source[this.at++] ?? 0xff;
      value += (byte & 0x7f) * scale;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  private decompress(bytes: Uint8Array, { codec, start, end }: BatchHeader): Uint8Array {
    const open = this.codecs[codec];
    const name = codecNames[codec] ?? `number ${codec}`;
    if (open === undefined) {
      throw new TidemarkError('BYTES_MALFORMED', {
        expected: `batches in one of the codecs ${Object.keys(this.codecs)
          .map((number) => codecNames[Number(number)] ?? number)
          .join(', ')}, none`,
        got: `codec ${name}`,
        where: 'the record batches of a topic',
        hint: 'Give a function that opens this codec, or have the producers use gzip.',
      });
    }
    try {
      return open(bytes.subarray(start + HEADER_BYTES, end), this.batchBytesMax);
    } catch (cause) {
      throw malformed(`records in ${name} of at most ${this.batchBytesMax} bytes`, String(cause));
    }
  }

  /** A count that the bytes cannot hold is found before memory is asked for it: the shortest record has 7 bytes. */
  private reserve(recordCount: number, bytesMax: number): void {
    if (recordCount < 0 || recordCount * 7 > bytesMax)
      throw malformed(`at most ${Math.floor(bytesMax / 7)} records`, `${recordCount}`);
    const needed = this.count + recordCount;
    if (needed <= this.offsets.length) return;
    const length = Math.max(needed, this.offsets.length * 2);
    this.offsets = grown(this.offsets, new Float64Array(length));
    this.timestamps = grown(this.timestamps, new Float64Array(length));
    this.keyStarts = grown(this.keyStarts, new Int32Array(length));
    this.keyLengths = grown(this.keyLengths, new Int32Array(length));
    this.valueStarts = grown(this.valueStarts, new Int32Array(length));
    this.valueLengths = grown(this.valueLengths, new Int32Array(length));
    this.bufferOf = grown(this.bufferOf, new Int32Array(length));
  }

  private bufferAt(index: number): Buffer {
    const buffer = index < this.count ? this.buffers[this.bufferOf[index] ?? 0] : undefined;
    if (buffer === undefined) throw new RangeError(`there is no record ${index}`);
    return buffer;
  }

  private slice(index: number, start: number, length: number): Buffer | null {
    return length < 0 ? null : this.bufferAt(index).subarray(start, start + length);
  }

  private text(index: number, start: number, length: number): string | null {
    return length < 0 ? null : this.bufferAt(index).toString('utf8', start, start + length);
  }
}

interface DecodeRange {
  readonly start: number;
  readonly end: number;
  /** Records below this offset are passed over. */
  readonly from: number;
}

function grown<Column extends Float64Array | Int32Array>(old: Column, larger: Column): Column {
  larger.set(old);
  return larger;
}

function malformed(expected: string, got: string): TidemarkError {
  return new TidemarkError('BYTES_MALFORMED', {
    expected,
    got,
    where: 'the records of a batch',
    hint: 'The checksum was right or was not looked at, so whoever wrote the batch wrote it wrongly.',
  });
}
