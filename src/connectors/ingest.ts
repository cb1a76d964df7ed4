/**
 * A source with a push side: what a service takes in becomes the replayable input of a durable job.
 *
 *     HTTP handler ── push ──▶ log on disk ── acknowledged
 *                                  │ read from a cursor, again after a crash
 *                                  ▼
 *                                 job ── epoch committed ──▶ log trimmed
 *
 * An exactly-once job needs an input that can be read again, which neither a request nor an Observable is. So a value
 * is first written to a log, and whoever pushed it hears of it when it is on disk.
 */
import type { Observable } from 'rxjs';
import { z } from 'zod';
import type { Cursor, Source, SplitReader } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import type { Runtime } from '../core/runtime.js';
import { checkOptions } from '../dsl/options.js';
import { parserOf, type InputType, type StandardSchema, type Unchecked } from '../dsl/schema.js';
import type { StateBackendFactory } from '../state/backend.js';
import { lmdb } from '../state/lmdb-backend.js';
import { feed, type Feed, type FeedOptions } from './ingest-feed.js';
import { IngestLog } from './ingest-log.js';
import { openIngestReader } from './ingest-reader.js';
import { nodeRuntime } from './node-runtime.js';

export interface IngestOptions {
  /** Of its own, on a local disk, with one owner at a time. Tests hand in a backend, such as a simulated disk. */
  readonly directory: string | StateBackendFactory;
  /** How errors and late records name it. Default `ingest`. */
  readonly name?: string;
  /** Values that may be between `push` and the disk. Default 10,000. */
  readonly maxPending?: number;
  /** Bytes of the log, on disk and on the way there. Default 256 MiB. A job that commits makes room. */
  readonly maxBytes?: number;
  /** What a push does when the log is full: wait its turn, or reject with INGEST_FULL. Default `wait`. */
  readonly whenFull?: 'wait' | 'reject';
  /** Pushes that may wait, with `maxBytes` bytes at most; more reject with INGEST_FULL. Default 10,000. */
  readonly maxWaiting?: number;
  /** The outside world; default `nodeRuntime()`. Tests hand in a simulated one. */
  readonly runtime?: Runtime;
}

/** @see ingest */
export interface Ingest<In, Out = In> extends Source<Out> {
  /**
   * Checks the value and logs it; resolves once it is on disk. Rejects with RECORD_INVALID or VALUE_NOT_ENCODABLE
   * (nothing was logged), INGEST_FULL, INGEST_CLOSED, or with what keeps the log from being opened or written
   * (STATE_IN_USE, STATE_DAMAGED, STATE_WRITE_FAILED). A push that was not acknowledged, because the process died,
   * may be in the log all the same: who repeats it needs a key of its own to `dedupe` by.
   */
  push(value: In): Promise<void>;
  /** Pushes what an Observable emits: at most once until it is logged, from then on exactly once. */
  from(values$: Observable<In>, options?: FeedOptions): Feed;
  /** No value follows: a job that has read the rest finishes. Final, also over restarts. Resolves once it is on disk. */
  end(): Promise<void>;
  /** Finishes the writes under way, rejects pushes that wait, and gives the directory back. Stop the job first. */
  close(): Promise<void>;
  status(): IngestStatus;
}

export interface IngestStatus {
  /** Values between `push` and the disk, without those that wait for room. */
  readonly pending: number;
  /** Pushes that wait for room. */
  readonly waiting: number;
  /** Number of the last value on disk, counted from 1 since the log was made; 0 before it is open. */
  readonly last: number;
  /** Everything up to this number was committed by the job, and is gone. */
  readonly trimmed: number;
  /** What the log takes on disk, without room that LMDB keeps for later. */
  readonly bytes: number;
}

/** What may be pushed: what the schema takes. */
export type PushedOf<Schema> =
  Schema extends Unchecked<infer T>
    ? T
    : Schema extends {
          readonly '~standard': { readonly types?: { readonly input: infer In } | undefined };
        }
      ? In
      : never;
/** What is logged: what the schema gives. */
export type LoggedOf<Schema> =
  Schema extends Unchecked<infer T> ? T : Schema extends StandardSchema<infer Out> ? Out : never;

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const count = z.int().min(1);

const optionsSchema = z.strictObject({
  directory: z.union([
    z.string().min(1),
    z.custom<StateBackendFactory>((value) => isObject(value) && 'open' in (value as object), {
      error: 'a state backend',
    }),
  ]),
  name: z.string().min(1).default('ingest'),
  maxPending: count.default(10_000),
  maxBytes: count.default(256 * 1024 * 1024),
  whenFull: z.enum(['wait', 'reject']).default('wait'),
  maxWaiting: z.int().min(0).default(10_000),
  runtime: z.custom<Runtime>(isObject, { error: 'a runtime' }).optional(),
});

