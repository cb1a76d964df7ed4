/**
 * Everything a running job may ask of the outside world, in one object that is handed in.
 *
 * The real one is made by `nodeRuntime()`; the simulated one by `tidemark/testing`, which can then lose unsynced
 * writes, turn the clock, and crash the job at every named await.
 */
import type { Clock, Random } from './clock.js';

/** pino-shaped: an object of fields first, then a sentence. */
export interface Logger {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

/**
 * The awaits of a commit and of a recovery, by name. Each is a place where the process may die, and the
 * simulator and the torture test visit every one.
 */
export const crashPoints = [
  'recover.opened', // the backend is open, nothing has been read
  'recover.loaded', // state is in the heap, sinks know nothing yet
  'recover.sinks', // outputs of the committed epoch have been finished again, the rest removed
  'epoch.frozen', // every task has frozen; nothing of the epoch is on disk
  'epoch.prepared', // sinks have flushed what they hold
  'epoch.written', // slabs are written ahead, not yet flushed
  'epoch.flushed', // slabs are on disk, unreferenced
  'epoch.committed', // the commit is on disk, sinks have not been told
  'epoch.published', // sinks have made the epoch visible
  'epoch.cleaned', // slabs that nothing refers to are removed
] as const;

/** The awaits of connectors that keep something themselves. A job meets them only when it uses the connector. */
export const connectorCrashPoints = [
  'ingest.opened', // the log is open, nothing has been read
  'ingest.gathered', // a group of values is encoded; nothing of it is on disk
  'ingest.written', // the group is written, not yet flushed
  'ingest.flushed', // the group is on disk; nobody has been told
  'ingest.trimmed', // values behind the committed epoch are removed, not yet flushed
  'table.opened', // the table is open, nothing has been read
  'table.staged', // rows of the epoch are written, not yet flushed
  'table.flushed', // rows of the epoch are on disk; readers do not see them
  'table.published', // readers see the epoch
] as const;

/**
 * The awaits of what only some jobs do: snapshots, savepoints, and a restore from either. Places to die like the others,
 * but not on the way of every job.
 */
export const copyCrashPoints = [
  'snapshot.written', // all files are on disk, nobody refers to them
  'snapshot.published', // the manifest is in place
  'snapshot.cleaned', // older snapshots beyond those to keep are removed
  'savepoint.written', // the job has stopped; all files of the savepoint are on disk, without a manifest
  'savepoint.published', // the manifest is in place
  'restore.loaded', // everything is read from a copy and on disk, unreferenced
  'restore.committed', // it is the state now; sinks know nothing yet
] as const;

export type CrashPoint =
  | (typeof crashPoints)[number]
  | (typeof connectorCrashPoints)[number]
  | (typeof copyCrashPoints)[number];

/** A small file system, so that the simulator can lose what was not synced. Paths use `/`. */
export interface Files {
  /** Creates the directory and its parents when they are missing. */
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, sorted; empty when it does not exist. */
  list(path: string): Promise<string[]>;
  /** Opens for writing from the start; an existing file is emptied. */
  create(path: string): Promise<WritableFile>;
  /** Atomic within a directory, replacing the target; durable after `syncDirectory`. Source missing: rejects. */
  rename(from: string, to: string): Promise<void>;
  /** Removing a missing file is not an error. */
  remove(path: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  syncDirectory(path: string): Promise<void>;
  /** Whole content, for small files and tests. */
  read(path: string): Promise<Uint8Array>;
  /** What a path names now, after symbolic links; undefined when there is nothing. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Opens for reading. The handle stays with the file, also when the name is given to another one. */
  open(path: string): Promise<ReadableFile>;
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'other';
  readonly bytes: number;
  /** Equal for as long as the name stands for the same file; a file that takes its place has another. */
  readonly id: string;
}

export interface ReadableFile {
  stat(): Promise<FileStat>;
  /** Fills the target from its start with the bytes from `position` on; resolves with their number, 0 at the end. */
  read(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export interface WritableFile {
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves once all written bytes are on disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The signals that ask a process to end. */
export type StopSignal = 'SIGTERM' | 'SIGINT';

/** Where signals of the operating system come from. */
export interface Signals {
  /** Calls back at each such signal, which then no longer ends the process; returns a function that stops listening. */
  on(signal: StopSignal, callback: () => void): () => void;
}

export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly log: Logger;
  /** Missing where there are none to listen to. */
  readonly signals?: Signals;
  /** What the heap of the process may grow to, bytes; undefined where nobody knows. */
  readonly heapLimit?: number;
  /** Names an await of the commit or the recovery; the simulator may never come back from it. */
  at(point: CrashPoint): Promise<void>;
}

/** Says nothing: the default of library mode, where the host owns the output. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
