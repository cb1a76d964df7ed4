/**
 * Opens one file as records, for every source that reads files: the options they share, headers, and decoding.
 *
 * The header of a csv file is read again at every open, because the names of the columns are in the file and not in the
 * commit.
 */
import { z } from 'zod';
import type { Cursor, SplitReader } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import type { Runtime } from '../core/runtime.js';
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
import { Interruption } from './interruption.js';

export interface RecordFileOptions {
  /** Whether the files are packed. Default: those whose name ends in `.gz` are. */
  readonly gzip?: boolean;
  /** Longer lines (for csv and tsv: records) are unreadable. Default 1 MiB, at most 256 MiB. */
  readonly maxLineBytes?: number;
}

/** Lines of fields. Fields may stand in quotes (`"`), and then hold delimiters, line ends and doubled quotes. */
export interface DelimitedFileOptions<Columns extends readonly string[]> extends RecordFileOptions {
  /** `csv` has commas between fields, `tsv` has tabs; quotes mean the same in both. */
  readonly format: 'csv' | 'tsv';
  /** Names of the fields in order. May be left out when the first record names them. */
  readonly columns?: Columns;
  /** Whether the first record is a header. Default: only when `columns` is left out; its names then give way. */
  readonly header?: boolean;
}

/** One JSON value per line. */
export interface JsonlFileOptions extends RecordFileOptions {
  readonly format: 'jsonl';
}

/** A record of a csv or tsv file: all fields are text. */
export type FileRow<Column extends string> = { [Name in Column]: string };

const commonOptions = {
  gzip: z.boolean().optional(),
  maxLineBytes: z
    .number()
    .int()
    .min(1)
    .max(2 ** 28)
    .default(2 ** 20),
};

export const isUnique = (names: readonly string[]): boolean => new Set(names).size === names.length;

/** The options of a format, with those of the source that reads it. */
export function formatOptions<Extra extends z.ZodRawShape>(extra: Extra) {
  return z.discriminatedUnion('format', [
    z
      .strictObject({
        format: z.enum(['csv', 'tsv']),
        columns: z.array(z.string()).min(1).refine(isUnique, 'each column once').optional(),
        header: z.boolean().optional(),
        ...commonOptions,
        ...extra,
      })
      .refine(hasColumns, {
        path: ['columns'],
        error: 'columns, since there is no header to take them from',
      }),
    z.strictObject({ format: z.literal('jsonl'), ...commonOptions, ...extra }),
  ]);
}

function hasColumns(options: object): boolean {
  const { columns, header }: { columns?: unknown; header?: unknown } = options;
  return columns !== undefined || header !== false;
}

interface CheckedCommon {
  readonly gzip?: boolean | undefined;
  readonly maxLineBytes: number;
}

export type CheckedFormat = CheckedCommon &
  (
    | {
        readonly format: 'csv' | 'tsv';
        readonly columns?: readonly string[] | undefined;
        readonly header?: boolean | undefined;
      }
    | { readonly format: 'jsonl' }
  );

export interface OpenOptions {
  readonly runtime: Runtime;
  readonly cursor: Cursor | undefined;
  readonly format: CheckedFormat;
  /** Where the file may grow, ms between two looks; undefined where it is read to its end. */
  readonly followMs?: number | undefined;
}

/** @throws TidemarkError SOURCE_FAILED, SOURCE_CHANGED */
export async function openRecords(path: string, options: OpenOptions): Promise<SplitReader> {
  const { format, followMs } = options;
  const interruption = new Interruption();
  const follow = followMs === undefined ? undefined : { everyMs: followMs, interruption };
  const layout: FileLayout = {
    runtime: options.runtime,
    path,
    gzip: isPacked(path, format),
    maxLineBytes: format.maxLineBytes,
    delimiter: format.format === 'jsonl' ? undefined : delimiterOf(format.format).charCodeAt(0),
    follow,
  };
  const cursor = options.cursor === undefined ? undefined : fileCursor(options.cursor, path);
  if (format.format === 'jsonl') return openFileSplit(layout, cursor ?? FILE_BEGIN, decodeJsonl);
  const { parse } = await import('csv-parse/sync');
  const open = (): Promise<SplitReader | undefined> =>
    openDelimited(layout, cursor, { format, parse });
  return follow === undefined ? ((await open()) as SplitReader) : openedLater(open, interruption);
}

export function isPacked(path: string, { gzip }: CheckedFormat): boolean {
  return gzip ?? path.endsWith('.gz');
}

function delimiterOf(format: 'csv' | 'tsv'): string {
  return format === 'csv' ? ',' : '\t';
}

/** In a file that grows the header may still be to come, so it is waited for like any other record. */
function openedLater(
  open: () => Promise<SplitReader | undefined>,
  interruption: Interruption,
): SplitReader {
  let reader: SplitReader | undefined;
  return {
    async read() {
      reader ??= await open();
      return reader?.read();
    },
    interrupt: () => interruption.raise(),
    async close() {
      await reader?.close();
    },
  };
}

/** Undefined when the wait for a header was interrupted. */
async function openDelimited(
  layout: FileLayout,
  cursor: FileCursor | undefined,
  {
    format,
    parse,
  }: {
    readonly format: Exclude<CheckedFormat, { readonly format: 'jsonl' }>;
    readonly parse: ParseCsv;
  },
): Promise<SplitReader | undefined> {
  const delimiter = delimiterOf(format.format);
  const hasHeader = format.header ?? format.columns === undefined;
  const header = hasHeader ? await readHeader(layout, delimiter, parse) : undefined;
  if (layout.follow?.interruption.isRaised === true) return undefined;
  const columns = format.columns ?? columnsOf(header, layout.path);
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
