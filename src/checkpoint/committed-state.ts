/**
 * What snapshots and savepoints see of committed state: records by uid and key group, whatever form the committer
 * keeps them in. With this in between, the form inside may change while copies outside stay readable.
 */
import type { JobRecord } from './job-record.js';

/**
 * Kinds of records, in the order in which one key group gives them. Their numbers stand in files: never renumber.
 *
 *     slots        key, as the key codec writes it                    →  the packed states of the key
 *     event        time as a 64-bit float, then the key               →  nothing: the pair is the timer
 *     processing   the same, for timers by the clock on the wall
 */
export const recordKinds = ['slots', 'event', 'processing'] as const;

export type RecordKind = (typeof recordKinds)[number];

/** One record. The bytes may be views that are only good until the next record is asked for. */
export interface StateRecord {
  readonly kind: RecordKind;
  /** Key group, 0 to maxParallelism - 1. */
  readonly group: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** One committed epoch, held: it stays readable while later epochs are committed, until it is released. */
export interface CommittedState {
  readonly record: JobRecord;
  /** Uids that keyed state is kept of, sorted. */
  readonly uids: readonly string[];
  /** All records of a uid, by group, then by kind. Each of a (kind, key) once; nothing that was removed. */
  records(uid: string): Iterable<StateRecord>;
  release(): void;
}

/** Takes records into a store, to be committed as a whole: the reverse of `CommittedState`. */
export interface StateLoader {
  /** Takes one record; records of one uid come by group, then by kind. */
  add(uid: string, record: StateRecord): void;
  /** Bytes taken since the last `flushed`, so that the caller can bound what is in flight. */
  readonly pending: number;
  flushed(): Promise<void>;
  /** Everything added becomes the state, instead of whatever was committed before. */
  commit(record: JobRecord): void;
}
