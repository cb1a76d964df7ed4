/**
 * Cuts a stream of bytes into records, wherever the blocks begin and end: a pure machine without files.
 *
 *     room() → fill it → filled(count) → next() … 'starved' → room() → …          filled(0) is the end
 *
 * Laws:
 * - the records and their line numbers do not depend on how the bytes were cut into blocks;
 * - `offset` is always the start of a record, so that reading can go on from there in another process;
 * - memory is bounded by `maxLineBytes` and a block: of a longer line only the beginning is kept, as a broken record.
 *
 * A broken quoted record costs its first line, and reading goes on at the second; else one stray quote could swallow
 * the rest of a file.
 */
import { CARRIAGE_RETURN, LINE_FEED, QUOTE, scanQuoted, type QuoteScan } from './file-quotes.js';

export interface SplitterOptions {
  /** The delimiter of fields, as a byte, where quotes may span lines; undefined where a line is a record. */
  readonly delimiter: number | undefined;
  readonly maxLineBytes: number;
  /** Where the first byte stands in the (decompressed) file. */
  readonly offset: number;
  /** The number of the line that begins there, from 1. */
  readonly line: number;
}

export type SplitterStep = 'record' | 'broken' | 'starved' | 'end';

/** How many bytes are asked for at a time. From 64 KiB on, larger blocks were no faster. */
export const BLOCK_BYTES = 128 * 1024;

/** How much of a broken record is kept. */
const RAW_BYTES_MAX = 4096;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

export class RecordSplitter {
  /** The record that `next` has found, as a range of `bytes`; valid until `room`. */
  start = 0;
  end = 0;
  /** The number of its first line. */
  line: number;
  hasQuotes = false;
  /** Why it is broken. */
  reason = '';

  readonly #options: SplitterOptions;
  #buffer = Buffer.alloc(2 * BLOCK_BYTES);
  /** The filled part of the buffer. */
  #view = this.#buffer.subarray(0, 0);
  /** Where the next record begins in the buffer. */
  #position = 0;
  /** What the file offset of the first byte of the buffer is. */
  #base: number;
  #nextLine: number;
  /** The first quote at or behind the position; -1 when the buffer holds none. */
  #quote = -1;
  #isLast = false;
  /** Of a line that is too long, where the kept part ends and the bytes begin in which its end is looked for. */
  #cut = -1;
  /** From here on the buffer holds the bytes of the file without a gap. */
  #whole = 0;

  constructor(options: SplitterOptions) {
    this.#options = options;
    this.#base = options.offset;
    this.#nextLine = options.line;
    this.line = options.line;
  }

  get bytes(): Buffer {
    return this.#view;
  }

  /** The file offset of the next record. */
  get offset(): number {
    return this.#base + this.#position;
  }

  /** The number of the line on which the next record begins. */
  get nextLine(): number {
    return this.#nextLine;
  }

  /** The bytes just before the next record, at most `count` of them: by them a changed file is found out. */
  before(count: number): Uint8Array {
    return this.#view.subarray(Math.max(this.#whole, this.#position - count), this.#position);
  }

