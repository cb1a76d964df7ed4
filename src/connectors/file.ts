/**
 * Reads records from files: csv, tsv and jsonl, plain or gzip, each file a split that can be read again from a cursor.
 *
 * A line that cannot be read is never an exception: it goes to the dead letters with its number and the reason, and
 * the next line is read. Memory stays flat whatever the size of the file, since bytes are read only when asked for.
 */
import { basename } from 'node:path';
import { z } from 'zod';
import type { Source } from '../core/connector.js';
import { durationMs, type Duration } from '../core/duration.js';
import { TidemarkError } from '../core/errors.js';
import type { Files } from '../core/runtime.js';
import { checkOptions, durationOption } from '../dsl/options.js';
import {
  formatOptions,
  isPacked,
  isUnique,
  openRecords,
  type DelimitedFileOptions,
  type FileRow,
  type JsonlFileOptions,
} from './file-open.js';

export interface FollowFileOptions {
  /** How often to look whether the file has grown. Default 250 ms, at least 10. */
  readonly every?: Duration;
}

/** A file that may grow while it is read. */
export interface Follow {
  /** Whether to wait for more at the end, for ever. Default false: the source ends there. Not for gzip. */
  readonly follow?: boolean | FollowFileOptions;
}

const FOLLOW_MS = 250;
const FOLLOW_MS_MIN = 10;
const followSchema = z.strictObject({
  every: durationOption()
    .refine((every) => durationMs(every, 'file()') >= FOLLOW_MS_MIN, 'at least 10 ms')
    .optional(),
});

const pathSchema = z.string().min(1);
const schema = z.strictObject({
  paths: z.union([pathSchema, z.array(pathSchema).min(1).refine(isUnique, 'each path once')]),
  options: formatOptions({ follow: z.union([z.boolean(), followSchema]).default(false) }),
});

/**
 * A replayable source of the records of one or more files, each file a split under its path as given.
 *
 * Text is UTF-8; a byte order mark is skipped; lines end in LF or CRLF, the last one may end without; empty lines
 * are skipped but counted. Positions are line numbers from 1, the header counted. A cursor holds the byte offset of
 * the next record, so that a plain file is read on at once and a gzip file is unpacked from its start up to there.
 * Unreadable, with their line and the reason: bad JSON, a wrong number of columns, a quote that is not closed or
 * stands in the wrong place (costs one line), bytes that are not UTF-8, a line that is too long.
 *
 * The source ends at the end of the files, unless `follow` is set: then it waits there for more, and for the end of a
 * last line that has none yet; what stands behind the last line end when the job stops is left for the next run. A
 * followed file may only grow: one that was replaced under its name, or cut off, fails with SOURCE_CHANGED.
 *
 * @example
 * import { mkdtemp, rm, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { file, nodeRuntime } from 'tidemark';
 *
 * const directory = await mkdtemp(join(tmpdir(), 'tidemark-'));
 * const path = join(directory, 'plays.csv');
 * await writeFile(path, 'user,song\n1,"Hello, Goodbye"\n2,Yesterday\n');
 *
 * const plays = file(path, { format: 'csv' });
 * const reader = await plays.open(path, undefined, nodeRuntime());
 * const first = await reader.read();
 * console.log(JSON.stringify(first?.chunk.values));
 * // => [{"user":"1","song":"Hello, Goodbye"},{"user":"2","song":"Yesterday"}]
 * console.log(first?.chunk.positions.join());
 * // => 2,3
 * await reader.close();
 * await rm(directory, { recursive: true });
 *
 * @throws TidemarkError OPTIONS_INVALID at once; when opened or read SOURCE_FAILED (no such file, a directory, damaged
 *   gzip, a header that names no columns) or SOURCE_CHANGED (the file is not the one that the cursor was made from)
 */
export function file<const Columns extends readonly string[] = readonly string[]>(
  paths: string | readonly string[],
  options: DelimitedFileOptions<Columns> & Follow,
): Source<FileRow<Columns[number]>>;
export function file(
  paths: string | readonly string[],
  options: JsonlFileOptions & Follow,
): Source<unknown>;
export function file(
  paths: string | readonly string[],
  options: (DelimitedFileOptions<readonly string[]> | JsonlFileOptions) & Follow,
): Source<unknown> {
  const checked = checkOptions(schema, { paths, options }, 'file()');
  const all = [checked.paths].flat();
  const { follow, ...format } = checked.options;
  const followMs = follow === false ? undefined : intervalOf(follow);
  const packed = all.find((path) => isPacked(path, format));
  if (followMs !== undefined && packed !== undefined) throw packedFollowed(packed);
  const rest = all.length === 1 ? '' : ` and ${all.length - 1} more`;
  return {
    name: `${basename(all[0] ?? '')}${rest}`,
    replayable: true,
    unbounded: followMs !== undefined,
    async size({ files }) {
      // Nobody knows how long a file will be that grows.
      if (followMs !== undefined) return undefined;
      const sizes = await Promise.all(all.map((path) => sizeOf(files, path)));
      return sizes.reduce(
        (sum, size) => (sum === undefined || size === undefined ? undefined : sum + size),
        0,
      );
    },
    splits: () => Promise.resolve([...all]),
    open: (split, cursor, runtime) => openRecords(split, { runtime, cursor, format, followMs }),
  };
}

function intervalOf(follow: true | { readonly every?: Duration | undefined }): number {
  const every = follow === true ? undefined : follow.every;
  return every === undefined ? FOLLOW_MS : durationMs(every, 'file(), follow.every');
}

function packedFollowed(path: string): TidemarkError {
  return new TidemarkError('OPTIONS_INVALID', {
    expected: 'a plain file to follow',
    got: `the gzip file ${path}`,
    where: 'file(), options.follow',
    hint: 'A gzip file is written as a whole: leave follow out, or follow its directory with directory(…).',
  });
}

/** Undefined when it cannot be known; `open` says what is wrong with the file. */
export async function sizeOf(files: Files, path: string): Promise<number | undefined> {
  try {
    return (await files.stat(path))?.bytes;
  } catch {
    return undefined;
  }
}
