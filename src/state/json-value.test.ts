import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeValue, encodeValue } from './value-codec.js';
import { fromJson, toJson, type Json } from './json-value.js';

const through = (value: unknown): unknown =>
  fromJson(JSON.parse(JSON.stringify(toJson(value))) as Json);

test('what JSON knows stands as it is', () => {
  const value = { a: [1, 'x', true, null], b: { c: -2.5 } };
  expect(toJson(value)).toEqual(value);
});

describe('what JSON does not know comes back the same', () => {
  const cases: Record<string, unknown> = {
    'a map': new Map<unknown, unknown>([
      ['a', 1],
      [[1, 2], new Set(['x'])],
    ]),
    'a date': new Date(1_767_225_600_000),
    'a date that is none': new Date(NaN),
    'a bigint': 2n ** 80n,
    'numbers beyond JSON': [NaN, Infinity, -Infinity, -0],
    'undefined in an array': [undefined],
    'undefined in an object': { a: undefined },
    'typed arrays': [Float64Array.of(1.5), Uint8Array.of(1, 2), BigInt64Array.of(3n)],
    'an object that looks like a tag': { $map: [[1, 2]], b: 2 },
    'a key named __proto__': JSON.parse('{"__proto__": 1}'),
  };
  for (const [name, value] of Object.entries(cases))
    test(name, () => expect(encodeValue(through(value))).toEqual(encodeValue(value)));
});

test('any value of the state codec comes back the same', () => {
  const values = fc.anything({
    ...{ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true },
  });
  fc.assert(
    fc.property(values, (value) => {
      let bytes: Uint8Array;
      try {
        bytes = encodeValue(value);
      } catch {
        return;
      }
      expect(encodeValue(through(decodeValue(bytes)))).toEqual(bytes);
    }),
  );
});

test('a tag that is not ours is refused', () => {
  expect(() => fromJson({ $unknown: 1 })).toThrow(/BYTES_MALFORMED.*\$unknown/);
  expect(() => fromJson({ $bytes: 'Float16Array', base64: '' })).toThrow(/BYTES_MALFORMED/);
});
