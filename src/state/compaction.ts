/**
 * Which runs of a part are merged, and when: neighbours of similar size, after the universal compaction of RocksDB. A
 * record is rewritten about once each time the state above it has doubled, never because one key has changed; and a
 * look-up meets a bounded number of runs.
 */

/** Fewer neighbours than this are not worth it. */
const WIDTH_MIN = 4;
/** A neighbour may be so many times larger than the mean of those before it, where they are few. */
const RATIO = 4;
/** More runs than this make a look-up slow: the newest are merged whatever their sizes. */
const RUNS_WANTED = 8;
/** From here on a merge does not wait for its turn. */
export const RUNS_MAX = 12;

/** The runs to merge, from `from` up to the newest; undefined when they are well as they are. */
export interface Merge {
  readonly from: number;
  /** Bytes that it reads. */
  readonly bytes: number;
}

/** @param sizes bytes of each run, oldest first */
export function pickMerge(sizes: readonly number[]): Merge | undefined {
  let from = sizes.length;
  let bytes = 0;
  const needed = sizes.length > RUNS_WANTED ? sizes.length - RUNS_WANTED / 2 : 0;
  while (from > 0) {
    const size = sizes[from - 1] as number;
    const width = sizes.length - from;
    const isSimilar = size <= Math.max(bytes, (RATIO * bytes) / width);
    const isNeighbour = width === 0 || isSimilar || width < needed;
    if (!isNeighbour) break;
    bytes += size;
    from -= 1;
  }
  return sizes.length - from < WIDTH_MIN ? undefined : { from, bytes };
}
