/** Makes the chunks of a source: columns without times and keys, which the pipeline fills in later. */
import { CHUNK_ELEMENTS_MAX, NO_TIMESTAMP } from '../core/flow.js';
import type { Chunk, Origin, Unreadable } from '../core/flow.js';

/** All chunks of full size share one column, because nobody changes a chunk. */
const noTimestamps: readonly number[] = Array.from(
  { length: CHUNK_ELEMENTS_MAX },
  () => NO_TIMESTAMP,
);
const noKeys: readonly unknown[] = [];
const noPositions: readonly number[] = [];

export interface SourceColumns {
  readonly values: readonly unknown[];
  /** One for each value, or that of the first where the others count on from it. */
  readonly positions: readonly number[] | number;
  /** Event time, ms; left out where the source knows none. */
  readonly timestamps?: readonly number[];
  readonly unreadable?: readonly Unreadable[];
}

export function sourceChunk(origin: Origin, columns: SourceColumns): Chunk {
  const { values, positions, unreadable = [] } = columns;
  const timestamps =
    columns.timestamps ??
    (values.length === CHUNK_ELEMENTS_MAX ? noTimestamps : noTimestamps.slice(0, values.length));
  const chunk: Chunk = {
    kind: 'chunk',
    values,
    timestamps,
    keys: noKeys,
    positions: typeof positions === 'number' ? noPositions : positions,
    ...(typeof positions === 'number' ? { firstPosition: positions } : {}),
    origin,
    derivedKeys: noKeys,
  };
  return unreadable.length === 0 ? chunk : { ...chunk, unreadable };
}
