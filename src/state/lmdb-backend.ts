/**
 * State in LMDB: the only file that imports it, and only when a job opens its state.
 *
 * - A commit that has returned is on disk: one synchronous transaction, and no overlapping syncs.
 * - No read transaction lives across an await: a long reader makes the file grow without end.
 * - A directory has one live owner, which LMDB does not see to. The owner listens on a socket in the directory, and
 *   the system hangs up however the owner dies. Two processes may find the socket of a dead one at the same time, so
 *   each opening also raises a generation in the store, and no commit of an older generation is taken.
 * - LMDB has no checksums, and a damaged file can crash the process. So before it is opened its trees are walked by a
 *   reader that trusts nothing. Keys carry a checksum; values are up to the caller, and slabs have one.
 */
import * as fs from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { TidemarkError, assert, show } from '../core/errors.js';
import type { BatchEntry, StateBackend, StateBackendFactory } from './backend.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { crc32 } from './checksum.js';

type Database = RootDatabase<Uint8Array, Uint8Array>;
type Release = () => Promise<void>;

const options = {
  ...{ overlappingSync: false, encoding: 'binary', keyEncoding: 'binary', cache: false },
  ...{ compression: false, maxReaders: 32, permissionsMode: 0o600, noSubdir: false },
} as const;

/** Keys of the caller begin with one, so the header comes first and the empty key is a key like others. */
const HEADER_KEY = Uint8Array.of(0);
const KEY_MARK = 1;
const MAGIC = 0x54_44_4d_4b;
const FORMAT = 1;
/** The path of a socket has about 107 bytes on Linux and 103 on macOS. */
const SOCKET_PATH_BYTES_MAX = 100;

/** State in a directory of its own, which is made when it is missing. It must be on a local file system. */
export function lmdb(directory: string): StateBackendFactory {
  const home = resolve(directory);
  return { description: directory, directory: home, open: () => openStore(home) };
}

async function openStore(directory: string): Promise<StateBackend> {
  const { open } = await import('lmdb');
  let release: Release | undefined;
  let database: Database | undefined;
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    release = await takeOwnership(directory);
    new DataFile(directory).check();
    database = open<Uint8Array, Uint8Array>(directory, options);
    return new LmdbBackend(database, directory, raiseGeneration(database, directory), release);
  } catch (error) {
    await database?.close();
    await release?.();
    if (error instanceof TidemarkError) throw error;
    const isDamage = /^MDB_/.test((error as Error).message);
    throw fault(isDamage ? 'STATE_DAMAGED' : 'STATE_WRITE_FAILED', show(error), directory, error);
  }
}

class LmdbBackend implements StateBackend {
  readonly #database: Database;
  readonly #directory: string;
  readonly #generation: number;
  readonly #release: Release;
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** After a failed write nothing is written any more: LMDB may hold a lock for ever, and the disk is in doubt. */
  #failure: unknown;
  #closing: Promise<void> | undefined;

  constructor(database: Database, directory: string, generation: number, release: Release) {
    this.#database = database;
    this.#directory = directory;
    this.#generation = generation;
    this.#release = release;
  }

  writeAhead(key: string, value: Uint8Array): void {
    const copy = new Uint8Array(value);
    this.#write((database) => database.put(storedKey(key), copy));
  }

  discard(keys: readonly string[]): void {
    for (const key of keys) this.#write((database) => database.remove(storedKey(key)));
  }

  async flushed(): Promise<void> {
    assert(this.#closing === undefined, 'a closed backend is not flushed');
    await this.#settled();
    if (this.#failure !== undefined) throw this.#writeFailed();
  }

  commit(batch: readonly BatchEntry[]): void {
    const entries = batch.map((entry) => [storedKey(entry.key), copyOf(entry.value)] as const);
    const database = this.#open();
    if (this.#failure !== undefined) throw this.#writeFailed();
    try {
      database.transactionSync(() => {
        if (readHeader(database.getBinary(HEADER_KEY), this.#directory) !== this.#generation)
          throw fault('STATE_IN_USE', 'a store that a later owner has opened', this.#directory);
        for (const [key, value] of entries)
          if (value === undefined) database.removeSync(key);
          else database.putSync(key, value);
      });
    } catch (error) {
      this.#failure = error;
      throw error instanceof TidemarkError ? error : this.#writeFailed();
    }
  }

  get(key: string): Uint8Array | undefined {
    return copyOf(this.#open().getBinary(storedKey(key)));
  }

  keys(prefix: string): string[] {
    // The first half of a surrogate pair is no prefix of the bytes of the pair, so it is compared as text only.
    const start = startOfKey(prefix.replace(/[\ud800-\udbff]$/, ''));
    const end = start.slice();
    end[end.length - 1] = (end[end.length - 1] ?? 0) + 1;
    const found = [...this.#open().getKeys({ start, end })].map((key) => textOfKey(key));
    return found.filter((key) => key.startsWith(prefix)).toSorted();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#shut());
  }

  async #shut(): Promise<void> {
    const hadFailed = this.#failure !== undefined;
    await this.#settled();
    await this.#database.close();
    await this.#release();
    if (this.#failure !== undefined && !hadFailed) throw this.#writeFailed();
  }

  #open(): Database {
    assert(this.#closing === undefined, 'a closed backend is not used');
    return this.#database;
  }

  /** LMDB rejects twice, here and in `commitError`; both are looked at, or Node would end the process. */
  #write(write: (database: Database) => Promise<unknown>): void {
    const database = this.#open();
    if (this.#failure !== undefined) return;
    const note = (error: unknown): void => void (this.#failure ??= error);
    this.#lastWrite = write(database).catch(async (error: { commitError?: Promise<unknown> }) => {
      await Promise.resolve(error.commitError).then(() => note(error), note);
    });
  }

  async #settled(): Promise<void> {
    await this.#lastWrite;
    if (this.#failure === undefined) await this.#database.flushed.catch?.(() => false);
  }

  #writeFailed(): TidemarkError {
    return fault('STATE_WRITE_FAILED', show(this.#failure), this.#directory, this.#failure);
  }
}
