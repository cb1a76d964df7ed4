/**
 * Watches what LMDB does to its file, a transaction at a time: the file and the content before and after each.
 *
 * Within a transaction LMDB writes new pages, waits until they are on disk (fdatasync), and only then writes the number
 * of the transaction into one of the two meta pages, through a handle that waits as well (O_DSYNC). So the two files
 * tell everything that may be lost: before the sync any of the pages, after it the meta page. `power.test.ts` holds
 * that order against the calls of a real process.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  lmdb,
  type BatchEntry,
  type StateBackend,
  type StateBackendFactory,
} from '../../src/index.js';

/** All keys and values that a backend gives, as one text; equal when they are equal. */
export type Content = string;

export interface Transaction {
  /** Empty before the file is made. */
  readonly before: Buffer;
  readonly after: Buffer;
  readonly contentBefore: Content;
  readonly contentAfter: Content;
}

export function contentOf(backend: StateBackend): Content {
  return backend
    .keys('')
    .map((key) => `${key} ${Buffer.from(backend.get(key) ?? []).toString('base64')}`)
    .join('\n');
}

/** A store in LMDB that keeps all its transactions. Each commit, and each `flushed`, ends one at most. */
export class WatchedStore implements StateBackendFactory {
  readonly description: string;
  readonly directory: string;
  readonly transactions: Transaction[] = [];
  /** Looks that found more than one transaction, and so tell nothing. */
  skipped = 0;
  #file = Buffer.alloc(0);
  #content: Content = '';
  #open: StateBackend | undefined;

  constructor(directory: string) {
    this.description = directory;
    this.directory = directory;
  }

  async open(): Promise<StateBackend> {
    const backend = await lmdb(this.directory).open();
    this.#open = backend;
    this.#look(backend);
    return {
      writeAhead: (key, value) => backend.writeAhead(key, value),
      discard: (keys) => backend.discard(keys),
      get: (key) => backend.get(key),
      keys: (prefix) => backend.keys(prefix),
      flushed: () => this.settled(),
      commit: (batch: readonly BatchEntry[]) => {
        this.#look(backend);
        backend.commit(batch);
        this.#look(backend);
      },
      close: async () => {
        await this.settled();
        this.#open = undefined;
        await backend.close();
      },
    };
  }

  /** Waits for writes and removals that are under way, and looks at them. */
  async settled(): Promise<void> {
    if (this.#open === undefined) return;
    await this.#open.flushed();
    this.#look(this.#open);
  }

  #look(backend: StateBackend): void {
    const after = readFileSync(join(this.directory, 'data.mdb'));
    const passed = newest(after) - newest(this.#file);
    if (passed === 0) return;
    const contentAfter = contentOf(backend);
    if (passed === 1)
      this.transactions.push({
        ...{ before: this.#file, after, contentBefore: this.#content, contentAfter },
      });
    else this.skipped += 1;
    this.#file = after;
    this.#content = contentAfter;
  }
}

export const PAGE = 4096;
/** Where a meta page holds the number of its transaction. */
const NUMBER_AT = 152;

function newest(file: Buffer): number {
  const numbers = [0, PAGE].map((at) =>
    file.length < at + PAGE ? 0 : Number(file.readBigUInt64LE(at + NUMBER_AT)),
  );
  return Math.max(...numbers);
}
