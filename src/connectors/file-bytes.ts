/** Reads the bytes of one file from an offset, only when asked to; gzip is unpacked on the way. */
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TidemarkError, show } from '../core/errors.js';
import type { Files, FileStat, ReadableFile } from '../core/runtime.js';
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
export async function openBytes(
  files: Files,
  path: string,
  options: ByteReaderOptions,
): Promise<ByteReader> {
  const { handle, stat } = await openFile(files, path);
  try {
    if (options.gzip) return await skipped(gzipReader(path, handle), path, options.offset);
    const { bytes: size } = stat;
    if (size < options.offset) throw shrunk(path, options.offset, size);
    return plainReader({ path, handle, size, offset: options.offset });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** @throws TidemarkError SOURCE_FAILED when there is no file that can be read */
export async function openFile(
  files: Files,
  path: string,
): Promise<{ handle: ReadableFile; stat: FileStat }> {
  const refused = (cause: unknown): never => {
    throw failed(path, 'a file that can be read', cause, 'Check the path and its permissions.');
  };
  // Looked at first: to open a pipe that nobody writes to would wait for ever.
  const named = await files.stat(path).catch(refused);
  if (named !== undefined && named.kind !== 'file') throw notRegular(path, named.kind);
  const handle = await files.open(path).catch(refused);
  return { handle, stat: await handle.stat() };
}

function notRegular(path: string, kind: FileStat['kind']): TidemarkError {
  return new TidemarkError('SOURCE_FAILED', {
    expected: 'a regular file',
    got: kind === 'directory' ? 'a directory' : 'something else, such as a pipe or a device',
    where: path,
    hint:
      kind === 'directory'
        ? 'Read it with directory(path, { … }), or list its files one by one.'
        : 'Only regular files can be read again after a crash; write its content to one first.',
  });
}

interface PlainFile {
  readonly path: string;
  readonly handle: ReadableFile;
  readonly size: number;
  readonly offset: number;
}

function plainReader({ path, handle, size, offset }: PlainFile): ByteReader {
  let position = offset;
  return {
    async read(target) {
      const bytesRead = await readAt(handle, path, target, position);
      position += bytesRead;
      if (bytesRead === 0 && position < size) throw shrunk(path, size, position);
      return bytesRead;
    },
    bytesRead: () => position,
    close: () => handle.close(),
  };
}

/** One block at most, from a place of the file. */
export function readAt(
  handle: ReadableFile,
  path: string,
  target: Uint8Array,
  position: number,
): Promise<number> {
  const block = target.length > BLOCK_BYTES ? target.subarray(0, BLOCK_BYTES) : target;
  return handle.read(block, position).catch((cause: unknown) => {
    throw failed(path, 'its next bytes', cause, 'See the cause; the same read may succeed later.');
  });
}

async function* blocksOf(handle: ReadableFile, path: string): AsyncGenerator<Uint8Array> {
  for (let position = 0; ;) {
    // A block of its own each time: the stream keeps it.
    const block = Buffer.alloc(BLOCK_BYTES);
    const count = await readAt(handle, path, block, position);
    if (count === 0) return;
    position += count;
    yield block.subarray(0, count);
  }
}

function gzipReader(path: string, handle: ReadableFile): ByteReader {
  const packed = Readable.from(blocksOf(handle, path), { objectMode: false, highWaterMark: 1 });
  const unpacked = createGunzip({ chunkSize: BLOCK_BYTES });
  // The error reaches whoever reads `unpacked`; the callback only keeps it from being thrown twice.
  pipeline(packed, unpacked, () => {});
  const blocks: AsyncIterator<Uint8Array> = unpacked[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  const pull = async (): Promise<boolean> => {
    const next = await blocks.next().catch((cause: unknown) => {
      if (cause instanceof TidemarkError) throw cause;
      throw failed(
        path,
        'an intact gzip file',
        cause,
        'The file is damaged or cut; fetch it again.',
      );
    });
    if (next.done === true) await checkBehind(handle, path, unpacked.bytesWritten);
    else rest = next.value;
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

/** Behind the last member zlib takes zeros for padding, as tapes need it, and leaves out whatever follows them. */
async function checkBehind(handle: ReadableFile, path: string, end: number): Promise<void> {
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let position = end; ;) {
    const count = await readAt(handle, path, block, position);
    if (count === 0) return;
    const at = block.subarray(0, count).findIndex((byte) => byte !== 0);
    if (at >= 0)
      throw failed(
        path,
        'an intact gzip file',
        `other bytes at ${position + at}, behind its end`,
        'The file is damaged, or something was written behind it; fetch it again.',
      );
    position += count;
  }
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
