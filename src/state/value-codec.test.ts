/** State values as bytes: exactly the same comes back, or the path to the obstacle is named. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check } from '../../property-tests/settings.js';
import { TidemarkError } from '../core/errors.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { decodeValue, encodeValue, readValue, writeValue } from './value-codec.js';

const typedArrays = [
  ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array],
];

const anyString = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 70 }),
  fc
    .array(fc.constantFrom(0, 0x41, 0xd83d, 0xde00, 0xfffd, 0xfeff), { maxLength: 6 })
    .map((units) => String.fromCharCode(...units)),
);
const memory = fc
  .tuple(fc.uint8Array({ maxLength: 32 }), fc.nat({ max: typedArrays.length + 1 }))
  .map(([bytes, kind]) => {
    const buffer = bytes.slice(0, bytes.length & ~7).buffer;
    const Typed = typedArrays[kind];
    if (Typed !== undefined) return new Typed(buffer);
    return kind === typedArrays.length ? new DataView(buffer) : buffer;
  });
const leaf = fc.oneof(
  fc.constantFrom(undefined, null, true, false, 0, -0, NaN, Infinity, -Infinity, 0n, 127, 128, -1),
  fc.constantFrom(2 ** 31, -(2 ** 31), 2 ** 52, -(2 ** 52), 2 ** 53, Number.MIN_SAFE_INTEGER),
  ...[fc.integer(), fc.maxSafeInteger(), fc.double(), fc.bigInt(), anyString, memory],
  fc.date({ noInvalidDate: false }),
);
const fieldName = fc.oneof(
  fc.constantFrom('a', 'b', '__proto__', 'constructor', 'toString', '7', '1', ''),
  anyString,
);
const { value } = fc.letrec<{ value: unknown }>((tie) => {
  const fields = fc.uniqueArray(fc.tuple(fieldName, tie('value')), {
    maxLength: 4,
    selector: ([name]) => name,
  });
  return {
    value: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      fields.map((entries) => fromEntries({}, entries)),
      fields.map((entries) => fromEntries(Object.create(null) as object, entries)),
      fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((all) => new Map(all)),
      fc.array(tie('value'), { maxLength: 3 }).map((all) => new Set(all)),
    ),
  };
});

function fromEntries(object: object, entries: readonly (readonly [string, unknown])[]): object {
  for (const [name, part] of entries)
    Object.defineProperty(object, name, {
      ...{ value: part, writable: true, enumerable: true, configurable: true },
    });
  return object;
}

/** Independent of the codec, and stricter than what test runners offer: order, prototypes, -0 and NaN all count. */
function isSame(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || typeof right !== 'object') return Object.is(left, right);
  if (left === null || right === null) return left === right;
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false;
  if (left instanceof Date && right instanceof Date)
    return Object.is(left.getTime(), right.getTime());
  const [some, others] = [partsOf(left), partsOf(right)];
  return some.length === others.length && some.every((part, at) => isSame(part, others[at]));
}

function partsOf(container: object): unknown[] {
  if (container instanceof ArrayBuffer) return [...new Uint8Array(container)];
  if (ArrayBuffer.isView(container))
    return [...new Uint8Array(container.buffer, container.byteOffset, container.byteLength)];
  if (container instanceof Map) return [...container.keys(), ...container.values()];
  if (container instanceof Set) return [...container];
  return [...Object.keys(container), ...Object.values(container)];
}

