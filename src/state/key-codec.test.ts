/** Keys as bytes: one encoding per key, one key per encoding, and bytes in the order of the keys. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check } from '../../property-tests/settings.js';
import { TidemarkError } from '../core/errors.js';
import type { Key, KeyScalar } from '../core/key.js';
import { ByteReader, ByteWriter } from './bytes.js';
import {
  canonicalKey,
  compositeKeyText,
  decodeKey,
  encodeKey,
  isScalarKey,
  readKey,
  withEncodedKey,
  writeKey,
} from './key-codec.js';

/** Few different units, among them every one that the encoding treats specially. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .array(
      fc.constantFrom(0, 1, 2, 3, 0x10, 0x40, 0x61, 0x7f, 0xff, 0xd800, 0xdc00, 0xe000, 0xffff),
      {
        maxLength: 4,
      },
    )
    .map((units) => String.fromCharCode(...units)),
);
const number = fc.oneof(
  fc.double(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(-0, NaN, Infinity, -Infinity, Number.MAX_VALUE, Number.MIN_VALUE),
);
const bigint = fc.oneof(
  fc.bigInt({ min: -3n, max: 3n }),
  fc.bigInt(),
  fc
    .tuple(fc.bigInt({ min: -2n, max: 2n }), fc.nat({ max: 9000 }))
    .map(([small, bits]) => small << BigInt(bits)),
);
const scalar: fc.Arbitrary<KeyScalar> = fc.oneof(text, number, bigint, fc.boolean());
const name = fc.oneof(
  fc.constantFrom('a', 'b', '', '__proto__', 'constructor', 'toString', '1', '\0', '\u0001'),
  text,
);
const record: fc.Arbitrary<Key> = fc
  .uniqueArray(fc.tuple(name, scalar), { maxLength: 4, selector: ([field]) => field })
  .map((fields) => Object.fromEntries(fields));
const key: fc.Arbitrary<Key> = fc.oneof(scalar, fc.array(scalar, { maxLength: 4 }), record);

/** Independent of the codec: the same kind, the same value, whatever the order of fields. */
function isSameKey(left: Key, right: Key): boolean {
  if (typeof left !== 'object' || typeof right !== 'object') return isSameScalar(left, right);
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const [some, others] = [Object.entries(left), new Map(Object.entries(right))];
  return (
    some.length === others.size &&
    some.every(([field, value]) => others.has(field) && isSameScalar(value, others.get(field)))
  );
}

function isSameScalar(left: unknown, right: unknown): boolean {
  return Object.is(left, right) || (left === 0 && right === 0);
}

/** By kind, then by value; of arrays and objects part by part, with what ends first in front. */
function modelOrder(left: Key, right: Key): number {
  const kinds = ['boolean', 'number', 'bigint', 'string', 'array', 'object'];
  const kindOf = (key: Key): string => (Array.isArray(key) ? 'array' : typeof key);
  const byKind = kinds.indexOf(kindOf(left)) - kinds.indexOf(kindOf(right));
  if (byKind !== 0) return byKind;
  if (typeof left === 'string') return comparePoints(left, right as string);
  if (typeof left !== 'object') {
    const [some, other] = [left, right as typeof left];
    const byNaN = Number(Number.isNaN(some)) - Number(Number.isNaN(other));
    return byNaN !== 0 ? byNaN : Number(some > other) - Number(some < other);
  }
  const [some, others] = [partsOf(left), partsOf(right as object)];
  for (const [at, part] of some.entries()) {
    const other = others[at];
    if (other === undefined) return 1;
    const byPart = modelOrder(part, other);
    if (byPart !== 0) return byPart;
  }
  return some.length - others.length;
}

/** Of an object its fields by name: name, value, name, value. Names are put in order by their code units. */
function partsOf(composite: object): readonly KeyScalar[] {
  if (Array.isArray(composite)) return composite as KeyScalar[];
  return Object.entries(composite as Record<string, KeyScalar>)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flat();
}

