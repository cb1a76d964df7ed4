/**
 * The laws that every `Files` must keep, as one suite: the real file system and the simulated one run through it.
 *
 * The test runner is handed in, so that this module can be published without depending on one.
 */
import type { Files } from '../core/runtime.js';

/** The part of a test runner that the suite uses; those of vitest and jest fit. */
export interface FilesTestRunner {
  readonly describe: (name: string, body: () => void) => void;
  readonly test: (name: string, body: () => Promise<void>) => void;
  readonly expect: (actual: unknown) => FilesExpectation;
}

export interface FilesExpectation {
  toEqual(expected: unknown): void;
  readonly rejects: { toThrow(): Promise<void> };
}

/** One file system under test: where the suite may write, and how to clean up behind it. */
export interface FilesUnderTest {
  readonly files: Files;
  /** An existing, empty directory of its own for each test. */
  readonly root: string;
  cleanUp(): Promise<void>;
}

type Check = (under: FilesUnderTest, expect: FilesTestRunner['expect']) => Promise<void>;

/** Registers the required laws of the contract. `make` is called once per test. */
export function filesSuite(
  name: string,
  make: () => Promise<FilesUnderTest>,
  { describe, test, expect }: FilesTestRunner,
): void {
  describe(`files contract: ${name}`, () => {
    for (const [fact, check] of Object.entries({
      ...contentLaws,
      ...nameLaws,
      ...directoryLaws,
      ...openLaws,
    }))
      test(fact, async () => {
        const under = await make();
        try {
          await check(under, expect);
        } finally {
          await under.cleanUp();
        }
      });
  });
}

const contentLaws: Readonly<Record<string, Check>> = {
  'what was written in pieces is read as a whole': async ({ files, root }, expect) => {
    const file = await files.create(`${root}/a`);
    await file.write(bytesOf('one '));
    await file.write(bytesOf(''));
    await file.write(bytesOf('two'));
    await file.sync();
    await file.write(bytesOf(' three'));
    await file.close();
    expect(await textOf(files, `${root}/a`)).toEqual('one two three');
  },
  'a caller may reuse its bytes after a write': async ({ files, root }, expect) => {
    const file = await files.create(`${root}/a`);
    for (const bytes of [bytesOf('x'), Buffer.from('y')]) {
      await file.write(bytes);
      bytes.fill(0);
    }
    await file.close();
    expect(await textOf(files, `${root}/a`)).toEqual('xy');
  },
  'creating an existing file empties it': async ({ files, root }, expect) => {
    await put(files, `${root}/a`, 'long content');
    await put(files, `${root}/a`, 'short');
    expect(await textOf(files, `${root}/a`)).toEqual('short');
  },
  'a file that nothing was written to exists and is empty': async ({ files, root }, expect) => {
    await put(files, `${root}/a`, '');
    expect(await files.exists(`${root}/a`)).toEqual(true);
    expect(await textOf(files, `${root}/a`)).toEqual('');
  },
  'a large file comes back byte by byte': async ({ files, root }, expect) => {
    const part = Uint8Array.from({ length: 100_003 }, (_, index) => index % 251);
    const file = await files.create(`${root}/large`);
    for (let round = 0; round < 5; round += 1) await file.write(part);
    await file.close();
    const read = await files.read(`${root}/large`);
    expect(read.byteLength).toEqual(5 * part.byteLength);
    expect(read.every((byte, index) => byte === part[index % part.byteLength])).toEqual(true);
  },
  'a closed file takes no more bytes': async ({ files, root }, expect) => {
    const file = await files.create(`${root}/a`);
    await file.close();
    await expect(file.write(bytesOf('x'))).rejects.toThrow();
  },
};

const nameLaws: Readonly<Record<string, Check>> = {
  'a renamed file is found under its new name only': async ({ files, root }, expect) => {
    await put(files, `${root}/a`, 'content');
    await files.rename(`${root}/a`, `${root}/b`);
    expect(await files.list(root)).toEqual(['b']);
    expect(await textOf(files, `${root}/b`)).toEqual('content');
  },
  'a rename replaces its target': async ({ files, root }, expect) => {
    await put(files, `${root}/a`, 'new');
    await put(files, `${root}/b`, 'old');
    await files.rename(`${root}/a`, `${root}/b`);
    expect(await files.list(root)).toEqual(['b']);
    expect(await textOf(files, `${root}/b`)).toEqual('new');
  },
  'renaming a missing file rejects and leaves the target alone': async (
    { files, root },
    expect,
  ) => {
    await put(files, `${root}/b`, 'kept');
    await expect(files.rename(`${root}/a`, `${root}/b`)).rejects.toThrow();
    expect(await textOf(files, `${root}/b`)).toEqual('kept');
  },
  'a removed file is gone, and removing it again is harmless': async ({ files, root }, expect) => {
    await put(files, `${root}/a`, 'content');
    await files.remove(`${root}/a`);
    await files.remove(`${root}/a`);
    expect(await files.exists(`${root}/a`)).toEqual(false);
    expect(await files.list(root)).toEqual([]);
  },
  'reading a missing file rejects': async ({ files, root }, expect) => {
    await expect(files.read(`${root}/none`)).rejects.toThrow();
  },
  'creating a file in a missing directory rejects': async ({ files, root }, expect) => {
    await expect(files.create(`${root}/none/a`)).rejects.toThrow();
  },
};

