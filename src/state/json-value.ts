/**
 * State values as JSON and back: what JSON knows stands as it is, and what it does not know is an object with one key
 * that begins with `$`. So exported state can be read by any program, and nothing of it is lost on the way.
 *
 *     Map, Set      { "$map": [[key, value], …] }   { "$set": [value, …] }
 *     bigint, Date  { "$bigint": "12" }             { "$date": 1767225600000 }
 *     numbers       { "$number": "NaN" }, also "Infinity", "-Infinity" and "-0"
 *     undefined     { "$undefined": true }
 *     bytes         { "$bytes": "Uint8Array", "base64": "AQID" }
 *     an object whose first key begins with "$", or that has a key "__proto__"
 *                   { "$object": [[name, value], …] }
 */
import { TidemarkError, show } from '../core/errors.js';

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/** The kinds of memory that state may hold, by name. */
const memoryKinds = new Map<string, new (buffer: ArrayBuffer) => ArrayBufferView>(
  [
    ...[DataView, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array],
    ...[Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array],
  ].map((kind) => [kind.name, kind]),
);

/** A value of the state codec as JSON. */
export function toJson(value: unknown): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? '-0' : String(value) };
    case 'bigint':
      return { $bigint: String(value) };
    case 'object':
      return value === null ? null : objectToJson(value);
    case 'undefined':
      return { $undefined: true };
    case 'function':
    case 'symbol':
      return { $shown: show(value) };
  }
}

function objectToJson(value: object): Json {
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map)
    return { $map: [...value].map(([key, inner]) => [toJson(key), toJson(inner)]) };
  if (value instanceof Set) return { $set: [...value].map(toJson) };
  if (value instanceof Date) return { $date: toJson(value.getTime()) };
  if (value instanceof ArrayBuffer)
    return { $bytes: 'ArrayBuffer', base64: Buffer.from(value).toString('base64') };
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { $bytes: value.constructor.name, base64: bytes.toString('base64') };
  }
  const entries = Object.entries(value).map(([name, inner]) => [name, toJson(inner)] as const);
  const isPlain = entries.every(([name]) => name !== '__proto__') && !isTagged(entries[0]?.[0]);
  return isPlain ? Object.fromEntries(entries) : { $object: entries };
}

const isTagged = (name: string | undefined): boolean => name?.startsWith('$') === true;

/**
 * The value that `toJson` was given.
 *
 * @throws TidemarkError BYTES_MALFORMED for a tag that it does not write
 */
export function fromJson(json: Json): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map((inner: Json) => fromJson(inner));
  const object = json as Readonly<Record<string, Json>>;
  const [first] = Object.keys(object);
  if (first === undefined || !isTagged(first))
    return Object.fromEntries(
      Object.entries(object).map(([name, inner]) => [name, fromJson(inner)]),
    );
  return untag(first, object);
}

function untag(tag: string, object: Readonly<Record<string, Json>>): unknown {
  const inner = object[tag];
  switch (tag) {
    case '$number':
      return Number(inner);
    case '$bigint':
      return BigInt(inner as string);
    case '$undefined':
      return undefined;
    case '$date':
      return new Date(fromJson(inner as Json) as number);
    case '$set':
      return new Set((inner as Json[]).map(fromJson));
    case '$map':
      return new Map(
        (inner as [Json, Json][]).map(([key, value]) => [fromJson(key), fromJson(value)]),
      );
    case '$object': {
      const own: object = {};
      for (const [name, value] of inner as [string, Json][])
        Object.defineProperty(own, name, {
          ...{ value: fromJson(value), enumerable: true, configurable: true, writable: true },
        });
      return own;
    }
    case '$bytes':
      return bytesOf(inner as string, object['base64'] as string);
    default:
      throw new TidemarkError('BYTES_MALFORMED', {
        expected: 'JSON as `tidemark state export` writes it',
        got: show(object),
        where: `the tag "${tag}"`,
        hint: 'An object whose first key begins with "$" is written as { "$object": [[name, value]] }.',
      });
  }
}

function bytesOf(kind: string, base64: string): unknown {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  if (kind === 'ArrayBuffer') return bytes.buffer;
  const Kind = memoryKinds.get(kind);
  if (Kind !== undefined) return new Kind(bytes.buffer);
  throw new TidemarkError('BYTES_MALFORMED', {
    expected: `bytes of ${[...memoryKinds.keys()].join(', ')} or ArrayBuffer`,
    got: show(kind),
    where: 'the tag "$bytes"',
    hint: 'It was written by a newer release of Tidemark, or by hand.',
  });
}
