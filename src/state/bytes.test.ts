/** Bytes: what the writer has written the reader reads, and what it has not written is refused. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check } from '../../property-tests/settings.js';
import { TidemarkError } from '../core/errors.js';
import { ByteReader, ByteWriter } from './bytes.js';

/** Any string of UTF-16 code units, so with surrogates that stand alone; short and long, as paths differ. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 120 }),
  fc.string({ unit: 'binary', maxLength: 120 }),
  fc
    .array(
      fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7fe, max: 0xe001 })),
      {
        maxLength: 80,
      },
    )
    .map((units) => String.fromCharCode(...units)),
);

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.take();
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

describe('writer', () => {
  test('numbers of several bytes are big-endian', () => {
    const bytes = written((writer) => {
      writer.u8(1);
      writer.u32(0x02030405);
      writer.f64(-2);
    });
    expect([...bytes]).toEqual([1, 2, 3, 4, 5, 0xc0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('small numbers are short as varints', () => {
    const lengths = [0, 127, 128, 16383, 16384, 2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1].map(
      (value) => written((writer) => writer.varint(value)).length,
    );
    expect(lengths).toEqual([1, 1, 2, 2, 3, 5, 5, 8]);
  });

  test('it grows from any size and keeps what it holds', () => {
    const bytes = written((writer) => {
      for (let round = 0; round < 1000; round++) writer.u8(round % 251);
      writer.bytes(new Uint8Array(5000).fill(7));
    });
    expect(bytes.length).toBe(6000);
    expect(bytes[999]).toBe(999 % 251);
    expect(bytes[5999]).toBe(7);
  });

  test('take gives a copy, peek gives a view', () => {
    const writer = new ByteWriter();
    writer.u8(1);
    const copy = writer.take();
    const view = writer.peek();
    writer.reset();
    writer.u8(2);
    expect([copy[0], view[0]]).toEqual([1, 2]);
  });

  test('reset to a length forgets only what came later', () => {
    const writer = new ByteWriter();
    writer.u8(1);
    const { length } = writer;
    writer.string('half a record');
    writer.reset(length);
    writer.u8(2);
    expect([...writer.take()]).toEqual([1, 2]);
  });

  test('strings are UTF-8 where UTF-8 can say them', () => {
    for (const text of ['', 'plain', 'é', '日本', '🌊 wave', 'x'.repeat(500), 'ü'.repeat(500)]) {
      const bytes = written((writer) => writer.utf8(text));
      expect(bytes).toEqual(new TextEncoder().encode(text));
    }
  });
});

describe('strings', () => {
  check(
    'every string comes back, lone surrogates included',
    fc.property(fc.array(anyText, { maxLength: 4 }), (texts) => {
      const bytes = written((writer) => texts.forEach((text) => writer.string(text)));
      const reader = new ByteReader(bytes);
      expect(texts.map(() => reader.string())).toEqual(texts);
      reader.expectEnd();
    }),
    { runs: 1000 },
  );

  check(
    'bytes compare like the code points of their strings',
    fc.property(anyText, anyText, (left, right) => {
      const order = Buffer.compare(
        written((writer) => writer.utf8(left)),
        written((writer) => writer.utf8(right)),
      );
      expect(order).toBe(comparePoints(Array.from(left), Array.from(right)));
    }),
    { runs: 1000 },
  );

  check(
    'bytes that decode are the only encoding of their string',
    fc.property(
      fc.uint8Array({ maxLength: 24 }).map((bytes) => bytes.map((byte) => byte | 0x80)),
      (bytes) => {
        let text: string;
        try {
          text = new ByteReader(bytes).utf8(bytes.length);
        } catch {
          return;
        }
        expect(written((writer) => writer.utf8(text))).toEqual(bytes);
      },
    ),
    { runs: 1000 },
  );

  check(
    'names come back like strings, whatever was read before',
    fc.property(
      fc.array(fc.oneof(anyText, fc.string({ unit: fc.constantFrom('a', 'b', 'é', 'Ã', '©') }))),
      (texts) => {
        const bytes = written((writer) => texts.forEach((text) => writer.string(text)));
        const reader = new ByteReader(bytes);
        expect(texts.map(() => reader.name())).toEqual(texts);
      },
    ),
    { runs: 1000 },
  );

  test('a byte order mark at the beginning is a character like any other', () => {
    const bytes = written((writer) => writer.string('\ufeffabcdefghij'));
    expect(new ByteReader(bytes).string()).toBe('\ufeffabcdefghij');
  });

  test('a lone surrogate and the replacement character are two strings', () => {
    expect(written((writer) => writer.string('\ud800'))).not.toEqual(
      written((writer) => writer.string('\ufffd')),
    );
  });

  test('a pair of surrogates in six bytes is refused, because it has a form of four', () => {
    const bytes = Uint8Array.of(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80);
    expect(codeOf(() => new ByteReader(bytes).utf8(6))).toBe('BYTES_MALFORMED');
  });
});

describe('reader', () => {
  check(
    'numbers come back in the order they were written',
    fc.property(
      fc.maxSafeNat(),
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.double(),
      fc.uint8Array(),
      (natural, word, double, tail) => {
        const bytes = written((writer) => {
          writer.varint(natural);
          writer.u32(word);
          writer.f64(double);
          writer.bytes(tail);
        });
        const reader = new ByteReader(bytes);
        expect([reader.varint(), reader.u32(), reader.f64()]).toEqual([natural, word, double]);
        expect(reader.take(tail.length)).toEqual(tail);
        reader.expectEnd();
      },
    ),
  );

  check(
    'whatever the bytes, reading ends in a value or in BYTES_MALFORMED',
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      const reads = [
        'u8',
        'u32',
        'f64',
        'varint',
        'string',
        'distanceToZero',
        'expectEnd',
      ] as const;
      for (const read of reads)
        expect(['no error', 'BYTES_MALFORMED']).toContain(
          codeOf(() => new ByteReader(bytes)[read]()),
        );
    }),
  );

  test('a truncated number, string or part is refused, and the place is named', () => {
    const reader = new ByteReader(Uint8Array.of(5, 97, 98), 'slab 7');
    expect(() => reader.string()).toThrow(/expected 5 more bytes, got 2, at slab 7, byte 1/);
    expect(codeOf(() => new ByteReader(Uint8Array.of(1, 2, 3)).u32())).toBe('BYTES_MALFORMED');
    expect(codeOf(() => new ByteReader(new Uint8Array(0)).u8())).toBe('BYTES_MALFORMED');
  });

  test('a varint that is not in its shortest form, or too large, is refused', () => {
    for (const bytes of [[0x80, 0x00], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], [0x80]])
      expect(codeOf(() => new ByteReader(Uint8Array.from(bytes)).varint())).toBe('BYTES_MALFORMED');
  });

  test('a window bounds what is read, also inside larger memory', () => {
    const memory = Uint8Array.of(9, 9, 1, 0, 2, 9).subarray(2);
    const reader = new ByteReader(memory);
    reader.window(0, 1);
    expect(reader.u8()).toBe(1);
    expect(codeOf(() => reader.u8())).toBe('BYTES_MALFORMED');
    expect(codeOf(() => reader.distanceToZero())).toBe('BYTES_MALFORMED');
    reader.window(0, 3);
    expect(reader.distanceToZero()).toBe(1);
    expect([...reader.take(3)]).toEqual([1, 0, 2]);
  });

  test('bytes left over are refused', () => {
    expect(codeOf(() => new ByteReader(Uint8Array.of(1)).expectEnd())).toBe('BYTES_MALFORMED');
  });
});

function comparePoints(left: readonly string[], right: readonly string[]): number {
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign(left.length - right.length);
}
