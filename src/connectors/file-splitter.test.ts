import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES, RecordSplitter, type SplitterOptions } from './file-splitter.js';

const COMMA = 0x2c;
const lines: SplitterOptions = { delimiter: undefined, maxLineBytes: 100, offset: 0, line: 1 };
const csv: SplitterOptions = { ...lines, delimiter: COMMA };

describe('RecordSplitter', () => {
  test('lines are records, with numbers from 1', () => {
    expect(split('a\nbc\n')).toEqual(['1 a', '2 bc']);
  });

  test('a last line without a line end is a record', () => {
    expect(split('a\nb')).toEqual(['1 a', '2 b']);
  });

  test('CRLF and LF may be mixed, and a lone carriage return is text', () => {
    expect(split('a\r\nb\nc\rd\r\ne\r')).toEqual(['1 a', '2 b', '3 c\rd', '4 e\r']);
  });

  test('empty lines are counted and skipped', () => {
    expect(split('\n\na\n\r\n\nb\n\n')).toEqual(['3 a', '6 b']);
    expect(split('')).toEqual([]);
    expect(split('\n')).toEqual([]);
  });

  test('a byte order mark is skipped at the start of the file only', () => {
    expect(split('\ufeffa\n\ufeffb\n')).toEqual(['1 a', '2 \ufeffb']);
    expect(split('\ufeff')).toEqual([]);
    expect(split('\ufeffa\n', { ...lines, offset: 10 })).toEqual(['1 \ufeffa']);
  });

  test('line ends inside quotes belong to the record, and are counted', () => {
    expect(split('a,"1\n2\n3"\nb\n', csv)).toEqual(['1 "a,"1\n2\n3"', '4 b']);
  });

  test('quotes mean nothing where a line is a record', () => {
    expect(split('"a\nb"\n')).toEqual(['1 "a', '2 b"']);
  });

  test('a broken quoted record costs its first line only', () => {
    expect(split('"a\nb\n"c"\n', csv)).toEqual([
      '1 !"a: text stands behind the closing quote of a field',
      '2 b',
      '3 ""c"',
    ]);
    expect(split('b\n"a\nc\n', csv)).toEqual(['1 b', '2 !"a: a quoted field is not closed', '3 c']);
  });

  test('a line of exactly the allowed length is a record, one byte more breaks it', () => {
    const short = { ...lines, maxLineBytes: 3 };
    for (const end of ['\n', '\r\n', '']) {
      expect(split(`abc${end}`, short)).toEqual(['1 abc']);
      expect(split(`abcd${end}`, short)).toEqual(['1 !abc: the line is longer than 3 bytes']);
    }
  });

  test('behind a line that is too long reading goes on', () => {
    expect(split('aaaaaaaaa\nb\n', { ...lines, maxLineBytes: 3 })).toEqual([
      '1 !aaa: the line is longer than 3 bytes',
      '2 b',
    ]);
  });

  test('a quoted field that is too long costs its first line only', () => {
    expect(split('"a\nbbbbbb"\nc\n', { ...csv, maxLineBytes: 6 })).toEqual([
      '1 !"a: a quoted field does not end within 6 bytes',
      '2 !bbbbbb: the line is longer than 6 bytes',
      '3 c',
    ]);
  });

  test('memory stays bounded while a line without an end goes by', () => {
    const splitter = new RecordSplitter({ ...lines, maxLineBytes: 1000 });
    expect(splitter.next()).toBe('starved');
    for (let block = 0; block < 100; block += 1) {
      const room = splitter.room();
      expect(room.length).toBeLessThanOrEqual(3 * BLOCK_BYTES);
      splitter.filled(room.fill(0x61).length);
      expect(splitter.next()).toBe('starved');
    }
    splitter.room();
    splitter.filled(0);
    expect(splitter.next()).toBe('broken');
    expect(splitter.end - splitter.start).toBe(1000);
    expect(splitter.next()).toBe('end');
  });

  test('records do not depend on how the bytes were cut into blocks', () => {
    fc.assert(
      fc.property(
        texts,
        options,
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        (text, given, cuts) => {
          expect(split(text, given, cuts)).toEqual(split(text, given));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('reading from the offset and line of any record gives the rest', () => {
    fc.assert(
      fc.property(texts, options, (text, given) => {
        const bytes = new TextEncoder().encode(text);
        const steps = trace(bytes, given);
        steps.forEach(({ offset, nextLine }, index) => {
          const rest = trace(bytes.subarray(offset), { ...given, offset, line: nextLine });
          expect(rest.map(({ shown }) => shown)).toEqual(
            steps.slice(index + 1).map(({ shown }) => shown),
          );
        });
      }),
      { numRuns: 1000 },
    );
  });

  test('the bytes before a record are those of the file', () => {
    fc.assert(
      fc.property(
        texts,
        options,
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        (text, given, cuts) => {
          const bytes = new TextEncoder().encode(text);
          for (const { offset, before } of trace(bytes, given, cuts))
            expect(before).toEqual([...bytes.subarray(offset - before.length, offset)]);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

const texts = fc
  .array(fc.constantFrom('a', 'bb', ',', '"', '""', '\n', '\r', '\r\n', 'é', '\ufeff', '","'), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''));

const options = fc.record({
  delimiter: fc.constantFrom(COMMA, undefined),
  maxLineBytes: fc.integer({ min: 1, max: 20 }),
  offset: fc.constant(0),
  line: fc.constant(1),
});

interface Traced {
  readonly shown: string;
  /** Where the next record begins. */
  readonly offset: number;
  readonly nextLine: number;
  readonly before: readonly number[];
}

/** Feeds the bytes in blocks of the given sizes, over and over. */
function trace(
  bytes: Uint8Array,
  given: SplitterOptions,
  cuts: readonly number[] = [1000],
): Traced[] {
  const splitter = new RecordSplitter(given);
  const traced: Traced[] = [];
  let fed = 0;
  for (let block = 0; ;) {
    const step = splitter.next();
    if (step === 'end') return traced;
    if (step === 'starved') {
      const part = bytes.subarray(fed, fed + (cuts[block % cuts.length] ?? 1));
      splitter.room().set(part);
      splitter.filled(part.length);
      fed += part.length;
      block += 1;
      continue;
    }
    const { start, end, line, hasQuotes, reason, offset, nextLine } = splitter;
    const text = splitter.bytes.toString('utf8', start, end);
    const mark = step === 'broken' ? '!' : hasQuotes ? '"' : '';
    traced.push({
      shown: `${line} ${mark}${text}${step === 'broken' ? `: ${reason}` : ''}`,
      offset,
      nextLine,
      before: [...splitter.before(8)],
    });
  }
}

function split(text: string, given = lines, cuts?: readonly number[]): string[] {
  return trace(new TextEncoder().encode(text), given, cuts).map(({ shown }) => shown);
}
