/**
 * A state backend in memory that loses what was not flushed, as LMDB does when the machine dies.
 *
 *     writeAhead   not readable and not safe until `flushed`; in a crash each value survives with probability 1/2
 *     commit       readable, safe and whole from the moment it returns
 *     discard      gone at once for the process; in a crash before the next `flushed` each key may come back
 *
 * The disk outlives its backends: after a crash, `open` gives a new one over what is left.
 */
import type { Random } from '../core/clock.js';
import { TidemarkError } from '../core/errors.js';
import type { BatchEntry, StateBackend, StateBackendFactory } from '../state/backend.js';

export interface SimulatedDisk extends StateBackendFactory {
  /** Pulls the plug: unflushed work is lost by chance, the open backend stops working, and ownership is free. */
  crash(random: Random): void;
}

/**
 * An empty simulated disk.
 *
 * @param description how messages name it; default `simulated disk`
 *
 * @example
 * import { simulatedDisk } from 'tidemark/testing';
 *
 * const disk = simulatedDisk();
 * const backend = await disk.open();
 * backend.writeAhead('slab', new Uint8Array([1]));
 * backend.commit([{ key: 'manifest', value: new Uint8Array([2]) }]);
 * disk.crash(() => 0.9); // The slab was never flushed, and chance is against it.
 * console.log((await disk.open()).keys('').join());
 * // => manifest
 */
export function simulatedDisk(description = 'simulated disk'): SimulatedDisk {
  const platter: Platter = { values: new Map(), ahead: new Map(), discarded: new Map() };
  let owner: Backend | undefined;
  return {
    description,
    directory: undefined,
    open() {
      if (owner?.isOpen === true)
        return Promise.reject(
          new TidemarkError('STATE_IN_USE', {
            expected: 'a disk that nobody holds',
            got: 'one that an open backend holds',
            where: description,
            hint: 'Close the other backend first, or crash the disk.',
          }),
        );
      owner = new Backend(platter, description);
      return Promise.resolve(owner);
    },
    crash(random) {
      owner?.die();
      owner = undefined;
      for (const [key, value] of platter.ahead) if (random() < 0.5) platter.values.set(key, value);
      for (const [key, value] of platter.discarded)
        if (random() < 0.5) platter.values.set(key, value);
      platter.ahead.clear();
      platter.discarded.clear();
    },
  };
}

/** What the disk holds, the sure apart from the unsure. */
interface Platter {
  /** What the process reads. */
  readonly values: Map<string, Uint8Array>;
  /** Written ahead since the last flush. */
  readonly ahead: Map<string, Uint8Array>;
  /** Discarded since the last flush. */
  readonly discarded: Map<string, Uint8Array>;
}

class Backend implements StateBackend {
  readonly #platter: Platter;
  readonly #description: string;
  #state: 'open' | 'closed' | 'dead' = 'open';
  #closing: Promise<void> | undefined;

  constructor(platter: Platter, description: string) {
    this.#platter = platter;
    this.#description = description;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  writeAhead(key: string, value: Uint8Array): void {
    this.#check();
    this.#platter.ahead.set(key, copied(value));
  }

  async flushed(): Promise<void> {
    this.#check();
    await this.#flush();
    this.#check();
  }

  commit(batch: readonly BatchEntry[]): void {
    this.#check();
    const { values, ahead, discarded } = this.#platter;
    // Read to its end before anything is changed: a batch is applied as a whole or not at all.
    const entries = batch.map(({ key, value }) => [key, value && copied(value)] as const);
    for (const [key, value] of entries) {
      ahead.delete(key);
      discarded.delete(key);
      if (value === undefined) values.delete(key);
      else values.set(key, value);
    }
  }

  get(key: string): Uint8Array | undefined {
    this.#check();
    const value = this.#platter.values.get(key);
    return value && copied(value);
  }

  keys(prefix: string): string[] {
    this.#check();
    return [...this.#platter.values.keys()].filter((key) => key.startsWith(prefix)).toSorted();
  }

  discard(keys: readonly string[]): void {
    this.#check();
    const { values, ahead, discarded } = this.#platter;
    for (const key of keys) {
      const value = values.get(key);
      if (value !== undefined) discarded.set(key, value);
      values.delete(key);
      ahead.delete(key);
    }
  }

  /** Harmless on a dead backend: the teardown of a crashed job must not take the disk from the next one. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  die(): void {
    if (this.#state === 'open') this.#state = 'dead';
  }

  async #close(): Promise<void> {
    if (this.#state === 'open') await this.#flush();
    if (this.#state === 'open') this.#state = 'closed';
  }

  async #flush(): Promise<void> {
    const written = [...this.#platter.ahead];
    const discarded = [...this.#platter.discarded.keys()];
    // The disk takes a moment, so that a crash can fall between the call and the answer.
    await Promise.resolve();
    if (this.#state !== 'open') return;
    for (const [key, value] of written) this.#settle(key, value);
    for (const key of discarded) this.#platter.discarded.delete(key);
  }

  /** A value that was written again, committed or discarded since the flush began is not touched. */
  #settle(key: string, value: Uint8Array): void {
    if (this.#platter.ahead.get(key) !== value) return;
    this.#platter.ahead.delete(key);
    this.#platter.values.set(key, value);
  }

  #check(): void {
    if (this.#state === 'open') return;
    throw new TidemarkError('STATE_WRITE_FAILED', {
      expected: 'an open backend',
      got: this.#state === 'dead' ? 'one from before the crash' : 'a closed one',
      where: this.#description,
      hint: 'Open the disk again.',
    });
  }
}

/** Not `slice`, which on a Node buffer shares the memory. */
function copied(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
