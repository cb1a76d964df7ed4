/**
 * The storage contract: what one job needs from whatever keeps its committed state.
 *
 * The life of an epoch, seen from here:
 *
 *     writeAhead  writeAhead  writeAhead      slabs under fresh keys; nobody refers to them yet
 *     await flushed()                         they are on disk
 *     commit(puts and removes)                one small atomic batch: THIS is the commit
 *
 * A crash before `commit` leaves the former state whole, plus unreferenced keys that `open` may meet again; a
 * crash after it leaves the new state whole. There is no third outcome.
 */

/** One change of the atomic batch: a value to put, or `undefined` to remove the key. */
export interface BatchEntry {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/** An open store, owned by one job of one process. All reads are synchronous and see the last commit. */
export interface StateBackend {
  /** Writes a value early, under a key that no commit refers to yet. Durable only after `flushed`. */
  writeAhead(key: string, value: Uint8Array): void;
  /** Resolves once everything written ahead so far is on disk. Rejects with STATE_WRITE_FAILED. */
  flushed(): Promise<void>;
  /**
   * Applies all entries or none, durably, before it returns.
   * Throws STATE_WRITE_FAILED; the caller must then abandon the backend, because its content is in doubt.
   */
  commit(batch: readonly BatchEntry[]): void;
  /** The value under a key, or undefined. The bytes belong to the caller. */
  get(key: string): Uint8Array | undefined;
  /** As `get`, without a copy where there is a way: the bytes are good until the next call of any method. */
  peek?(key: string): Uint8Array | undefined;
  /** All keys that begin with the prefix, in code-unit order. */
  keys(prefix: string): string[];
  /** Removes keys without waiting for durability: used for slabs that nothing refers to any more. */
  discard(keys: readonly string[]): void;
  /** Finishes pending writes and gives up ownership. Safe to call twice. */
  close(): Promise<void>;
}

/** How a run is told where its state lives: `memory()`, `lmdb('./state')`. */
export interface StateBackendFactory {
  /** For messages: "memory", or the directory. */
  readonly description: string;
  /** A directory beside which dead letters may be written; undefined when there is none. */
  readonly directory: string | undefined;
  /**
   * Opens the store for a job, creating it when it is new.
   * Throws STATE_IN_USE when another live process holds it, STATE_DAMAGED when it cannot be read.
   */
  open(): Promise<StateBackend>;
  /**
   * Opens an empty store where a damaged one stands that `open` refuses; its files are kept beside it under another
   * name. Left out where `open` never refuses damage.
   */
  openAnew?(): Promise<StateBackend>;
}