const directoryLaws: Readonly<Record<string, Check>> = {
  'names are listed in code-unit order, directories among them': async (
    { files, root },
    expect,
  ) => {
    for (const name of ['b', '.hidden', 'B', 'a10', 'a9']) await put(files, `${root}/${name}`, '');
    await files.makeDirectory(`${root}/c`);
    expect(await files.list(root)).toEqual(['.hidden', 'B', 'a10', 'a9', 'b', 'c']);
  },
  'a missing directory lists nothing': async ({ files, root }, expect) => {
    expect(await files.list(`${root}/none`)).toEqual([]);
    expect(await files.exists(`${root}/none`)).toEqual(false);
  },
  'a directory is made with its parents, and making it again is harmless': async (
    { files, root },
    expect,
  ) => {
    await files.makeDirectory(`${root}/x/y/z`);
    await files.makeDirectory(`${root}/x/y/z`);
    expect(await files.list(`${root}/x`)).toEqual(['y']);
    expect(await files.exists(`${root}/x/y/z`)).toEqual(true);
    await put(files, `${root}/x/y/z/a`, 'deep');
    expect(await textOf(files, `${root}/x/y/z/a`)).toEqual('deep');
  },
  'a directory can be synced, a missing one cannot': async ({ files, root }, expect) => {
    await put(files, `${root}/a`, 'content');
    await files.syncDirectory(root);
    expect(await files.list(root)).toEqual(['a']);
    await expect(files.syncDirectory(`${root}/none`)).rejects.toThrow();
  },
};

const openLaws: Readonly<Record<string, Check>> = {
  'an open file is read at any place, also what was written behind': async (
    { files, root },
    expect,
  ) => {
    const written = await files.create(`${root}/a`);
    await written.write(bytesOf('abcdef'));
    const file = await files.open(`${root}/a`);
    const target = new Uint8Array(4);
    expect([await file.read(target, 1), textFrom(target)]).toEqual([4, 'bcde']);
    expect([await file.read(target, 5), textFrom(target)]).toEqual([1, 'fcde']);
    expect(await file.read(target, 6)).toEqual(0);
    await written.write(bytesOf('g'));
    expect([await file.read(target, 6), textFrom(target)]).toEqual([1, 'gcde']);
    expect((await file.stat()).bytes).toEqual(7);
    await file.close();
    await written.close();
  },
  'an open file stays the same when its name goes to another one': async (
    { files, root },
    expect,
  ) => {
    await put(files, `${root}/a`, 'old');
    const file = await files.open(`${root}/a`);
    await put(files, `${root}/b`, 'newer');
    await files.rename(`${root}/b`, `${root}/a`);
    const target = new Uint8Array(3);
    expect([await file.read(target, 0), textFrom(target)]).toEqual([3, 'old']);
    const [opened, named] = [await file.stat(), await files.stat(`${root}/a`)];
    expect([opened.id === named?.id, named?.bytes]).toEqual([false, 5]);
    await file.close();
  },
  'what a path names is known, and that it names nothing': async ({ files, root }, expect) => {
    await put(files, `${root}/a`, 'four');
    const before = await files.stat(`${root}/a`);
    expect([before?.kind, before?.bytes]).toEqual(['file', 4]);
    const again = await files.stat(`${root}/a`);
    expect(again?.id).toEqual(before?.id);
    expect((await files.stat(root))?.kind).toEqual('directory');
    expect(await files.stat(`${root}/none`)).toEqual(undefined);
    await expect(files.open(`${root}/none`)).rejects.toThrow();
  },
};

function textFrom(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

async function put(files: Files, path: string, text: string): Promise<void> {
  const file = await files.create(path);
  await file.write(bytesOf(text));
  await file.close();
}

async function textOf(files: Files, path: string): Promise<string> {
  return new TextDecoder().decode(await files.read(path));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
