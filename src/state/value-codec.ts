/**
 * State values as bytes: what went in comes back the same, or is refused with the path to what stood in the way.
 *
 * A value is a tag and what follows it. The codec takes plain data, as `structuredClone` does, and is stricter: a hole
 * in an array, an accessor, a symbol or a property on a map would vanish in silence, so each is an error.
 *
 * Not kept: that two parts are one object (each comes back as a copy of its own), that an object was frozen, and the
 * memory around the part that a typed array shows. Not looked for: properties on a typed array, and accessors that
 * stand for elements. Typed arrays are little-endian, like every machine that Node runs on today.
 */
import { TidemarkError, show } from '../core/errors.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { keyTags, readBigint, writeBigint } from './key-codec.js';

const DEPTH_MAX = 1000;
/** Deeper than most data ever is: here it is worth a look whether the value contains itself. */
const DEPTH_SUSPECT = 64;
/** Beyond it a whole number takes no fewer bytes than a double, which is as exact. */
const INTEGER_MAX = 2 ** 52;
/** Tags from here on are the whole numbers from 0 to 127 themselves; bigints have the tags of keys. */
const SMALL = 0x80;

const scalarTags = { undefined: 0, null: 1, false: 2, true: 3, integer: 4, double: 5, string: 6 };
const tags = { ...scalarTags, array: 8, object: 9, bareObject: 10, date: 16, map: 17, set: 18 };
const fixed = [undefined, null, false, true];
/** Kinds of memory, by tag from here on. The order is part of the format. */
const MEMORY = 19;
const memoryKinds = [
  ...[ArrayBuffer, DataView, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array],
  ...[Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array],
];
/** Prototypes of what is neither array nor plain object, by tag from `tags.date` on. */
const exotics: readonly object[] = [
  ...[new Date(0), new Map(), new Set()].map((one): object => Object.getPrototypeOf(one)),
  ...memoryKinds.map((kind) => kind.prototype),
];

/**
 * The way from the root to the part in hand, by depth: containers, and the step that leads out of each. Only read to
 * name what is refused. The steps of a map count keys and values: even for a key, odd for its value.
 */
const containers: unknown[] = [];
const steps: (string | number)[] = [];

const scratch = new ByteWriter(1024);
const ordinary = { writable: true, enumerable: true, configurable: true };

/** The bytes of a value. Throws VALUE_NOT_ENCODABLE. */
export function encodeValue(value: unknown): Uint8Array {
  // A proxy may run code of the user, which may encode another value meanwhile.
  const writer = scratch.length === 0 ? scratch : new ByteWriter();
  try {
    writeValue(writer, value);
    return writer.take();
  } finally {
    writer.reset();
  }
}

export function decodeValue(bytes: Uint8Array): unknown {
  const reader = new ByteReader(bytes, 'a value');
  const value = read(reader, 0);
  reader.expectEnd();
  return value;
}

/** Writes a value, or throws VALUE_NOT_ENCODABLE and leaves the writer as it was. */
export function writeValue(writer: ByteWriter, value: unknown): void {
  const start = writer.length;
  try {
    write(writer, value, 0);
  } catch (error) {
    writer.reset(start);
    containers.length = 0;
    throw error;
  }
}

/** Reads one value and leaves the reader behind it. */
export function readValue(reader: ByteReader): unknown {
  return read(reader, 0);
}

function write(writer: ByteWriter, value: unknown, depth: number): void {
  switch (typeof value) {
    case 'string':
      writer.u8(tags.string);
      return writer.string(value);
    case 'number':
      return writeNumber(writer, value);
    case 'boolean':
      return writer.u8(value ? tags.true : tags.false);
    case 'undefined':
      return writer.u8(tags.undefined);
    case 'bigint':
      return writeBigint(writer, value);
    case 'object':
      return value === null ? writer.u8(tags.null) : writeObject(writer, value, depth);
    default:
      throw refusal(show(value), depth);
  }
}

