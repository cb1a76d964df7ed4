/**
 * State in LMDB: the only file that imports it, and only when a job opens its state.
 *
 * Settings after what was measured of LMDB: without overlapping syncs a commit that has returned is on disk; no read
 * transaction is held across an await, because a long reader makes the file grow without end; a directory has one
 * live owner, because LMDB itself would let two processes overwrite each other.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { TidemarkError, show } from '../core/errors.js';
import type { BatchEntry, StateBackend, StateBackendFactory } from './backend.js';

const DATA_FILE = 'data.mdb';

/**
 * State in a directory of its own, made when it is missing.
 *
 * @throws TidemarkError when it is opened: STATE_IN_USE, STATE_DAMAGED, STATE_VERSION_UNKNOWN
 */
export function lmdb(directory: string): StateBackendFactory {
  return {
    description: directory,
    directory,
    async open() {
      await mkdir(directory, { recursive: true });
      const { open } = await import('lmdb');
      const root = open({
        path: join(directory, DATA_FILE),
        noSubdir: true,
        overlappingSync: false,
        encoding: 'binary',
        keyEncoding: 'binary',
        cache: false,
        compression: false,
        maxReaders: 32,
      } as never) as unknown as RootDatabase<Uint8Array, Uint8Array>;
      return new LmdbBackend(root, directory);
    },
  };
}

class LmdbBackend implements StateBackend {
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;
  readonly #db: Database<Uint8Array, Uint8Array>;
  readonly #where: string;
  #pending: Promise<unknown>[] = [];
  #failure: unknown;
  #isClosed = false;

  constructor(root: RootDatabase<Uint8Array, Uint8Array>, where: string) {
    this.#root = root;
    this.#db = root;
    this.#where = where;
  }

  writeAhead(key: string, value: Uint8Array): void {
    this.#observe(this.#db.put(Buffer.from(key), value));
  }

  async flushed(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
    await this.#db.flushed;
    if (this.#failure !== undefined) throw this.#writeFailed(this.#failure);
  }

  commit(batch: readonly BatchEntry[]): void {
    try {
      this.#root.transactionSync(() => {
        for (const { key, value } of batch)
          if (value === undefined) this.#db.removeSync(Buffer.from(key));
          else this.#db.putSync(Buffer.from(key), value);
      });
    } catch (cause) {
      throw this.#writeFailed(cause);
    }
  }

  get(key: string): Uint8Array | undefined {
    const bytes = this.#db.getBinary(Buffer.from(key));
    return bytes === undefined ? undefined : new Uint8Array(bytes);
  }

  keys(prefix: string): string[] {
    const keys: string[] = [];
    for (const key of this.#db.getKeys({ start: Buffer.from(prefix) })) {
      const text = Buffer.from(key).toString();
      if (!text.startsWith(prefix)) break;
      keys.push(text);
    }
    return keys;
  }

  discard(keys: readonly string[]): void {
    for (const key of keys) this.#observe(this.#db.remove(Buffer.from(key)));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.flushed().catch(() => undefined);
    await this.#root.close();
  }

  #observe(work: Promise<unknown>): void {
    this.#pending.push(work.catch((cause: unknown) => (this.#failure ??= cause)));
  }

  #writeFailed(cause: unknown): TidemarkError {
    return new TidemarkError('STATE_WRITE_FAILED', {
      expected: 'a disk that takes the state',
      got: show(cause),
      where: this.#where,
      hint: 'Look at the free space and the health of the disk; the last committed epoch is intact.',
      cause,
    });
  }
}