function refusal(action: () => unknown): TidemarkError {
  try {
    action();
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

describe('encoding', () => {
  check(
    'every key comes back equal',
    fc.property(key, (given) => {
      const back = decodeKey(encodeKey(given));
      expect(isSameKey(back, given)).toBe(true);
      expect(encodeKey(back)).toEqual(encodeKey(given));
    }),
    { runs: 2000 },
  );

  check(
    'two keys have the same bytes exactly when they are the same key',
    fc.property(key, key, (left, right) => {
      expect(Buffer.compare(encodeKey(left), encodeKey(right)) === 0).toBe(isSameKey(left, right));
    }),
    { runs: 5000 },
  );

  check(
    'a key says itself where it ends, so keys may follow each other',
    fc.property(fc.array(key, { maxLength: 5 }), (keys) => {
      const writer = new ByteWriter(1);
      for (const given of keys) writeKey(writer, given);
      const reader = new ByteReader(writer.take());
      for (const given of keys) expect(isSameKey(readKey(reader), given)).toBe(true);
      reader.expectEnd();
    }),
  );

  check(
    'no encoding is the beginning of another',
    fc.property(key, key, (left, right) => {
      const [some, other] = [encodeKey(left), encodeKey(right)];
      fc.pre(Buffer.compare(some, other) !== 0);
      expect(Buffer.compare(some, other.subarray(0, some.length))).not.toBe(0);
    }),
    { runs: 2000 },
  );

  check(
    'whatever the bytes, decoding ends in a key or in BYTES_MALFORMED',
    fc.property(
      fc.array(fc.constantFrom(0, 1, 2, 0x10, 0x20, 0x30, 0x31, 0x40, 0x50, 0x60, 0x61, 0xff), {
        maxLength: 14,
      }),
      (bytes) => {
        try {
          encodeKey(decodeKey(Uint8Array.from(bytes)));
        } catch (error) {
          expect((error as TidemarkError).code).toBe('BYTES_MALFORMED');
        }
      },
    ),
    { runs: 2000 },
  );

  test('10, 10n, "10" and [10] are four keys', () => {
    const texts = [10, 10n, '10', [10], ['10'], { 0: 10 }].map((given) =>
      Buffer.from(encodeKey(given)).toString('hex'),
    );
    expect(new Set(texts).size).toBe(6);
  });

  test('-0 is 0, and every NaN is the same', () => {
    const oddNan = new Float64Array(new BigUint64Array([0xfff8_0000_dead_beefn]).buffer)[0] ?? 0;
    expect(encodeKey(-0)).toEqual(encodeKey(0));
    expect(Object.is(decodeKey(encodeKey(-0)), 0)).toBe(true);
    expect(encodeKey(oddNan)).toEqual(encodeKey(NaN));
  });

  test('the order of fields makes no difference', () => {
    expect(encodeKey({ b: 1, a: 2 })).toEqual(encodeKey({ a: 2, b: 1 }));
    expect(encodeKey({ a: 1 })).toEqual(encodeKey(Object.assign(Object.create(null), { a: 1 })));
  });

  test('text cannot break out of its element', () => {
    expect(encodeKey(['a', 'b'])).not.toEqual(encodeKey(['a\0@b']));
    expect(encodeKey(['a', ''])).not.toEqual(encodeKey(['a']));
    expect(encodeKey(['\u0001'])).not.toEqual(encodeKey(['\0']));
  });

  test('__proto__ and constructor are fields and strings like any other', () => {
    const given = JSON.parse('{"__proto__":1,"constructor":"x"}') as Key;
    const back = decodeKey(encodeKey(given));
    expect(Object.getOwnPropertyNames(back)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(back).toEqual(given);
    expect(decodeKey(encodeKey('__proto__'))).toBe('__proto__');
    expect(encodeKey(given)).not.toEqual(encodeKey({ constructor: 'x' }));
  });

  test('a bigint of many thousand bits comes back', () => {
    for (const given of [1n << 70_000n, -(1n << 70_000n) + 1n, 255n << 8128n, -1n << 8160n])
      expect(decodeKey(encodeKey(given))).toBe(given);
  });
});

describe('order', () => {
  const order = (left: Key, right: Key): number =>
    Buffer.compare(encodeKey(left), encodeKey(right));

  check(
    'numbers sort by size',
    fc.property(number, number, (left, right) => {
      fc.pre(!Number.isNaN(left) && !Number.isNaN(right));
      expect(order(left, right)).toBe(Math.sign(Number(left > right) - Number(left < right)));
    }),
    { runs: 2000 },
  );

  check(
    'bigints sort by size',
    fc.property(bigint, bigint, (left, right) => {
      expect(order(left, right)).toBe(Number(left > right) - Number(left < right));
    }),
    { runs: 2000 },
  );

  check(
    'strings sort by code point',
    fc.property(text, text, (left, right) => {
      expect(order(left, right)).toBe(comparePoints(left, right));
    }),
    { runs: 2000 },
  );

  check(
    'arrays sort by their first element that differs, shorter ones first',
    fc.property(
      fc.array(text, { maxLength: 3 }),
      fc.array(text, { maxLength: 3 }),
      (left, right) => {
        const at = left.findIndex((element, index) => element !== right[index]);
        const [some, other] = [left[at], right[at]];
        const expected =
          at < 0
            ? left.length - right.length
            : other === undefined
              ? 1
              : comparePoints(some ?? '', other);
        expect(order(left, right)).toBe(Math.sign(expected));
      },
    ),
    { runs: 2000 },
  );

  check(
    'all keys sort as a model says that knows no bytes',
    fc.property(key, key, (left, right) => {
      expect(order(left, right)).toBe(Math.sign(modelOrder(left, right)));
    }),
    { runs: 5000 },
  );

  test('NaN comes after every number', () => {
    expect(order(NaN, Infinity)).toBe(1);
  });
});

describe('canonical keys', () => {
  check(
    'two keys of one kind have the same canonical key exactly when they are the same key',
    fc.property(key, key, (left, right) => {
      fc.pre(isScalarKey(left) === isScalarKey(right));
      const found = new Map([[canonicalKey(left), 'found']]).get(canonicalKey(right));
      expect(found === 'found').toBe(isSameKey(left, right));
    }),
    { runs: 2000 },
  );

  test('scalars are their own canonical key, except -0', () => {
    for (const given of ['a', 1.5, true, 10n]) expect(canonicalKey(given)).toBe(given);
    expect(Object.is(canonicalKey(-0), 0)).toBe(true);
  });

  test('the text of a composite has one character for each byte, however long it is', () => {
    const given = ['x'.repeat(9000), 'é'];
    const characters = compositeKeyText(given);
    expect(Buffer.from(characters, 'latin1')).toEqual(Buffer.from(encodeKey(given)));
  });
});

describe('what is no key', () => {
  const noKeys: readonly unknown[] = [
    ...[undefined, null, () => 1, Symbol('s'), new Date(0), /x/, new Map(), new Uint8Array(1)],
    ...[[[1]], [{}], [undefined], [null], { a: [1] }, { a: undefined }, { a: {} }],
    ...[new (class Point {})(), { [Symbol('s')]: 1 }, Array(1), Object('boxed')],
  ];

  test.each(noKeys)('%s is refused, wherever it is encoded', (given) => {
    const encoders = [encodeKey, canonicalKey, (any: Key) => writeKey(new ByteWriter(), any)];
    for (const encode of encoders)
      expect(refusal(() => encode(given as Key)).code).toBe('KEY_INVALID');
  });

  test('the refusal says where, what, and what now', () => {
    const error = refusal(() => encodeKey(new Date(0) as unknown as Key, 'keyBy "by-day"'));
    expect(error.where).toBe('keyBy "by-day"');
    expect(error.got).toContain('an instance of Date');
    expect(error.hint).toContain('getTime');
    const inside = refusal(() => encodeKey({ a: 1, b: null } as unknown as Key, 'keyBy "x"'));
    expect(inside.where).toBe('"b" of keyBy "x"');
  });

  test('a refused key leaves the writer as it was', () => {
    const writer = new ByteWriter();
    writer.u8(7);
    expect(() => writeKey(writer, ['a', null] as unknown as Key)).toThrow();
    expect([...writer.take()]).toEqual([7]);
  });

  test('a getter of a key that encodes another key disturbs neither', () => {
    const inner: Key[] = [];
    const given = {
      a: 'first',
      get b() {
        inner.push(decodeKey(encodeKey(['inner'])));
        return 'second';
      },
    };
    expect(decodeKey(encodeKey(given))).toEqual({ a: 'first', b: 'second' });
    expect(inner).toEqual([['inner']]);
    expect(withEncodedKey('x', (bytes) => [bytes.length, encodeKey('yy').length])).toEqual([3, 4]);
  });
});

function comparePoints(left: string, right: string): number {
  const [some, other] = [Array.from(left), Array.from(right)];
  for (let index = 0; index < Math.min(some.length, other.length); index++) {
    const difference = (some[index]?.codePointAt(0) ?? 0) - (other[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign(some.length - other.length);
}
