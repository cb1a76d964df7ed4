/**
 * The bytes of requests and answers: a growing writer, and a reader that never leaves what it was given.
 *
 * Kafka's numbers are big-endian and of fixed length, except lengths, which are varints plus one, so that 0 can stand
 * for null. `ByteWriter` of the state floor shares the varint and nothing else.
 */
import { assert, TidemarkError } from '../../core/errors.js';
import { int64 } from './record-batch.js';

export class WireWriter {
  private buffer = Buffer.allocUnsafe(256);
  private position = 0;

  int(value: number, bytes: 1 | 2 | 4): void {
    const at = this.skip(bytes);
    this.buffer.writeIntBE(value, at, bytes);
  }

  /** Any whole number that a double holds. */
  int64(value: number): void {
    assert(Number.isSafeInteger(value), `${value} is a whole number below 2^53`);
    const at = this.skip(8);
    const high = Math.floor(value / 0x1_0000_0000);
    this.buffer.writeInt32BE(high, at);
    this.buffer.writeUInt32BE(value - high * 0x1_0000_0000, at + 4);
  }

  varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.buffer[this.skip(1)] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.skip(1)] = rest;
  }

  bytes(source: Uint8Array): void {
    const at = this.skip(source.length);
    this.buffer.set(source, at);
  }

  /** What has been written; the writer is not to be used any more. */
  finish(): Buffer {
    return this.buffer.subarray(0, this.position);
  }

  private skip(bytes: number): number {
    const at = this.position;
    this.position = at + bytes;
    if (this.position > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.position, this.buffer.length * 2));
      larger.set(this.buffer.subarray(0, at));
      this.buffer = larger;
    }
    return at;
  }
}

export class WireReader {
  private readonly buffer: Buffer;
  private readonly view: DataView;
  private readonly where: string;
  private position = 0;

  /** `where` names the answer in errors, such as `EndTxn v3`. */
  constructor(bytes: Uint8Array, where: string) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.where = where;
  }

  get remaining(): number {
    return this.buffer.length - this.position;
  }

  int(bytes: 1 | 2 | 4): number {
    return this.buffer.readIntBE(this.skip(bytes), bytes);
  }

  int64(): number {
    const value = int64(this.view, this.skip(8));
    if (!Number.isSafeInteger(value)) throw this.malformed('a number below 2^53', `${value}`);
    return value;
  }

  varint(): number {
    let value = 0;
    let byte = 0x80;
    for (let shift = 0; byte >= 0x80; shift += 7) {
      if (shift > 28) throw this.malformed('a varint of at most 5 bytes', 'a longer one');
      byte = this.view.getUint8(this.skip(1));
      value |= (byte & 0x7f) << shift;
    }
    return value >>> 0;
  }

  /** A view into what was given. */
  bytes(length: number): Buffer {
    const at = this.skip(length);
    return this.buffer.subarray(at, at + length);
  }

  /** Anything left over means that version and codec do not belong together. */
  expectEnd(): void {
    if (this.remaining > 0) throw this.malformed('the end', `${this.remaining} more bytes`);
  }

  malformed(expected: string, got: string): TidemarkError {
    return new TidemarkError('BYTES_MALFORMED', {
      expected,
      got,
      where: `${this.where}, byte ${this.position}`,
      hint: 'The answer of the broker is truncated, or not in the version that was asked for.',
    });
  }

  private skip(bytes: number): number {
    const at = this.position;
    if (bytes > this.remaining) throw this.malformed(`${bytes} more bytes`, `${this.remaining}`);
    this.position = at + bytes;
    return at;
  }
}
