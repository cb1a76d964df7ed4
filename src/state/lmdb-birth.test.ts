/** A store that was never whole is made again; one that has lost something is refused. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lmdb } from './lmdb-backend.js';
import { clearUnborn, isMarked, writeMark } from './lmdb-birth.js';

const scratch = fs.mkdtempSync(join(tmpdir(), 'tidemark-birth-'));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

const PAGE = 4096;
let directories = 0;

/** The file after the first transaction, in a directory without a mark. */
async function born(commits: number): Promise<{ directory: string; path: string; file: Buffer }> {
  const directory = join(scratch, String((directories += 1)));
  const backend = await lmdb(directory).open();
  for (let count = 0; count < commits; count += 1)
    backend.commit([{ key: 'a', value: Uint8Array.of(count) }]);
  await backend.close();
  fs.rmSync(join(directory, 'tidemark'));
  const path = join(directory, 'data.mdb');
  return { directory, path, file: fs.readFileSync(path) };
}

async function keysIn(directory: string): Promise<string[]> {
  const backend = await lmdb(directory).open();
  try {
    return backend.keys('');
  } finally {
    await backend.close();
  }
}

/** As it was before the first transaction had been counted: both meta pages say zero. */
function uncounted(file: Buffer): Buffer {
  const copy = Buffer.from(file);
  file.copy(copy, PAGE, 0, PAGE);
  copy.writeBigUInt64LE(1n, PAGE);
  return copy;
}

test.each([
  ['nothing', 0, 0],
  ['the first sector', 0, 512],
  ['one meta page', 0, PAGE],
  ['both meta pages', 0, 2 * PAGE],
  ['the root without meta pages', 2 * PAGE, 3 * PAGE],
  ['everything but half of the root', 0, 2 * PAGE + 512],
])('a power cut at birth that leaves %s is begun again', async (_left, from, to) => {
  const { directory, path, file } = await born(0);
  const left = Buffer.alloc(to);
  uncounted(file).copy(left, from, from, to);
  fs.writeFileSync(path, left);
  expect(await keysIn(directory)).toEqual([]);
  expect(isMarked(directory)).toBe(true);
});

test('with the mark, each of them is a loss', async () => {
  const { directory, path, file } = await born(0);
  writeMark(directory);
  fs.writeFileSync(path, uncounted(file).subarray(0, PAGE));
  await expect(keysIn(directory)).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
});

test('a store that has committed is never emptied, with or without a mark', async () => {
  for (const commits of [1, 2, 3]) {
    const { directory, path, file } = await born(commits);
    clearUnborn(directory);
    expect(fs.readFileSync(path).equals(file)).toBe(true);
    const cut = file.subarray(0, 2 * PAGE + 100);
    fs.writeFileSync(path, cut);
    await expect(keysIn(directory)).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
    expect(fs.readFileSync(path).equals(cut)).toBe(true);
  }
});

test('without a mark a whole store opens, and gets its mark back', async () => {
  const { directory } = await born(1);
  expect(await keysIn(directory)).toEqual(['a']);
  expect(fs.readFileSync(join(directory, 'tidemark'), 'utf8')).toContain('Keep it together');
});
