/** A state backend for the harness: a Map, synchronous, that can be copied, so that old checkpoints stay usable. */
import type { BatchEntry, StateBackend } from '../state/backend.js';

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
