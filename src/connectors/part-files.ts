/**
 * Writes outputs to files of a directory, one per writer and epoch, so that each is either whole or not there.
 *
 *     write    .tidemark-<owner>-<instance>-<n>.inprogress     bytes come in; nobody may look
 *     prepare  .tidemark-<owner>-<epoch>-<instance>.pending    synced; the commit now knows its name
 *     publish  part-<uid>-<owner>-<epoch>-<instance>.jsonl     visible, and never touched again
 *
 * `owner` is a hash of job and uid, so that any number of sinks may share a directory: recovery removes hidden files of
 * its own owner and nothing else. All steps are renames within one directory, which are atomic, and each is followed by
 * a sync of the directory before anybody relies on it.
 */
import { z } from 'zod';
import type { Prepared, Sink, SinkRun } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import { checkName } from '../core/graph.js';
import type { Files } from '../core/runtime.js';
import { checkOptions, functionOption } from '../dsl/options.js';
import { csvHeader, csvLine } from './csv-lines.js';
import {
  attempt,
  partNames,
  partWriter,
  type PartNames,
  type PartWriterOptions,
} from './part-files-writer.js';

export interface PartFilesOptions<T> {
  /** Names the sink among those of the job, and stands in the file names: A-Z a-z 0-9 . _ - */
  readonly uid: string;
  /** Made when it is missing. Readers should take files that do not begin with a dot. */
  readonly directory: string;
  /** `jsonl`: one JSON value per line. `csv` and `tsv`: RFC 4180, lines end in CRLF. Default `jsonl`. */
  readonly format?: 'jsonl' | 'csv' | 'tsv';
  /** For csv and tsv, required: the fields of a value in order. A value with another field is an error. */
  readonly columns?: readonly string[];
  /** For csv and tsv: whether each file begins with the names of the columns. Default true. */
  readonly header?: boolean;
  /**
   * For csv and tsv: text that begins with `=`, `+`, `-`, `@`, a tab or a line end is given a `'` in front, so that a
   * spreadsheet does not run it. It changes the data, so the default is false; set it where people open the files.
   */
  readonly formulaSafe?: boolean;
  /** The line for a value, without its line end. Default: JSON. */
  readonly encode?: (value: T) => string;
  /** How the names of visible files begin. Default `part`. */
  readonly prefix?: string;
  /** How they end, without the dot. Default: the format, or `txt` with an `encode` of your own. */
  readonly extension?: string;
}

const namePart = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/);

const common = {
  uid: z.string(),
  directory: z.string().min(1),
  prefix: namePart.default('part'),
  extension: namePart.optional(),
};
const linesSchema = z.strictObject({
  ...common,
  format: z.literal('jsonl').default('jsonl'),
  encode: functionOption<(value: never) => string>().optional(),
});
const csvSchema = z.strictObject({
  ...common,
  format: z.enum(['csv', 'tsv']),
  columns: z
    .array(z.string())
    .min(1)
    .refine((names) => new Set(names).size === names.length, 'each column once'),
  header: z.boolean().default(true),
  formulaSafe: z.boolean().default(false),
});

/** What the commit holds of a writer: names without a directory, so that the directory may be moved as a whole. */
const preparedSchema = z.object({
  epoch: z.number().int(),
  instance: z.number().int(),
  pending: z.string().regex(/^[^/\\]+$/),
  final: z.string().regex(/^[^/\\]+$/),
});

/**
 * A two-phase sink of files. In an exactly-once job a file becomes visible when its epoch is committed, under a name
 * made of uid, epoch and writer; in an at-least-once job before the commit, so that a crash may repeat it in another.
 *
 * JSON cannot carry everything: NaN and Infinity become null, undefined fields vanish; a value that is itself undefined
 * or a function, a bigint and a cycle are errors. In csv and tsv nothing and null are an empty field, dates are ISO 8601,
 * other objects and arrays JSON; everything reads back as text.
 *
 * @example
 * import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { nodeRuntime, partFiles } from 'tidemark';
 *
 * const directory = await mkdtemp(join(tmpdir(), 'tidemark-'));
 * const runtime = nodeRuntime();
 * const sink = partFiles({ uid: 'out', directory });
 * await sink.recover([], { job: 'example', uid: 'out', guarantee: 'exactly-once', epoch: 0 }, runtime);
 * const writer = await sink.open(
 *   { job: 'example', uid: 'out', instance: 0, guarantee: 'exactly-once' },
 *   runtime,
 * );
 * await writer.write([{ song: 'Yesterday', plays: 3 }], [Number.NaN]);
 * await writer.publish(await writer.prepare(1));
 * for (const name of await readdir(directory))
 *   console.log((await readFile(join(directory, name), 'utf8')).trim());
 * // => {"song":"Yesterday","plays":3}
 * await writer.close();
 * await rm(directory, { recursive: true });
 *
 * @throws TidemarkError OPTIONS_INVALID, UID_INVALID at once; SINK_FAILED when a value cannot be encoded or a file not
 *   be written; STATE_DAMAGED when a committed file is gone, or outputs are there that the state does not know
 */
