import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBytes } from './file-bytes.js';
import { nodeFiles } from './node-files.js';

let root: string;
const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 253));

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-bytes-'));
  await writeFile(join(root, 'plain'), content);
  await writeFile(join(root, 'packed.gz'), gzipSync(content));
});

afterAll(() => rm(root, { recursive: true }));

describe.each([
  ['a plain file', 'plain', false],
  ['a gzip file', 'packed.gz', true],
])('openBytes on %s', (_, name, gzip) => {
  test('gives all bytes from any offset', async () => {
    for (const offset of [0, 1, 131_072, 299_999, 300_000])
      expect((await readAll(join(root, name), gzip, offset)).equals(content.subarray(offset))).toBe(
        true,
      );
  });

  test('gives the bytes whatever the room', async () => {
    expect((await readAll(join(root, name), gzip, 0, 7919)).equals(content)).toBe(true);
  });

  test('an offset behind the end is a changed source', async () => {
    await expect(
      openBytes(nodeFiles, join(root, name), { gzip, offset: 300_001 }),
    ).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      got: '300000 bytes',
    });
  });

  test('the bytes read are those of the file on disk', async () => {
    const reader = await openBytes(nodeFiles, join(root, name), { gzip, offset: 0 });
    while ((await reader.read(Buffer.alloc(65_536))) > 0);
    expect(reader.bytesRead()).toBe(gzip ? gzipSync(content).length : content.length);
    await reader.close();
  });

  test('a missing file and a directory fail the source, and say so', async () => {
    await expect(
      openBytes(nodeFiles, join(root, 'none'), { gzip, offset: 0 }),
    ).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      got: expect.stringContaining('ENOENT'),
    });
    await mkdir(join(root, 'dir'), { recursive: true });
    await expect(
      openBytes(nodeFiles, join(root, 'dir'), { gzip, offset: 0 }),
    ).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      got: 'a directory',
    });
  });

  test('can be closed in the middle', async () => {
    const reader = await openBytes(nodeFiles, join(root, name), { gzip, offset: 0 });
    await reader.read(Buffer.alloc(10));
    await reader.close();
    await reader.close();
  });
});

describe('openBytes', () => {
  test('a damaged gzip file fails the source and names it', async () => {
    const packed = gzipSync(content);
    const damages = { cut: packed.subarray(0, packed.length / 2), foreign: content };
    for (const [name, bytes] of Object.entries(damages)) {
      await writeFile(join(root, name), bytes);
      await expect(readAll(join(root, name), true, 0)).rejects.toMatchObject({
        code: 'SOURCE_FAILED',
        where: join(root, name),
      });
      await expect(
        openBytes(nodeFiles, join(root, name), { gzip: true, offset: 299_000 }),
      ).rejects.toThrow('SOURCE_FAILED');
    }
  });

  test('gzip files that were appended to each other are read as one', async () => {
    const path = join(root, 'members');
    await writeFile(path, Buffer.concat([gzipSync('one'), gzipSync('two')]));
    expect((await readAll(path, true, 0)).toString()).toBe('onetwo');
  });

  test('a file that shrinks while it is read is a changed source', async () => {
    const path = join(root, 'shrinking');
    await writeFile(path, content);
    const reader = await openBytes(nodeFiles, path, { gzip: false, offset: 0 });
    await reader.read(Buffer.alloc(200_000));
    await truncate(path, 1000);
    await expect(reader.read(Buffer.alloc(10))).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    await reader.close();
  });
});

async function readAll(
  path: string,
  gzip: boolean,
  offset: number,
  room = 65_536,
): Promise<Buffer> {
  const reader = await openBytes(nodeFiles, path, { gzip, offset });
  const parts: Buffer[] = [];
  const target = Buffer.alloc(room);
  try {
    for (let count = await reader.read(target); count > 0; count = await reader.read(target))
      parts.push(Buffer.from(target.subarray(0, count)));
  } finally {
    await reader.close();
  }
  return Buffer.concat(parts);
}
