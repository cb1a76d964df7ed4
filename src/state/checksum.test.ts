/** Damage is found: by the checksum over bytes, and in an LMDB file by what its pages must be. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { open } from 'lmdb';
import { afterAll, describe, expect, test } from 'vitest';
import { check } from '../../property-tests/settings.js';
import { checkLmdbFile, crc32, crc32ByTable } from './checksum.js';

describe('checksum', () => {
  test('the published check value of CRC-32 comes out', () => {
    const digits = new TextEncoder().encode('123456789');
    expect(crc32(digits)).toBe(0xcbf43926);
    expect(crc32ByTable(digits)).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
  });

  check(
    'the table and Node agree, also on a part of larger memory',
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 20 }), (bytes, skipped) => {
      const part = bytes.subarray(Math.min(skipped, bytes.length));
      expect(crc32ByTable(part)).toBe(crc32(part));
    }),
  );

  check(
    'one turned bit always changes the checksum',
    fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.nat({ max: 7 }), (bytes, at, bit) => {
      const turned = bytes.slice();
      turned[at % bytes.length] = (turned[at % bytes.length] ?? 0) ^ (1 << bit);
      expect(crc32(turned)).not.toBe(crc32(bytes));
    }),
  );
});

describe('LMDB file', () => {
  const scratch = fs.mkdtempSync(join(tmpdir(), 'tidemark-file-'));
  afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));
  let directories = 0;

  interface Step {
    readonly key: number;
    /** Bytes of the value; undefined removes the key. */
    readonly length: number | undefined;
    readonly ends: 'nothing' | 'turn' | 'commit';
  }

  /** Writes a history and gives back the file, seen after each commit by `look`. */
  async function written(steps: readonly Step[], look?: (file: Buffer) => void): Promise<Buffer> {
    const directory = join(scratch, `${(directories += 1)}`);
    const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
    const options = { ...binary, overlappingSync: false, noSubdir: false };
    const database = open<Uint8Array, Uint8Array>(directory, options);
    const file = (): Buffer => fs.readFileSync(join(directory, 'data.mdb'));
    for (const { key, length, ends } of steps) {
      const name = Buffer.from(`key ${key}`.padEnd(10 + (key % 40), '.'));
      if (length === undefined) void database.remove(name);
      else void database.put(name, new Uint8Array(length).fill(key));
      if (ends !== 'nothing') await database.flushed;
      if (ends === 'commit') database.putSync(Buffer.from('commit'), new Uint8Array(key));
      if (ends === 'commit') look?.(file());
    }
    await database.flushed;
    await database.close();
    return file();
  }

  function checkBytes(file: Buffer, isWhole = (_key: Uint8Array) => true): void {
    checkLmdbFile((at, length) => {
      if (at + length > file.length) throw new Error('an early end');
      return new DataView(Uint8Array.from(file.subarray(at, at + length)).buffer);
    }, isWhole);
  }

  check(
    'no file that LMDB has written is refused, whatever was put and removed',
    fc.asyncProperty(
      fc.array(
        fc.record({
          key: fc.nat({ max: 120 }),
          length: fc.option(fc.oneof(fc.nat({ max: 60 }), fc.nat({ max: 30_000 })), {
            nil: undefined,
          }),
          ends: fc.constantFrom<Step['ends']>('nothing', 'nothing', 'nothing', 'turn', 'commit'),
        }),
        { maxLength: 250, size: 'max' },
      ),
      async (steps) => checkBytes(await written(steps, (file) => checkBytes(file))),
    ),
    { runs: 10 },
  );

  /** Two hundred keys with values of all sizes, and pages that have become free. */
  const history: readonly Step[] = Array.from({ length: 300 }, (_, at) => ({
    key: at % 200,
    length: at < 200 || at % 3 > 0 ? (at * 977) % 6000 : undefined,
    ends: at % 25 === 24 ? 'commit' : 'nothing',
  }));

  test('every surprise is named', async () => {
    const file = await written(history);
    checkBytes(file);
    const half = (at: number): number => file.readUInt16LE(at);
    const pageAt = (at: number): number => Number(file.readBigUInt64LE(at)) * 4096;
    const newest = file.readBigUInt64LE(152) > file.readBigUInt64LE(4096 + 152) ? 0 : 4096;
    const root = pageAt(newest + 136);
    let leaf = root;
    while (half(leaf + 18) === 1) leaf = file.readUInt32LE(leaf + 24 + half(leaf + 24)) * 4096;
    const nodes = Array.from({ length: half(leaf + 20) / 2 }, (_, slot) => {
      return leaf + 24 + half(leaf + 24 + 2 * slot);
    });
    const large = nodes.find((node) => half(node + 4) === 1) ?? 0;
    const value = pageAt(large + 8 + half(large + 6));
    const cases: readonly (readonly [number, number, string])[] = [
      [24, 1, 'no meta page'],
      [newest + 152, 4, 'do not follow'],
      [newest + 128, 1, 'another number of entries'],
      [newest + 145, file[newest + 145] ?? 0, 'beyond the last'],
      [newest + 148, 1, 'far behind'],
      [root, 1, 'something else at page'],
      [root + 9, 0x10, 'something else at page'],
      [root + 18, 4, 'something else at page'],
      [leaf + 23, (file[leaf + 23] ?? 0) ^ 0x0f, 'free space'],
      [value + 8, 0xff, 'something else at page'],
      [value + 18, 1, 'something else at page'],
      [value + 20, 0x20, 'in use twice'],
    ];
    for (const [at, change, surprise] of cases) {
      const damaged = Buffer.from(file);
      damaged[at] = (damaged[at] ?? 0) ^ change;
      expect(() => checkBytes(damaged), `byte ${at}`).toThrow(surprise);
    }
    expect(() => checkBytes(file.subarray(0, 4096))).toThrow('an early end');
    expect(() => checkBytes(file, (key) => key.length < 20)).toThrow('a key that has changed');
  });

  test('a page that is free and in use at once is found', async () => {
    const file = await written(history);
    const newest = file.readBigUInt64LE(152) > file.readBigUInt64LE(4096 + 152) ? 0 : 4096;
    const lists = Number(file.readBigUInt64LE(newest + 88)) * 4096;
    const node = lists + 24 + file.readUInt16LE(lists + 24);
    const list = node + 8 + file.readUInt16LE(node + 6);
    expect(file.readUInt16LE(node + 4)).toBe(0);
    // One free page, which is the root of the entries.
    file.writeBigUInt64LE(1n, list);
    file.writeBigUInt64LE(file.readBigUInt64LE(newest + 136), list + 8);
    expect(() => checkBytes(file)).toThrow('in use twice');
  });
});
