/**
 * Source and sink contracts: one outside system per implementation, one job per open.
 *
 * A source is a set of splits, each read in order from a cursor. What a cursor is, only the source knows; the job
 * keeps it in the commit and gives it back after a crash. A sink goes through numbered steps:
 *
 *     1  open(instance)                      writers of a run, one per task that feeds the sink
 *     2  recover(prepared)                   before the first element: finish what the last commit holds, drop the rest
 *     3  write(values, timestamps)           any number of times
 *     4  prepare(epoch) -> prepared          everything written since the last prepare is safe, but not visible
 *     5  (the job commits, with `prepared` inside)
 *     6  publish(prepared)                   makes it visible; must be harmless when repeated after a crash
 */
import type { Chunk } from './flow.js';
import type { Runtime } from './runtime.js';

export type Guarantee = 'exactly-once' | 'at-least-once';

/** What a sink promises in an exactly-once job. */
export type SinkGuarantee = 'transactional' | 'two-phase' | 'idempotent' | 'at-least-once';

/** Any value of the state codec: numbers, strings, plain objects, arrays. */
export type Cursor = unknown;

export interface Source<T> {
  /** For messages and origins: the file name, `iterable`. */
  readonly name: string;
  /** Whether a split can be read again from a cursor; an exactly-once job refuses others. */
  readonly replayable: boolean;
  /** True where it never ends by itself, as a growing file does not; a batch job refuses it. Default: it may end. */
  readonly unbounded?: boolean;
  /** Phantom: what the source yields. */
  readonly type?: T;
  /** Bytes in all, for progress; undefined when unknown. */
  size?(runtime: Runtime): Promise<number | undefined>;
  /** The splits that there are now, by stable ids; where `discovery` is set, in the order in which to read them. */
  splits(runtime: Runtime): Promise<readonly string[]>;
  /** Absent: all splits are there from the beginning, and all are open at once. */
  readonly discovery?: SplitDiscovery;
  /** Opens one split behind the cursor, or at its beginning. Rejects with SOURCE_CHANGED when the cursor does not fit. */
  open(split: string, cursor: Cursor | undefined, runtime: Runtime): Promise<SplitReader>;
}

/**
 * For sources with many splits, or with new ones while the job runs: the job keeps a bounded number of them open, and
 * asks `splits` again now and then. A new split joins at the watermark that its stream has reached: the watermark does
 * not fall, and elements behind it are late. Finished splits are remembered by 8 bytes of a hash of their name: all that
 * are still listed, 100,000 in all at most; of more than that, those no longer listed are forgotten, the oldest first.
 */
export interface SplitDiscovery {
  /** How many splits are open at a time, 1 to 64. */
  readonly openMax: number;
  /** ms after which `splits` is asked again; Infinity: never, and the source ends with its last split. */
  readonly everyMs: number;
}

export interface SplitReader {
  /**
   * The next run of elements, at most `CHUNK_ELEMENTS_MAX` of them, or undefined at the end of a bounded split.
   * Never called again before it has settled. Timestamps may be left out (NO_TIMESTAMP) and keys are empty.
   */
  read(): Promise<SourceChunk | undefined>;
  /**
   * The job is about to stop: a `read` under way settles soon, with whatever it likes, for nobody looks at it. For
   * readers that may wait for ever; without it such a read is left hanging, and `close` comes only after it.
   */
  interrupt?(): void;
  /**
   * The cursor of a chunk of this reader is committed, and no run begins before it again: what lies before may go.
   * Called after each epoch, in order, also after `close`, and not at all when the process dies in between; so `open`
   * learns the same from the cursor that it is given. It must not throw: what goes wrong is told by the next `read`.
   */
  committed?(cursor: Cursor): void;
  close(): Promise<void>;
}

export interface SourceChunk {
  readonly chunk: Chunk;
  /** Where to open the split so that the first element after this chunk comes next. */
  readonly cursor: Cursor;
  /** Bytes of input consumed so far in this split, for progress. */
  readonly bytesRead?: number;
}

/** Identifies one writer of a sink; file names and staged outputs carry it. */
export interface SinkInstance {
  readonly job: string;
  /** uid of the sink. */
  readonly uid: string;
  /** Number of the writer among those of this sink. */
  readonly instance: number;
  /** `exactly-once`: nothing is visible before publish. `at-least-once`: visible at prepare, or earlier. */
  readonly guarantee: Guarantee;
}

export interface Sink<T> {
  readonly uid: string;
  readonly guarantee: SinkGuarantee;
  /** The user accepts repeats after a crash, although the job is exactly-once. */
  readonly allowDuplicates: boolean;
  /** Phantom, contravariant: what the sink takes. */
  readonly accepts?: (value: T) => void;
  /**
   * Called once per run, before any writer opens, with what the last commit holds of this sink (from all former
   * instances): publishes it again and removes everything that the commit does not know.
   */
  recover(prepared: readonly Prepared[], run: SinkRun, runtime: Runtime): Promise<void>;
  open(instance: SinkInstance, runtime: Runtime): Promise<SinkWriter>;
}

export interface SinkRun {
  readonly job: string;
  readonly uid: string;
  readonly guarantee: Guarantee;
  /** The last committed epoch; 0 when there is none. */
  readonly epoch: number;
  /**
   * The state was set back to `epoch` on demand, so outputs of later epochs may be visible, and will come again. A sink
   * that can take them back does; another one leaves them, and repeats. Default false.
   */
  readonly isRewound?: boolean;
}

/** What `prepare` leaves in the commit: any value of the state codec. */
export type Prepared = unknown;

export interface SinkWriter {
  /** Takes a batch; the promise is the backpressure. Called again only after it has settled. */
  write(values: readonly unknown[], timestamps: ArrayLike<number>): Promise<void> | void;
  prepare(epoch: number): Promise<Prepared>;
  publish(prepared: Prepared): Promise<void>;
  close(): Promise<void>;
}
