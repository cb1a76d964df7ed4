/**
 * State in LMDB: the only file that imports it, and only when a job opens its state.
 *
 * - A commit that has returned is on disk: one synchronous transaction, and no overlapping syncs.
 * - No read transaction lives across an await: a long reader makes the file grow without end.
 * - A directory has one live owner, which LMDB does not see to. The owner listens on a socket in the directory, and
 *   the system hangs up however the owner dies. Two processes may find a dead socket at the same time, so each opening
 *   also raises a generation in the store, and no commit of an older generation is taken.
 * - LMDB has no checksums, and a damaged file can crash the process. So its trees are walked before it is opened, by
 *   a reader that trusts nothing. Keys carry a checksum; values are up to the caller, and slabs have one.
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

const options = {
  ...{ overlappingSync: false, encoding: 'binary', keyEncoding: 'binary', cache: false },
  ...{ compression: false, maxReaders: 32, permissionsMode: 0o600, noSubdir: false },
} as const;
const FORMAT = 1;
const HEADER_KEY = Uint8Array.of(0);
/** Comes before every key of the caller, so that the empty key is a key like others. */
const KEY_MARK = 1;
/** The path of a socket has about 107 bytes on Linux and 103 on macOS. */
const SOCKET_PATH_BYTES_MAX = 100;

/** State in a directory of its own, which is made when it is missing. It must be on a local file system. */
export function lmdb(directory: string): StateBackendFactory {
  const home = resolve(directory);
  return { description: directory, directory: home, open: () => openStore(home) };
}

/** What an open backend holds, and gives up when it closes. */
interface Holding {
  readonly directory: string;
  readonly database: Database;
  readonly generation: number;
  readonly release: () => Promise<void>;
}

async function openStore(directory: string): Promise<StateBackend> {
  const { open } = await import('lmdb');
  const undo: (() => Promise<void>)[] = [];
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const release = await takeOwnership(directory);
    undo.push(release);
    new DataFile(join(directory, 'data.mdb')).check();
    const database = open<Uint8Array, Uint8Array>(directory, options);
    undo.push(() => database.close());
    const generation = database.transactionSync(() => raiseGeneration(database, directory));
    return new LmdbBackend({ directory, database, generation, release });
  } catch (error) {
    for (const step of undo.toReversed()) await step();
    if (error instanceof TidemarkError) throw error;
    const isDamage = /^MDB_/.test((error as Error).message);
    throw fault(isDamage ? 'STATE_DAMAGED' : 'STATE_WRITE_FAILED', show(error), directory, error);
  }
}

class LmdbBackend implements StateBackend {
  readonly #held: Holding;
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** After it nothing is written any more: LMDB may keep a lock for ever, and the disk is in doubt. */
  #failure: unknown;
  #closing: Promise<void> | undefined;

  constructor(held: Holding) {
    this.#held = held;
  }

  writeAhead(key: string, value: Uint8Array): void {
    const copy = new Uint8Array(value);
    this.#write((database) => database.put(storedKey(key), copy));
  }

  discard(keys: readonly string[]): void {
    for (const key of keys) this.#write((database) => database.remove(storedKey(key)));
  }

