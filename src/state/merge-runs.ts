/**
 * Several sorted runs as one: each key once, with its newest record. What a restore reads, what compaction writes, and
 * what a walk over cold keys sees is this.
 */
import type { Block } from './blocks.js';

/** Gives the blocks of one run, in order; nothing is read before it is asked for. */
export type Blocks = Iterator<Block, void, void>;

/** One record in hand, by index in its block. */
export interface MergedRecord {
  readonly block: Block;
  readonly index: number;
  readonly place: number;
}

/**
 * The records of all runs from a place on, ascending, tombstones included. The object given is the same each time.
 *
 * @param runs oldest first
 */
export function* mergeRuns(runs: readonly Blocks[], from = 0): Generator<MergedRecord, void, void> {
  const cursors = runs.map((blocks) => new Cursor(blocks, from)).filter(({ isOpen }) => isOpen);
  while (cursors.length > 0) {
    // The newest of equals: the last one that is not beaten.
    let best = cursors[0] as Cursor;
    for (let at = 1; at < cursors.length; at += 1) {
      const cursor = cursors[at] as Cursor;
      if (compare(cursor, best) <= 0) best = cursor;
    }
    yield best;
    for (let at = cursors.length - 1; at >= 0; at -= 1) {
      const cursor = cursors[at] as Cursor;
      if (cursor === best || cursor.place !== best.place || compare(cursor, best) !== 0) continue;
      if (!cursor.advance()) cursors.splice(at, 1);
    }
    if (!best.advance()) cursors.splice(cursors.indexOf(best), 1);
  }
}

class Cursor implements MergedRecord {
  readonly #blocks: Blocks;
  block!: Block;
  index = 0;
  place = 0;
  isOpen: boolean;

  constructor(blocks: Blocks, from: number) {
    this.#blocks = blocks;
    this.isOpen = this.#nextBlock();
    while (this.isOpen && (this.index = this.block.from(from)) === this.block.count)
      this.isOpen = this.#nextBlock();
    if (this.isOpen) this.place = this.block.placeAt(this.index);
  }

  /** Returns whether there is another record. */
  advance(): boolean {
    this.index += 1;
    if (this.index >= this.block.count) return this.#nextBlock();
    this.place = this.block.placeAt(this.index);
    return true;
  }

  #nextBlock(): boolean {
    const next = this.#blocks.next();
    if (next.done === true) return false;
    this.block = next.value;
    this.index = 0;
    this.place = this.block.placeAt(0);
    return true;
  }
}

function compare(a: Cursor, b: Cursor): number {
  if (a.place !== b.place) return a.place - b.place;
  return compareKeys(a, b);
}

function compareKeys(a: MergedRecord, b: MergedRecord): number {
  const [first, second] = [a.block.bytes, b.block.bytes];
  const [start, other] = [a.block.startOf(a.index), b.block.startOf(b.index)];
  const [length, otherLength] = [
    a.block.keyEndOf(a.index) - start,
    b.block.keyEndOf(b.index) - other,
  ];
  const common = Math.min(length, otherLength);
  for (let at = 0; at < common; at += 1) {
    const difference = (first[start + at] as number) - (second[other + at] as number);
    if (difference !== 0) return difference;
  }
  return length - otherLength;
}
