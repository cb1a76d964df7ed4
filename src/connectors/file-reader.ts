/**
 * Reads one file as a split: pulls bytes when asked, cuts them into records, decodes them, and keeps the cursor.
 *
 * A cursor holds more than an offset. The checksum of the bytes just before it finds out a file that was replaced or
 * written anew in the meantime, which an offset alone would go on reading from the middle of another record.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { basename } from 'node:path';
import { z } from 'zod';
import type { Cursor, SourceChunk, SplitReader } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import { CHUNK_ELEMENTS_MAX, type Origin, type Unreadable } from '../core/flow.js';
import { crc32 } from '../state/checksum.js';
import type { Runtime } from '../core/runtime.js';
import { openBytes, shrunk, type ByteReader } from './file-bytes.js';
import { followBytes } from './file-follow.js';
import { Undecodable, type Decode, type RawRecord } from './file-format.js';
import { LINE_FEED } from './file-quotes.js';
import { RecordSplitter } from './file-splitter.js';
import type { Interruption } from './interruption.js';
import { sourceChunk } from './source-chunk.js';

export interface FileLayout {
  readonly runtime: Runtime;
  readonly path: string;
  readonly gzip: boolean;
  readonly maxLineBytes: number;
  /** The delimiter of fields as a byte; undefined where each line is a record. */
  readonly delimiter: number | undefined;
  /** Where the file may grow: how often to look, and how to be told to stop waiting. */
  readonly follow?: { readonly everyMs: number; readonly interruption: Interruption } | undefined;
}

/** Where the next record begins, and how to tell that the file is still the same. */
export interface FileCursor {
  /** Bytes before it (for gzip: unpacked). */
  readonly offset: number;
  /** The number of its line, from 1. */
  readonly line: number;
  /** How many bytes before it are in the checksum, and their CRC-32. */
  readonly tailBytes: number;
  readonly tailChecksum: number;
}

const cursorSchema = z.object({
  offset: z.number().int().min(0),
  line: z.number().int().min(1),
  tailBytes: z.number().int().min(0),
  tailChecksum: z.number().int().min(0),
});

export const FILE_BEGIN: FileCursor = { offset: 0, line: 1, tailBytes: 0, tailChecksum: 0 };

const TAIL_BYTES_MAX = 64;
const RAW_CHARS_MAX = 1000;

/** Reads a cursor that the commit gave back. */
export function fileCursor(cursor: Cursor, path: string): FileCursor {
  const result = cursorSchema.safeParse(cursor);
  if (result.success) return result.data;
  throw new TidemarkError('SOURCE_CHANGED', {
    expected: 'the cursor of a file',
    got: show(cursor),
    where: path,
    hint: 'Another kind of source was read here before; keep it, or remove the state to begin again.',
  });
}

/** The records of a file behind a cursor, not yet decoded. */
export class RecordReader {
  readonly #bytes: ByteReader;
  readonly #splitter: RecordSplitter;
  readonly #layout: FileLayout;
  /** Whether all buffered bytes are ASCII, which are turned into text fastest. */
  #isAscii = true;
  /** A last line without an end was taken for whole: nothing may follow it. */
  #isAtEnd: boolean;

  private constructor(
    bytes: ByteReader,
    splitter: RecordSplitter,
    options: { readonly layout: FileLayout; readonly isAtEnd: boolean },
  ) {
    this.#bytes = bytes;
    this.#splitter = splitter;
    this.#layout = options.layout;
    this.#isAtEnd = options.isAtEnd;
  }

  /** @throws TidemarkError SOURCE_FAILED, SOURCE_CHANGED */
  static async open(layout: FileLayout, cursor: FileCursor): Promise<RecordReader> {
    const { path, maxLineBytes, delimiter } = layout;
    const bytes = await bytesOf(layout, cursor);
    try {
      const endsLine = await checkTail(bytes, cursor, path);
      const { offset, line } = cursor;
      const splitter = new RecordSplitter({ delimiter, maxLineBytes, offset, line });
      const reader = new RecordReader(bytes, splitter, { layout, isAtEnd: !endsLine });
      // What is wrong with a file is said at once; a file that grows may be empty for now.
      if (layout.follow === undefined) await reader.#fill();
      return reader;
    } catch (error) {
      await bytes.close();
      throw error;
    }
  }

