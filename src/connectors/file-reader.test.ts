import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cursor, Source } from '../core/connector.js';
import { file } from './file.js';
import { nodeRuntime } from './node-runtime.js';

const runtime = nodeRuntime();
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-cursor-'));
});

afterAll(() => rm(root, { recursive: true }));

/** 5000 records, some over two lines, some unreadable, with CRLF, empty lines and characters of several bytes. */
const text = Array.from({ length: 5000 }, (_, n) => {
  if (n % 7 === 3) return `${n},"é\n""${n}"""\r\n`;
  if (n % 11 === 5) return `${n},€,too many\n\n`;
  return `${n},𝄞\n`;
}).join('');

describe('the cursor of a file', () => {
  test.each([
    ['plain', 'a.csv', (content: string) => content],
    ['gzip', 'a.csv.gz', (content: string) => gzipSync(content)],
  ])('of every chunk leads to exactly the rest, %s', async (_, name, pack) => {
    const path = join(root, name);
    await writeFile(path, pack(`key,text\r\n${text}`));
    const source = file(path, { format: 'csv' });
    const chunks = await readChunks(source, path);
    expect(chunks.length).toBeGreaterThan(4);
    for (const [index, { cursor }] of chunks.entries()) {
      const rest = await readChunks(source, path, cursor);
      expect(rest.flatMap(({ seen }) => seen)).toEqual(
        chunks.slice(index + 1).flatMap(({ seen }) => seen),
      );
    }
  });

  test('is a plain value of numbers', async () => {
    const path = await written('1\n2\n');
    const [chunk] = await readChunks(file(path, { format: 'jsonl' }), path);
    expect(chunk?.cursor).toEqual({
      offset: 4,
      line: 3,
      tailBytes: 4,
      tailChecksum: expect.any(Number),
    });
  });

  test('survives JSON, as the commit may keep it', async () => {
    const path = await written('1\n'.repeat(2000));
    const source = file(path, { format: 'jsonl' });
    const [chunk] = await readChunks(source, path);
    const cursor: unknown = JSON.parse(JSON.stringify(chunk?.cursor));
    expect((await readChunks(source, path, cursor)).flatMap(({ seen }) => seen).length).toBe(976);
  });

  test('grows in bytes read up to the size of the file', async () => {
    const path = await written(text);
    const source = file(path, { format: 'csv', columns: ['a', 'b'] });
    const bytes = (await readChunks(source, path)).map(({ bytesRead }) => bytesRead ?? 0);
    expect(bytes).toEqual(bytes.toSorted((one, other) => one - other));
    expect(bytes.at(-1)).toBe(await source.size?.(runtime));
  });

  test('of a file that is now shorter is refused', async () => {
    const path = await written('1\n2\n3\n');
    const source = file(path, { format: 'jsonl' });
    const [chunk] = await readChunks(source, path);
    await writeFile(path, '1\n');
    await expect(source.open(path, chunk?.cursor, runtime)).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      got: '2 bytes',
      where: path,
    });
  });

  test('of a file with other content is refused, even when it is longer', async () => {
    for (const name of ['b.jsonl', 'b.jsonl.gz']) {
      const path = join(root, name);
      const pack = (content: string) => (name.endsWith('.gz') ? gzipSync(content) : content);
      await writeFile(path, pack('1\n2\n3\n'));
      const source = file(path, { format: 'jsonl' });
      const [chunk] = await readChunks(source, path);
      await writeFile(path, pack('1\n7\n3\n4\n5\n'));
      await expect(source.open(path, chunk?.cursor, runtime)).rejects.toMatchObject({
        code: 'SOURCE_CHANGED',
        got: expect.stringContaining('checksum'),
      });
    }
  });

  test('of a file that has grown by whole lines reads the new ones', async () => {
    const path = await written('1\n');
    const source = file(path, { format: 'jsonl' });
    const [chunk] = await readChunks(source, path);
    await appendFile(path, '2\n');
    expect(await readChunks(source, path, chunk?.cursor)).toMatchObject([{ seen: ['2 2'] }]);
  });

  test('behind a last line that has been completed since is refused', async () => {
    const path = await written('1\n2');
    const source = file(path, { format: 'jsonl' });
    const chunk = (await readChunks(source, path)).at(-1);
    expect(await readChunks(source, path, chunk?.cursor)).toEqual([]);
    await appendFile(path, '2\n');
    await expect(source.open(path, chunk?.cursor, runtime)).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      where: expect.stringContaining('line 2'),
    });
  });

  test('of another source is refused', async () => {
    const path = await written('1\n');
    for (const cursor of [3, { offset: -1, line: 1 }, 'x', null])
      await expect(file(path, { format: 'jsonl' }).open(path, cursor, runtime)).rejects.toThrow(
        'SOURCE_CHANGED',
      );
  });

  test('is valid behind a line that is too long', async () => {
    const path = await written(`1\n${'x'.repeat(500_000)}\n2\n`);
    const source = file(path, { format: 'jsonl', maxLineBytes: 1000 });
    const chunks = await readChunks(source, path);
    expect(chunks.flatMap(({ seen }) => seen)).toEqual(['1 1', '2 !', '3 2']);
    for (const [index, { cursor }] of chunks.entries()) {
      const rest = await readChunks(source, path, cursor);
      expect(rest.flatMap(({ seen }) => seen)).toEqual(
        chunks.slice(index + 1).flatMap(({ seen }) => seen),
      );
    }
  });

  test('leads to the rest for any text', async () => {
    const part = fc.constantFrom(
      '1',
      '"x"',
      '{',
      '\n',
      '\r\n',
      '"',
      ',',
      'é',
      `${'0\n'.repeat(600)}`,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), async (parts) => {
        const path = await written(parts.join(''));
        const source = file(path, { format: 'csv', columns: ['a'], maxLineBytes: 50 });
        const chunks = await readChunks(source, path);
        for (const [index, { cursor }] of chunks.entries()) {
          const rest = await readChunks(source, path, cursor);
          expect(rest.flatMap(({ seen }) => seen)).toEqual(
            chunks.slice(index + 1).flatMap(({ seen }) => seen),
          );
        }
      }),
      { numRuns: 100 },
    );
  });
});

let count = 0;

async function written(content: string): Promise<string> {
  const path = join(root, `file-${(count += 1)}`);
  await writeFile(path, content);
  return path;
}

interface Seen {
  /** Elements as `line value`, unreadable records as `line !`, in the order of the file. */
  readonly seen: readonly string[];
  readonly cursor: Cursor;
  readonly bytesRead: number | undefined;
}

async function readChunks(source: Source<unknown>, path: string, cursor?: Cursor): Promise<Seen[]> {
  const reader = await source.open(path, cursor, runtime);
  const chunks: Seen[] = [];
  try {
    for (let next = await reader.read(); next !== undefined; next = await reader.read()) {
      const { values, positions, unreadable = [] } = next.chunk;
      const seen = values.map((value, index) => `${positions[index]} ${JSON.stringify(value)}`);
      for (const { before, position } of unreadable.toReversed())
        seen.splice(before, 0, `${position} !`);
      chunks.push({ seen, cursor: next.cursor, bytesRead: next.bytesRead });
    }
  } finally {
    await reader.close();
  }
  return chunks;
}
