/**
 * The durable log behind `ingest`: one loop that writes a group of values, flushes it, and tells who pushed them.
 *
 * A group is what was pushed while the former one was flushed, so nothing waits for a timer: a lone push takes one
 * flush, and a thousand in flight share one.
 */
import { TidemarkError, assert } from '../core/errors.js';
import type { Runtime } from '../core/runtime.js';
import { Wake } from '../runtime/wake.js';
import type { StateBackendFactory } from '../state/backend.js';
import { sealValue } from '../state/sealed-value.js';
import type { IndexEntry } from './ingest-index.js';
import { END_KEY, damaged, logKey, openLog, trimMark, type OpenLog } from './ingest-open.js';
import {
  IngestQueue,
  deferred,
  type Deferred,
  type GroupRecord,
  type QueueLimits,
} from './ingest-queue.js';
import { bytesOnDisk, decodeRecord, encodeRecord } from './ingest-record.js';

export interface IngestLogOptions {
  readonly store: StateBackendFactory;
  readonly runtime: Runtime;
  readonly limits: QueueLimits;
}

export interface ReadRecord {
  /** Number of the first value. */
  readonly first: number;
  /** Epoch ms. */
  readonly appended: number;
  readonly values: readonly unknown[];
}

export class IngestLog {
  readonly #options: IngestLogOptions;
  readonly #queue: IngestQueue;
  /** Rung when there is more to read, or never will be. */
  readonly grown = new Wake();
  #opening: Promise<OpenLog> | undefined;
  #open: OpenLog | undefined;
  #draining: Promise<void> | undefined;
  /** What the last attempt to open or write has ended in; the next push, or the next job, tries again. */
  #failure: { readonly error: unknown } | undefined;
  #state: 'open' | 'ending' | 'ended' | 'closed' = 'open';
  #trimTo = 0;
  #trimMarks: readonly string[] = [];
  #ending: Deferred | undefined;

  constructor(options: IngestLogOptions) {
    this.#options = options;
    this.#queue = new IngestQueue(options.limits);
  }

  /** Whether the last value there will ever be is on disk. */
  get hasEnded(): boolean {
    return this.#state === 'ended';
  }

  /** Number of the last value on disk. */
  get last(): number {
    return this.#open?.index.last ?? 0;
  }

  get trimmed(): number {
    return this.#open?.index.trimmed ?? 0;
  }

  get bytes(): number {
    return this.#open?.index.bytes ?? 0;
  }