/**
 * A log on disk that a service pushes into and a job reads: replayable, so an exactly-once job takes it.
 *
 * - Values are checked at once, and what the schema gives is logged; the schema of the pipeline sees that.
 * - What is pushed while a flush is under way is flushed together next, so pushes should be many at a time, not one
 *   after the other. A push waits for at most two flushes.
 * - Elements carry the time when they were logged, by which `maxFuture` of `eventTime` judges. Positions are sequence
 *   numbers from 1.
 * - One job reads a log. What its last commit is past is removed, so a job with empty state begins with what is left.
 *
 * @example
 * import { map, collect, ingest, lmdb, pipeline, run } from 'tidemark';
 * import { z } from 'zod';
 *
 * const Play = z.object({ song: z.string() });
 * const songs = pipeline('songs', Play, (play$) => play$.pipe(map((play) => play.song)));
 *
 * const plays = ingest(Play, { directory: './plays' });
 * const out = collect<string>({ uid: 'out' });
 * const job = run(songs, { from: plays, to: out, state: lmdb('./state') });
 * await Promise.all([plays.push({ song: 'Aria' }), plays.push({ song: 'Waltz' })]);
 * await plays.push(JSON.parse('{"title":"Gigue"}')).catch((error) => console.log(error.code));
 * // => RECORD_INVALID
 * await plays.end();
 * await job.done;
 * console.log(out.values.join());
 * // => Aria,Waltz
 * await plays.close();
 *
 * @throws TidemarkError OPTIONS_INVALID
 */
export function ingest<Schema extends InputType<unknown>>(
  schema: Schema,
  options: IngestOptions,
): Ingest<PushedOf<Schema>, LoggedOf<Schema>> {
  const checked = checkOptions(optionsSchema, options, 'ingest()');
  const { directory, name, maxPending, maxBytes, whenFull } = checked;
  const where = `ingest "${name}"`;
  const parse = parserOf(schema, where);
  const store = typeof directory === 'string' ? lmdb(directory) : directory;
  const maxWaiting = whenFull === 'reject' ? 0 : checked.maxWaiting;
  const log = new IngestLog({
    store,
    runtime: checked.runtime ?? nodeRuntime(),
    limits: { maxPending, maxBytes, maxWaiting, where: `${where}, ${store.description}` },
  });
  let isRead = false;
  const source: Ingest<unknown> = {
    name,
    replayable: true,
    splits: () => Promise.resolve(['0']),
    async open(split: string, cursor: Cursor | undefined, runtime): Promise<SplitReader> {
      if (split !== '0') throw wrongSplit(split, where);
      if (isRead) throw readTwice(where);
      isRead = true;
      const closed = (): void => void (isRead = false);
      try {
        const origin = { name, unit: 'sequence' };
        const reader = await openIngestReader({ log, origin, closed }, cursor);
        if (cursor === undefined && log.trimmed > 0)
          runtime.log.warn({ trimmed: log.trimmed }, `${where} begins behind what was trimmed`);
        return reader;
      } catch (error) {
        closed();
        throw error;
      }
    },
    // Not async: one promise per group is made, not one per value.
    push(value) {
      try {
        return log.push(parse === undefined ? value : parse(value));
      } catch (error) {
        return Promise.reject(error);
      }
    },
    from: (values$, feedOptions = {}) => feed({ ...source, name: where }, values$, feedOptions),
    end: () => log.end(),
    close: () => log.close(),
    status() {
      const { pending, waiting, last, trimmed, bytes } = log;
      return { pending, waiting, last, trimmed, bytes };
    },
  };
  return source as Ingest<PushedOf<Schema>, LoggedOf<Schema>>;
}

function wrongSplit(split: string, where: string): TidemarkError {
  return new TidemarkError('SOURCE_CHANGED', {
    expected: 'the only split, "0"',
    got: show(split),
    where,
    hint: 'The source had more splits when the state was written; give them back, or remove the state.',
  });
}

function readTwice(where: string): TidemarkError {
  return new TidemarkError('STATE_IN_USE', {
    expected: 'a log that no job reads',
    got: 'one that is being read',
    where,
    hint: 'A log is trimmed behind the one job that reads it; give each job its own, or one pipeline two outputs.',
  });
}
