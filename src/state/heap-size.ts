/**
 * How much heap a plain value takes, as an estimate: by the sizes that V8 on 64 bits gives to strings, objects and
 * collections. Held against the real heap by heap-size.test.ts.
 */

/** Beyond so many parts the rest of a value is taken to be like what was seen. */
const PARTS_MAX = 2000;

const WORD = 8;
const STRING_HEAD = 16;
const NUMBER = 16;
const OBJECT_HEAD = 24;
const ARRAY_HEAD = 48;
/** A Map or Set without entries, and what an entry adds with its share of buckets and of free room. */
const COLLECTION_HEAD = 120;
const MAP_ENTRY = 40;
const SET_ENTRY = 28;
const MEMORY_HEAD = 200;

/** Bytes beside the word that refers to it. */
export function heapBytesOf(value: unknown): number {
  return sizeOf(value, { left: PARTS_MAX });
}

function sizeOf(value: unknown, budget: { left: number }): number {
  budget.left -= 1;
  switch (typeof value) {
    case 'string':
      return STRING_HEAD + value.length * (isNarrow(value) ? 1 : 2);
    case 'number':
      return (value | 0) === value ? 0 : NUMBER;
    case 'bigint':
      return NUMBER + WORD;
    case 'object':
      return value === null ? 0 : objectSize(value, budget);
    default:
      return 0;
  }
}

function objectSize(value: object, budget: { left: number }): number {
  if (Array.isArray(value))
    return ARRAY_HEAD + value.length * WORD + sum(value, value.length, budget);
  if (value instanceof Map) {
    const values = sum(value.values(), value.size, budget);
    return (
      COLLECTION_HEAD + value.size * MAP_ENTRY + sum(value.keys(), value.size, budget) + values
    );
  }
  if (value instanceof Set)
    return COLLECTION_HEAD + value.size * SET_ENTRY + sum(value, value.size, budget);
  if (value instanceof Date) return 80;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    return MEMORY_HEAD + value.byteLength;
  const fields = Object.values(value);
  return OBJECT_HEAD + fields.length * WORD + sum(fields, fields.length, budget);
}

/** Of some parts, and by rule of three of all. */
function sum(parts: Iterable<unknown>, count: number, budget: { left: number }): number {
  let bytes = 0;
  let seen = 0;
  for (const part of parts) {
    if (budget.left <= 0) break;
    bytes += sizeOf(part, budget);
    seen += 1;
  }
  return seen === 0 ? 0 : (bytes / seen) * count;
}

/** Whether V8 keeps it with a byte per character. A look at some is enough for an estimate. */
function isNarrow(text: string): boolean {
  const step = Math.max(1, text.length >> 3);
  for (let at = 0; at < text.length; at += step) if (text.charCodeAt(at) > 0xff) return false;
  return true;
}
