/**
 * The readers of the live chart, over server-sent events.
 *
 * A chart replaces the one before it, so a reader that is too slow gets fewer of them, never a queue of old ones:
 *
 *     socket takes it        chart ──▶ socket
 *     buffer of it is full   chart ──▶ kept, replaces the one kept before ──▶ socket, once it has drained
 *
 * What a reader can hold of our memory is thus the buffer of its socket (16 to 64 KiB, by the version of Node), the
 * frame that filled it, and one kept frame, which all readers share.
 */
import { limits } from './limits.js';
import type { Chart } from './trends.js';

/** As much of a response as a reader needs. */
export interface Outlet {
  readonly writableLength: number;
  write(bytes: Buffer): boolean;
  end(bytes?: Buffer): unknown;
  destroy(): unknown;
  on(event: 'drain' | 'close' | 'error', listener: () => void): unknown;
}

export interface ReadersOptions {
  /** Default 100. */
  readonly max?: number;
}

/** Why a stream ends; clients get it as their last event. */
export type EndReason = 'stopping' | 'failed';

const encoder = (text: string): Buffer => Buffer.from(text, 'utf8');
const heartbeat = encoder(': still here\n\n');
const greeting = encoder('retry: 2000\n\n');

/** A chart as an event. JSON holds no line break, so one data line will do. */
export function chartFrame(chart: Chart): Buffer {
  return encoder(`event: chart\ndata: ${JSON.stringify(chart)}\n\n`);
}

function endFrame(reason: EndReason): Buffer {
  return encoder(`event: end\ndata: ${JSON.stringify({ reason })}\n\n`);
}

export class Readers {
  readonly max: number;
  readonly #readers = new Set<Reader>();
  #newest: Buffer | undefined;
  #conflated = 0;

  constructor({ max = limits.readers }: ReadersOptions = {}) {
    this.max = max;
  }

  get isFull(): boolean {
    return this.#readers.size >= this.max;
  }

  get count(): number {
    return this.#readers.size;
  }

  /** How many charts were replaced by a newer one before a slow reader could take them. */
  get conflated(): number {
    return this.#conflated;
  }

  /** Bytes that wait for sockets, over all readers. */
  get pendingBytes(): number {
    let bytes = 0;
    for (const { pendingBytes } of this.#readers) bytes += pendingBytes;
    return bytes;
  }

  /** Takes a reader in, whose head has been written, and gives it the newest chart at once. */
  add(outlet: Outlet): void {
    const reader = new Reader(outlet);
    this.#readers.add(reader);
    // A reader that has left is told by `close`, always; an error before it needs no words.
    outlet.on('error', () => undefined);
    outlet.on('close', () => this.#readers.delete(reader));
    outlet.on('drain', () => reader.drained());
    reader.send(greeting);
    if (this.#newest !== undefined) reader.send(this.#newest);
  }

  /** Sends a chart to everybody. */
  tell(chart: Chart): void {
    const frame = chartFrame(chart);
    this.#newest = frame;
    for (const reader of this.#readers) if (reader.send(frame) === 'replaced') this.#conflated += 1;
  }

  /** Called every `limits.heartbeatMs`: a comment for each, and an end for those that take nothing any more. */
  beat(): void {
    for (const reader of this.#readers) reader.beat();
  }

  /** A last event for each, behind the newest chart. */
  end(reason: EndReason): void {
    const frame = endFrame(reason);
    for (const reader of this.#readers) reader.end(frame);
  }
}

class Reader {
  readonly #outlet: Outlet;
  #kept: Buffer | undefined;
  #isFull = false;
  #isEnded = false;
  #beatsMissed = 0;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  get pendingBytes(): number {
    return this.#outlet.writableLength + (this.#kept?.length ?? 0);
  }

  send(frame: Buffer): 'sent' | 'kept' | 'replaced' {
    if (this.#isEnded) return 'sent';
    if (this.#isFull) {
      const had = this.#kept;
      this.#kept = frame;
      return had === undefined ? 'kept' : 'replaced';
    }
    this.#isFull = !this.#outlet.write(frame);
    return 'sent';
  }

  drained(): void {
    this.#isFull = false;
    this.#beatsMissed = 0;
    const frame = this.#kept;
    this.#kept = undefined;
    if (frame !== undefined) this.send(frame);
  }

  beat(): void {
    if (!this.#isFull) {
      this.send(heartbeat);
      return;
    }
    this.#beatsMissed += 1;
    if (this.#beatsMissed >= limits.heartbeatsMissed) this.#outlet.destroy();
  }

  end(frame: Buffer): void {
    if (this.#isEnded) return;
    const newest = this.#kept;
    this.#kept = undefined;
    this.#isEnded = true;
    this.#outlet.end(newest === undefined ? frame : Buffer.concat([newest, frame]));
  }
}