  get pending(): number {
    return this.#queue.pending;
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Resolves with the id of the log once it is open. */
  async ready(): Promise<string> {
    if (this.#state === 'closed') throw this.#closed('closed');
    return (await this.#whenOpen()).id;
  }

  /** Throws what keeps the log from being read. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#state === 'closed') throw this.#closed('closed');
  }

  push(value: unknown): Promise<void> {
    if (this.#state !== 'open') throw this.#closed(this.#state === 'closed' ? 'closed' : 'ended');
    const done = this.#queue.push(value);
    this.#work();
    return done;
  }

  /** The record that holds a number. */
  read(number: number): ReadRecord {
    const entry = this.#open?.index.find(number);
    assert(entry !== undefined && this.#open !== undefined, 'only what is on disk is read');
    const where = `${this.#where}, record ${entry.first}`;
    const record = this.#open.backend.get(logKey(entry.first));
    if (record === undefined) throw damaged(where, 'a record of the log', 'nothing');
    const { head, values } = decodeRecord(record, where);
    return { first: head.first, appended: head.appended, values };
  }

  /** Everything up to this number is committed elsewhere, and may go. */
  trim(upTo: number): void {
    this.#trimTo = Math.max(this.#trimTo, upTo);
    if (this.#failure === undefined && this.#state !== 'closed') this.#work();
  }

  /** Resolves once the end is on disk, behind everything pushed so far. */
  async end(): Promise<void> {
    if (this.#state === 'closed') throw this.#closed('closed');
    if (this.#state === 'ended') return;
    this.#state = 'ending';
    this.#ending ??= deferred();
    this.#work();
    await this.#ending.promise;
  }

  /** Finishes the group under way and lets go of the directory. Safe to call twice. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#queue.refuseWaiters(this.#closed('closed'));
    while (this.#draining !== undefined) await this.#draining;
    this.grown.ring();
    this.#ending?.reject(this.#closed('closed'));
    const opened = await this.#opening?.catch(() => undefined);
    await opened?.backend.close();
  }

  get #where(): string {
    return this.#options.limits.where;
  }

  #work(): void {
    this.#draining ??= this.#drain();
  }

  /** Never rejects: what fails is told to those who push, end and read. */
  async #drain(): Promise<void> {
    try {
      const open = await this.#whenOpen();
      // Ended in an earlier life: what was pushed meanwhile has no place behind the end.
      if (open.hasEnded) this.#queue.fail(this.#closed('ended'));
      while (this.#isDue(open)) await this.#round(open);
    } catch (error) {
      await this.#fail(error);
    }
    this.#draining = undefined;
    // Pushed while the failed store was being closed.
    if (this.#queue.waiting > 0 && this.#open === undefined) this.#work();
  }

  /** Gives the store up, for its content is in doubt; what was told to be on disk is there when it is opened again. */
  async #fail(error: unknown): Promise<void> {
    const open = this.#open;
    this.#failure = { error };
    this.#open = undefined;
    if (this.#state === 'ending') this.#state = 'open';
    this.#queue.fail(error);
    this.#ending?.reject(error);
    this.#ending = undefined;
    this.grown.ring();
    await open?.backend.close().catch(() => undefined);
    this.#opening = undefined;
  }

  #isDue({ index }: OpenLog): boolean {
    const isEnding = this.#state === 'ending' && this.#queue.waiting === 0;
    if (this.#queue.isFilled || isEnding) return true;
    const [next] = this.#trimTo > index.trimmed ? [index.find(index.trimmed + 1)] : [];
    return next !== undefined && next.first + next.count - 1 <= this.#trimTo;
  }

  /** Writes what has gathered, and takes away what was trimmed; both are on disk before anybody is told. */
  async #round(open: OpenLog): Promise<void> {
    const { backend, index } = open;
    const { runtime } = this.#options;
    await runtime.clock.turn();
    const group = this.#queue.take();
    await runtime.at('ingest.gathered');
    const isLast = this.#state === 'ending' && group.length === 0 && this.#queue.waiting === 0;
    if (isLast) backend.writeAhead(END_KEY, sealValue({ last: index.last }));
    const entries = this.#writeGroup(open, group);
    const gone = index.trim(this.#trimTo);
    if (gone.length > 0)
      backend.writeAhead(trimMark(index.trimmed), sealValue({ trimmed: index.trimmed }));
    await runtime.at('ingest.written');
    await backend.flushed();
    await runtime.at('ingest.flushed');
    for (const entry of entries) index.add(entry);
    if (gone.length > 0) this.#discard(open, gone);
    this.#queue.settle(index.bytes);
    this.grown.ring();
    if (isLast) this.#hasJustEnded();
    if (gone.length > 0) await runtime.at('ingest.trimmed');
  }

  #writeGroup({ backend, index }: OpenLog, group: readonly GroupRecord[]): IndexEntry[] {
    const appended = this.#options.runtime.clock.now();
    let first = index.last + 1;
    return group.map(({ count, values }) => {
      const record = encodeRecord({ first, count, durable: index.last, appended }, values);
      const entry = { first, count, bytes: bytesOnDisk(record) };
      backend.writeAhead(logKey(first), record);
      first += count;
      return entry;
    });
  }

  #discard({ backend, index }: OpenLog, gone: readonly IndexEntry[]): void {
    backend.discard([...gone.map(({ first }) => logKey(first)), ...this.#trimMarks]);
    this.#trimMarks = [trimMark(index.trimmed)];
  }

  #hasJustEnded(): void {
    if (this.#state !== 'closed') this.#state = 'ended';
    this.#ending?.resolve();
  }

  #whenOpen(): Promise<OpenLog> {
    return (this.#opening ??= this.#openStore().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    }));
  }

  async #openStore(): Promise<OpenLog> {
    const { store, runtime } = this.#options;
    const open = await openLog({ store, runtime, where: this.#where });
    this.#open = open;
    this.#failure = undefined;
    this.#trimMarks = open.trimMarks;
    if (open.hasEnded) this.#hasJustEnded();
    this.#queue.settle(open.index.bytes);
    return open;
  }

  #closed(how: 'closed' | 'ended'): TidemarkError {
    return new TidemarkError('INGEST_CLOSED', {
      expected: 'a log that takes values',
      got: `one that was ${how}`,
      where: this.#where,
      hint:
        how === 'ended'
          ? 'The end is final, also over restarts: begin another log in a directory of its own.'
          : 'Make another ingest(...) on the directory to go on.',
    });
  }
}
