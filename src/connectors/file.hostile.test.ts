import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { directory, file, nodeFiles, nodeRuntime, type Runtime, type Source } from '../index.js';

const runtime = nodeRuntime();
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-hostile-'));
});

afterAll(() => rm(root, { recursive: true }));

type Bytes = string | Uint8Array;
const hostile: readonly [string, Bytes, readonly unknown[], readonly [number, RegExp][]][] = [
  ['nothing at all', '', [], []],
  ['only line ends', '\n\r\n\n', [], []],
  ['a byte order mark only', '\ufeff', [], []],
  ['a byte order mark before the first line', '\ufeff1\n2\n', [1, 2], []],
  ['a byte order mark in the middle', '1\n\ufeff2\n3\n', [1, 3], [[2, /not JSON/]]],
  ['no end of the last line', '1\n2', [1, 2], []],
  ['CRLF, and a last CR without its LF', '1\r\n2\r', [1, 2], []],
  [
    'NUL bytes',
    '1\n\0\0\n"\0"\n2\n',
    [1, 2],
    [
      [2, /not JSON/],
      [3, /not JSON/],
    ],
  ],
  [
    'bytes that are not UTF-8',
    Buffer.concat([Buffer.from('1\n"'), Buffer.from([0xff, 0xc0, 0x80]), Buffer.from('"\n2\n')]),
    [1, 2],
    [[2, /not UTF-8/]],
  ],
  [
    'half a character at the end',
    Buffer.concat([Buffer.from('1\n"'), Buffer.from([0xe2, 0x98])]),
    [1],
    [[2, /not UTF-8/]],
  ],
  ['a replacement character that is meant', '"\ufffd"\n', ['\ufffd'], []],
  ['a huge line', `1\n${'9'.repeat(3_000_000)}\n2\n`, [1, 2], [[2, /longer than 1000 bytes/]]],
  ['a huge last line without an end', `1\n${'9'.repeat(3_000_000)}`, [1], [[2, /longer than/]]],
  ['deep JSON', `${'['.repeat(400)}${']'.repeat(400)}\n1\n`, [expect.anything(), 1], []],
];

describe.each([
  ['plain', false],
  ['packed', true],
])('a %s file with', (_, gzip) => {
  test.each(hostile)('%s costs only the lines concerned', async (_name, content, values, lost) => {
    const name = `case${gzip ? '.gz' : ''}`;
    const path = join(root, name);
    const bytes = Buffer.from(content);
    await writeFile(path, gzip ? gzipSync(bytes) : bytes);
    const options = { format: 'jsonl', maxLineBytes: 1000, gzip } as const;
    for (const source of [file(path, options), directory(root, { ...options, pattern: name })]) {
      const read = await readAll(source);
      expect(read.values).toEqual(values);
      expect(read.lost.map(([line]) => line)).toEqual(lost.map(([line]) => line));
      for (const [index, [, reason]] of lost.entries())
        expect(read.lost[index]?.[1]).toMatch(reason);
    }
    await rm(path);
  });
});

describe('a damaged gzip file fails the source:', () => {
  const content = Buffer.from(Array.from({ length: 50_000 }, (_, n) => `${n * 7919}\n`).join(''));
  const packed = gzipSync(content);

  test.each<[string, Uint8Array]>([
    ['cut in the middle', packed.subarray(0, packed.length / 2)],
    ['cut in its checksum', packed.subarray(0, -3)],
    ['cut to nothing', Buffer.alloc(0)],
    ['cut in its header', packed.subarray(0, 5)],
    ['no gzip at all', Buffer.from('1\n2\n')],
    ['with a bit turned', flipped(packed, 1000)],
    ['with a wrong checksum', flipped(packed, packed.length - 6)],
    ['with garbage behind its end', Buffer.concat([packed, Buffer.from('garbage')])],
    ['with garbage behind zeros', Buffer.concat([packed, Buffer.alloc(9), Buffer.from('x')])],
  ])('%s', async (_, bytes) => {
    const path = join(root, 'damaged.gz');
    await writeFile(path, bytes);
    const reading = readAll(file(path, { format: 'jsonl' }));
    await expect(reading).rejects.toMatchObject({ code: 'SOURCE_FAILED', where: path });
    await expect(reading).rejects.toThrow(/intact gzip file/);
  });

  test.each<[string, Uint8Array, number]>([
    ['several members, as of cat', Buffer.concat([packed, packed]), 100_000],
    ['zeros behind the end, as on tapes', Buffer.concat([packed, Buffer.alloc(512)]), 50_000],
  ])('but not %s', async (_, bytes, count) => {
    const path = join(root, 'sound.gz');
    await writeFile(path, bytes);
    expect((await readAll(file(path, { format: 'jsonl' }))).values).toHaveLength(count);
  });
});

describe('what is no readable file is refused, and says so:', () => {
  test('a directory, a symbolic loop, a missing file, a pipe', async () => {
    await mkdir(join(root, 'sub'));
    await symlink(join(root, 'loop'), join(root, 'loop'));
    await symlink(join(root, 'none'), join(root, 'dangling'));
    for (const [name, got] of [
      ['sub', /got a directory/],
      ['loop', /ELOOP/],
      ['dangling', /ENOENT/],
      ['none', /ENOENT/],
    ] as const)
      for (const follow of [false, true]) {
        const path = join(root, name);
        const reading = readAll(file(path, { format: 'jsonl', follow }));
        await expect(reading).rejects.toThrow(got);
        await expect(reading).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
      }
    const device = file('/dev/null', { format: 'jsonl' });
    await expect(readAll(device)).rejects.toThrow(/SOURCE_FAILED.*a pipe or a device/);
  });

  test('a symbolic link to a file is that file', async () => {
    await writeFile(join(root, 'target'), '1\n');
    await symlink(join(root, 'target'), join(root, 'link'));
    expect((await readAll(file(join(root, 'link'), { format: 'jsonl' }))).values).toEqual([1]);
  });

  test('a file that may not be read', async () => {
    const path = join(root, 'secret');
    await writeFile(path, '1\n', { mode: 0o200 });
    await chmod(path, 0o200);
    // Whoever runs the tests may be allowed everything, so the refusal of the system is imitated.
    const refusal = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    const files = { ...nodeFiles, open: () => Promise.reject(refusal) };
    for (const follow of [false, true]) {
      const source = file(path, { format: 'jsonl', follow });
      const reading = readAll(source, { ...runtime, files });
      await expect(reading).rejects.toThrow(/SOURCE_FAILED.*EACCES.*permissions/);
    }
    const listing = { ...nodeFiles, list: () => Promise.reject(refusal) };
    const source = directory(root, { format: 'jsonl' });
    await expect(source.splits({ ...runtime, files: listing })).rejects.toThrow(/EACCES/);
  });
});

async function readAll(
  source: Source<unknown>,
  world: Runtime = runtime,
): Promise<{ values: unknown[]; lost: [number, string][] }> {
  const values: unknown[] = [];
  const lost: [number, string][] = [];
  for (const split of await source.splits(world)) {
    const reader = await source.open(split, undefined, world);
    try {
      for (let next = await reader.read(); next !== undefined; next = await reader.read()) {
        values.push(...next.chunk.values);
        for (const { position, reason } of next.chunk.unreadable ?? [])
          lost.push([position, reason]);
      }
    } finally {
      await reader.close();
    }
  }
  return { values, lost };
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x10;
  return copy;
}
