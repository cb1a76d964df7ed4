/** Reads the bytes of one file from an offset, only when asked to; gzip is unpacked on the way. */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TidemarkError, show } from '../core/errors.js';
import { BLOCK_BYTES } from './file-splitter.js';

export interface ByteReader {
  /** Fills the target from its start; resolves with the number of bytes, 0 at the end. */
  read(target: Uint8Array): Promise<number>;
  /** Bytes of the file as it lies on disk that have been used so far, for progress. */
  bytesRead(): number;
  close(): Promise<void>;
}

export interface ByteReaderOptions {
  readonly gzip: boolean;
  /** Where to begin, in bytes of content (for gzip: unpacked). */
  readonly offset: number;
}

/** @throws TidemarkError SOURCE_FAILED, SOURCE_CHANGED when the file is shorter than the offset */
export async function openBytes(path: string, options: ByteReaderOptions): Promise<ByteReader> {
  const { handle, size } = await openFile(path);
  try {
    if (options.gzip) return await skipped(gzipReader(path, handle), path, options.offset);
    if (size < options.offset) throw shrunk(path, options.offset, size);
    return plainReader({ path, handle, size, offset: options.offset });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openFile(path: string): Promise<{ handle: FileHandle; size: number }> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw failed(path, 'a file that can be read', cause, 'Check the path and its permissions.');
  });
  const stat = await handle.stat();
  if (stat.isFile()) return { handle, size: stat.size };
  await handle.close();
  throw new TidemarkError('SOURCE_FAILED', {
    expected: 'a regular file',
    got: stat.isDirectory() ? 'a directory' : 'something else, such as a pipe or a device',
    where: path,
    hint: stat.isDirectory()
      ? 'List the files of the directory one by one.'
      : 'Only regular files can be read again after a crash; write its content to one first.',
  });
}

interface PlainFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly size: number;
  readonly offset: number;
}

function plainReader({ path, handle, size, offset }: PlainFile): ByteReader {
  let position = offset;
  return {
    async read(target) {
      const length = Math.min(target.length, BLOCK_BYTES);
      const { bytesRead } = await handle
        .read(target, 0, length, position)
        .catch((cause: unknown) => {
          throw failed(
            path,
            'its next bytes',
            cause,
            'See the cause; the same read may succeed later.',
          );
        });
      position += bytesRead;
      if (bytesRead === 0 && position < size) throw shrunk(path, size, position);
      return bytesRead;
    },
    bytesRead: () => position,
    close: () => handle.close(),
  };
}

function gzipReader(path: string, handle: FileHandle): ByteReader {
  const packed = handle.createReadStream({ highWaterMark: BLOCK_BYTES, autoClose: false });
  const unpacked = createGunzip({ chunkSize: BLOCK_BYTES });
  // The error reaches whoever reads `unpacked`; the callback only keeps it from being thrown twice.
  pipeline(packed, unpacked, () => {});
  const blocks: AsyncIterator<Uint8Array> = unpacked[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  const pull = async (): Promise<boolean> => {
    const next = await blocks.next().catch((cause: unknown) => {
      throw failed(
        path,
        'an intact gzip file',
        cause,
        'The file is damaged or cut; fetch it again.',
      );
    });
    if (next.done !== true) rest = next.value;
    return next.done !== true;
  };
  return {
    async read(target) {
      while (rest.length === 0) if (!(await pull())) return 0;
      const count = Math.min(rest.length, target.length);
      target.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    bytesRead: () => unpacked.bytesWritten,
    async close() {
      unpacked.destroy();
      packed.destroy();
      await handle.close();
    },
  };
}

/** There is no way into the middle of a gzip file: everything before the offset is unpacked and dropped. */
async function skipped(reader: ByteReader, path: string, offset: number): Promise<ByteReader> {
  const scratch = Buffer.alloc(Math.min(offset, BLOCK_BYTES));
  try {
    for (let done = 0; done < offset;) {
      const count = await reader.read(scratch.subarray(0, offset - done));
      if (count === 0) throw shrunk(path, offset, done);
      done += count;
    }
    return reader;
  } catch (error) {
    await reader.close();
    throw error;
  }
}

function failed(path: string, expected: string, cause: unknown, hint: string): TidemarkError {
  return new TidemarkError('SOURCE_FAILED', {
    expected,
    got: show(cause),
    where: path,
    hint,
    cause,
  });
}

/** The error for a file that ends before `expected` bytes. */
export function shrunk(path: string, expected: number, got: number): TidemarkError {
  return new TidemarkError('SOURCE_CHANGED', {
    expected: `at least ${expected} bytes, up to which it was read before`,
    got: `${got} bytes`,
    where: path,
    hint: 'Files must not change while a job reads them; put the old file back, or remove the state to begin again.',
  });
}
