import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Source } from '../core/connector.js';
import type { DelimitedFileOptions, JsonlFileOptions } from './file-open.js';
import { file } from './file.js';
import { nodeRuntime } from './node-runtime.js';

type Options = DelimitedFileOptions<readonly string[]> | JsonlFileOptions;

const runtime = nodeRuntime();
const csv: Options = { format: 'csv', columns: ['a', 'b'] };
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-file-'));
});

afterAll(() => rm(root, { recursive: true }));

describe('file, csv and tsv', () => {
  test('records are objects of text by column, positions are line numbers', async () => {
    const read = await readText('1,2\n\n"x, ""y""","two\nlines"\r\n5,é', csv);
    expect(read.values).toEqual([
      { a: '1', b: '2' },
      { a: 'x, "y"', b: 'two\nlines' },
      { a: '5', b: 'é' },
    ]);
    expect(read.positions).toEqual([1, 3, 5]);
    expect(read.unreadable).toEqual([]);
  });

  test('without columns the first record names them, and is counted', async () => {
    const read = await readText('\ufeffa,"b c"\n1,2\n', { format: 'csv' });
    expect(read).toMatchObject({ values: [{ a: '1', 'b c': '2' }], positions: [2] });
  });

  test('with columns the first record is data, unless a header is said to be there', async () => {
    expect((await readText('x,y\n1,2\n', csv)).values).toEqual([
      { a: 'x', b: 'y' },
      { a: '1', b: '2' },
    ]);
    expect((await readText('x,y\n1,2\n', { ...csv, header: true })).values).toEqual([
      { a: '1', b: '2' },
    ]);
    expect((await readText('x\n1,2\n', { ...csv, header: true })).values).toEqual([
      { a: '1', b: '2' },
    ]);
  });

  test('tsv has tabs between fields', async () => {
    const read = await readText('1\t"a\tb"\n2,3\t4\n', { ...csv, format: 'tsv' });
    expect(read.values).toEqual([
      { a: '1', b: 'a\tb' },
      { a: '2,3', b: '4' },
    ]);
  });

  test('what cannot be read is told with line and reason, and reading goes on', async () => {
    const read = await readText('1\n1,2\n"x\n1,2,3\n3,4\n5" disk,6\n', csv);
    expect(read.values).toEqual([
      { a: '1', b: '2' },
      { a: '3', b: '4' },
    ]);
    expect(read.unreadable).toEqual([
      { before: 0, position: 1, raw: '1', reason: 'expected 2 columns, got 1' },
      { before: 1, position: 3, raw: '"x', reason: expect.stringContaining('quote') },
      { before: 1, position: 4, raw: '1,2,3', reason: 'expected 2 columns, got 3' },
      { before: 2, position: 6, raw: '5" disk,6', reason: expect.stringContaining('quote') },
    ]);
  });

  test('a header that names no columns fails the source', async () => {
    for (const text of ['a,a\n1,2\n', '"a\n1,2\n'])
      await expect(readText(text, { format: 'csv' })).rejects.toMatchObject({
        code: 'SOURCE_FAILED',
        where: expect.stringContaining('first record'),
      });
  });

  test('what csv-parse accepts is read alike, and what it refuses has unreadable lines', async () => {
    const part = fc.constantFrom(
      'a',
      ',',
      ',',
      '"',
      '""',
      '"b"',
      '"c,\n"',
      '\n',
      '\n',
      '\r\n',
      'é',
      ' ',
    );
    const text = fc.array(part, { maxLength: 25 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(text, async (content) => {
        const read = await readText(content, csv);
        const expected = byCsvParse(content);
        if (expected === undefined) expect(read.unreadable.length).toBeGreaterThan(0);
        else {
          expect(read.values).toEqual(
            expected.filter(({ length }) => length === 2).map(([a, b]) => ({ a, b })),
          );
          expect(read.unreadable.length).toBe(expected.filter(({ length }) => length !== 2).length);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('file, jsonl', () => {
  test('records are any JSON value', async () => {
    const read = await readText('{"a":1}\n[2]\r\n\nnull\n"x"', { format: 'jsonl' });
    expect(read.values).toEqual([{ a: 1 }, [2], null, 'x']);
    expect(read.positions).toEqual([1, 2, 4, 5]);
  });

  test('a quote has no meaning for where a line ends', async () => {
    const read = await readText('"x\n{"a":1}\n', { format: 'jsonl' });
    expect(read.values).toEqual([{ a: 1 }]);
    expect(read.unreadable).toEqual([
      { before: 0, position: 1, raw: '"x', reason: expect.stringContaining('not JSON') },
    ]);
  });
});

describe('file', () => {
  test('bytes that are not UTF-8 make their line unreadable, a replacement character does not', async () => {
    const bytes = Buffer.concat([
      Buffer.from('"\ufffd"\n"'),
      Buffer.from([0xff]),
      Buffer.from('"\n"ok"\n'),
    ]);
    const read = await readText(bytes, { format: 'jsonl' });
    expect(read.values).toEqual(['\ufffd', 'ok']);
    expect(read.unreadable).toMatchObject([{ position: 2, reason: 'the bytes are not UTF-8' }]);
  });

  test('a line that is too long is unreadable and cut', async () => {
    const read = await readText(`1\n"${'x'.repeat(5000)}"\n2\n`, {
      format: 'jsonl',
      maxLineBytes: 2000,
    });
    expect(read.values).toEqual([1, 2]);
    expect(read.unreadable[0]?.raw.length).toBe(1001);
    expect(read.unreadable[0]?.reason).toBe('the line is longer than 2000 bytes');
  });

  test('an empty file and one of empty lines have no elements', async () => {
    for (const text of ['', '\n\r\n\n', '\ufeff'])
      for (const options of [csv, { format: 'csv' }, { format: 'jsonl' }] as const)
        expect(await readText(text, options)).toMatchObject({ values: [], unreadable: [] });
  });

  test('a large file comes in chunks of at most 1024, characters intact over all borders', async () => {
    const lines = Array.from(
      { length: 30_000 },
      (_, index) => `${index},"${'é€𝄞'.repeat(index % 7)}"`,
    );
    const read = await readText(lines.join('\n'), csv);
    expect(read.unreadable).toEqual([]);
    expect(read.values.length).toBe(30_000);
    expect(read.sizes.every((size) => size <= 1024)).toBe(true);
    expect(read.values.every((row, n) => (row as { b: string }).b === 'é€𝄞'.repeat(n % 7))).toBe(
      true,
    );
  });

  test('only unreadable lines come in bounded chunks too', async () => {
    const read = await readText('x\n'.repeat(5000), { format: 'jsonl' });
    expect(read.unreadable.length).toBe(5000);
    expect(read.unreadableSizes.every((size) => size <= 1024)).toBe(true);
  });

  test('gzip is known by the name, and can be said', async () => {
    const path = join(root, 'packed.jsonl.gz');
    await writeFile(path, gzipSync('1\n2\n'));
    expect((await readAll(file(path, { format: 'jsonl' }))).values).toEqual([1, 2]);
    expect((await readAll(file(path, { format: 'jsonl', gzip: false }))).values).toEqual([]);
  });

  test('each path is a split, the origin is the base name, and sizes add up', async () => {
    const paths = [join(root, 'one.jsonl'), join(root, 'two.jsonl')] as const;
    await writeFile(paths[0], '1\n');
    await writeFile(paths[1], '22\n');
    const source = file(paths, { format: 'jsonl' });
    expect(source).toMatchObject({ name: 'one.jsonl and 1 more', replayable: true });
    expect(await source.splits(runtime)).toEqual(paths);
    expect(await source.size?.(runtime)).toBe(5);
    const reader = await source.open(paths[1], undefined, runtime);
    const chunk = await reader.read();
    expect(chunk).toMatchObject({
      bytesRead: 3,
      chunk: { origin: { name: 'two.jsonl', unit: 'line' } },
    });
    await reader.close();
    expect(await file([...paths, 'none'], { format: 'jsonl' }).size?.(runtime)).toBeUndefined();
  });

  test('a missing file fails the source when it is opened', async () => {
    const path = join(root, 'none.csv');
    for (const options of [csv, { format: 'csv' }] as const)
      await expect(
        readAll(file(path, options as typeof csv & { format: 'csv' })),
      ).rejects.toMatchObject({
        code: 'SOURCE_FAILED',
        where: path,
      });
  });

  test('all wrong options are refused at once', () => {
    const wrong = (paths: unknown, options: unknown) => () =>
      file(paths as string, options as { format: 'jsonl' });
    expect(wrong([], { format: 'csv', columns: ['a', 'a'], gzip: 1, colums: [] })).toThrow(
      /paths: .*; options.columns: each column once; options.gzip: true or false; options: only options that exist/,
    );
    expect(wrong('a', { format: 'csv', header: false })).toThrow('since there is no header');
    expect(wrong('a', { format: 'xml' })).toThrow('"csv" or "tsv" or "jsonl"');
    expect(wrong('a', { format: 'jsonl', columns: ['a'] })).toThrow('OPTIONS_INVALID');
    expect(wrong(['a', 'a'], { format: 'jsonl' })).toThrow('each path once');
    expect(wrong('a', undefined)).toThrow('OPTIONS_INVALID');
  });

  test('columns type the rows', () => {
    const source: Source<{ user: string; song: string }> = file('x.csv', {
      format: 'csv',
      columns: ['user', 'song'],
    });
    const loose: Source<Record<string, string>> = file('x.csv', { format: 'csv' });
    expect([source.name, loose.name]).toEqual(['x.csv', 'x.csv']);
  });
});

let written = 0;

async function readText(content: string | Buffer, options: Options) {
  const path = join(root, `text-${(written += 1)}`);
  await writeFile(path, content);
  return readAll(file(path, options as { format: 'jsonl' }));
}

async function readAll(source: Source<unknown>) {
  const [split = ''] = await source.splits(runtime);
  const reader = await source.open(split, undefined, runtime);
  const values: unknown[] = [];
  const positions: number[] = [];
  const unreadable: { before: number; position: number; raw: string; reason: string }[] = [];
  const sizes: number[] = [];
  const unreadableSizes: number[] = [];
  try {
    for (let next = await reader.read(); next !== undefined; next = await reader.read()) {
      const bad = next.chunk.unreadable ?? [];
      unreadable.push(...bad.map((one) => ({ ...one, before: one.before + values.length })));
      values.push(...next.chunk.values);
      positions.push(...next.chunk.positions);
      sizes.push(next.chunk.values.length);
      unreadableSizes.push(bad.length);
    }
  } finally {
    await reader.close();
  }
  return { values, positions, unreadable, sizes, unreadableSizes };
}

function byCsvParse(content: string): string[][] | undefined {
  try {
    return parse(content, {
      record_delimiter: ['\n', '\r\n'],
      relax_column_count: true,
      skip_empty_lines: true,
    });
  } catch {
    return undefined;
  }
}
