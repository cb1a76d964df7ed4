/**
 * Room on the disk, asked for before LMDB writes: its way to report a full disk (lmdb 3.5, `mdb_page_flush`) writes a
 * sentence of more than 100 bytes into 100 bytes, and then the process may die of a broken heap instead of an error.
 *
 * So a commit that does not fit is refused while nothing of it is written. This cannot see quotas, limits of the process
 * or somebody else who takes the room in between; there the sentence, and the risk, remain.
 */
import * as fs from 'node:fs';
import { fault } from './lmdb-faults.js';

/** Kept free: the trees of LMDB are copied on their way, and other files want to be written too. */
const RESERVE_BYTES = 512 * 1024;
/** What a transaction may take beside its values. */
export const TRANSACTION_BYTES = 64 * 1024;
const GRANT_BYTES_MAX = 16 * 1024 * 1024;

export class DiskRoom {
  readonly #directory: string;
  /** Bytes that may be written before the next look. */
  #granted = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws TidemarkError STATE_WRITE_FAILED where so many bytes of values would not fit */
  take(bytes: number): void {
    this.#granted -= bytes;
    if (this.#granted >= 0) return;
    const { bavail, bsize, blocks } = fs.statfsSync(this.#directory);
    // Some file systems tell nothing.
    const free = blocks === 0 ? Infinity : bavail * bsize;
    // Values fill whole pages, so they may take several times their bytes; of the room a part is given at a time.
    if (free < RESERVE_BYTES + 4 * bytes)
      throw fault('STATE_WRITE_FAILED', `${free} free bytes`, this.#directory);
    this.#granted = Math.min((free - RESERVE_BYTES) / 4, GRANT_BYTES_MAX) - bytes;
  }
}