function writeNumber(writer: ByteWriter, value: number): void {
  if ((value | 0) === value && !Object.is(value, -0)) {
    if (value >= 0 && value < SMALL) return writer.u8(SMALL | value);
    writer.u8(tags.integer);
    return writer.varint(((value << 1) ^ (value >> 31)) >>> 0);
  }
  if (Number.isInteger(value) && Math.abs(value) < INTEGER_MAX && value !== 0) {
    writer.u8(tags.integer);
    return writer.varint(value > 0 ? value * 2 : value * -2 - 1);
  }
  writer.u8(tags.double);
  // The bits of a NaN are up to the engine, and equal values have equal bytes: take those of the literal.
  return writer.f64(Number.isNaN(value) ? NaN : value);
}

function writeObject(writer: ByteWriter, value: object, depth: number): void {
  if (depth === DEPTH_SUSPECT || depth === DEPTH_MAX) {
    if (containers.includes(value)) throw refusal('a value that contains itself', depth);
    if (depth === DEPTH_MAX) throw refusal(`more than ${DEPTH_MAX} levels`, depth);
  }
  containers[depth] = value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) writeFields(writer, tags.object, value, depth);
  else if (prototype === null) writeFields(writer, tags.bareObject, value, depth);
  else if (prototype === Array.prototype && Array.isArray(value)) writeArray(writer, value, depth);
  else writeExotic(writer, value, exotics.indexOf(prototype as object), depth);
  containers[depth] = undefined;
}

function writeFields(writer: ByteWriter, tag: number, value: object, depth: number): void {
  const names = Object.keys(value);
  if (Object.getOwnPropertyNames(value).length !== names.length)
    throw refusal('an object with a property that is not enumerable', depth);
  refuseSymbols(value, depth);
  writer.u8(tag);
  writer.varint(names.length);
  for (const name of names) {
    steps[depth] = name;
    const property = Object.getOwnPropertyDescriptor(value, name);
    if (property?.get !== undefined || property?.set !== undefined)
      throw refusal('an accessor', depth + 1);
    writer.string(name);
    write(writer, property?.value, depth + 1);
  }
}

function writeArray(writer: ByteWriter, value: unknown[], depth: number): void {
  // A hole could make up for a further property in this count; the look at each element finds the hole.
  if (Object.keys(value).length > value.length)
    throw refusal('an array with properties beside its elements', depth);
  refuseSymbols(value, depth);
  writer.u8(tags.array);
  writer.varint(value.length);
  for (let index = 0; index < value.length; index++) {
    steps[depth] = index;
    const element = value[index];
    if (element === undefined && !Object.hasOwn(value, index))
      throw refusal('a hole in an array', depth + 1);
    write(writer, element, depth + 1);
  }
}

/** Dates, maps, sets and memory; every other class instance is refused. */
function writeExotic(writer: ByteWriter, value: any, kind: number, depth: number): void {
  const name = String(value.constructor?.name);
  if (kind < 0 || !isGenuine(value)) throw refusal(`an instance of ${name}`, depth);
  if (!('BYTES_PER_ELEMENT' in value) && Reflect.ownKeys(value).length > 0)
    throw refusal(`a ${name} with properties of its own`, depth);
  const tag = tags.date + kind;
  writer.u8(tag);
  if (tag === tags.date) writer.f64(value.getTime());
  else if (tag >= MEMORY) writeMemory(writer, value, depth);
  else writeEntries(writer, value, depth);
}

function writeEntries(writer: ByteWriter, value: Map<any, any> | Set<any>, depth: number): void {
  writer.varint(value.size);
  let step = 0;
  for (const entry of value)
    for (const part of value instanceof Map ? entry : [entry]) {
      steps[depth] = step++;
      write(writer, part, depth + 1);
    }
}

/** Memory that other threads may change, or that can change its size, would come back as another kind. */
function writeMemory(writer: ByteWriter, value: any, depth: number): void {
  const memory = value.buffer ?? value;
  if (!(memory instanceof ArrayBuffer) || Reflect.get(memory, 'resizable') === true)
    throw refusal('memory that is shared or resizable', depth);
  writer.varint(value.byteLength);
  writer.bytes(new Uint8Array(memory, value.byteOffset ?? 0, value.byteLength));
}

