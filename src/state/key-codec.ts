/**
 * Keys as bytes. Equal keys give equal bytes, different keys different ones, and bytes sort as keys do.
 *
 * A key is one tag and what follows it, and it says itself where it ends:
 *
 *     false   10                        string  40 text 00
 *     true    11                        array   50 scalar scalar … 00
 *     number  20 eight bytes            object  60 (40 name 00 scalar) … 00      fields by name
 *     bigint  30 or 31 count words
 *
 * - A number keeps its IEEE bits, turned so that they sort: `-0` is `0`, and every `NaN` is the same, last one.
 * - Text holds no zero byte, because its end does: U+0000 is written as 01 02 and U+0001 as 01 03, which keeps
 *   the order. A naive terminator would make `['a', 'b']` and `['a\0b']` one key.
 * - Fields are sorted, so `{ a: 1, b: 2 }` and `{ b: 2, a: 1 }` are one key.
 */
import { TidemarkError, show } from '../core/errors.js';
import type { Key, KeyScalar } from '../core/key.js';
import { ByteReader, ByteWriter } from './bytes.js';

/** The first byte of each kind of key. Zero ends a composite, so it sorts before every longer one. */
export const keyTags = {
  end: 0x00,
  false: 0x10,
  true: 0x11,
  number: 0x20,
  negativeBigint: 0x30,
  bigint: 0x31,
  string: 0x40,
  array: 0x50,
  object: 0x60,
} as const;

/** `String.fromCharCode` takes as many arguments as the stack has room for. */
const TEXT_PART_LENGTH_MAX = 4096;

/** Reused by all short encodings; empty whenever none is under way. */
const scratch = new ByteWriter();
const bits = new DataView(new ArrayBuffer(8));

/** The bytes of a key. `where` names the step in the error that refuses what is no key. */
export function encodeKey(key: Key, where?: string): Uint8Array {
  return withEncodedKey(key, (bytes) => bytes.slice(), where);
}

export function decodeKey(bytes: Uint8Array): Key {
  const reader = new ByteReader(bytes, 'a key');
  const key = readKey(reader);
  reader.expectEnd();
  return key;
}

/** Lends the bytes of a key to a function, without a copy: they are gone when it returns. */
export function withEncodedKey<Out>(
  key: Key,
  use: (bytes: Uint8Array) => Out,
  where?: string,
): Out {
  // A getter of a key may itself ask for a key, and must not write into ours.
  const writer = scratch.length === 0 ? scratch : new ByteWriter();
  try {
    writeKey(writer, key, where);
    return use(writer.peek());
  } finally {
    writer.reset();
  }
}

/** Whether a key is its own canonical form. False for whatever is no key; encoding that refuses it. */
export function isScalarKey(key: Key): key is KeyScalar {
  switch (typeof key) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
      return true;
    default:
      return false;
  }
}

/** The encoding of an array or object as text, one character per byte: equal texts, equal keys. */
export function compositeKeyText(key: Key, where?: string): string {
  return withEncodedKey(key, byteText, where);
}

/**
 * A key by which a `Map` finds its equals: scalars as they are, composites as text.
 *
 * A string could be spelled like the text of a composite, so a table that takes both kinds keeps two maps, apart
 * by `isScalarKey`.
 */
export function canonicalKey(key: Key, where?: string): KeyScalar {
  if (!isScalarKey(key)) return compositeKeyText(key, where);
  return key === 0 ? 0 : key;
}

/** Writes a key, or throws KEY_INVALID and leaves the writer as it was. */
export function writeKey(writer: ByteWriter, key: Key, where = 'a key'): void {
  const start = writer.length;
  try {
    if (typeof key !== 'object' || key === null) writeScalar(writer, key, where);
    else if (Array.isArray(key)) writeArray(writer, key, where);
    else writeObject(writer, key, where);
  } catch (error) {
    writer.reset(start);
    throw error;
  }
}

/** Reads one key and leaves the reader behind it. */
export function readKey(reader: ByteReader): Key {
  const tag = reader.u8();
  if (tag === keyTags.array) {
    const elements: KeyScalar[] = [];
    for (let next = reader.u8(); next !== keyTags.end; next = reader.u8())
      elements.push(readScalar(reader, next));
    return elements;
  }
  if (tag !== keyTags.object) return readScalar(reader, tag);
  const fields: Record<string, KeyScalar> = {};
  for (let next = reader.u8(); next !== keyTags.end; next = reader.u8()) {
    const name = readScalar(reader, next);
    if (typeof name !== 'string') throw reader.malformed('the name of a field', show(name));
    const value = readScalar(reader, reader.u8());
    // Assigning to `__proto__` would change the prototype instead of making a field.
    if (name !== '__proto__') fields[name] = value;
    else Object.defineProperty(fields, name, { value, ...ordinary });
  }
  return fields;
}

const ordinary = { writable: true, enumerable: true, configurable: true };

/** The bits of a number as they sort: first the high half, then the low one, big-endian, in one view. */
export function sortableBits(value: number): DataView {
  // Adding zero turns -0 into 0. The bits of a NaN are up to the engine, so they are set by hand.
  bits.setFloat64(0, value + 0);
  if (Number.isNaN(value)) bits.setBigUint64(0, 0x7ff8_0000_0000_0000n);
  const high = bits.getUint32(0);
  if (high < 0x80000000) bits.setUint32(0, high + 0x80000000);
  else {
    bits.setUint32(0, ~high);
    bits.setUint32(4, ~bits.getUint32(4));
  }
  return bits;
}

