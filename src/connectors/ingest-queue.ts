/**
 * What has been pushed and is not on disk yet, as a machine without waits: the group that fills up, the one that is being
 * flushed, and the pushes that wait for room.
 *
 *     push ─▶ waiting (bounded) ─▶ group that fills up ─take─▶ in flight ─settle─▶ on disk
 *
 * Law: pushes are written in the order in which they came; a refused one leaves nothing behind.
 */
import { TidemarkError, assert } from '../core/errors.js';
import { ByteWriter } from '../state/bytes.js';
import { encodeValue, writeValue } from '../state/value-codec.js';
import { RECORD_OVERHEAD_BYTES } from './ingest-record.js';

/** A record is full at either; several of them may be flushed together. */
const RECORD_VALUES_MAX = 4096;
const RECORD_BYTES_MAX = 256 * 1024;

export interface QueueLimits {
  /** Values that may be between `push` and the disk. */
  readonly maxPending: number;
  /** Bytes on disk and on the way there. */
  readonly maxBytes: number;
  /** Pushes that may wait for room; 0 for none. */
  readonly maxWaiting: number;
  /** For messages. */
  readonly where: string;
}

export interface GroupRecord {
  readonly count: number;
  readonly values: Uint8Array;
}

export interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: (value?: Promise<void>) => void;
  readonly reject: (error: unknown) => void;
}

interface Waiter {
  readonly bytes: Uint8Array;
  readonly turn: Deferred;
}

export class IngestQueue {
  readonly #limits: QueueLimits;
  readonly #writer = new ByteWriter(64 * 1024);
  /** Values in the writer. */
  #open = 0;
  #sealed: GroupRecord[] = [];
  /** The group that fills up: all its pushes share one promise. */
  #group: Deferred | undefined;
  #groupCount = 0;
  #groupBytes = 0;
  #flight: { readonly done: Deferred; readonly count: number; readonly bytes: number } | undefined;
  #waiters: Waiter[] = [];
  /** Waiters before it have been let in. */
  #firstWaiter = 0;
  #waitingBytes = 0;
  /** As the log says; undefined until it is open. */
  #diskBytes: number | undefined;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Values between `push` and the disk, without those that wait for room. */
  get pending(): number {
    return this.#groupCount + (this.#flight?.count ?? 0);
  }

  get waiting(): number {
    return this.#waiters.length - this.#firstWaiter;
  }

  /** Whether there is something to take. */
  get isFilled(): boolean {
    return this.#groupCount > 0;
  }

