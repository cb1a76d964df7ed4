/**
 * What an ingest log holds, as a pure machine: which values lie in which record, what is trimmed, and whether all of it
 * is there.
 *
 *     trimmed │ record │ record │ record │ tail
 *             1..      ↑ values are numbered without gaps          ↑ on disk, perhaps never acknowledged
 *
 * Laws: numbers never go back and never have a gap; what lies at or below the trim mark is nobody's any more; what was
 * on disk before a later record was written must be there.
 */
import { TidemarkError, assert } from '../core/errors.js';

export interface IndexEntry {
  readonly first: number;
  readonly count: number;
  /** On disk. */
  readonly bytes: number;
}

export interface FoundEntry extends IndexEntry {
  readonly durable: number;
}

export class IngestIndex {
  #entries: IndexEntry[] = [];
  /** Entries before it are trimmed. */
  #head = 0;
  #trimmed: number;
  #last: number;
  #bytes = 0;

  private constructor(trimmed: number) {
    this.#trimmed = trimmed;
    this.#last = trimmed;
  }

  /**
   * The index of what was found at open.
   *
   * @returns also what must be removed: records behind the trim mark, and a tail that begins behind a gap and was
   *   never acknowledged
   * @throws TidemarkError STATE_DAMAGED when something is missing that was on disk
   */
  static of(
    found: readonly FoundEntry[],
    options: { readonly trimmed: number; readonly where: string },
  ): { readonly index: IngestIndex; readonly removed: readonly IndexEntry[] } {
    const index = new IngestIndex(options.trimmed);
    const removed: IndexEntry[] = [];
    let promised = options.trimmed;
    for (const { durable } of found) promised = Math.max(promised, durable);
    for (const entry of found.toSorted((a, b) => a.first - b.first)) {
      if (entry.first + entry.count - 1 <= options.trimmed) removed.push(entry);
      else if (entry.first === index.#last + 1) index.add(entry);
      else if (index.#last >= promised) removed.push(entry);
      else throw gap(index.#last + 1, entry.first, options.where);
    }
    if (index.#last < promised) throw gap(index.#last + 1, promised + 1, options.where);
    return { index, removed };
  }

  /** Everything up to this number is trimmed. */
  get trimmed(): number {
    return this.#trimmed;
  }

  /** The last number; equal to `trimmed` when the log is empty. */
  get last(): number {
    return this.#last;
  }

  /** What the records take on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  add({ first, count, bytes }: IndexEntry): void {
    assert(first === this.#last + 1 && count > 0, 'a record begins behind the last one');
    this.#entries.push({ first, count, bytes });
    this.#last += count;
    this.#bytes += bytes;
  }

  /** The record that holds a number, or undefined behind the end. */
  find(number: number): IndexEntry | undefined {
    assert(number > this.#trimmed, 'what is trimmed is not read');
    let [low, high] = [this.#head, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.first + entry.count <= number) low = middle + 1;
      else high = middle;
    }
    return this.#entries[low];
  }

  /** Lets whole records go, up to a number at most; says which. */
  trim(upTo: number): IndexEntry[] {
    const gone: IndexEntry[] = [];
    for (;;) {
      const entry = this.#entries[this.#head];
      if (entry === undefined || entry.first + entry.count - 1 > upTo) break;
      gone.push(entry);
      this.#head += 1;
      this.#trimmed = entry.first + entry.count - 1;
      this.#bytes -= entry.bytes;
    }
    // Moved together once half of it is empty: the cost is shared by all that went.
    if (this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return gone;
  }
}

function gap(from: number, to: number, where: string): TidemarkError {
  return new TidemarkError('STATE_DAMAGED', {
    expected: `the values ${from} to ${to - 1}, which were on disk`,
    got: 'none of them',
    where,
    hint: 'Restore the directory of the log from a copy, together with the state of its job.',
  });
}
