/**
 * Reads all files of a directory, each file a split under its name, and those that are put there while the job runs.
 *
 * A directory is looked at by listing it, so a file must be complete when its name appears: write it under another name
 * (one with a dot in front) and rename it. Files are read in order, a few at a time, and never twice.
 */
import { z } from 'zod';
import type { Source, SplitReader } from '../core/connector.js';
import { durationMs, type Duration } from '../core/duration.js';
import { TidemarkError } from '../core/errors.js';
import type { Files, FileStat, Runtime } from '../core/runtime.js';
import { checkOptions, durationOption, functionOption } from '../dsl/options.js';
import { sizeOf } from './file.js';
import {
  formatOptions,
  openRecords,
  type DelimitedFileOptions,
  type FileRow,
  type JsonlFileOptions,
} from './file-open.js';

export interface FollowDirectoryOptions {
  /** How often to look for new files. Default 1 s, at least 10 ms. */
  readonly every?: Duration;
}

export interface DirectoryOptions {
  /** Names to read: text in which `*` stands for any characters and `?` for one, or a RegExp. Default: all. */
  readonly pattern?: string | RegExp;
  /** Whether to wait for new files for ever. Default false: the source ends with the files that are there. */
  readonly follow?: boolean | FollowDirectoryOptions;
  /** Compares two names; the lower one is read first. Default: by code units, as names with padded dates want it. */
  readonly order?: (one: string, other: string) => number;
  /** How many files are read at a time, 1 to 64. Default 1: strictly one after another. */
  readonly open?: number;
}

const FOLLOW_MS = 1000;
const FOLLOW_MS_MIN = 10;
const followSchema = z.strictObject({
  every: durationOption()
    .refine((every) => durationMs(every, 'directory()') >= FOLLOW_MS_MIN, 'at least 10 ms')
    .optional(),
});
const schema = z.strictObject({
  path: z.string().min(1),
  options: formatOptions({
    pattern: z.union([z.string().min(1), z.instanceof(RegExp)]).default('*'),
    follow: z.union([z.boolean(), followSchema]).default(false),
    order: functionOption<(one: string, other: string) => number>().optional(),
    open: z.number().int().min(1).max(64).default(1),
  }),
});

/**
 * A replayable source of the records of the files of a directory; formats, positions and unreadable records as in `file`.
 * Names that begin with a dot are left out; a name that fits the pattern but is no regular file is an error.
 *
 * A file must be complete when its name appears (rename it into place) and stay as it is until it has been read: one that
 * shrinks, grows, is replaced or goes away in the middle fails with SOURCE_CHANGED. Finished files are remembered by 8
 * bytes each and may be moved away at any time; a new file needs a new name. With 100,000 finished files still in the
 * directory the source fails with SOURCE_FAILED.
 *
 * Each file has a watermark of its own. A file that begins is waited for, but the watermark does not fall: what it holds
 * from before the watermark reached so far is late. So let names ascend with time, or allow for it in `outOfOrderness`.
 * While there is no file to read, `idleness` of `eventTime` says when the source stops holding others back.
 *
 * @example
 * import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { collect, directory, map, pipeline, run, unchecked } from 'tidemark';
 *
 * const path = await mkdtemp(join(tmpdir(), 'tidemark-'));
 * await writeFile(join(path, '.2026-02-02'), 'song\nYesterday\n');
 * await rename(join(path, '.2026-02-02'), join(path, '2026-02-02.csv'));
 * await writeFile(join(path, '2026-02-01.csv'), 'song\nHelp!\n');
 *
 * const songs = pipeline('songs', unchecked<{ song: string }>(), (play$) =>
 *   play$.pipe(map((play) => play.song)),
 * );
 * const out = collect<string>({ uid: 'out' });
 * await run(songs, { from: directory(path, { format: 'csv', pattern: '*.csv' }), to: out }).done;
 * console.log(out.values.join());
 * // => Help!,Yesterday
 * await rm(path, { recursive: true });
 *
 * @throws TidemarkError OPTIONS_INVALID at once; SOURCE_FAILED and SOURCE_CHANGED when it is read
 */
