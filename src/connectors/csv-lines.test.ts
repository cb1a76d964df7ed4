import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { file, nodeRuntime, partFiles, type PartFilesOptions } from '../index.js';
import { csvHeader, csvLine, type CsvLinesOptions } from './csv-lines.js';

const ab: CsvLinesOptions = { columns: ['a', 'b'], delimiter: ',', formulaSafe: false };
const lineOf = (row: unknown, more: Partial<CsvLinesOptions> = {}): string =>
  csvLine({ ...ab, ...more })(row);

describe('a line of csv', () => {
  test.each([
    ['plain text', { a: 'x', b: 'y z' }, 'x,y z'],
    ['delimiters, quotes and line ends', { a: 'x,y', b: 'say "hi"\r\n' }, '"x,y","say ""hi""\r\n"'],
    ['spaces at an edge', { a: ' x', b: 'y ' }, '" x","y "'],
    ['numbers, truth values and bigints', { a: -0.5, b: 12n }, '-0.5,12'],
    ['nothing, null and a missing field', { a: null }, ','],
    ['a date', { a: new Date(0), b: true }, '1970-01-01T00:00:00.000Z,true'],
    ['objects and arrays', { a: { n: 1 }, b: [1, 'x'] }, '"{""n"":1}","[1,""x""]"'],
  ])('%s', (_, row, expected) => {
    expect(lineOf(row)).toBe(expected);
  });

  test('what every object inherits is no field', () => {
    expect(lineOf({ a: 1 }, { columns: ['a', 'constructor', '__proto__'] })).toBe('1,,');
    expect(() => lineOf({ ['__proto__']: 1 })).toThrow(/no column "__proto__"/);
  });

  test('a tab needs quotes in tsv, a comma does not', () => {
    expect(lineOf({ a: 'x\ty', b: 'x,y' }, { delimiter: '\t' })).toBe('"x\ty"\tx,y');
  });

  test('an empty only field is not an empty line', () => {
    expect(lineOf({ a: '' }, { columns: ['a'] })).toBe('""');
  });

  test('the header is quoted like the rest', () => {
    expect(csvHeader({ ...ab, columns: ['a,b', 'c'] })).toBe('"a,b",c');
  });

  test.each([
    ['a field without a column', { a: 1, c: 2 }, /no column "c"/],
    ['a symbol', { a: Symbol('x') }, /no value of a field/],
    ['a function', { a: () => 1 }, /no value of a field/],
    ['an array for a row', [1, 2], /an object with a field/],
    ['nothing for a row', undefined, /an object with a field/],
  ])('%s is refused', (_, row, message) => {
    expect(() => lineOf(row)).toThrow(message);
  });

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1'])(
    'the formula %j is made text when asked to; numbers stay numbers',
    (text) => {
      expect(lineOf({ a: text, b: -1 }, { formulaSafe: true })).toContain(`'${text}`);
      expect(lineOf({ a: text, b: -1 }, { formulaSafe: true })).toMatch(/,-1$/);
      expect(lineOf({ a: text })).not.toContain("'");
    },
  );
});

describe('partFiles in csv and tsv', () => {
  test.each(['csv', 'tsv'] as const)('any text of %s is read back by file()', async (format) => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.string({ unit: fc.constantFrom('"', ',', '\t', '\r', '\n', ' ', '\ufeff', '\0', 'x') }),
    );
    const rows = fc.array(fc.record({ id: text, song: text }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(rows, fc.boolean(), async (expected, header) => {
        const directory = await mkdtemp(join(tmpdir(), 'tidemark-csv-'));
        const columns = ['id', 'song'];
        const names = await written({ uid: 'out', directory, format, columns, header }, expected);
        const source = file(names[0] as string, { format, columns, header });
        const reader = await source.open(names[0] as string, undefined, nodeRuntime());
        const chunk = (await reader.read())?.chunk;
        await reader.close();
        await rm(directory, { recursive: true });
        expect(chunk?.unreadable ?? []).toEqual([]);
        expect(chunk?.values).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('each file has the header once, lines end in CRLF, and the name ends as the format', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidemark-csv-'));
    const options = { uid: 'out', directory, format: 'csv', columns: ['a'] } as const;
    const names = await written(options, [{ a: 1 }, { a: 2 }]);
    expect(names).toHaveLength(1);
    expect(names[0]).toMatch(/\.csv$/);
    expect(await readFile(names[0] as string, 'utf8')).toBe('a\r\n1\r\n2\r\n');
    await rm(directory, { recursive: true });
  });

  test('a row that does not fit fails the sink, and names the column', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidemark-csv-'));
    const options = { uid: 'out', directory, format: 'csv', columns: ['a'] } as const;
    await expect(written(options, [{ b: 1 }])).rejects.toThrow(/SINK_FAILED.*no column "b"/);
    await rm(directory, { recursive: true });
  });

  test.each<[string, object]>([
    ['columns are missing', { format: 'csv' }],
    ['a column stands twice', { format: 'csv', columns: ['a', 'a'] }],
    ['an encode says otherwise', { format: 'csv', columns: ['a'], encode: String }],
    ['columns stand beside jsonl', { columns: ['a'] }],
    ['the format is not known', { format: 'xml' }],
  ])('refused at once when %s', (_, more) => {
    expect(() => partFiles({ uid: 'out', directory: 'd', ...more })).toThrow(/OPTIONS_INVALID/);
  });
});

/** One epoch of a sink, published; gives the paths of the visible files. */
async function written(
  options: PartFilesOptions<unknown>,
  rows: readonly unknown[],
): Promise<string[]> {
  const runtime = nodeRuntime();
  const sink = partFiles<unknown>(options);
  const shared = { job: 'job', uid: 'out', guarantee: 'exactly-once' } as const;
  await sink.recover([], { ...shared, epoch: 0 }, runtime);
  const writer = await sink.open({ ...shared, instance: 0 }, runtime);
  await writer.write(rows, []);
  await writer.publish(await writer.prepare(1));
  await writer.close();
  const names = await readdir(options.directory);
  return names.map((name) => join(options.directory, name));
}