  /** The place for the next block. What has been consumed is dropped. */
  room(): Buffer {
    const kept = this.#view.length - this.#position;
    const target =
      this.#buffer.length - kept >= BLOCK_BYTES
        ? this.#buffer
        : Buffer.alloc(Math.max(2 * this.#buffer.length, kept + BLOCK_BYTES));
    this.#buffer.copy(target, 0, this.#position, this.#view.length);
    this.#buffer = target;
    this.#view = target.subarray(0, kept);
    this.#base += this.#position;
    this.#whole = Math.max(0, this.#whole - this.#position);
    if (this.#quote >= 0) this.#quote -= this.#position;
    if (this.#cut >= 0) this.#cut -= this.#position;
    this.#position = 0;
    return target.subarray(kept);
  }

  /** Says how much of the room has been filled; 0 means that the input has ended. */
  filled(count: number): void {
    const before = this.#view.length;
    this.#isLast = count === 0;
    this.#view = this.#buffer.subarray(0, before + count);
    if (this.#quote < 0 && this.#options.delimiter !== undefined)
      this.#quote = this.#view.indexOf(QUOTE, before);
  }

  /** Finds the next record. Empty lines are counted and skipped. */
  next(): SplitterStep {
    if (this.offset === 0 && !this.#skipByteOrderMark()) return 'starved';
    for (;;) {
      if (this.#cut >= 0) return this.#endLongLine();
      if (this.#position === this.#view.length) return this.#isLast ? 'end' : 'starved';
      const step = this.#line();
      if (step !== undefined) return step;
    }
  }

  /** Takes one line, or one record with quotes. Undefined: it was empty. */
  #line(): SplitterStep | undefined {
    const { delimiter, maxLineBytes } = this.#options;
    const view = this.#view;
    const lineFeed = view.indexOf(LINE_FEED, this.#position);
    if (lineFeed < 0 && !this.#isLast) {
      // One byte more than the line may hold is still undecided: it may be the first half of a CRLF.
      if (view.length - this.#position <= maxLineBytes + 1) return 'starved';
      return this.#beginLongLine();
    }
    const isCrLf = lineFeed > this.#position && view[lineFeed - 1] === CARRIAGE_RETURN;
    const end = lineFeed < 0 ? view.length : isCrLf ? lineFeed - 1 : lineFeed;
    const next = lineFeed < 0 ? view.length : lineFeed + 1;
    const isEmpty = end === this.#position;
    const hasQuotes = delimiter !== undefined && this.#quote >= 0 && this.#quote < end;
    if (end - this.#position > maxLineBytes) return this.#break(end, next, this.#tooLong());
    if (hasQuotes) return this.#quoted(delimiter, end, next);
    this.#take(end, next, next === end ? 0 : 1);
    return isEmpty ? undefined : 'record';
  }

  /** Takes a record with quotes, or its first line when it is broken. */
  #quoted(delimiter: number, end: number, next: number): SplitterStep {
    const scan = this.#scanQuotes(delimiter);
    if (scan.kind === 'starved') return 'starved';
    if (scan.kind === 'broken') return this.#break(end, next, scan.reason);
    this.#take(scan.end, scan.next, this.#lineFeeds(this.#position, scan.next));
    this.hasQuotes = true;
    return 'record';
  }

  /** Looks no further than a record may reach, so that the outcome is the same however much is in the buffer. */
  #scanQuotes(delimiter: number): QuoteScan {
    const { maxLineBytes } = this.#options;
    const limit = this.#position + maxLineBytes + 2;
    const isCut = this.#view.length >= limit;
    const bytes = isCut ? this.#view.subarray(0, limit) : this.#view;
    const scan = scanQuoted(bytes, this.#position, { delimiter, isLast: this.#isLast && !isCut });
    const isTooLong =
      scan.kind === 'record'
        ? scan.end - this.#position > maxLineBytes
        : scan.kind === 'starved' && isCut;
    if (!isTooLong) return scan;
    return { kind: 'broken', reason: `a quoted field does not end within ${maxLineBytes} bytes` };
  }

  #tooLong(): string {
    return `the line is longer than ${this.#options.maxLineBytes} bytes`;
  }

  #break(end: number, next: number, reason: string): 'broken' {
    this.reason = reason;
    this.#take(Math.min(end, this.#position + this.#rawBytes()), next, next === end ? 0 : 1);
    return 'broken';
  }

  #take(end: number, next: number, lineFeeds: number): void {
    this.start = this.#position;
    this.end = end;
    this.line = this.#nextLine;
    this.hasQuotes = false;
    this.#nextLine += lineFeeds;
    this.#position = next;
    if (this.#quote >= 0 && this.#quote < next) this.#quote = this.#view.indexOf(QUOTE, next);
  }

  #lineFeeds(from: number, to: number): number {
    let count = 0;
    for (let at = this.#view.indexOf(LINE_FEED, from); at >= 0 && at < to; count += 1)
      at = this.#view.indexOf(LINE_FEED, at + 1);
    return count;
  }

  #rawBytes(): number {
    return Math.min(RAW_BYTES_MAX, this.#options.maxLineBytes);
  }

  /** Keeps the beginning of the line for the message, and forgets the rest as it comes in. */
  #beginLongLine(): SplitterStep {
    this.#cut = this.#position + this.#rawBytes();
    return this.#endLongLine();
  }

  #endLongLine(): SplitterStep {
    const lineFeed = this.#view.indexOf(LINE_FEED, this.#cut);
    if (lineFeed < 0 && !this.#isLast) {
      this.#base += this.#view.length - this.#cut;
      this.#view = this.#view.subarray(0, this.#cut);
      this.#whole = this.#cut;
      this.#quote = -1;
      return 'starved';
    }
    this.#cut = -1;
    const end = lineFeed < 0 ? this.#view.length : lineFeed;
    return this.#break(end, lineFeed < 0 ? end : lineFeed + 1, this.#tooLong());
  }

  /** Whether the beginning of the file has been seen; a byte order mark there is no part of the first record. */
  #skipByteOrderMark(): boolean {
    const begin = this.#view.subarray(0, BYTE_ORDER_MARK.length);
    if (!begin.every((byte, index) => byte === BYTE_ORDER_MARK[index])) return true;
    if (begin.length < BYTE_ORDER_MARK.length) return this.#isLast;
    this.#position = BYTE_ORDER_MARK.length;
    return true;
  }
}