  /** Takes a value in, lets it wait, or refuses it: INGEST_FULL, VALUE_NOT_ENCODABLE. */
  push(value: unknown): Promise<void> {
    if (this.waiting > 0) return this.#wait(encodeValue(value));
    const start = this.#writer.length;
    writeValue(this.#writer, value);
    const size = this.#writer.length - start;
    if (this.#hasRoom(size)) return this.#added(size);
    const bytes = this.#writer.peek().slice(start);
    this.#writer.reset(start);
    return this.#wait(bytes);
  }

  /** The group that has filled up; from now on it is in flight. */
  take(): GroupRecord[] {
    assert(this.#flight === undefined, 'one group is in flight at a time');
    this.#seal();
    const records = this.#sealed;
    if (this.#group !== undefined)
      this.#flight = { done: this.#group, count: this.#groupCount, bytes: this.#groupBytes };
    this.#sealed = [];
    this.#group = undefined;
    this.#groupCount = 0;
    this.#groupBytes = 0;
    return records;
  }

  /** The group in flight is on disk: tells its pushes, and lets others in. */
  settle(diskBytes: number): void {
    this.#flight?.done.resolve();
    this.#flight = undefined;
    const isFirst = this.#diskBytes === undefined;
    this.#diskBytes = diskBytes;
    this.#admit();
    // Until the log was open every push had to wait; now only so many may.
    if (isFirst) this.#refuseExcess();
  }

  /** Nothing more will be written: everything that is not on disk is rejected. */
  fail(error: unknown): void {
    this.#flight?.done.reject(error);
    this.#group?.reject(error);
    this.#flight = undefined;
    this.#group = undefined;
    this.#groupCount = 0;
    this.#groupBytes = 0;
    this.#writer.reset();
    this.#open = 0;
    this.#sealed = [];
    this.#diskBytes = undefined;
    this.refuseWaiters(error);
  }

  refuseWaiters(error: unknown): void {
    for (const { turn } of this.#waiters.slice(this.#firstWaiter)) turn.reject(error);
    this.#waiters = [];
    this.#firstWaiter = 0;
    this.#waitingBytes = 0;
  }

  #hasRoom(size: number): boolean {
    const { maxPending, maxBytes } = this.#limits;
    if (this.#diskBytes === undefined) return false;
    const flightBytes = this.#flight?.bytes ?? 0;
    const bytes = this.#diskBytes + flightBytes + this.#groupBytes + size + RECORD_OVERHEAD_BYTES;
    return this.pending < maxPending && bytes <= maxBytes;
  }

  #added(size: number): Promise<void> {
    if (this.#open === 0) this.#groupBytes += RECORD_OVERHEAD_BYTES;
    this.#open += 1;
    this.#groupCount += 1;
    this.#groupBytes += size;
    if (this.#open >= RECORD_VALUES_MAX || this.#writer.length >= RECORD_BYTES_MAX) this.#seal();
    return (this.#group ??= deferred()).promise;
  }

  #seal(): void {
    if (this.#open > 0) this.#sealed.push({ count: this.#open, values: this.#writer.take() });
    this.#writer.reset();
    this.#open = 0;
  }

  #wait(bytes: Uint8Array): Promise<void> {
    const { maxPending, maxBytes, maxWaiting, where } = this.#limits;
    const size = bytes.length + RECORD_OVERHEAD_BYTES;
    if (size > maxBytes)
      throw full(where, `values of at most ${maxBytes} bytes`, `one of ${size}`, tooLarge);
    const most = this.#diskBytes === undefined ? Math.max(maxPending, maxWaiting) : maxWaiting;
    if (this.waiting >= most || this.#waitingBytes + size > maxBytes)
      throw full(where, 'room in the log', this.#fullness(), tooFull);
    const turn = deferred();
    this.#waiters.push({ bytes, turn });
    this.#waitingBytes += size;
    return turn.promise;
  }

  #admit(): void {
    for (;;) {
      const waiter = this.#waiters[this.#firstWaiter];
      if (waiter === undefined || !this.#hasRoom(waiter.bytes.length)) break;
      this.#firstWaiter += 1;
      this.#waitingBytes -= waiter.bytes.length + RECORD_OVERHEAD_BYTES;
      this.#writer.bytes(waiter.bytes);
      waiter.turn.resolve(this.#added(waiter.bytes.length));
    }
    if (this.#firstWaiter * 2 <= this.#waiters.length) return;
    this.#waiters = this.#waiters.slice(this.#firstWaiter);
    this.#firstWaiter = 0;
  }

  #refuseExcess(): void {
    const { maxWaiting, where } = this.#limits;
    if (this.waiting <= maxWaiting) return;
    const refusal = full(where, 'room in the log', this.#fullness(), tooFull);
    for (const { bytes, turn } of this.#waiters.splice(this.#firstWaiter + maxWaiting)) {
      this.#waitingBytes -= bytes.length + RECORD_OVERHEAD_BYTES;
      turn.reject(refusal);
    }
  }

  #fullness(): string {
    const disk = this.#diskBytes ?? 'unknown';
    return `${this.pending} values pending, ${this.waiting} waiting, ${disk} bytes on disk`;
  }
}

const tooLarge = 'Push smaller values, or raise maxBytes.';
const tooFull =
  'Await the pushes; see that a job reads the log and commits, which makes room; or raise maxPending, maxBytes or maxWaiting.';

function full(where: string, expected: string, got: string, hint: string): TidemarkError {
  return new TidemarkError('INGEST_FULL', { expected, got, where, hint });
}

export function deferred(): Deferred {
  let settle: Pick<Deferred, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
  assert(settle !== undefined, 'a promise runs its executor at once');
  return { promise, ...settle };
}
