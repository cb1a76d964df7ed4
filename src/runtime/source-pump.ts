/** The shell around one split of a source: reads ahead by a chunk, stops when the queue is full, knows its cursor. */
import { TidemarkError, show } from '../core/errors.js';
import type { Cursor, Source, SourceChunk, SplitReader } from '../core/connector.js';
import { CHUNK_ELEMENTS_MAX, type Origin } from '../core/flow.js';
import type { Runtime } from '../core/runtime.js';
import { FlowQueue } from './channel.js';
import { Wake } from './wake.js';

export interface SourcePumpOptions {
  readonly input: string;
  readonly split: string;
  readonly source: Source<unknown>;
  readonly runtime: Runtime;
  /** From the last commit. */
  readonly cursor: Cursor | undefined;
  readonly hasEnded: boolean;
  readonly bytesRead: number;
  /** Rung whenever there is something for the job to do. */
  readonly wake: Wake;
  readonly failed: (error: unknown) => void;
  /** Called behind each chunk that has been queued, with its number of records: a barrier may go right behind it. */
  readonly queued?: (records: number) => void;
}

/** Bytes of input that may wait in the queue of a split, where its source tells how many it has read. */
export const READ_AHEAD_BYTES_MAX = 4 * 1024 * 1024;

export class SourcePump {
  readonly queue = new FlowQueue();
  readonly origin: Origin;
  readonly #options: SourcePumpOptions;
  readonly #room = new Wake();
  #cursor: Cursor | undefined;
  #hasEnded: boolean;
  #bytesRead: number;
  #isStopped = false;
  #pollingSince: number | undefined;
  /** Bytes of each chunk that waits, with the number of elements queued up to its end. */
  readonly #waiting: { readonly upTo: number; readonly bytes: number }[] = [];
  #waitingBytes = 0;
  #queuedElements = 0;
  #reader: SplitReader | undefined;

  constructor(options: SourcePumpOptions) {
    this.#options = options;
    this.#cursor = options.cursor;
    this.#hasEnded = options.hasEnded;
    this.#bytesRead = options.bytesRead;
    this.origin = { name: options.source.name, unit: 'element' };
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Milliseconds for which the source has been polled in vain, while nothing waits to be processed. */
  polledInVainMs(now: number): number {
    if (this.#pollingSince === undefined || this.#isStopped || !this.queue.isEmpty) return 0;
    return now - this.#pollingSince;
  }

  /** Reads until the split ends or the pump is stopped. Never rejects: failures are reported. */
  async run(): Promise<void> {
    try {
      if (this.#hasEnded) this.#end();
      else await this.#read();
    } catch (error) {
      this.#options.failed(sourceFailed(error, this.#options.source.name));
    }
  }

  /** Puts the barrier behind everything read so far; the position that goes with it is what has been pushed. */
  barrier(epoch: number): { cursor: Cursor | undefined; hasEnded: boolean; bytesRead: number } {
    this.queue.push({ kind: 'barrier', epoch });
    return { cursor: this.#cursor, hasEnded: this.#hasEnded, bytesRead: this.#bytesRead };
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
    this.#room.ring();
  }

  /** Tells the reader, if this run has one, what it need not keep any more. */
  committed(cursor: Cursor | undefined): void {
    if (cursor !== undefined) this.#reader?.committed?.(cursor);
  }

  /** Stops reading and ends event time behind what has been read; the split itself has not ended. */
  drain(): void {
    const mustEnd = !this.#isStopped && !this.#hasEnded;
    this.stop();
    if (!mustEnd) return;
    this.queue.push({ kind: 'end' });
    this.#options.wake.ring();
  }

  async #read(): Promise<void> {
    const { source, split, runtime, wake } = this.#options;
    const reader: SplitReader = await source.open(split, this.#cursor, runtime);
    this.#reader = reader;
    try {
      while (!this.#isStopped) {
        this.#pollingSince = runtime.clock.now();
        const next = await reader.read();
        this.#pollingSince = undefined;
        if (this.#isStopped) return;
        if (next === undefined) {
          this.#end();
          return;
        }
        this.#queue(next);
        wake.ring();
        while (this.#isFull() && !this.#isStopped) await this.#room.wait();
      }
    } finally {
      await reader.close();
    }
  }

  #queue({ chunk, cursor, bytesRead = this.#bytesRead }: SourceChunk): void {
    this.queue.push(chunk);
    const bytes = bytesRead - this.#bytesRead;
    this.#queuedElements += chunk.values.length;
    this.#cursor = cursor;
    this.#bytesRead = bytesRead;
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
    this.queue.push({ kind: 'end' });
    this.#options.wake.ring();
  }
}

/** Calls a source; whatever it throws names it. */
export async function guardSource<T>(name: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw sourceFailed(error, name);
  }
}

function sourceFailed(error: unknown, name: string): unknown {
  if (error instanceof TidemarkError) return error;
  return new TidemarkError('SOURCE_FAILED', {
    expected: 'a source that can be read',
    got: show(error),
    where: `source "${name}"`,
    hint: 'The cause is attached; the job can be started again and goes on from the last commit.',
    cause: error,
  });
}