/** A sign and a magnitude in 32-bit words; for negatives everything is turned round, so that it sorts. */
export function writeBigint(writer: ByteWriter, value: bigint): void {
  const isNegative = value < 0n;
  const turn = isNegative ? 0xffffffff : 0;
  const digits = (isNegative ? -value : value).toString(16);
  const words = Math.ceil(digits.length / 8);
  writer.u8(isNegative ? keyTags.negativeBigint : keyTags.bigint);
  writer.u8(Math.min(words, 0xff) ^ (turn & 0xff));
  if (words >= 0xff) writer.u32((words ^ turn) >>> 0);
  const padded = digits.padStart(words * 8, '0');
  for (let at = 0; at < padded.length; at += 8)
    writer.u32((Number.parseInt(padded.slice(at, at + 8), 16) ^ turn) >>> 0);
}

/** Reads what follows the tag of a bigint. */
export function readBigint(reader: ByteReader, isNegative: boolean): bigint {
  const turn = isNegative ? 0xffffffff : 0;
  const short = reader.u8() ^ (turn & 0xff);
  const words = short < 0xff ? short : (reader.u32() ^ turn) >>> 0;
  const digits = ['0x0'];
  for (let word = 0; word < words; word++)
    digits.push(((reader.u32() ^ turn) >>> 0).toString(16).padStart(8, '0'));
  const magnitude = BigInt(digits.join(''));
  return isNegative ? -magnitude : magnitude;
}

/** `part` is the field or element of the key; its text is only made when it must be named. */
function writeScalar(
  writer: ByteWriter,
  value: unknown,
  where: string,
  part?: string | number,
): void {
  switch (typeof value) {
    case 'string':
      return writeText(writer, value);
    case 'number': {
      const sortable = sortableBits(value);
      writer.u8(keyTags.number);
      writer.u32(sortable.getUint32(0));
      return writer.u32(sortable.getUint32(4));
    }
    case 'boolean':
      return writer.u8(value ? keyTags.true : keyTags.false);
    case 'bigint':
      return writeBigint(writer, value);
    default:
      throw invalid(value, part === undefined ? where : `${show(part)} of ${where}`);
  }
}

function writeArray(writer: ByteWriter, key: readonly unknown[], where: string): void {
  writer.u8(keyTags.array);
  for (let index = 0; index < key.length; index++) writeScalar(writer, key[index], where, index);
  writer.u8(keyTags.end);
}

function writeObject(writer: ByteWriter, key: object, where: string): void {
  const prototype: unknown = Object.getPrototypeOf(key);
  if (prototype !== Object.prototype && prototype !== null) throw invalid(key, where);
  if (Object.getOwnPropertySymbols(key).length > 0) throw invalid(key, where);
  writer.u8(keyTags.object);
  for (const name of sorted(Object.keys(key))) {
    writeText(writer, name);
    writeScalar(writer, (key as Record<string, unknown>)[name], where, name);
  }
  writer.u8(keyTags.end);
}

function writeText(writer: ByteWriter, text: string): void {
  writer.u8(keyTags.string);
  const isPlain = !text.includes('\0') && !text.includes('\u0001');
  writer.utf8(
    isPlain ? text : text.replaceAll('\u0001', '\u0001\u0003').replaceAll('\0', '\u0001\u0002'),
  );
  writer.u8(0);
}

function readScalar(reader: ByteReader, tag: number): KeyScalar {
  switch (tag) {
    case keyTags.string: {
      const text = reader.utf8(reader.distanceToZero());
      reader.u8();
      if (!text.includes('\u0001')) return text;
      return text.replaceAll('\u0001\u0002', '\0').replaceAll('\u0001\u0003', '\u0001');
    }
    case keyTags.number: {
      const high = reader.u32();
      const low = reader.u32();
      const isNegative = high < 0x80000000;
      bits.setUint32(0, isNegative ? ~high : high - 0x80000000);
      bits.setUint32(4, isNegative ? ~low : low);
      return bits.getFloat64(0);
    }
    case keyTags.false:
    case keyTags.true:
      return tag === keyTags.true;
    case keyTags.bigint:
    case keyTags.negativeBigint:
      return readBigint(reader, tag === keyTags.negativeBigint);
    default:
      throw reader.malformed('the tag of a key', `${tag}`);
  }
}

/** Names mostly come sorted, and looking is cheaper than sorting. */
function sorted(names: string[]): string[] {
  for (let index = 1; index < names.length; index++)
    if ((names[index - 1] ?? '') > (names[index] ?? '')) return names.sort();
  return names;
}

/** One character per byte: what a `Map` takes as a key in the place of bytes. */
export function byteText(bytes: Uint8Array): string {
  if (bytes.length <= TEXT_PART_LENGTH_MAX) return charactersOf(bytes);
  let text = '';
  for (let at = 0; at < bytes.length; at += TEXT_PART_LENGTH_MAX)
    text += charactersOf(bytes.subarray(at, at + TEXT_PART_LENGTH_MAX));
  return text;
}

/** `apply` takes the bytes as they are; a spread would walk an iterator, ten times slower. */
function charactersOf(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

function invalid(got: unknown, where: string): TidemarkError {
  const maker = Object(got) === got ? (got as object).constructor : undefined;
  const isInstance = typeof maker === 'function' && ![Object, Function].includes(maker as never);
  return new TidemarkError('KEY_INVALID', {
    expected: 'a string, number, boolean, bigint, or an array or flat object of those',
    got: isInstance ? `an instance of ${maker.name}: ${show(got)}` : show(got),
    where,
    hint: 'Make a plain value of it, such as event.userId, date.getTime(), or [country, day].',
  });
}
