/** Fields there and back, tags of later versions, and answers that lie. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as fields from './fields.js';
import { WireReader, WireWriter } from './wire-bytes.js';

function there<Value>(field: fields.Field<Value>, value: Value): Buffer {
  const writer = new WireWriter();
  field.write(writer, value);
  return writer.finish();
}

function back<Value>(field: fields.Field<Value>, bytes: Uint8Array): Value {
  const reader = new WireReader(bytes, 'a test');
  const value = field.read(reader);
  reader.expectEnd();
  return value;
}

const row = fields.struct({
  id: fields.int64,
  small: fields.int16,
  flag: fields.boolean,
  name: fields.nullableString,
  blob: fields.nullableBytes,
  inner: fields.nullableArray(fields.struct({ at: fields.int32, text: fields.string })),
});

test('any row comes back as it was', () => {
  const value = fc.record({
    id: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-1, 0, 2 ** 32 - 1, 2 ** 32, -(2 ** 32))),
    small: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
    flag: fc.boolean(),
    name: fc.option(fc.string({ unit: 'grapheme', maxLength: 200 })),
    blob: fc.option(fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes))),
    inner: fc.option(fc.array(fc.record({ at: fc.integer(), text: fc.string() }))),
  });
  fc.assert(
    fc.property(value, (each) => {
      expect(back(row, there(row, each))).toEqual(each);
    }),
  );
});

test('tags that are not known are passed over', () => {
  const pair = fields.struct({ a: fields.int8, b: fields.struct({ c: fields.int8 }) });
  // In the inner structure tag 0 of two bytes, in the outer one tags 1 and 300 of one byte and none.
  const bytes = Buffer.from('0709010002beef020101ffac0200', 'hex');
  expect(back(pair, bytes)).toEqual({ a: 7, b: { c: 9 } });
});

describe('refused with BYTES_MALFORMED', () => {
  const cases: readonly [string, fields.Field<unknown>, string, string][] = [
    ['null where there must be a text', fields.string, '00', 'expected a string, got null'],
    ['null where there must be a list', fields.array(fields.int8), '00', 'expected an array'],
    ['a text longer than the answer', fields.string, '0561', 'expected 4 more bytes, got 1'],
    ['more items than there are bytes', fields.array(fields.int8), 'ffffffff0f', 'at most 0 items'],
    ['a varint without an end', fields.string, 'ffffffffff01', 'a varint of at most 5 bytes'],
    ['a number beyond 2^53', fields.int64, '7fffffffffffffff', 'a number below 2^53'],
    ['a number cut in two', fields.int32, '000000', 'expected 4 more bytes, got 3'],
    ['something left over', fields.int8, '0000', 'expected the end, got 1 more bytes'],
  ];
  test.each(cases)('%s', (_, field, bytes, message) => {
    expect(() => back(field, Buffer.from(bytes, 'hex'))).toThrow(message);
  });
});

test('an id is 16 bytes, and zeros where there is none', () => {
  expect(there(fields.uuid, '').toString('hex')).toBe('0'.repeat(32));
  expect(back(fields.uuid, Buffer.alloc(16, 0xab))).toBe('ab'.repeat(16));
});