export function partFiles<T>(options: PartFilesOptions<T>): Sink<T> {
  const isCsv = options?.format === 'csv' || options?.format === 'tsv';
  const checked = checkOptions(isCsv ? csvSchema : linesSchema, options, 'partFiles()');
  const uid = checkName(checked.uid, 'partFiles(), uid');
  const { directory, prefix } = checked;
  const extension = checked.extension ?? (options.encode === undefined ? checked.format : 'txt');
  const form = checked.format === 'jsonl' ? linesForm(options) : csvForm(checked);
  const where = `sink "${uid}" in ${directory}`;
  const namesOf = (job: string): PartNames => partNames({ job, uid, prefix, extension });
  return {
    uid,
    guarantee: 'two-phase',
    allowDuplicates: false,
    recover(prepared, run, { files }) {
      const place: Place = { files, directory, where, names: namesOf(run.job) };
      return attempt(where, () => recover(place, prepared, run));
    },
    open({ job, instance, guarantee }, { files }) {
      const place: Place = { files, directory, where, names: namesOf(job) };
      const publish = (prepared: Prepared): Promise<void> => publishAll(place, [prepared]);
      return Promise.resolve(partWriter({ ...place, instance, guarantee, ...form, publish }));
    },
  };
}

/** Where the files of one sink of one job lie, and what they are called. */
interface Place {
  readonly files: Files;
  readonly directory: string;
  readonly names: PartNames;
  /** For messages. */
  readonly where: string;
}

async function recover(
  place: Place,
  prepared: readonly Prepared[],
  { guarantee, epoch, isRewound = false }: SinkRun,
): Promise<void> {
  const { files, directory, names } = place;
  const found = await files.list(directory);
  const unknown = found.filter((name) => (names.epochOf(name) ?? 0) > epoch);
  if (isRewound) {
    // They will come again, perhaps cut otherwise into epochs: beside the new ones they would be repeats.
    for (const name of unknown) await files.remove(`${directory}/${name}`);
    if (unknown.length > 0) await files.syncDirectory(directory);
  } else if (guarantee === 'exactly-once' && unknown.length > 0)
    throw tooNew(place, epoch, unknown);
  await files.makeDirectory(directory);
  await publishAll(place, prepared);
  for (const name of await files.list(directory))
    if (names.isHidden(name)) await files.remove(`${directory}/${name}`);
}

/**
 * Makes committed files visible. The directory is synced even when all of them were visible already: the renames may
 * be those of a process that died before its sync, and the next commit will not know of them any more.
 */
async function publishAll(place: Place, prepared: readonly Prepared[]): Promise<void> {
  const parts = prepared.filter((one) => one !== undefined);
  for (const part of parts) await publishPart(place, part);
  if (parts.length > 0) await place.files.syncDirectory(place.directory);
}

async function publishPart({ files, directory, where }: Place, prepared: Prepared): Promise<void> {
  const result = preparedSchema.safeParse(prepared);
  if (!result.success) throw damaged(where, 'what this sink has prepared', show(prepared));
  const { pending, final } = result.data;
  const isPending = await files.exists(`${directory}/${pending}`);
  const isVisible = await files.exists(`${directory}/${final}`);
  if (isPending && isVisible)
    throw damaged(where, `no file ${final} before it is published`, 'one that is already there');
  if (isPending) await files.rename(`${directory}/${pending}`, `${directory}/${final}`);
  else if (!isVisible)
    throw damaged(where, `a file ${pending} or ${final}, which the commit knows`, 'neither');
}

function damaged(where: string, expected: string, got: string): TidemarkError {
  return new TidemarkError('STATE_DAMAGED', {
    expected,
    got,
    where,
    hint: 'Put the directory of the outputs back as the job left it, or point the sink at the right one.',
  });
}

/** Overwriting them would destroy outputs, and writing beside them would repeat them. */
function tooNew({ where }: Place, epoch: number, unknown: readonly string[]): TidemarkError {
  return new TidemarkError('STATE_DAMAGED', {
    expected: `no outputs of epochs behind ${epoch}, the last one that the state knows`,
    got: `${unknown.length} files, such as ${unknown[0]}`,
    where,
    hint: 'The state was removed or set back while the outputs stayed; move these files away, or restore the state.',
  });
}

type Form = Pick<PartWriterOptions, 'encode' | 'header' | 'lineEnd'>;

function linesForm<T>({ encode }: PartFilesOptions<T>): Form {
  return { encode: encode ?? toJson, header: undefined, lineEnd: '\n' };
}

function csvForm({ format, columns, header, formulaSafe }: z.output<typeof csvSchema>): Form {
  const lines = { columns, delimiter: format === 'csv' ? ',' : '\t', formulaSafe } as const;
  return {
    encode: csvLine(lines),
    header: header ? csvHeader(lines) : undefined,
    lineEnd: '\r\n',
  };
}

function toJson(value: unknown): unknown {
  return JSON.stringify(value);
}
