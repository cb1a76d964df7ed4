/**
 * In which order the answers of asynchronous calls may leave: a pure machine, without calls, promises or clocks.
 *
 *     put ─▶ a  b  │w1│  c  d  │w2│  e ─▶ take
 *            └ a stretch ┘
 *
 * Ordered: everything leaves as it was put. Unordered: within the stretch between two watermarks whoever is finished
 * first leaves first. Laws: nothing overtakes a watermark, and no watermark overtakes anything; each entry that has been
 * finished leaves once; at most `capacity` entries have begun and not left.
 */
import { assert } from '../core/errors.js';

/** A place in the queue: of an entry, or of a watermark. */
export interface Place<Entry> {
  readonly entry: Entry | undefined;
  /** The watermark; NaN for an entry. */
  readonly time: number;
}

export interface Ticket<Entry> extends Place<Entry> {
  readonly entry: Entry;
}

/** The places are a list, so that one in the middle leaves without moving the others. */
interface Link<Entry> {
  entry: Entry | undefined;
  time: number;
  stretch: Stretch<Entry>;
  state: 'waiting' | 'begun' | 'finished' | 'gone';
  before: Link<Entry> | undefined;
  after: Link<Entry> | undefined;
}

/** What lies between two watermarks; the finished ones in the order in which they were finished. */
interface Stretch<Entry> {
  readonly finished: Link<Entry>[];
  taken: number;
}

/** Watermarks kept apart at most; beyond, one that follows another without an entry in between takes its place. */
const MARKS_MAX = 1024;
/** Finished places that have left, before a stretch gives back their room. */
const TAKEN_MAX = 1024;

export interface AsyncQueueOptions {
  readonly ordered: boolean;
  /** Entries that may have begun and not left; at least 1. */
  readonly capacity: number;
}

export class AsyncQueue<Entry> {
  readonly #ordered: boolean;
  readonly #capacity: number;
  #head: Link<Entry> | undefined;
  #tail: Link<Entry> | undefined;
  /** The first entry that has not begun. */
  #next: Link<Entry> | undefined;
  #last: Stretch<Entry> = { finished: [], taken: 0 };
  #entries = 0;
  #begun = 0;
  #marks = 0;

  constructor({ ordered, capacity }: AsyncQueueOptions) {
    this.#ordered = ordered;
    this.#capacity = capacity;
  }

  /** Entries that have not left. */
  get entries(): number {
    return this.#entries;
  }

  /** Entries and watermarks that have not left. */
  get size(): number {
    return this.#entries + this.#marks;
  }

  /** Entries that have begun and not left. */
  get begun(): number {
    return this.#begun;
  }

  /** Whether one more entry would have to wait for another to leave. */
  get isFull(): boolean {
    return this.#entries >= this.#capacity;
  }

  put(entry: Entry): Ticket<Entry> {
    const link = this.#append(entry, NaN);
    this.#entries += 1;
    this.#next ??= link;
    return link as Ticket<Entry>;
  }

  /** Everything put so far leaves before this watermark, everything later behind it. */
  watermark(time: number): void {
    const tail = this.#tail;
    if (this.#marks >= MARKS_MAX && tail !== undefined && tail.entry === undefined) {
      tail.time = time;
      return;
    }
    this.#append(undefined, time);
    this.#marks += 1;
    this.#last = { finished: [], taken: 0 };
  }

  /** The next entry to begin, in the order of putting; undefined where there is none, or no capacity. */
  begin(): Ticket<Entry> | undefined {
    const link = this.#next;
    if (link === undefined || this.#begun >= this.#capacity) return undefined;
    link.state = 'begun';
    this.#begun += 1;
    this.#next = nextEntry(link.after);
    return link as Ticket<Entry>;
  }

  /** An entry that has begun is finished. One that has been dropped meanwhile is ignored. */
  finish(ticket: Ticket<Entry>): void {
    const link = ticket as Link<Entry>;
    if (link.state === 'gone') return;
    assert(link.state === 'begun', 'what is finished has begun, and is finished once');
    link.state = 'finished';
    if (!this.#ordered) link.stretch.finished.push(link);
  }

  /** What may leave now, and leaves: an entry, or a watermark; undefined for nothing. */
  take(): Place<Entry> | undefined {
    const head = this.#head;
    if (head === undefined) return undefined;
    if (head.entry === undefined) {
      this.#marks -= 1;
      this.#unlink(head);
      return head;
    }
    const link = this.#ordered ? head : firstFinished(head.stretch);
    if (link?.state !== 'finished') return undefined;
    this.#leave(link);
    return link;
  }

  /** Takes the oldest entry out, whatever has become of it; undefined where there is none. */
  dropOldest(): Ticket<Entry> | undefined {
    const link = nextEntry(this.#head);
    if (link === undefined) return undefined;
    if (link === this.#next) this.#next = nextEntry(link.after);
    this.#leave(link);
    return link as Ticket<Entry>;
  }

  /** All places in the order of putting. */
  *places(): Generator<Place<Entry>, void, void> {
    for (let link = this.#head; link !== undefined; link = link.after) yield link;
  }

  #append(entry: Entry | undefined, time: number): Link<Entry> {
    const link: Link<Entry> = {
      entry,
      time,
      stretch: this.#last,
      state: 'waiting',
      before: this.#tail,
      after: undefined,
    };
    if (this.#tail === undefined) this.#head = link;
    else this.#tail.after = link;
    this.#tail = link;
    return link;
  }

  #leave(link: Link<Entry>): void {
    if (link.state !== 'waiting') this.#begun -= 1;
    link.state = 'gone';
    this.#entries -= 1;
    this.#unlink(link);
  }

  #unlink(link: Link<Entry>): void {
    if (link.before === undefined) this.#head = link.after;
    else link.before.after = link.after;
    if (link.after === undefined) this.#tail = link.before;
    else link.after.before = link.before;
  }
}

function nextEntry<Entry>(from: Link<Entry> | undefined): Link<Entry> | undefined {
  let link = from;
  while (link !== undefined && link.entry === undefined) link = link.after;
  return link;
}

/** The one that was finished first and has not left. */
function firstFinished<Entry>(stretch: Stretch<Entry>): Link<Entry> | undefined {
  const { finished } = stretch;
  while (finished[stretch.taken]?.state === 'gone') stretch.taken += 1;
  if (stretch.taken >= TAKEN_MAX || stretch.taken === finished.length) {
    finished.splice(0, stretch.taken);
    stretch.taken = 0;
  }
  return finished[stretch.taken];
}
