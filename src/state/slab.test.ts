/** Slabs: the last record of a key counts, as in a `Map`, and no damage goes unnoticed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check } from '../../property-tests/settings.js';
import { TidemarkError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { ByteWriter } from './bytes.js';
import { crc32 } from './checksum.js';
import { encodeKey, readKey, writeKey } from './key-codec.js';
import { forEachRecord, mergeSlabs, SlabWriter } from './slab.js';
import { encodeValue, readValue, writeValue } from './value-codec.js';

type Rows = readonly (readonly [Uint8Array, Uint8Array | undefined])[];

const bytes = fc.oneof(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 300 }));
const rows: fc.Arbitrary<Rows> = fc.array(
  fc.tuple(
    fc.oneof(
      bytes,
      fc.constantFrom(1, 2, 3).map((key) => Uint8Array.of(key)),
    ),
    fc.option(bytes, { nil: undefined }),
  ),
  { maxLength: 12 },
);

function slabOf(given: Rows, slab = new SlabWriter()): Uint8Array {
  for (const [key, value] of given) slab.append(key, value);
  return slab.finish();
}

function rowsOf(slab: Uint8Array): [Uint8Array, Uint8Array | undefined][] {
  const found: [Uint8Array, Uint8Array | undefined][] = [];
  forEachRecord(slab, 'slab', (key, value) => {
    found.push([key.take().slice(), value?.take().slice()]);
  });
  return found;
}

function hex(slab: Uint8Array): Map<string, string | undefined> {
  const text = (part: Uint8Array): string => Buffer.from(part).toString('hex');
  return new Map(rowsOf(slab).map(([key, value]) => [text(key), value && text(value)]));
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof TidemarkError) return error.code;
    throw error;
  }
  return 'no error';
}

/** Puts a right checksum behind changed bytes, as only a writer could. */
function resealed(slab: Uint8Array, change: (body: Uint8Array) => void): Uint8Array {
  const body = slab.slice(0, -4);
  change(body);
  const writer = new ByteWriter();
  writer.bytes(body);
  writer.u32(crc32(body));
  return writer.take();
}

describe('slab', () => {
  check(
    'records come back in order, tombstones and empty values apart',
    fc.property(rows, (given) => {
      expect(rowsOf(slabOf(given))).toEqual(given);
    }),
  );

  check(
    'a writer that is used again leaves nothing of the former slab',
    fc.property(rows, rows, (first, second) => {
      const slab = new SlabWriter();
      const kept = slabOf(first, slab);
      expect(slabOf(second, slab)).toEqual(slabOf(second));
      expect(kept).toEqual(slabOf(first));
    }),
  );

  test('records written in place are the same as records appended', () => {
    const given: readonly (readonly [Key, unknown])[] = [
      ['a', { n: 1, text: 'x'.repeat(200) }],
      [7, undefined],
      [['composite', 'y'.repeat(200)], 2.5],
    ];
    const [inPlace, appended] = [new SlabWriter(), new SlabWriter()];
    for (const [key, value] of given) {
      const writer = inPlace.begin();
      writeKey(writer, key);
      inPlace.endKey();
      writeValue(writer, value);
      inPlace.end();
      appended.append(encodeKey(key), encodeValue(value));
    }
    const slab = inPlace.finish();
    expect(slab).toEqual(appended.finish());
    const found: [Key, unknown][] = [];
    forEachRecord(slab, 'slab', (key, value) => {
      found.push([readKey(key), value === undefined ? 'tombstone' : readValue(value)]);
    });
    expect(found).toEqual(given);
  });

  test('an abandoned record leaves no trace', () => {
    const slab = new SlabWriter();
    slab.append(Uint8Array.of(1), Uint8Array.of(2));
    slab.begin().string('half a key');
    slab.endKey();
    slab.abandon();
    slab.abandon();
    slab.append(Uint8Array.of(3), undefined);
    expect(slab.finish()).toEqual(
      slabOf([
        [Uint8Array.of(1), Uint8Array.of(2)],
        [Uint8Array.of(3), undefined],
      ]),
    );
  });

  check(
    'its size and its number of records are known while it is written',
    fc.property(rows, (given) => {
      const slab = new SlabWriter();
      for (const [key, value] of given) slab.append(key, value);
      const { byteLength, recordCount } = slab;
      expect([slab.finish().length, given.length]).toEqual([byteLength, recordCount]);
      expect(slab.recordCount).toBe(0);
    }),
  );

  test('it is read from the middle of larger memory too', () => {
    const slab = slabOf([[Uint8Array.of(1), Uint8Array.of(2)]]);
    const larger = new Uint8Array(slab.length + 10);
    larger.set(slab, 3);
    expect(rowsOf(larger.subarray(3, 3 + slab.length))).toEqual(rowsOf(slab));
  });

  test('steps out of order are bugs of ours', () => {
    const slab = new SlabWriter();
    expect(() => slab.end()).toThrow('Tidemark bug');
    expect(() => slab.endKey()).toThrow('Tidemark bug');
    slab.begin();
    expect(() => slab.begin()).toThrow('Tidemark bug');
    expect(() => slab.finish()).toThrow('Tidemark bug');
  });

  test('the format is what it always was', () => {
    const slab = slabOf([
      [encodeKey('a'), encodeValue(5)],
      [encodeKey('b'), undefined],
    ]);
    expect(Buffer.from(slab).toString('hex')).toBe(
      '540100000002000000040302030040610085406200d3d65ae4',
    );
  });
});