function refusal(given: unknown): TidemarkError {
  try {
    encodeValue(given);
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

const roundTrip = (given: unknown): unknown => decodeValue(encodeValue(given));

describe('round trip', () => {
  check(
    'every value comes back the same: type, prototype, sign of zero, order',
    fc.property(value, (given) => {
      const bytes = encodeValue(given);
      const back = decodeValue(bytes);
      expect(isSame(back, given)).toBe(true);
      expect(encodeValue(back)).toEqual(bytes);
    }),
    { runs: 3000 },
  );

  check(
    'whatever plain data fast-check thinks of comes back',
    fc.property(
      fc.anything({
        ...{ withBigInt: true, withDate: true, withMap: true, withSet: true },
        ...{ withNullPrototype: true, withTypedArray: true },
      }),
      (given) => {
        expect(isSame(roundTrip(given), given)).toBe(true);
      },
    ),
    { runs: 1000 },
  );

  check(
    'values say themselves where they end, so they may follow each other',
    fc.property(fc.array(value, { maxLength: 4 }), (values) => {
      const writer = new ByteWriter(1);
      for (const given of values) writeValue(writer, given);
      const reader = new ByteReader(writer.take());
      expect(
        isSame(
          Array.from(values, () => readValue(reader)),
          values,
        ),
      ).toBe(true);
      reader.expectEnd();
    }),
  );

  test('an own __proto__ is a field, and the prototype stays', () => {
    const back = roundTrip(JSON.parse('{"__proto__":{"a":1},"b":2}')) as object;
    expect(Object.keys(back)).toEqual(['__proto__', 'b']);
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect((back as { a?: number }).a).toBeUndefined();
  });

  test('fields keep the order of their insertion', () => {
    expect(Object.keys(roundTrip({ b: 1, a: 2, c: 3 }) as object)).toEqual(['b', 'a', 'c']);
  });

  test('a typed array keeps its part of a larger memory only, and owns what comes back', () => {
    const whole = Uint16Array.of(1, 2, 3, 4);
    const back = roundTrip(whole.subarray(1, 3)) as Uint16Array;
    expect(back).toEqual(Uint16Array.of(2, 3));
    expect(back.buffer.byteLength).toBe(4);
    const bytes = encodeValue(Uint8Array.of(7));
    const own = decodeValue(Buffer.from(bytes)) as Uint8Array;
    bytes.fill(0);
    expect(own).toEqual(Uint8Array.of(7));
  });

  test('shared parts come back as copies, equal but not the same', () => {
    const shared = { n: 1 };
    const back = roundTrip([shared, shared]) as [object, object];
    expect(back).toEqual([shared, shared]);
    expect(back[0]).not.toBe(back[1]);
  });

  test('frozen values are encoded like others', () => {
    expect(roundTrip(Object.freeze({ a: Object.freeze([1]) }))).toEqual({ a: [1] });
  });

  test('a thousand levels are allowed', () => {
    let deep: unknown = 'bottom';
    for (let level = 0; level < 1000; level++) deep = level % 2 === 0 ? [deep] : { deep };
    expect(encodeValue(roundTrip(deep))).toEqual(encodeValue(deep));
  });

  test('small data is small', () => {
    expect(encodeValue({ a: 1, b: 'x', c: 2.5 }).length).toBe(21);
    expect(encodeValue(127).length).toBe(1);
    expect(encodeValue(-64).length).toBe(2);
  });
});

describe('what is refused', () => {
  class Point {
    x = 1;
  }
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['a function', { a: [0, 1, 2, { b: () => 1 }] }, 'value.a[3].b'],
    ['a symbol', [Symbol('s')], 'value[0]'],
    ['a symbol as name', { a: { [Symbol('s')]: 1 } }, 'value.a'],
    ['a class instance', { point: new Point() }, 'value.point'],
    [
      'an accessor',
      {
        get a() {
          return 1;
        },
      },
      'value.a',
    ],
    ['a setter', { set a(_to: number) {} }, 'value.a'],
    ['a hidden property', Object.defineProperty({}, 'a', { value: 1 }), 'value'],
    ['a regular expression', [/x/], 'value[0]'],
    ['an error', new Error('x'), 'value'],
    ['a boxed number', Object(1), 'value'],
    ['a promise', Promise.resolve(), 'value'],
    ['a Node buffer', Buffer.from('x'), 'value'],
    ['a hole', { list: Array(3) }, 'value.list[0]'],
    ['a property on an array', Object.assign([1], { extra: 1 }), 'value'],
    ['a match of a regular expression', 'x'.match(/x/), 'value'],
    ['a hole beside a property', Object.assign(Array(1), { extra: 1 }), 'value[0]'],
    ['a symbol on an array', Object.assign([1], { [Symbol('s')]: 1 }), 'value'],
    ['a subclass of Array', new (class List extends Array {})(), 'value'],
    ['a subclass of Map', new (class Table extends Map {})(), 'value'],
    ['a property on a map', Object.assign(new Map(), { extra: 1 }), 'value'],
    ['a property on a date', Object.assign(new Date(0), { extra: 1 }), 'value'],
    ['what only pretends to be a map', Object.create(Map.prototype), 'value'],
    ['what only pretends to be a date', Object.create(Date.prototype), 'value'],
    ['what only pretends to be an array', Object.create(Array.prototype), 'value'],
    ['shared memory', new Uint8Array(new SharedArrayBuffer(1)), 'value'],
    ['a function in a map', { m: new Map([['k', () => 1]]) }, 'value.m.get("k")'],
    ['a function as key of a map', new Map([[() => 1, 1]]), 'value.keys()[0]'],
    ['a function in a set', new Set([1, () => 1]), 'value.values()[1]'],
    ['a name that is no identifier', { 'a-b': { 2: () => 1 } }, 'value["a-b"]["2"]'],
  ];

  test.each(cases)('%s is refused by its path', (_name, given, where) => {
    expect(refusal(given)).toMatchObject({ code: 'VALUE_NOT_ENCODABLE', where });
  });

  test('a getter is not called', () => {
    let calls = 0;
    const given = {
      get a() {
        calls++;
        return 1;
      },
    };
    expect(refusal(given).got).toBe('an accessor');
    expect(calls).toBe(0);
  });

  test('a class instance is named', () => {
    expect(refusal(new Point()).got).toBe('an instance of Point');
  });

  test('a value that contains itself is refused before it fills the memory', () => {
    const loop: { list: unknown[]; large: string; self?: unknown } = { list: [], large: '' };
    loop.large = 'x'.repeat(1_000_000);
    loop.list.push({ loop });
    expect(refusal(loop).got).toBe('a value that contains itself');
    const selfish = new Map<string, unknown>();
    selfish.set('self', selfish);
    expect(refusal(selfish).where).toContain('…');
  });

  test('more than a thousand levels are refused, in values and in bytes', () => {
    let deep: unknown = 0;
    for (let level = 0; level < 1001; level++) deep = [deep];
    expect(refusal(deep).got).toBe('more than 1000 levels');
    const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => (at % 2 === 0 ? 8 : 1));
    expect(() => decodeValue(bytes)).toThrow('BYTES_MALFORMED');
  });

  test('a refusal leaves the writer and later values alone', () => {
    const writer = new ByteWriter();
    writer.u8(9);
    expect(() => writeValue(writer, { a: 1, b: () => 1 })).toThrow('VALUE_NOT_ENCODABLE');
    expect([...writer.take()]).toEqual([9]);
    expect(refusal({ c: () => 1 }).where).toBe('value.c');
  });
});

describe('bytes', () => {
  check(
    'whatever the bytes, decoding ends in a value or in BYTES_MALFORMED',
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 40 }), value.map(encodeValue)),
      fc.nat(),
      fc.nat(),
      (bytes, at, change) => {
        const damaged = bytes.slice();
        if (bytes.length > 0) damaged[at % bytes.length] = change;
        try {
          decodeValue(damaged);
        } catch (error) {
          expect((error as TidemarkError).code).toBe('BYTES_MALFORMED');
        }
      },
    ),
    { runs: 3000 },
  );

  check(
    'every truncation is noticed',
    fc.property(value, fc.nat(), (given, cut) => {
      const bytes = encodeValue(given);
      expect(() => decodeValue(bytes.subarray(0, cut % bytes.length))).toThrow('BYTES_MALFORMED');
    }),
  );

  test('the format is what it always was', () => {
    const given = [undefined, null, true, 5, -5, 300, 2.5, 10n, 'é', new Date(1), new Set([1])];
    expect(Buffer.from(encodeValue(given)).toString('hex')).toBe(
      '080b00010385040904d80405400400000000000031010000000a0602c3a9103ff0000000000000120181',
    );
  });
});