  async flushed(): Promise<void> {
    this.#database();
    await this.#settle();
    if (this.#failure !== undefined) throw this.#writeFailed();
  }

  commit(batch: readonly BatchEntry[]): void {
    const database = this.#database();
    const entries = batch.map(({ key, value }) => [storedKey(key), copyOf(value)] as const);
    if (this.#failure !== undefined) throw this.#writeFailed();
    const { directory, generation } = this.#held;
    try {
      database.transactionSync(() => {
        if (readGeneration(database, directory) !== generation)
          throw fault('STATE_IN_USE', 'one that somebody else has opened since', directory);
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
    return copyOf(this.#database().getBinary(storedKey(key)));
  }

  keys(prefix: string): string[] {
    // The first half of a surrogate pair is no prefix of the bytes of the pair: it is compared as text only.
    const start = markedKey(prefix.replace(/[\ud800-\udbff]$/, '')).take();
    const end = start.with(-1, (start.at(-1) ?? 0) + 1);
    return [...this.#database().getKeys({ start, end })]
      .map((key) => new ByteReader(key.subarray(1)).utf8(key.length - 5))
      .filter((key) => key.startsWith(prefix))
      .toSorted();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const isKnown = this.#failure !== undefined;
    await this.#settle();
    await this.#held.database.close();
    await this.#held.release();
    if (this.#failure !== undefined && !isKnown) throw this.#writeFailed();
  }

  #database(): Database {
    assert(this.#closing === undefined, 'a closed backend is not used');
    return this.#held.database;
  }

  /** LMDB rejects twice, here and in `commitError`: one that nobody looks at would end the process. */
  #write(write: (database: Database) => Promise<unknown>): void {
    const database = this.#database();
    if (this.#failure !== undefined) return;
    this.#lastWrite = write(database).catch((error: { commitError?: Promise<unknown> }) => {
      this.#failure ??= error;
      error.commitError?.catch((cause: unknown) => (this.#failure = cause));
    });
  }

  async #settle(): Promise<void> {
    await this.#lastWrite;
    if (this.#failure === undefined)
      await Promise.resolve(this.#held.database.flushed).catch((error: unknown) => {
        this.#failure ??= error;
      });
  }

  #writeFailed(): TidemarkError {
    return fault('STATE_WRITE_FAILED', show(this.#failure), this.#held.directory, this.#failure);
  }
}

function markedKey(key: string): ByteWriter {
  const writer = new ByteWriter(key.length + 5);
  writer.u8(KEY_MARK);
  writer.utf8(key);
  return writer;
}

/** The checksum finds a key that has turned into another: its value could not be found any more. */
function storedKey(key: string): Uint8Array {
  const writer = markedKey(key);
  writer.u32(crc32(writer.peek()));
  return writer.take();
}

function copyOf(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}

/** Called inside a write transaction, so that no two owners get the same generation. */
function raiseGeneration(database: Database, directory: string): number {
  const isNew = [...database.getKeys({ limit: 1 })].length === 0;
  const generation = isNew ? 1 : readGeneration(database, directory) + 1;
  const writer = new ByteWriter();
  writer.string('tidemark');
  writer.varint(FORMAT);
  writer.varint(generation);
  writer.u32(crc32(writer.peek()));
  database.putSync(HEADER_KEY, writer.take());
  return generation;
}

function readGeneration(database: Database, directory: string): number {
  const header = copyOf(database.getBinary(HEADER_KEY)) ?? new Uint8Array(0);
  try {
    const reader = new ByteReader(header);
    const [name, format, generation] = [reader.string(), reader.varint(), reader.varint()];
    // Later formats may put more behind the generation, but end in the same checksum.
    const sum = new ByteReader(header.subarray(-4)).u32();
    assert(name === 'tidemark' && sum === crc32(header.subarray(0, -4)), 'a header is whole');
    if (format === FORMAT) return generation;
    throw fault('STATE_VERSION_UNKNOWN', `format ${format}`, directory);
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'STATE_VERSION_UNKNOWN') throw error;
    throw fault('STATE_DAMAGED', 'a store without a header of Tidemark', directory, error);
  }
}

/** Resolves when this process alone holds the directory, with the way to let go of it. */
async function takeOwnership(directory: string): Promise<() => Promise<void>> {
  const [path, owner] = [join(directory, 'owner.sock'), join(directory, 'owner.pid')];
  for (let attempt = 0; attempt < 5; attempt++) {
    const server = await atSocket(path, listen);
    if (server !== undefined) {
      fs.writeFileSync(owner, `${process.pid}\n`);
      return async () => {
        fs.rmSync(owner, { force: true });
        // Node removes the socket with the server, but under the name by which it was bound.
        if (isLong(path)) fs.rmSync(path, { force: true });
        await new Promise((closed) => server.close(closed));
      };
    }
    if (await atSocket(path, isAnswered)) break;
    fs.rmSync(path, { force: true });
  }
  const pid = fs.existsSync(owner) ? fs.readFileSync(owner, 'utf8').trim() : 'unknown';
  throw fault('STATE_IN_USE', `one that process ${pid} holds`, directory);
}
