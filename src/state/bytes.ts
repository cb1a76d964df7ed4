/**
 * Bytes in, bytes out: the growing writer and the bounds-checked reader that every codec stands on.
 *
 * Words and doubles are big-endian, so that encoded keys compare like keys. Strings are UTF-8 with one addition: a
 * lone surrogate, which JavaScript allows and UTF-8 does not, takes three bytes like its neighbours (WTF-8), for
 * `TextEncoder` would make U+FFFD of it, and two different strings would come back as one.
 */
import { TidemarkError } from '../core/errors.js';

/** Up to these lengths a loop over the characters beats a call into `TextEncoder` or `TextDecoder`. */
const ENCODE_LOOP_LENGTH_MAX = 48;
const DECODE_LOOP_LENGTH_MAX = 8;
/** The table of `ByteReader.name`: short ASCII strings, each in the place that its bytes hash to. */
const names: string[] = [];
const encoder = new TextEncoder();
/** `ignoreBOM` means "keep it": without it a string that begins with U+FEFF would come back shorter. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class ByteWriter {
  private buffer: Uint8Array;
  private view: DataView;
  private position = 0;

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  get length(): number {
    return this.position;
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.position++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.position, value);
    this.position += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.position, value);
    this.position += 8;
  }

  /** A whole number from 0 to 2^53 - 1, seven bits per byte, lowest first: small numbers are short. */
  varint(value: number): void {
    this.reserve(8);
    const { buffer } = this;
    let rest = value;
    while (rest > 0x7f) {
      buffer[this.position++] = (rest & 0x7f) | 0x80;
      rest = rest > 0x7fffffff ? Math.floor(rest / 0x80) : rest >>> 7;
    }
    buffer[this.position++] = rest;
  }

  bytes(source: Uint8Array): void {
    this.reserve(source.length);
    this.buffer.set(source, this.position);
    this.position += source.length;
  }

  /** A string preceded by its length in bytes. */
  string(text: string): void {
    const start = this.position;
    // Nearly all strings are ASCII, where the length in bytes is known before the first byte is written.
    this.varint(text.length);
    if (this.ascii(text)) return;
    this.position = start;
    this.wide(text);
    const wide = this.buffer.slice(start, this.position);
    this.position = start;
    this.varint(wide.length);
    this.bytes(wide);
  }

  /** A string without its length: for keys, which end it with a terminator of their own. */
  utf8(text: string): void {
    if (!this.ascii(text)) this.wide(text);
  }

  /** What has been written, as a view: valid until the next write. */
  peek(): Uint8Array {
    return this.buffer.subarray(0, this.position);
  }

  /** A copy of what has been written, which belongs to the caller. The writer goes on as before. */
  take(): Uint8Array {
    return this.buffer.slice(0, this.position);
  }

  /** Forgets what was written beyond the given length, by default everything, and keeps the memory. */
  reset(length = 0): void {
    this.position = length;
  }

  /** Writes the string if it is ASCII; otherwise writes nothing and says so. */
  private ascii(text: string): boolean {
    const { length } = text;
    this.reserve(length);
    const { buffer, position } = this;
    if (length > ENCODE_LOOP_LENGTH_MAX) {
      const { read } = encoder.encodeInto(text, buffer.subarray(position, position + length));
      // A character beyond ASCII takes more bytes than units, so then not all of the text finds room.
      if (read !== length) return false;
    } else {
      for (let index = 0; index < length; index++) {
        const unit = text.charCodeAt(index);
        if (unit > 0x7f) return false;
        buffer[position + index] = unit;
      }
    }
    this.position = position + length;
    return true;
  }

  private wide(text: string): void {
    this.reserve(text.length * 3);
    const { buffer } = this;
    let at = this.position;
    for (let index = 0; index < text.length; index++) {
      // A lone surrogate comes out of `codePointAt` as itself and takes the three-byte form.
      const point = text.codePointAt(index) ?? 0;
      const more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
      const mark = more === 0 ? 0 : (0xff00 >> (more + 1)) & 0xff;
      buffer[at++] = mark | (point >> (6 * more));
      for (let shift = 6 * more - 6; shift >= 0; shift -= 6)
        buffer[at++] = 0x80 | ((point >> shift) & 0x3f);
      if (more === 3) index++;
    }
    this.position = at;
  }

  private reserve(extra: number): void {
    if (this.position + extra <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.position + extra));
    larger.set(this.peek());
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }
}

export class ByteReader {
  private readonly bytes: Uint8Array;
  private readonly where: string;
  private view: DataView | undefined;
  private position = 0;
  private end: number;

  /** `where` names the origin of the bytes in errors. */
  constructor(bytes: Uint8Array, where = 'bytes') {
    this.bytes = bytes;
    this.where = where;
    this.end = bytes.length;
  }

