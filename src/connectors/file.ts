/**
 * Reads records from files: csv, tsv and jsonl, plain or gzip, each file a split that can be read again from a cursor.
 *
 * A line that cannot be read is never an exception: it goes to the dead letters with its number and the reason, and
 * the next line is read. Memory stays flat whatever the size of the file, since bytes are read only when asked for.
 */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import type { Source, SplitReader } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import { checkOptions } from '../dsl/options.js';
import {
  decodeFields,
  decodeJsonl,
  decodeRows,
  Undecodable,
  type ParseCsv,
} from './file-format.js';
import {
  FILE_BEGIN,
  RecordReader,
  fileCursor,
  openFileSplit,
  type FileCursor,
  type FileLayout,
} from './file-reader.js';

interface FileOptions {
  /** Whether the files are packed. Default: those whose name ends in `.gz` are. */
  readonly gzip?: boolean;
  /** Longer lines (for csv and tsv: records) are unreadable. Default 1 MiB, at most 256 MiB. */
  readonly maxLineBytes?: number;
}

/** Lines of fields. Fields may stand in quotes (`"`), and then hold delimiters, line ends and doubled quotes. */
export interface DelimitedFileOptions<Columns extends readonly string[]> extends FileOptions {
  /** `csv` has commas between fields, `tsv` has tabs; quotes mean the same in both. */
  readonly format: 'csv' | 'tsv';
  /** Names of the fields in order. May be left out when the first record names them. */
  readonly columns?: Columns;
  /** Whether the first record is a header. Default: only when `columns` is left out; its names then give way. */
  readonly header?: boolean;
}

/** One JSON value per line. */
export interface JsonlFileOptions extends FileOptions {
  readonly format: 'jsonl';
}

/** A record of a csv or tsv file: all fields are text. */
export type FileRow<Column extends string> = { [Name in Column]: string };

const common = {
  gzip: z.boolean().optional(),
  maxLineBytes: z
    .number()
    .int()
    .min(1)
    .max(2 ** 28)
    .default(2 ** 20),
};

const isUnique = (names: readonly string[]): boolean => new Set(names).size === names.length;

const optionsSchema = z.discriminatedUnion('format', [
  z
    .strictObject({
      format: z.enum(['csv', 'tsv']),
      columns: z.array(z.string()).min(1).refine(isUnique, 'each column once').optional(),
      header: z.boolean().optional(),
      ...common,
    })
    .refine(({ columns, header }) => columns !== undefined || header !== false, {
      path: ['columns'],
      error: 'columns, since there is no header to take them from',
    }),
  z.strictObject({ format: z.literal('jsonl'), ...common }),
]);

const pathSchema = z.string().min(1);
const schema = z.strictObject({
  paths: z.union([pathSchema, z.array(pathSchema).min(1).refine(isUnique, 'each path once')]),
  options: optionsSchema,
});

type CheckedOptions = z.output<typeof optionsSchema>;

/**
 * A bounded, replayable source of the records of one or more files, each file a split under its path as given.
 *
 * Text is UTF-8; a byte order mark is skipped; lines end in LF or CRLF, the last one may end without; empty lines
 * are skipped but counted. Positions are line numbers from 1, the header counted. A cursor holds the byte offset of
 * the next record, so that a plain file is read on at once and a gzip file is unpacked from its start up to there.
 * Unreadable, with their line and the reason: bad JSON, a wrong number of columns, a quote that is not closed or
 * stands in the wrong place (costs one line), bytes that are not UTF-8, a line that is too long.
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
  options: DelimitedFileOptions<Columns>,
): Source<FileRow<Columns[number]>>;
export function file(paths: string | readonly string[], options: JsonlFileOptions): Source<unknown>;
export function file(
  paths: string | readonly string[],
  options: DelimitedFileOptions<readonly string[]> | JsonlFileOptions,
): Source<unknown> {
  const checked = checkOptions(schema, { paths, options }, 'file()');
  const all = [checked.paths].flat();
  const rest = all.length === 1 ? '' : ` and ${all.length - 1} more`;
  return {
    name: `${basename(all[0] ?? '')}${rest}`,
    replayable: true,
    async size() {
      const sizes = await Promise.all(all.map(sizeOf));
      return sizes.reduce(
        (sum, size) => (sum === undefined || size === undefined ? undefined : sum + size),
        0,
      );
    },
    splits: () => Promise.resolve([...all]),
    async open(split, cursor) {
      const layout = layoutOf(split, checked.options);
      const from = cursor === undefined ? undefined : fileCursor(cursor, split);
      if (checked.options.format === 'jsonl')
        return openFileSplit(layout, from ?? FILE_BEGIN, decodeJsonl);
      return openDelimited(layout, from, checked.options);
    },
  };
}

function layoutOf(path: string, options: CheckedOptions): FileLayout {
  return {
    path,
    gzip: options.gzip ?? path.endsWith('.gz'),
    maxLineBytes: options.maxLineBytes,
    delimiter: options.format === 'jsonl' ? undefined : delimiterOf(options.format).charCodeAt(0),
  };
}

function delimiterOf(format: 'csv' | 'tsv'): string {
  return format === 'csv' ? ',' : '\t';
}

async function openDelimited(
  layout: FileLayout,
  cursor: FileCursor | undefined,
  options: Exclude<CheckedOptions, { format: 'jsonl' }>,
): Promise<SplitReader> {
  const { parse } = await import('csv-parse/sync');
  const delimiter = delimiterOf(options.format);
  const hasHeader = options.header ?? options.columns === undefined;
  // Read again at every open: the names of the columns are in the file, not in the commit.
  const header = hasHeader ? await readHeader(layout, delimiter, parse) : undefined;
  const columns = options.columns ?? columnsOf(header, layout.path);
  const begin = cursor ?? header?.behind ?? FILE_BEGIN;
  return openFileSplit(layout, begin, decodeRows(columns, delimiter, parse));
}

interface Header {
  /** The fields of the first record, or why there are none. */
  readonly fields: unknown;
  /** Where the second record begins. */
  readonly behind: FileCursor;
}

/** Undefined when the file holds no record. */
async function readHeader(
  layout: FileLayout,
  delimiter: string,
  parse: ParseCsv,
): Promise<Header | undefined> {
  const reader = await RecordReader.open(layout, FILE_BEGIN);
  try {
    const records = await reader.take(1);
    if (records.length === 0) return undefined;
    return { fields: decodeFields(delimiter, parse)(records)[0], behind: reader.cursor() };
  } finally {
    await reader.close();
  }
}

function columnsOf(header: Header | undefined, path: string): string[] {
  if (header === undefined) return [];
  const { fields } = header;
  const isHeader = Array.isArray(fields) && fields.every((field) => typeof field === 'string');
  if (isHeader && isUnique(fields)) return fields;
  throw new TidemarkError('SOURCE_FAILED', {
    expected: 'a header that names each column once',
    got: fields instanceof Undecodable ? fields.reason : show(fields),
    where: `${path}, first record`,
    hint: 'Give the names as columns: [...]; with header: true as well the first record is left out.',
  });
}

/** Undefined when it cannot be known; `open` says what is wrong with the file. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}