  /** At most `count` records; none at the end, or when a wait for more was interrupted. Fewer are no sign of the end. */
  async take(count: number): Promise<RawRecord[]> {
    const records: RawRecord[] = [];
    while (records.length < count) {
      const step = this.#splitter.next();
      if (step === 'end' || (step === 'starved' && records.length > 0)) break;
      if (step !== 'starved')
        records.push(this.#record(step === 'broken' ? this.#splitter.reason : undefined));
      else if (!(await this.#fill())) break;
    }
    return records;
  }

  cursor(): FileCursor {
    const tail = this.#splitter.before(TAIL_BYTES_MAX);
    return {
      offset: this.#splitter.offset,
      line: this.#splitter.nextLine,
      tailBytes: tail.length,
      tailChecksum: crc32(tail),
    };
  }

  /** Bytes on disk that have been consumed; for gzip including what is still in the buffer. */
  bytesRead(isPacked: boolean): number {
    return isPacked ? this.#bytes.bytesRead() : this.#splitter.offset;
  }

  close(): Promise<void> {
    return this.#bytes.close();
  }

  /** Returns false when a wait for bytes was interrupted: the file has not ended, there is only nothing more yet. */
  async #fill(): Promise<boolean> {
    const { follow, path } = this.#layout;
    const count = await this.#bytes.read(this.#splitter.room());
    if (count === 0 && follow !== undefined) return false;
    if (count > 0 && this.#isAtEnd) throw grown(path, this.#splitter.nextLine);
    this.#splitter.filled(count);
    this.#isAscii = isAscii(this.#splitter.bytes);
    return true;
  }

  /** Each record gets a text of its own: parts of a large text would keep all of it alive in the state. */
  #record(broken: string | undefined): RawRecord {
    const { bytes, start, end, line, hasQuotes } = this.#splitter;
    const text = bytes.toString(this.#isAscii ? 'latin1' : 'utf8', start, end);
    const isForeign =
      !this.#isAscii && text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end));
    const problem = broken ?? (isForeign ? 'the bytes are not UTF-8' : undefined);
    return { text, line, hasQuotes, problem };
  }
}

/** Reads the split from the cursor on; `decode` makes the values. */
export async function openFileSplit(
  layout: FileLayout,
  cursor: FileCursor,
  decode: Decode,
): Promise<SplitReader> {
  const reader = await RecordReader.open(layout, cursor);
  const origin: Origin = { name: basename(layout.path), unit: 'line' };
  return {
    async read(): Promise<SourceChunk | undefined> {
      const records = await reader.take(CHUNK_ELEMENTS_MAX);
      if (records.length === 0) return undefined;
      return {
        chunk: chunkOf(origin, records, decode(records)),
        cursor: reader.cursor(),
        bytesRead: reader.bytesRead(layout.gzip),
      };
    },
    interrupt: () => layout.follow?.interruption.raise(),
    close: () => reader.close(),
  };
}

function chunkOf(origin: Origin, records: readonly RawRecord[], decoded: readonly unknown[]) {
  const values: unknown[] = [];
  const positions: number[] = [];
  const unreadable: Unreadable[] = [];
  records.forEach(({ line, text }, index) => {
    const value = decoded[index];
    if (value instanceof Undecodable)
      unreadable.push({
        before: values.length,
        position: line,
        raw: text.length > RAW_CHARS_MAX ? `${text.slice(0, RAW_CHARS_MAX)}…` : text,
        reason: value.reason,
      });
    else {
      values.push(value);
      positions.push(line);
    }
  });
  return sourceChunk(origin, { values, positions, unreadable });
}

function bytesOf(layout: FileLayout, cursor: FileCursor): Promise<ByteReader> {
  const { runtime, path, gzip, follow } = layout;
  const offset = cursor.offset - cursor.tailBytes;
  if (follow === undefined) return openBytes(runtime.files, path, { gzip, offset });
  const { clock, files } = runtime;
  return followBytes(files, path, { ...follow, clock, offset, atLeast: cursor.offset });
}

/** Compares the bytes before the cursor with those of the commit. Tells whether a line ends there. */
async function checkTail(
  bytes: ByteReader,
  { tailBytes, tailChecksum, offset }: FileCursor,
  path: string,
): Promise<boolean> {
  if (tailBytes === 0) return true;
  const tail = Buffer.alloc(tailBytes);
  for (let done = 0; done < tailBytes;) {
    const count = await bytes.read(tail.subarray(done));
    if (count === 0) throw shrunk(path, offset, offset - tailBytes + done);
    done += count;
  }
  const found = crc32(tail);
  if (found === tailChecksum) return tail.at(-1) === LINE_FEED;
  throw new TidemarkError('SOURCE_CHANGED', {
    expected: `the bytes before offset ${offset} to have the checksum ${tailChecksum}`,
    got: `the checksum ${found}`,
    where: path,
    hint: 'The file is not the one that was read before; put it back, or remove the state to begin again.',
  });
}

function grown(path: string, line: number): TidemarkError {
  return new TidemarkError('SOURCE_CHANGED', {
    expected: 'nothing behind the last line, which had no line end when it was read',
    got: 'more bytes',
    where: `${path} line ${line}`,
    hint: 'Only whole lines can be read while a file grows; remove the state to read it again.',
  });
}
