import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Random } from '../core/clock.js';
import { filesSuite } from './files-suite.js';
import { simulatedFiles, type SimulatedFiles } from './simulated-files.js';

filesSuite(
  'simulatedFiles',
  async () => {
    const files = simulatedFiles();
    await files.makeDirectory('/root');
    return { files, root: '/root', cleanUp: async () => {} };
  },
  { describe, test, expect },
);

/** Chance that keeps the least, and chance that keeps the most. */
const worst: Random = () => 0;
const best: Random = () => 1 - 2 ** -53;
const chance = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })).map(
  (stream): Random =>
    () =>
      stream.next().value ?? 0,
);

describe('a crash of simulatedFiles', () => {
  test('leaves what was synced with its name', async () => {
    await fc.assert(
      fc.asyncProperty(chance, async (random) => {
        const files = await withDirectory();
        await put(files, 'd/a', 'content', true);
        await files.syncDirectory('d');
        files.crash(random);
        expect(await textOf(files, 'd/a')).toBe('content');
      }),
    );
  });

  test('may lose a synced file whose name was not synced', async () => {
    const files = await withDirectory();
    await put(files, 'd/a', 'content', true);
    files.crash(worst);
    expect(await files.list('d')).toEqual([]);
  });

  test('leaves a prefix of the unsynced bytes behind the synced ones', async () => {
    await fc.assert(
      fc.asyncProperty(chance, async (random) => {
        const files = await withDirectory();
        const file = await files.create('d/a');
        await files.syncDirectory('d');
        await file.write(bytesOf('safe'));
        await file.sync();
        await file.write(bytesOf('un'));
        await file.write(bytesOf('safe'));
        files.crash(random);
        const left = await textOf(files, 'd/a');
        expect('safeunsafe'.startsWith(left) && left.startsWith('safe')).toBe(true);
      }),
    );
  });

  test('can keep everything, and can keep only what is safe', async () => {
    for (const [random, left] of [
      [worst, 'safe'],
      [best, 'safeunsafe'],
    ] as const) {
      const files = await withDirectory();
      const file = await files.create('d/a');
      await files.syncDirectory('d');
      await file.write(bytesOf('safe'));
      await file.sync();
      await file.write(bytesOf('unsafe'));
      files.crash(random);
      expect(await textOf(files, 'd/a')).toBe(left);
    }
  });

  test('undoes renames, creates and removes of a directory from the newest back', async () => {
    const outcomes = new Set<string>();
    for (let step = 0; step < 40; step += 1) {
      const files = await withDirectory();
      await put(files, 'd/a', '', true);
      await files.syncDirectory('d');
      await files.rename('d/a', 'd/b');
      await put(files, 'd/c', '', true);
      await files.remove('d/b');
      files.crash(() => step / 40);
      outcomes.add((await files.list('d')).join());
    }
    expect([...outcomes]).toEqual(['a', 'b', 'b,c', 'c']);
  });

  test('brings back the target of an undone rename', async () => {
    const files = await withDirectory();
    await put(files, 'd/a', 'new', true);
    await put(files, 'd/b', 'old', true);
    await files.syncDirectory('d');
    await files.rename('d/a', 'd/b');
    files.crash(worst);
    expect(await textOf(files, 'd/a')).toBe('new');
    expect(await textOf(files, 'd/b')).toBe('old');
  });

  test('keeps the names of one directory apart from those of another', async () => {
    const files = await withDirectory();
    await files.makeDirectory('e');
    await put(files, 'd/a', '', true);
    await put(files, 'e/a', '', true);
    await files.syncDirectory('e');
    files.crash(worst);
    expect([await files.list('d'), await files.list('e')]).toEqual([[], ['a']]);
  });

  test('may bring back the content of a file that was emptied', async () => {
    for (const [random, left] of [
      [worst, 'old'],
      [best, 'new'],
    ] as const) {
      const files = await withDirectory();
      await put(files, 'd/a', 'old', true);
      await files.syncDirectory('d');
      await put(files, 'd/a', 'new', false);
      files.crash(random);
      expect(await textOf(files, 'd/a')).toBe(left);
    }
  });

  test('makes files that were open throw', async () => {
    const files = await withDirectory();
    const file = await files.create('d/a');
    files.crash(best);
    await expect(file.write(bytesOf('x'))).rejects.toThrow('before the crash');
    await expect(file.sync()).rejects.toThrow('before the crash');
    await expect(file.close()).rejects.toThrow('before the crash');
  });

  test('leaves directories in place', async () => {
    const files = simulatedFiles();
    await files.makeDirectory('a/b/c');
    files.crash(worst);
    expect(await files.list('a/b')).toEqual(['c']);
  });

  test('happens again from what the first one left', async () => {
    const files = await withDirectory();
    await put(files, 'd/a', 'content', false);
    files.crash(best);
    files.crash(worst);
    expect(await textOf(files, 'd/a')).toBe('content');
  });
});

describe('simulatedFiles', () => {
  test('a rename between directories is refused, because it is not atomic everywhere', async () => {
    const files = await withDirectory();
    await files.makeDirectory('e');
    await put(files, 'd/a', '', true);
    await expect(files.rename('d/a', 'e/a')).rejects.toThrow('EXDEV');
  });

  test('a file where a directory is wanted is refused', async () => {
    const files = await withDirectory();
    await put(files, 'd/a', '', true);
    await expect(files.makeDirectory('d/a')).rejects.toThrow('EEXIST');
    await expect(files.read('d')).rejects.toThrow('EISDIR');
  });

  test('paths are equal whether they are written with dots and doubled slashes or not', async () => {
    const files = await withDirectory();
    await put(files, './d//a', 'content', true);
    expect(await files.list('d/')).toEqual(['a']);
    expect(await files.list('')).toEqual(['d']);
    expect(await files.exists('/d')).toBe(false);
  });
});

async function withDirectory(): Promise<SimulatedFiles> {
  const files = simulatedFiles();
  await files.makeDirectory('d');
  return files;
}

async function put(
  files: SimulatedFiles,
  path: string,
  text: string,
  synced: boolean,
): Promise<void> {
  const file = await files.create(path);
  await file.write(bytesOf(text));
  if (synced) await file.sync();
  await file.close();
}

async function textOf(files: SimulatedFiles, path: string): Promise<string> {
  return new TextDecoder().decode(await files.read(path));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
