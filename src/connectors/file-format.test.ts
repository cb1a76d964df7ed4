import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Undecodable,
  decodeFields,
  decodeJsonl,
  decodeRows,
  type RawRecord,
} from './file-format.js';

const record = (text: string): RawRecord => ({
  text,
  line: 1,
  hasQuotes: text.includes('"'),
  problem: undefined,
});

const reasonOf = (value: unknown): string =>
  value instanceof Undecodable ? value.reason : `decoded as ${JSON.stringify(value)}`;

describe('decodeJsonl', () => {
  test('any JSON value is a value', () => {
    const texts = ['{"a":[1,null]}', '"text"', '1.5', 'null', 'true', ' [] ', '{"a":1}\r'];
    expect(decodeJsonl(texts.map(record))).toEqual(texts.map((text) => JSON.parse(text)));
  });

  test('what is no JSON is undecodable and says why', () => {
    const [bad, good] = decodeJsonl([record('{"a":'), record('1')]);
    expect(reasonOf(bad)).toContain('not JSON: ');
    expect(good).toBe(1);
  });

  test('__proto__ in a record is a property and pollutes nothing', () => {
    const [value] = decodeJsonl([record('{"__proto__":{"polluted":true}}')]);
    expect(Object.keys(value as object)).toEqual(['__proto__']);
    expect((value as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  test('a record with a problem keeps it', () => {
    expect(reasonOf(decodeJsonl([{ ...record('1'), problem: 'too long' }])[0])).toBe('too long');
  });
});

describe('decodeRows', () => {
  const rows = decodeRows(['a', 'b'], ',', parse);

  test('fields become text by column, in the order of the records', () => {
    expect(rows(['1,2', '"x, ""y""",z', ',', '"",""'].map(record))).toEqual([
      { a: '1', b: '2' },
      { a: 'x, "y"', b: 'z' },
      { a: '', b: '' },
      { a: '', b: '' },
    ]);
  });

  test('a wrong number of columns is undecodable, with and without quotes', () => {
    const reasons = rows(['1', '1,2,3', '"1"', '"1",2,3', '1,2'].map(record)).map(reasonOf);
    expect(reasons).toEqual([
      'expected 2 columns, got 1',
      'expected 2 columns, got 3',
      'expected 2 columns, got 1',
      'expected 2 columns, got 3',
      'decoded as {"a":"1","b":"2"}',
    ]);
  });

  test('a single column takes what holds no delimiter', () => {
    expect(decodeRows(['a'], '\t', parse)([record('x,y'), record('"z"')])).toEqual([
      { a: 'x,y' },
      { a: 'z' },
    ]);
  });

  test('a column named __proto__ is a property like any other', () => {
    for (const text of ['1,2', '"1",2']) {
      const [row] = decodeRows(['__proto__', 'b'], ',', parse)([record(text)]);
      expect(Object.entries(row as object)).toEqual([
        ['__proto__', '1'],
        ['b', '2'],
      ]);
      expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
    }
  });

  test('one record that csv-parse refuses does not take the others with it', () => {
    const decoded = rows(['"1",2', '"1"x,2', '"3","4"'].map(record));
    expect(decoded[0]).toEqual({ a: '1', b: '2' });
    expect(reasonOf(decoded[1])).toContain('Invalid Closing Quote');
    expect(decoded[2]).toEqual({ a: '3', b: '4' });
  });

  test('the fast path gives what csv-parse gives for every line without quotes', () => {
    fc.assert(
      fc.property(
        fc.array(plainLine, { minLength: 1 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(',', '\t'),
        (lines, count, delimiter) => {
          const columns = Array.from({ length: count }, (_, index) => `c${index}`);
          const fast = decodeRows(columns, delimiter, refuses)(lines.map(record));
          const slow = parse(lines.join('\n'), {
            delimiter,
            record_delimiter: '\n',
            relax_column_count: true,
          });
          expect(fast.map(entriesOf)).toEqual(
            slow.map((fields) =>
              fields.length === count ? fields.map((field, n) => [`c${n}`, field]) : 'count',
            ),
          );
        },
      ),
      { numRuns: 2000 },
    );
  });
});

test('decodeFields gives the fields of the fast path and of csv-parse alike', () => {
  const fields = decodeFields(',', parse);
  expect(fields([record('a,b'), record('"a","b,c"'), { ...record('x'), problem: 'bad' }])).toEqual([
    ['a', 'b'],
    ['a', 'b,c'],
    new Undecodable('bad'),
  ]);
});

/** A line as the splitter gives it: not empty, without line feeds. Carriage returns inside are text. */
const plainLine = fc
  .array(fc.constantFrom('a', ',', '\t', ' ', 'é', '\r', '\\', "'", '\ufeff', '0', ';'), {
    minLength: 1,
  })
  .map((parts) => parts.join(''));

function entriesOf(row: unknown): unknown {
  return row instanceof Undecodable ? 'count' : Object.entries(row as object);
}

function refuses(): never {
  throw new Error('the fast path does not need csv-parse');
}
