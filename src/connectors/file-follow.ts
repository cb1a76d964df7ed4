/**
 * Reads on in a file that grows: at its end it looks again now and then, through the clock of the job.
 *
 * A growing file can be replaced under its name, cut off, or cut off and filled again beyond the place that was reached.
 * All three are noticed (by its identity, its length, and the bytes before that place) and end the split with
 * SOURCE_CHANGED: to jump to another place would lose records in silence.
 */
import type { Clock } from '../core/clock.js';
import { TidemarkError } from '../core/errors.js';
import type { Files } from '../core/runtime.js';
import { openFile, readAt, shrunk, type ByteReader } from './file-bytes.js';
import type { Interruption } from './interruption.js';

export interface FollowOptions {
  readonly clock: Clock;
  /** ms between two looks at the end of the file. */
  readonly everyMs: number;
  readonly interruption: Interruption;
  /** Where to begin, in bytes. */
  readonly offset: number;
  /** The file is known to have been this long. */
  readonly atLeast: number;
}

/** How many bytes before the place reached are compared when the file has grown. */
const TAIL_BYTES = 64;

/**
 * A reader whose `read` waits for bytes, and gives 0 only when it is interrupted.
 *
 * @throws TidemarkError SOURCE_FAILED, SOURCE_CHANGED
 */
export async function followBytes(
  files: Files,
  path: string,
  options: FollowOptions,
): Promise<ByteReader> {
  const { handle, stat } = await openFile(files, path);
  const { clock, everyMs, interruption, offset, atLeast } = options;
  let position = offset;
  /** Of the file, as of the last look. */
  let size = stat.bytes;
  let tail: Uint8Array = new Uint8Array();

  async function isSame(): Promise<boolean> {
    const before = Buffer.alloc(tail.length);
    const start = position - tail.length;
    for (let done = 0; done < before.length;) {
      const count = await readAt(handle, path, before.subarray(done), start + done);
      if (count === 0) return false;
      done += count;
    }
    return before.equals(tail);
  }

  /** Refuses to go on in a file that is not the one it was. */
  async function look(): Promise<void> {
    const named = await files.stat(path);
    if (named === undefined) throw changed(path, position, 'no file');
    if (named.id !== stat.id) throw changed(path, position, 'another file of that name');
    if (named.bytes < position) throw shrunk(path, position, named.bytes);
    size = named.bytes;
  }

  if (size < atLeast) {
    await handle.close();
    throw shrunk(path, atLeast, size);
  }
  return {
    async read(target) {
      for (;;) {
        const count = await readAt(handle, path, target, position);
        if (count > 0) {
          // Beyond what was there at the last look, the file may have been written anew.
          if (position >= size && !(await isSame())) throw changed(path, position, 'other bytes');
          const read = target.subarray(0, count);
          tail = new Uint8Array(Buffer.concat([tail, read.subarray(-TAIL_BYTES)])).slice(
            -TAIL_BYTES,
          );
          position += count;
          return count;
        }
        await look();
        if (!(await interruption.until(clock, clock.now() + everyMs))) return 0;
      }
    },
    bytesRead: () => position,
    close: () => handle.close(),
  };
}

function changed(path: string, position: number, got: string): TidemarkError {
  return new TidemarkError('SOURCE_CHANGED', {
    expected: `the file that was read up to byte ${position}, to read on in it`,
    got,
    where: path,
    hint: 'A followed file must only grow. Put it back; where logs are rotated, follow their directory instead.',
  });
}
