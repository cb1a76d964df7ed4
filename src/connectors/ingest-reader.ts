/** Reads an ingest log as a source: from a cursor on, waiting at its end until more is pushed or the log has ended. */
import { z } from 'zod';
import type { Cursor, SourceChunk, SplitReader } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import { CHUNK_ELEMENTS_MAX, type Origin } from '../core/flow.js';
import type { IngestLog, ReadRecord } from './ingest-log.js';

/** The sequence number of the last value read, and the log that it counts in. */
const cursorSchema = z.object({ log: z.string(), sequence: z.int().min(0) });

export interface IngestReaderOptions {
  readonly log: IngestLog;
  readonly origin: Origin;
  readonly closed: () => void;
}

/** @throws TidemarkError SOURCE_CHANGED when the cursor does not fit the log, and what the log throws when it opens */
export async function openIngestReader(
  options: IngestReaderOptions,
  cursor: Cursor | undefined,
): Promise<SplitReader> {
  const { log, origin } = options;
  const id = await log.ready();
  if (cursor === undefined) return new IngestReader(options, id, log.trimmed);
  const { data } = cursorSchema.safeParse(cursor);
  const refuse = (expected: string, got: string): TidemarkError =>
    new TidemarkError('SOURCE_CHANGED', { expected, got, where: origin.name, hint: together });
  if (data === undefined) throw refuse('a position in an ingest log', show(cursor));
  if (data.log !== id) throw refuse(`the log ${data.log}, which was read before`, `the log ${id}`);
  if (data.sequence > log.last)
    throw refuse(`values up to ${data.sequence}, which have been read`, `values up to ${log.last}`);
  if (data.sequence < log.trimmed)
    throw refuse(
      `values from ${data.sequence + 1} on`,
      `a log that was trimmed up to ${log.trimmed}, as a later epoch allowed`,
    );
  // The process may have died between the commit and the word of it.
  log.trim(data.sequence);
  return new IngestReader(options, id, data.sequence);
}

const together = 'State and log belong together: put both back, or begin again with both empty.';

class IngestReader implements SplitReader {
  readonly #options: IngestReaderOptions;
  readonly #id: string;
  /** Number of the last value given out. */
  #sequence: number;
  #isStopped = false;
  /** The record in hand: it may take several chunks. */
  #decoded: ReadRecord | undefined;

  constructor(options: IngestReaderOptions, id: string, sequence: number) {
    this.#options = options;
    this.#id = id;
    this.#sequence = sequence;
  }

  async read(): Promise<SourceChunk | undefined> {
    const { log } = this.#options;
    for (;;) {
      if (this.#isStopped) return undefined;
      log.check();
      if (this.#sequence < log.last) return this.#next();
      if (log.hasEnded) return undefined;
      await log.grown.wait();
    }
  }

  /** From now on another reader may be opened: a job that is started again must not meet the one before. */
  interrupt(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#options.closed();
    this.#options.log.grown.ring();
  }

  committed(cursor: Cursor): void {
    const { data } = cursorSchema.safeParse(cursor);
    if (data?.log === this.#id) this.#options.log.trim(data.sequence);
  }

  async close(): Promise<void> {
    this.interrupt();
  }

  /** Values of as many records as fit into a chunk. */
  #next(): SourceChunk {
    const { log, origin } = this.#options;
    const values: unknown[] = [];
    const timestamps: number[] = [];
    const positions: number[] = [];
    while (values.length < CHUNK_ELEMENTS_MAX && this.#sequence < log.last) {
      const record = this.#record(this.#sequence + 1);
      const from = this.#sequence + 1 - record.first;
      const to = Math.min(record.values.length, from + CHUNK_ELEMENTS_MAX - values.length);
      for (let at = from; at < to; at += 1) {
        values.push(record.values[at]);
        timestamps.push(record.appended);
        positions.push(record.first + at);
      }
      this.#sequence = record.first + to - 1;
    }
    const none: readonly unknown[] = [];
    const chunk = { values, timestamps, keys: none, positions, origin, derivedKeys: none };
    return {
      chunk: { kind: 'chunk', ...chunk },
      cursor: { log: this.#id, sequence: this.#sequence },
    };
  }

  #record(number: number): ReadRecord {
    const known = this.#decoded;
    if (known !== undefined && number < known.first + known.values.length) return known;
    const record = this.#options.log.read(number);
    this.#decoded = record;
    return record;
  }
}
