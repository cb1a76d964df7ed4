/**
 * A bounded FIFO between two tasks of one process, carrying chunks with signals in band.
 *
 * The bound counts elements. A producer asks `isFull` between elements, so one element that becomes many may go beyond
 * it once; signals always fit, because a barrier that had to wait behind data could never overtake a full channel.
 */
import {
  CHUNK_ELEMENTS_MAX,
  type Chunk,
  type Flow,
  type Origin,
  type Signal,
} from '../core/flow.js';

/** A queue that gives its items back in order, without moving the rest at each take. */
export class FlowQueue {
  #items: Flow[] = [];
  #head = 0;
  #elements = 0;

  get isEmpty(): boolean {
    return this.#head === this.#items.length;
  }

  /** Elements in all queued chunks. */
  get elements(): number {
    return this.#elements;
  }

  peek(): Flow | undefined {
    return this.#items[this.#head];
  }

  /**
   * Where one split ends and the next begins, only the beginning is left, which means both: with a step in between, the
   * watermark would go on to where a faster input is, past everything that the next split holds.
   */
  push(item: Flow): void {
    const last = this.#items.at(-1);
    const isTurn = item.kind === 'split' && item.begins && last?.kind === 'split' && !last.begins;
    if (isTurn && !this.isEmpty) this.#items.pop();
    this.#items.push(item);
    if (item.kind === 'chunk') this.#elements += item.values.length;
  }

  take(): Flow | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head += 1;
    if (item.kind === 'chunk') this.#elements -= item.values.length;
    if (this.#head === this.#items.length || this.#head > 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/** Raised by whatever a task writes to, so that the task asks one flag per element instead of every writer. */
export interface Pressure {
  isFull: boolean;
}

/** Where the element in hand comes from; a task changes its one object in place. */
export interface Whence {
  origin: Origin;
  position: number;
  /** The key it was derived from, for derived elements. */
  derivedKey: unknown;
}

/** The sending end of a channel: collects elements into chunks of one origin. */
export class ChannelWriter {
  readonly #queue: FlowQueue;
  readonly #pressure: Pressure;
  #values: unknown[] = [];
  #timestamps: number[] = [];
  #keys: unknown[] = [];
  #positions: number[] = [];
  #derivedKeys: unknown[] = [];
  #origin: Origin | undefined;

  constructor(queue: FlowQueue, pressure: Pressure) {
    this.#queue = queue;
    this.#pressure = pressure;
  }

  get isFull(): boolean {
    return this.#queue.elements + this.#values.length >= CHUNK_ELEMENTS_MAX;
  }

  element(value: unknown, timestamp: number, key: unknown, from: Whence): void {
    if (this.#origin !== from.origin || this.#values.length >= CHUNK_ELEMENTS_MAX) {
      this.flush();
      this.#origin = from.origin;
    }
    this.#values.push(value);
    this.#timestamps.push(timestamp);
    this.#positions.push(from.position);
    this.#keys.push(key);
    if (from.origin.unit === 'time') this.#derivedKeys.push(from.derivedKey);
    if (this.isFull) this.#pressure.isFull = true;
  }

  /** Sends what has been collected, then the signal: nothing overtakes on a channel. */
  signal(signal: Signal): void {
    this.flush();
    this.#queue.push(signal);
  }

  /** Returns whether there was anything to send. */
  flush(): boolean {
    if (this.#values.length === 0 || this.#origin === undefined) return false;
    const chunk: Chunk = {
      kind: 'chunk',
      values: this.#values,
      timestamps: this.#timestamps,
      keys: this.#keys,
      positions: this.#positions,
      origin: this.#origin,
      derivedKeys: this.#derivedKeys,
    };
    this.#values = [];
    this.#timestamps = [];
    this.#keys = [];
    this.#positions = [];
    this.#derivedKeys = [];
    this.#queue.push(chunk);
    return true;
  }
}