  /** Reads only from `start` to `end` from now on, so that one reader serves many records. */
  window(start: number, end: number): void {
    this.position = start;
    this.end = end;
  }

  u8(): number {
    if (this.position >= this.end) throw this.malformed('one more byte', 'the end');
    return this.bytes[this.position++] ?? 0;
  }

  u32(): number {
    return this.data().getUint32(this.skip(4));
  }

  f64(): number {
    return this.data().getFloat64(this.skip(8));
  }

  varint(): number {
    let byte = this.u8();
    if (byte < 0x80) return byte;
    const { bytes, end } = this;
    let value = byte & 0x7f;
    for (let scale = 0x80; byte >= 0x80 && scale <= 2 ** 49; scale *= 0x80) {
      byte = this.position < end ? (bytes[this.position++] ?? 0) : 0;
      value += (byte & 0x7f) * scale;
    }
    // Every number has one form only: no trailing zero group, nothing that a double cannot hold.
    if (byte === 0 || byte >= 0x80 || !Number.isSafeInteger(value))
      throw this.malformed('a varint of at most 53 bits in its shortest form', `${value}`);
    return value;
  }

  /** The next bytes as a view; without a length all that are left. */
  take(length = this.end - this.position): Uint8Array {
    const at = this.skip(length);
    return this.bytes.subarray(at, at + length);
  }

  string(): string {
    return this.utf8(this.varint());
  }

  /** A string that was likely read before, such as the name of a field: a table knows it by its bytes. */
  name(): string {
    const length = this.varint();
    const at = this.skip(length);
    const { bytes } = this;
    const slot = (length * 31 + (bytes[at] ?? 0) * 7 + (bytes[at + length - 1] ?? 0)) & 0xff;
    const known = names[slot] ?? '';
    let same = known.length === length ? 0 : -1;
    while (same >= 0 && same < length)
      same = known.charCodeAt(same) === bytes[at + same] ? same + 1 : -1;
    if (same >= 0) return known;
    this.position = at;
    const text = this.utf8(length);
    // Only ASCII has as many characters as bytes, so only ASCII is ever compared with bytes.
    if (text.length === length && length <= 64) names[slot] = text;
    return text;
  }

  utf8(length: number): string {
    const at = this.skip(length);
    const short = length <= DECODE_LOOP_LENGTH_MAX && shortText(this.bytes, at, at + length);
    if (typeof short === 'string') return short;
    const text = wideText(this.bytes.subarray(at, at + length));
    if (text === undefined) throw this.malformed('UTF-8', 'other bytes');
    return text;
  }

  /** How many bytes stand before the next zero byte. */
  distanceToZero(): number {
    const at = this.bytes.indexOf(0, this.position);
    if (at < 0 || at >= this.end) throw this.malformed('a terminator', 'none');
    return at - this.position;
  }

  /** Anything left over means that bytes and codec do not belong together. */
  expectEnd(): void {
    if (this.position !== this.end) throw this.malformed('the end', 'more bytes');
  }

  malformed(expected: string, got: string): TidemarkError {
    return new TidemarkError('BYTES_MALFORMED', {
      expected,
      got,
      where: `${this.where}, byte ${this.position}`,
      hint: 'The bytes are truncated, damaged, or were written by something else.',
    });
  }

  private skip(length: number): number {
    const at = this.position;
    if (length > this.end - at) throw this.malformed(`${length} more bytes`, `${this.end - at}`);
    this.position = at + length;
    return at;
  }

  private data(): DataView {
    const { buffer, byteOffset, byteLength } = this.bytes;
    return (this.view ??= new DataView(buffer, byteOffset, byteLength));
  }
}

/** Short ASCII, joined character by character; undefined when anything else is met. */
function shortText(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = '';
  for (let at = start; at < end; at++) {
    const unit = bytes[at] ?? 0;
    if (unit > 0x7f) return undefined;
    text += String.fromCharCode(unit);
  }
  return text;
}

/**
 * The text of some bytes, or undefined when they are not in the one form that it has. Lone surrogates are taken out
 * first: three bytes that begin with 0xED, which never stands inside a character.
 */
function wideText(bytes: Uint8Array): string | undefined {
  let text = '';
  let from = 0;
  try {
    for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
      const [, second = 0, third = 0] = bytes.subarray(at, at + 3);
      if (second >> 5 !== 0b101 || third >> 6 !== 0b10) continue;
      const unit = 0xd000 | ((second & 0x3f) << 6) | (third & 0x3f);
      // Two halves that stand side by side are one character, and that has a form of four bytes.
      if (at === from && unit >= 0xdc00 && /[\ud800-\udbff]$/.test(text)) return undefined;
      text += decoder.decode(bytes.subarray(from, at)) + String.fromCharCode(unit);
      from = at + 3;
    }
    return text + decoder.decode(bytes.subarray(from));
  } catch {
    return undefined;
  }
}
