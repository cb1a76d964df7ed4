import { describe, expect, test } from 'vitest';
import type { Files } from '../core/runtime.js';
import { filesSuite } from './files-suite.js';
import { simulatedFiles } from './simulated-files.js';

/** A file system that breaks one law, and the fact that must notice it. */
const breaches: Readonly<Record<string, (files: Files) => Partial<Files>>> = {
  'a caller may reuse its bytes after a write': (files) => ({
    async create(path) {
      const file = await files.create(path);
      const late: Uint8Array[] = [];
      return {
        write: async (bytes) => void late.push(bytes),
        sync: () => file.sync(),
        async close() {
          for (const bytes of late) await file.write(bytes);
          await file.close();
        },
      };
    },
  }),
  'names are listed in code-unit order, directories among them': (files) => ({
    list: async (path) => (await files.list(path)).toReversed(),
  }),
  'a missing directory lists nothing': () => ({
    list: () => Promise.reject(new Error('ENOENT')),
  }),
  'a rename replaces its target': (files) => ({
    async rename(from, to) {
      if (!(await files.exists(to))) await files.rename(from, to);
    },
  }),
  'a removed file is gone, and removing it again is harmless': (files) => ({
    async remove(path) {
      await files.read(path);
      await files.remove(path);
    },
  }),
};

describe('filesSuite', () => {
  test.each(Object.keys(breaches))('notices a breach of: %s', async (fact) => {
    expect(await failures(breaches[fact])).toContain(fact);
  });

  test('finds nothing wrong with a file system that keeps the contract', async () => {
    expect(await failures(() => ({}))).toEqual([]);
  });

  test('cleans up after each test, also after one that fails', async () => {
    let open = 0;
    await failures(
      () => ({ list: () => Promise.reject(new Error('broken')) }),
      (change) => (open += change),
    );
    expect(open).toBe(0);
  });
});

/** Runs the suite without a test runner, and gives the facts that failed. */
async function failures(
  breach: ((files: Files) => Partial<Files>) | undefined,
  count: (change: number) => void = () => {},
): Promise<string[]> {
  const bodies = new Map<string, () => Promise<void>>();
  filesSuite(
    'broken',
    async () => {
      const sound = simulatedFiles();
      await sound.makeDirectory('/root');
      count(1);
      const files = overlaid(sound, breach?.(sound) ?? {});
      return { files, root: '/root', cleanUp: async () => count(-1) };
    },
    {
      describe: (_, body) => body(),
      test: (fact, body) => void bodies.set(fact, body),
      expect,
    },
  );
  const failed: string[] = [];
  for (const [fact, body] of bodies)
    await body().catch(() => {
      failed.push(fact);
    });
  return failed;
}

function overlaid(sound: Files, broken: Partial<Files>): Files {
  return {
    makeDirectory: (path) => sound.makeDirectory(path),
    list: (path) => sound.list(path),
    create: (path) => sound.create(path),
    rename: (from, to) => sound.rename(from, to),
    remove: (path) => sound.remove(path),
    exists: (path) => sound.exists(path),
    syncDirectory: (path) => sound.syncDirectory(path),
    read: (path) => sound.read(path),
    stat: (path) => sound.stat(path),
    open: (path) => sound.open(path),
    ...broken,
  };
}
