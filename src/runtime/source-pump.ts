/**
 * The shell around the splits of a source: reads ahead by a chunk, stops when the queue is full, knows its cursor.
 *
 * Most pumps read one split to its end. Of a source with discovery each pump is a *lane*: it reads one split after
 * another, as a feed hands them out, and says in band where one ends and the next begins.
 */
import type { Cursor, Source, SourceChunk, SplitReader } from '../core/connector.js';
import { CHUNK_ELEMENTS_MAX, type Origin } from '../core/flow.js';
import type { Runtime } from '../core/runtime.js';
import { FlowQueue } from './channel.js';
import { sourceFailed } from './source-errors.js';
import type { SplitFeed } from './split-feed.js';
import { Wake } from './wake.js';

export interface SourcePumpOptions {
  readonly input: string;
  /** In a lane `''` while there is none. */
  readonly split: string;
  readonly source: Source<unknown>;
  readonly runtime: Runtime;
  /** From the last commit. */
  readonly cursor: Cursor | undefined;
  /** Of the split. */
  readonly hasEnded: boolean;
  readonly bytesRead: number;
  /** Where more splits come from. */
  readonly feed?: SplitFeed;
  /** Rung whenever there is something for the job to do. */
  readonly wake: Wake;
  readonly failed: (error: unknown) => void;
  /** Called behind each chunk that has been queued, with its number of records: a barrier may go right behind it. */
  readonly queued?: (records: number) => void;
}

/** Bytes of input that may wait in the queue of a split, where its source tells how many it has read. */
export const READ_AHEAD_BYTES_MAX = 4 * 1024 * 1024;

/** What a commit holds of a pump. */
export interface PumpPosition {
  readonly split: string;
  readonly cursor: Cursor | undefined;
  readonly hasEnded: boolean;
  readonly bytesRead: number;
}

export class SourcePump {
  readonly queue = new FlowQueue();
  readonly origin: Origin;
  readonly #options: SourcePumpOptions;
  readonly #room = new Wake();
  /** Of the split that is read, or was read last. */
  #position: PumpPosition;
  #hasEnded: boolean;
  #isStopped = false;
  #pollingSince: number | undefined;
  #reader: SplitReader | undefined;
  /** Bytes of each chunk that waits, with the number of elements queued up to its end. */
  readonly #waiting: { readonly upTo: number; readonly bytes: number }[] = [];
  #waitingBytes = 0;
  #queuedElements = 0;

  constructor(options: SourcePumpOptions) {
    const { split, cursor, hasEnded, bytesRead, feed } = options;
    this.#options = options;
    this.#position = { split, cursor, hasEnded, bytesRead };
    this.#hasEnded = hasEnded && feed === undefined;
    this.origin = { name: options.source.name, unit: 'element' };
  }

  /** Nothing more will come. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get split(): string {
    return this.#position.split;
  }

  /** Of the split; those of finished ones are counted by the feed. */
  get bytesRead(): number {
    return this.#position.bytesRead;
  }