export function directory<const Columns extends readonly string[] = readonly string[]>(
  path: string,
  options: DelimitedFileOptions<Columns> & DirectoryOptions,
): Source<FileRow<Columns[number]>>;
export function directory(
  path: string,
  options: JsonlFileOptions & DirectoryOptions,
): Source<unknown>;
export function directory(
  path: string,
  options: (DelimitedFileOptions<readonly string[]> | JsonlFileOptions) & DirectoryOptions,
): Source<unknown> {
  const checked = checkOptions(schema, { path, options }, 'directory()').options;
  const { pattern, follow, order, open, ...format } = checked;
  const every = typeof follow === 'object' ? follow.every : undefined;
  const followMs = every === undefined ? FOLLOW_MS : durationMs(every, 'directory(), follow.every');
  const fits = matcherOf(pattern);
  const splits = async ({ files }: Runtime): Promise<string[]> => {
    await checkDirectory(files, path);
    const names = (await files.list(path)).filter((name) => !name.startsWith('.') && fits(name));
    return order === undefined ? names : names.toSorted(order);
  };
  return {
    name: path,
    replayable: true,
    unbounded: follow !== false,
    discovery: { openMax: open, everyMs: follow === false ? Infinity : followMs },
    splits,
    async size(runtime) {
      if (follow !== false) return undefined;
      let total = 0;
      for (const name of await splits(runtime))
        total += (await sizeOf(runtime.files, `${path}/${name}`)) ?? 0;
      return total;
    },
    async open(split, cursor, runtime) {
      const place = `${path}/${split}`;
      const begun = await runtime.files.stat(place).catch(() => undefined);
      const reader = await openRecords(place, { runtime, cursor, format });
      return wholeReader(reader, { files: runtime.files, place, begun });
    },
  };
}

/** A reader that looks, at the end of the file, whether it is the one that it began with. */
function wholeReader(
  reader: SplitReader,
  at: { readonly files: Files; readonly place: string; readonly begun: FileStat | undefined },
): SplitReader {
  return {
    async read() {
      const chunk = await reader.read();
      if (chunk === undefined) await checkUnchanged(at);
      return chunk;
    },
    close: () => reader.close(),
  };
}

async function checkUnchanged({
  files,
  place,
  begun,
}: {
  readonly files: Files;
  readonly place: string;
  readonly begun: FileStat | undefined;
}): Promise<void> {
  const now = await files.stat(place);
  if (now !== undefined && now.id === begun?.id && now.bytes === begun.bytes) return;
  throw new TidemarkError('SOURCE_CHANGED', {
    expected: `the file of ${begun?.bytes ?? 0} bytes that was begun`,
    got:
      now === undefined
        ? 'no file'
        : now.id === begun?.id
          ? `${now.bytes} bytes`
          : 'another file of that name',
    where: place,
    hint: 'A file must be complete when its name appears, and stay until it has been read: write it elsewhere and rename it into place.',
  });
}

/** A directory that is missing would look like one without files, and a job would wait for ever. */
async function checkDirectory(files: Files, path: string): Promise<void> {
  const stat = await files.stat(path);
  if (stat?.kind === 'directory') return;
  throw new TidemarkError('SOURCE_FAILED', {
    expected: 'a directory',
    got: stat === undefined ? 'nothing of that name' : 'something else',
    where: path,
    hint:
      stat === undefined
        ? 'Make it before the job starts, and mount what it lies on.'
        : 'Read a single file with file(…).',
  });
}

/** Without `g` and `y`: with them a RegExp remembers where it stood. */
function matcherOf(pattern: string | RegExp): (name: string) => boolean {
  const regex =
    typeof pattern === 'string'
      ? new RegExp(`^${pattern.split('*').map(literal).join('.*')}$`, 's')
      : new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ''));
  return (name) => regex.test(name);
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll('\\?', '.');
}
