/** A state backend for the harness: a Map, synchronous, that can be copied, so that old checkpoints stay usable. */
import { EmbeddedCommitter } from '../checkpoint/embedded-committer.js';
import { loadStore, type FrozenPiece } from '../checkpoint/store-slabs.js';
import type { BatchEntry, StateBackend } from '../state/backend.js';
import type { KeyedStore } from '../state/slots.js';

export class HarnessDisk implements StateBackend {
  readonly #values: Map<string, Uint8Array>;

  constructor(values: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#values = new Map(values);
  }

  copy(): HarnessDisk {
    return new HarnessDisk(this.#values);
  }

  writeAhead(key: string, value: Uint8Array): void {
    this.#values.set(key, value);
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }

  commit(batch: readonly BatchEntry[]): void {
    for (const { key, value } of batch)
      if (value === undefined) this.#values.delete(key);
      else this.#values.set(key, value);
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  keys(prefix: string): string[] {
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  discard(keys: readonly string[]): void {
    for (const key of keys) this.#values.delete(key);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * Loads an empty store with what epochs have frozen, as a recovery does; for tests of stores.
 *
 * @param pieces of all epochs, oldest first
 */
export function reload<Store extends KeyedStore<never>>(
  store: Store,
  pieces: readonly FrozenPiece[],
): Store {
  const { maxParallelism } = store;
  const committer = new EmbeddedCommitter(new HarnessDisk(), { where: 'test' });
  for (const piece of pieces) committer.write('op', piece);
  committer.commit({
    job: 'test',
    epoch: 1,
    maxParallelism,
    isFinished: false,
    splits: [],
    marks: new Map(),
    sinks: new Map(),
    operators: new Map(),
    counters: new Map(),
    records: 0,
  });
  loadStore(store as never, committer.of('op'), { from: 0, to: maxParallelism });
  return store;
}