  /** Milliseconds for which the source has been polled in vain, while nothing waits to be processed. */
  polledInVainMs(now: number): number {
    if (this.#pollingSince === undefined || this.#isStopped || !this.queue.isEmpty) return 0;
    return now - this.#pollingSince;
  }

  /** Reads until there is nothing more, or the pump is stopped. Never rejects: failures are reported. */
  async run(): Promise<void> {
    try {
      if (this.#options.feed !== undefined) await this.#readAll(this.#options.feed);
      else if (this.#hasEnded || (await this.#read())) this.#end();
    } catch (error) {
      this.#options.failed(sourceFailed(error, this.#options.source.name));
    }
  }

  /** Puts the barrier behind everything read so far; the position that goes with it is what has been pushed. */
  barrier(epoch: number): PumpPosition {
    this.queue.push({ kind: 'barrier', epoch });
    return this.#position;
  }

  /** Called by the job when the queue has been worked on. */
  hasRoom(): void {
    if (!this.#isFull()) this.#room.ring();
  }

  /** Bytes of input that have been read and wait in the queue; 0 where the source does not tell. */
  get waitingBytes(): number {
    const taken = this.#queuedElements - this.queue.elements;
    while (this.#waiting[0] !== undefined && this.#waiting[0].upTo <= taken)
      this.#waitingBytes -= this.#waiting.shift()?.bytes ?? 0;
    return this.#waitingBytes;
  }

  stop(): void {
    this.#isStopped = true;
    this.#reader?.interrupt?.();
    this.#options.feed?.stop();
    this.#room.ring();
  }

  /** Tells the reader, if this run has one of the split, what it need not keep any more. */
  committed({ split, cursor }: Pick<PumpPosition, 'split' | 'cursor'>): void {
    if (cursor !== undefined && split === this.split) this.#reader?.committed?.(cursor);
  }

  /** Stops reading and ends event time behind what has been read; the split itself has not ended. */
  drain(): void {
    const mustEnd = !this.#isStopped && !this.#hasEnded;
    this.stop();
    if (!mustEnd) return;
    this.queue.push({ kind: 'end' });
    this.#options.wake.ring();
  }

  /** A lane: one split after another. */
  async #readAll(feed: SplitFeed): Promise<void> {
    const { runtime, wake } = this.#options;
    while (!this.#isStopped) {
      if (this.#position.split === '' || this.#position.hasEnded) {
        this.queue.push({ kind: 'split', begins: false });
        wake.ring();
        this.#pollingSince = runtime.clock.now();
        // At once where it is known, so that no barrier comes between the end of one and the beginning of the next.
        const split = feed.nextNow() ?? (await feed.next());
        this.#pollingSince = undefined;
        if (this.#isStopped) return;
        if (split === undefined) return this.#end();
        this.#position = { split, cursor: undefined, hasEnded: false, bytesRead: 0 };
        this.queue.push({ kind: 'split', begins: true });
      }
      if (!(await this.#read())) return;
      feed.finished(this.#position.split, this.#position.bytesRead);
      this.#position = { ...this.#position, hasEnded: true, bytesRead: 0 };
    }
  }

  /** Reads a split. Returns whether it was read to its end; else the pump was stopped. */
  async #read(): Promise<boolean> {
    const { source, runtime, wake } = this.#options;
    const { split, cursor } = this.#position;
    const reader: SplitReader = await source.open(split, cursor, runtime);
    this.#reader = reader;
    try {
      while (!this.#isStopped) {
        this.#pollingSince = runtime.clock.now();
        const next = await reader.read();
        this.#pollingSince = undefined;
        if (this.#isStopped) return false;
        if (next === undefined) return true;
        this.#queue(next);
        wake.ring();
        while (this.#isFull() && !this.#isStopped) await this.#room.wait();
      }
      return false;
    } finally {
      await reader.close();
    }
  }

  #queue({ chunk, cursor, bytesRead = this.#position.bytesRead }: SourceChunk): void {
    this.queue.push(chunk);
    const bytes = bytesRead - this.#position.bytesRead;
    this.#queuedElements += chunk.values.length;
    this.#position = { split: this.#position.split, cursor, hasEnded: false, bytesRead };
    if (bytes > 0) {
      this.#waiting.push({ upTo: this.#queuedElements, bytes });
      this.#waitingBytes += bytes;
    }
    this.#options.queued?.(chunk.values.length + (chunk.unreadable?.length ?? 0));
  }

  #isFull(): boolean {
    return (
      this.queue.elements >= CHUNK_ELEMENTS_MAX ||
      (this.waitingBytes >= READ_AHEAD_BYTES_MAX && !this.queue.isEmpty)
    );
  }

  #end(): void {
    this.#hasEnded = true;
    this.#position = { ...this.#position, hasEnded: true };
    this.queue.push({ kind: 'end' });
    this.#options.wake.ring();
  }
}
