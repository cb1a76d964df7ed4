/**
 * Which batches a reader of committed data may see: the aborted ones are in the log like all others, and the broker only
 * says whose they were and where they began.
 *
 *     offset    0   1   2   3   4   5        aborted: [{ producer 1, from 0 }, { producer 2, from 1 }]
 *     producer  1   2   3  1:A 2:A  1
 *     seen              x           x        an abort marker (A) ends the range of its producer
 *
 * The list of a fetch answer covers all that the answer holds, also where a transaction began before it, so a filter
 * lives for one answer. Three things go wrong in other clients, each of which lets aborted records through: the list is
 * in the order of the abort markers, not of the first offsets; one batch may be where several transactions begin to
 * count, as with a fetch into the midst of two; and only a control batch is a marker, whatever the key of a record.
 * The broker itself holds back what is not decided yet: nothing beyond the last stable offset is ever in an answer.
 */
import type { BatchHeader } from './record-batch.js';

export interface AbortedTransaction {
  readonly producerId: number;
  /** Of the first record of the transaction in this partition; it may lie before what was fetched. */
  readonly firstOffset: number;
}

type FilteredBatch = Pick<BatchHeader, 'lastOffset' | 'producerId' | 'isTransactional' | 'marker'>;

export class AbortedFilter {
  /** By first offset, the lowest last. */
  private readonly ahead: AbortedTransaction[];
  /** Producers in whose aborted range the reader is. */
  private readonly inside = new Set<number>();

  /** The list as the broker gave it; null where it says that there is none. */
  constructor(aborted: readonly AbortedTransaction[] | null) {
    this.ahead = (aborted ?? []).toSorted((a, b) => b.firstOffset - a.firstOffset);
  }

  /** Whether the records of this batch count. To be asked for each batch of the answer, in order; markers never do. */
  shows({ lastOffset, producerId, isTransactional, marker }: FilteredBatch): boolean {
    let next = this.ahead.at(-1);
    while (next !== undefined && next.firstOffset <= lastOffset) {
      this.inside.add(next.producerId);
      this.ahead.pop();
      next = this.ahead.at(-1);
    }
    if (marker !== undefined) {
      // A producer has one open transaction at a time, so its marker ends the one that is in hand.
      if (marker === 'abort') this.inside.delete(producerId);
      return false;
    }
    return !(isTransactional && this.inside.has(producerId));
  }
}