function read(reader: ByteReader, depth: number): unknown {
  const tag = reader.u8();
  if (tag >= SMALL) return tag - SMALL;
  if (tag < fixed.length) return fixed[tag];
  switch (tag) {
    case tags.integer: {
      const folded = reader.varint();
      return folded % 2 === 0 ? folded / 2 : (folded + 1) / -2;
    }
    case tags.double:
      return reader.f64();
    case tags.string:
      return reader.string();
    case tags.date:
      return new Date(reader.f64());
    case keyTags.bigint:
    case keyTags.negativeBigint:
      return readBigint(reader, tag === keyTags.negativeBigint);
    default:
      return readComposite(reader, tag, depth);
  }
}

function readComposite(reader: ByteReader, tag: number, depth: number): unknown {
  if (depth === DEPTH_MAX) throw reader.malformed(`at most ${DEPTH_MAX} levels`, 'more');
  // Nothing is allocated by a count, which may be damaged: each part is read before the next is believed in.
  const count = reader.varint();
  const next = (): unknown => read(reader, depth + 1);
  switch (tag) {
    case tags.array: {
      const elements: unknown[] = [];
      while (elements.length < count) elements.push(next());
      return elements;
    }
    case tags.object:
    case tags.bareObject:
      return readFields(reader, tag === tags.object ? {} : Object.create(null), count, depth);
    case tags.map: {
      const map = new Map<unknown, unknown>();
      for (let left = count; left > 0; left--) map.set(next(), next());
      return map;
    }
    case tags.set: {
      const set = new Set<unknown>();
      for (let left = count; left > 0; left--) set.add(next());
      return set;
    }
    default:
      return readMemory(reader, memoryKinds[tag - MEMORY], count);
  }
}

function readFields(reader: ByteReader, object: any, count: number, depth: number): unknown {
  for (let left = count; left > 0; left--) {
    const name = reader.name();
    const value = read(reader, depth + 1);
    // Assigning to `__proto__` would change the prototype instead of making a field.
    if (name !== '__proto__') object[name] = value;
    else Object.defineProperty(object, name, { value, ...ordinary });
  }
  return object;
}

function readMemory(reader: ByteReader, Kind: any, length: number): unknown {
  if (Kind === undefined || length % (Kind.BYTES_PER_ELEMENT ?? 1) !== 0)
    throw reader.malformed('the tag of a value and a length that fits', `${length}`);
  const { buffer } = new Uint8Array(reader.take(length));
  return Kind === ArrayBuffer ? buffer : new Kind(buffer);
}

/** Whether an object is what its prototype says: `Object.create(Map.prototype)` throws at the first use. */
function isGenuine(value: any): boolean {
  try {
    return [value.getTime?.(), value.size, value.byteLength].length > 0;
  } catch {
    return false;
  }
}

function refuseSymbols(value: object, depth: number): void {
  if (Object.getOwnPropertySymbols(value).length > 0)
    throw refusal('a property that is named by a symbol', depth);
}

function refusal(got: string, depth: number): TidemarkError {
  const way = steps.slice(0, depth).map((step, at) => stepText(containers[at], step));
  if (way.length > 12) way.splice(8, way.length - 10, '…');
  return new TidemarkError('VALUE_NOT_ENCODABLE', {
    expected: 'plain data: scalars, dates, maps, sets, arrays, plain objects, binary data',
    got,
    where: `value${way.join('')}`,
    hint: 'Keep plain data in state, and make what else you need from it when you read it.',
  });
}

function stepText(container: any, step: any): string {
  if (container instanceof Set) return `.values()[${step}]`;
  if (container instanceof Map && step % 2 === 0) return `.keys()[${step / 2}]`;
  if (container instanceof Map) return `.get(${show([...container.keys()][step >> 1])})`;
  return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${show(step)}]`;
}
