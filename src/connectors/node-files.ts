/**
 * The real file system behind the `Files` contract: what Tidemark needs of node:fs, and when a byte is on disk.
 *
 * A file needs two syncs to survive a power cut: one for its bytes (`WritableFile.sync`) and one for its name in the
 * directory (`syncDirectory`). Naive code forgets the second and finds an empty directory after the cut.
 */
import { access, mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FileStat, Files, ReadableFile, WritableFile } from '../core/runtime.js';

/**
 * `Files` on node:fs. Paths are as Node takes them; relative ones start at the working directory. Errors are those
 * of Node (`ENOENT`, `ENOSPC`, …), because only the caller knows what the file was for.
 *
 * @example
 * import { mkdtemp, rm } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { nodeFiles } from 'tidemark';
 *
 * const directory = await mkdtemp(join(tmpdir(), 'tidemark-'));
 * const file = await nodeFiles.create(join(directory, 'a.txt'));
 * await file.write(new TextEncoder().encode('hello'));
 * await file.sync();
 * await file.close();
 * await nodeFiles.syncDirectory(directory);
 * console.log((await nodeFiles.list(directory)).join());
 * // => a.txt
 * await rm(directory, { recursive: true });
 */
export const nodeFiles: Files = {
  makeDirectory,
  async list(path) {
    const names: string[] = await readdir(path).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    // Code-unit order, which is the same on every machine; the order of the system is not.
    return names.toSorted();
  },
  async create(path) {
    return writable(await open(path, 'w'));
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  exists: (path) =>
    access(path).then(
      () => true,
      () => false,
    ),
  syncDirectory,
  read: (path) => readFile(path),
  async stat(path) {
    try {
      return statOf(await stat(path, { bigint: true }));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  open: async (path) => readable(await open(path, 'r')),
};

function readable(handle: FileHandle): ReadableFile {
  return {
    stat: async () => statOf(await handle.stat({ bigint: true })),
    read: async (target, position) =>
      (await handle.read(target, 0, target.length, position)).bytesRead,
    close: () => handle.close(),
  };
}

/** Device and inode name a file; as numbers they would lose digits on some file systems. */
function statOf(found: BigIntStats): FileStat {
  const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other';
  return { kind, bytes: Number(found.size), id: `${found.dev}:${found.ino}` };
}

/** A directory that was just made is a name in its parent, so the parents of all new ones are synced too. */
async function makeDirectory(path: string): Promise<void> {
  const wanted = resolve(path);
  const topmost = await mkdir(wanted, { recursive: true });
  if (topmost === undefined) return;
  for (let made = wanted; ; made = dirname(made)) {
    await syncDirectory(dirname(made));
    if (made === topmost || made === dirname(made)) return;
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory for a sync; its journal orders the names itself.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function writable(handle: FileHandle): WritableFile {
  return {
    async write(bytes) {
      // One call may write only a part, on a full disk or a network mount.
      for (let done = 0; done < bytes.byteLength;) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done);
        done += bytesWritten;
      }
    },
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
