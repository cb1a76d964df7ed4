/** The filter against a model of a partition: random producers, transactions, fetches; and the leaks of kafkajs. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AbortedFilter } from './aborted-filter.js';
import type { AbortedTransaction } from './aborted-filter.js';
import type { Marker } from './record-batch.js';

interface Batch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly producerId: number;
  readonly isTransactional: boolean;
  readonly marker: Marker | undefined;
}

interface Transaction extends AbortedTransaction {
  /** Offset of the marker. */
  readonly end: number;
  /** The last stable offset as it was when the marker had been written. */
  readonly stable: number;
}

/** What a partition leader keeps: the log, who is open since when, and the aborted ones in the order of their markers. */
class Partition {
  readonly log: Batch[] = [];
  readonly aborted: Transaction[] = [];
  readonly open = new Map<number, number>();
  end = 0;

  append(producerId: number, isTransactional: boolean, records: number): void {
    if (isTransactional && !this.open.has(producerId)) this.open.set(producerId, this.end);
    this.add({ producerId, isTransactional, marker: undefined }, records);
  }

  mark(producerId: number, marker: Marker): void {
    const firstOffset = this.open.get(producerId);
    if (firstOffset === undefined) return;
    this.open.delete(producerId);
    const end = this.end;
    this.add({ producerId, isTransactional: true, marker }, 1);
    if (marker === 'abort')
      this.aborted.push({ producerId, firstOffset, end, stable: this.stableEnd() });
  }

  stableEnd(): number {
    return Math.min(this.end, ...this.open.values());
  }

  /** Whole batches that end beyond `from`, none beyond the last stable offset; and whatever was aborted among them. */
  fetch(from: number, batchesMax: number): { batches: Batch[]; aborted: AbortedTransaction[] } {
    const stable = this.stableEnd();
    const batches = this.log
      .filter(({ lastOffset }) => lastOffset >= from && lastOffset < stable)
      .slice(0, batchesMax);
    const upTo = (batches.at(-1)?.lastOffset ?? from) + 1;
    const aborted = this.aborted
      .filter(({ firstOffset, end }) => end >= from && firstOffset < upTo)
      .map(({ producerId, firstOffset }) => ({ producerId, firstOffset }));
    return { batches, aborted };
  }

  private add(batch: Omit<Batch, 'baseOffset' | 'lastOffset'>, records: number): void {
    this.log.push({ ...batch, baseOffset: this.end, lastOffset: this.end + records - 1 });
    this.end += records;
  }
}

/** Reads as a consumer does, fetch after fetch, each with a filter of its own. */
function read(partition: Partition, from: number, batchesMax: number): number[] {
  const seen: number[] = [];
  for (let at = from; ;) {
    const { batches, aborted } = partition.fetch(at, batchesMax);
    if (batches.length === 0) return seen;
    const filter = new AbortedFilter(aborted);
    for (const batch of batches) {
      if (!filter.shows(batch)) continue;
      for (let offset = batch.baseOffset; offset <= batch.lastOffset; offset++)
        if (offset >= at) seen.push(offset);
    }
    at = (batches.at(-1)?.lastOffset ?? at) + 1;
  }
}

/** From the whole log with hindsight: a batch counts if no marker or a commit of its producer comes next. */
function expected(partition: Partition, from: number): number[] {
  const stable = partition.stableEnd();
  const { log } = partition;
  return log.flatMap((batch, index) => {
    const verdict = log
      .slice(index)
      .find(({ producerId, marker }) => producerId === batch.producerId && marker !== undefined);
    const isData = batch.marker === undefined && batch.lastOffset < stable;
    const counts = isData && (!batch.isTransactional || verdict?.marker === 'commit');
    const offsets = Array.from(
      { length: batch.lastOffset - batch.baseOffset + 1 },
      (_, step) => batch.baseOffset + step,
    );
    return counts ? offsets.filter((offset) => offset >= from) : [];
  });
}

const action = fc.record({
  producerId: fc.nat(4),
  kind: fc.constantFrom('write', 'write', 'write', 'commit', 'abort', 'plain'),
  records: fc.integer({ min: 1, max: 3 }),
});

function play(
  actions: readonly { producerId: number; kind: string; records: number }[],
): Partition {
  const partition = new Partition();
  for (const { producerId, kind, records } of actions) {
    if (kind === 'write') partition.append(producerId, true, records);
    // Producers without transactions have ids of their own.
    else if (kind === 'plain') partition.append(producerId + 10, false, records);
    else partition.mark(producerId, kind === 'commit' ? 'commit' : 'abort');
  }
  return partition;
}

test('a reader sees all committed records and no other, from any offset and in fetches of any size', () => {
  let aborted = 0;
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 60 }),
      fc.nat(100),
      fc.integer({ min: 1, max: 20 }),
      (actions, skip, batchesMax) => {
        const partition = play(actions);
        const from = partition.end === 0 ? 0 : skip % partition.end;
        aborted += partition.aborted.length;
        expect(read(partition, from, batchesMax)).toEqual(expected(partition, from));
      },
    ),
    { numRuns: 600 },
  );
  expect(aborted).toBeGreaterThan(20);
});

describe('the leaks of kafkajs', () => {
  test('a list in the order of the markers does not matter', () => {
    const partition = new Partition();
    partition.append(1, true, 1);
    partition.append(2, true, 1);
    partition.append(1, true, 1);
    partition.append(2, true, 2);
    partition.mark(2, 'abort');
    partition.mark(1, 'abort');
    expect(partition.fetch(0, 9).aborted.map(({ producerId }) => producerId)).toEqual([2, 1]);
    expect(read(partition, 0, 9)).toEqual([]);
    expect(leaky(partition, 0)).not.toEqual([]);
  });

  test('a fetch into the midst of two aborted transactions shows neither', () => {
    const partition = new Partition();
    partition.append(1, true, 1);
    partition.append(2, true, 1);
    partition.append(2, true, 1);
    partition.append(1, true, 1);
    partition.mark(1, 'abort');
    partition.mark(2, 'abort');
    expect(read(partition, 2, 9)).toEqual([]);
    expect(leaky(partition, 2)).not.toEqual([]);
  });
});

test('where the broker gives no list, everything but the markers counts', () => {
  const filter = new AbortedFilter(null);
  const batch = { lastOffset: 3, producerId: 1, isTransactional: true };
  expect(filter.shows({ ...batch, marker: undefined })).toBe(true);
  expect(filter.shows({ ...batch, marker: 'commit' })).toBe(false);
  expect(filter.shows({ ...batch, marker: 'other' })).toBe(false);
});

/** The rule that leaks: the list as it comes, and one entry of it per batch. It shows that the cases can fail. */
function leaky(partition: Partition, from: number): number[] {
  const { batches, aborted } = partition.fetch(from, 9);
  const inside = new Set<number>();
  const ahead = [...aborted];
  return batches.flatMap(({ baseOffset, producerId, isTransactional, marker }) => {
    if ((ahead[0]?.firstOffset ?? Infinity) <= baseOffset)
      inside.add(ahead.shift()?.producerId ?? -1);
    if (marker === 'abort') inside.delete(producerId);
    return marker !== undefined || (isTransactional && inside.has(producerId)) ? [] : [baseOffset];
  });
}