describe('damage', () => {
  check(
    'one turned bit is always noticed',
    fc.property(rows, fc.nat(), fc.nat({ max: 7 }), (given, at, bit) => {
      const slab = slabOf(given);
      slab[at % slab.length] = (slab[at % slab.length] ?? 0) ^ (1 << bit);
      expect(codeOf(() => rowsOf(slab))).toBe('STATE_DAMAGED');
    }),
    { runs: 500 },
  );

  check(
    'every truncation is noticed',
    fc.property(rows, fc.nat(), (given, cut) => {
      const slab = slabOf(given);
      expect(codeOf(() => rowsOf(slab.subarray(0, cut % slab.length)))).toBe('STATE_DAMAGED');
    }),
    { runs: 500 },
  );

  test('a newer version is told from damage, and the place is named', () => {
    const newer = resealed(slabOf([]), (body) => body.fill(2, 1, 2));
    expect(codeOf(() => rowsOf(newer))).toBe('STATE_VERSION_UNKNOWN');
    expect(() => forEachRecord(newer, 'slab 7 of "sum"', () => {})).toThrow(/slab 7 of "sum"/);
  });

  test('another kind of bytes is refused even with a right checksum', () => {
    const other = resealed(slabOf([]), (body) => body.fill(9, 0, 1));
    expect(codeOf(() => rowsOf(other))).toBe('STATE_DAMAGED');
  });

  check(
    'lengths that do not fit are found before a record is shown',
    fc.property(rows, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, at, change) => {
      const slab = resealed(slabOf(given), (body) => {
        const place = 2 + (at % (body.length - 2));
        body[place] = (body[place] ?? 0) ^ change;
      });
      let shown = 0;
      const code = codeOf(() => forEachRecord(slab, 'slab', () => shown++));
      expect(['no error', 'STATE_DAMAGED']).toContain(code);
      if (code !== 'no error') expect(shown).toBe(0);
    }),
    { runs: 500 },
  );
});

describe('merge', () => {
  /** What a `Map` says that is filled from all slabs in order. */
  function modelOf(slabs: readonly Rows[], base: boolean): Map<string, string | undefined> {
    const model = new Map<string, string | undefined>();
    for (const [key, value] of slabs.flat())
      model.set(
        Buffer.from(key).toString('hex'),
        value === undefined ? undefined : Buffer.from(value).toString('hex'),
      );
    if (base) for (const [key, value] of model) if (value === undefined) model.delete(key);
    return model;
  }

  check(
    'the last record of each key counts, and a base holds no tombstones',
    fc.property(fc.array(rows, { maxLength: 4 }), fc.boolean(), (slabs, base) => {
      const merged = mergeSlabs(
        slabs.map((given) => slabOf(given)),
        { base },
      );
      expect(hex(merged)).toEqual(modelOf(slabs, base));
      expect(rowsOf(merged).length).toBe(hex(merged).size);
    }),
    { runs: 500 },
  );

  check(
    'merging step by step gives the bytes of merging at once',
    fc.property(rows, rows, rows, (a, b, c) => {
      const [first, second, third] = [slabOf(a), slabOf(b), slabOf(c)];
      const atOnce = mergeSlabs([first, second, third], { base: false });
      const left = mergeSlabs([mergeSlabs([first, second], { base: false }), third], {
        base: false,
      });
      const right = mergeSlabs([first, mergeSlabs([second, third], { base: false })], {
        base: false,
      });
      expect([left, right]).toEqual([atOnce, atOnce]);
    }),
  );

  test('a damaged slab among them is named', () => {
    const slabs = [slabOf([]), slabOf([]).slice(1)];
    expect(() => mergeSlabs(slabs, { base: true, where: 'bucket 3' })).toThrow(
      /bucket 3, number 2 of 2/,
    );
  });
});
