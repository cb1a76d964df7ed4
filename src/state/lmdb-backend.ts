/**
 * State in LMDB: the only file that imports it, and only when a job opens its state.
 *
 * - A commit that has returned is on disk: one synchronous transaction, and no overlapping syncs.
 * - No read transaction lives across an await: a long reader makes the file grow without end.
 * - A directory has one live owner, which LMDB does not see to. The owner listens on a socket, and the system hangs up
 *   however it dies. Two processes may find a dead socket at the same time, so each opening also raises a generation
 *   in the store, and no commit of an older generation is taken.
 * - LMDB has no checksums, and a damaged file can crash the process. So its trees are walked before it is opened, by
 *   a reader that trusts nothing. Keys carry a checksum; values are up to the caller, and slabs have one.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { TidemarkError, assert, show } from '../core/errors.js';
import type { BatchEntry, StateBackend, StateBackendFactory } from './backend.js';
import { checkLmdbFile } from './checksum.js';
import { clearUnborn, isMarked, setAside, writeMark } from './lmdb-birth.js';
import { LMDB_FORMAT, fault } from './lmdb-faults.js';
import { decodeKey, encodeKey } from './key-codec.js';
import { HEADER_KEY, isWholeKey, storedKey } from './lmdb-keys.js';
import { DiskRoom, TRANSACTION_BYTES } from './lmdb-room.js';
import { forEachRecord, SlabWriter } from './slab.js';
import { encodeValue, readValue } from './value-codec.js';

type Database = RootDatabase<Uint8Array, Uint8Array>;

export const environmentOptions = {
  ...({ encoding: 'binary', keyEncoding: 'binary', cache: false, compression: false } as const),
  ...{ overlappingSync: false, maxReaders: 32, permissionsMode: 0o600, noSubdir: false },
};

/** State in a directory of its own, which is made when it is missing. It must be on a local file system. */
export function lmdb(directory: string): StateBackendFactory {
  const home = resolve(directory);
  return {
    description: directory,
    directory: home,
    open: () => openStore(home),
    openAnew: () => openStore(home, { anew: true }),
  };
}

async function openStore(directory: string, { anew = false } = {}): Promise<StateBackend> {
  const { open } = await import('lmdb');
  const undo: (() => Promise<void>)[] = [];
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    await takeOwnership(fs.realpathSync(directory), undo);
    if (anew) setAside(directory);
    clearUnborn(directory);
    checkFile(join(directory, 'data.mdb'), isMarked(directory));
    const room = new DiskRoom(directory);
    room.take(TRANSACTION_BYTES);
    const database = open<Uint8Array, Uint8Array>(directory, environmentOptions);
    undo.unshift(() => database.close());
    const generation = database.transactionSync(() => raiseGeneration(database, directory));
    writeMark(directory);
    return new LmdbBackend({ database, directory, generation, room, undo });
  } catch (error) {
    for (const step of undo) await step();
    if (error instanceof TidemarkError) throw error;
    const isDamage = (error as Error).message.startsWith('MDB_');
    throw fault(isDamage ? 'STATE_DAMAGED' : 'STATE_WRITE_FAILED', show(error), directory, error);
  }
}

interface Holding {
  readonly database: Database;
  readonly directory: string;
  readonly generation: number;
  readonly room: DiskRoom;
  /** What gives it all up, in this order. */
  readonly undo: readonly (() => Promise<void>)[];
}

class LmdbBackend implements StateBackend {
  readonly #held: Holding;
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** After it nothing is written any more: LMDB may keep a lock for ever, and the disk is in doubt. */
  #failure: unknown;
  #closing: Promise<void> | undefined;

  constructor(held: Holding) {
    this.#held = held;
    // LMDB also makes a promise for all writes of a turn, right behind this call, and hands it to nobody.
    const { database } = held;
    const turn = (): void => void this.#noted(Promise.resolve().then(() => database.committed));
    database.on('beforecommit', turn);
  }

  writeAhead(key: string, value: Uint8Array): void {
    const copy = new Uint8Array(value);
    this.#write(copy.length, (database) => database.put(storedKey(key), copy));
  }

  discard(keys: readonly string[]): void {
    for (const key of keys) this.#write(0, (database) => database.remove(storedKey(key)));
  }

  async flushed(): Promise<void> {
    this.#open();
    await this.#settled();
  }

  commit(batch: readonly BatchEntry[]): void {
    const { database, directory, generation, room } = this.#open();
    const entries = batch.map(({ key, value }) => [storedKey(key), copyOf(value)] as const);
    this.#checkFailure();
    try {
      const bytes = entries.reduce((sum, [, value]) => sum + (value?.length ?? 0), 0);
      room.take(bytes + TRANSACTION_BYTES);
      database.transactionSync(() => {
        if (generationOf(database.getBinary(HEADER_KEY), directory) !== generation)
          throw fault('STATE_IN_USE', 'one that somebody else has opened since', directory);
        for (const [key, value] of entries)
          if (value === undefined) database.removeSync(key);
          else database.putSync(key, value);
      });
    } catch (error) {
      this.#failure = error;
      this.#checkFailure();
    }
  }

  get(key: string): Uint8Array | undefined {
    return this.#read((database) => copyOf(database.getBinary(storedKey(key))));
  }

  peek(key: string): Uint8Array | undefined {
    const bytes = this.#read((database) => database.getBinaryFast(storedKey(key)));
    // The memory is larger than the value; only `length` says where it ends.
    return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  keys(prefix: string): string[] {
    // The first half of a surrogate pair is no prefix of the bytes of the pair: it is compared as text only.
    const start = encodeKey(prefix.replace(/[\ud800-\udbff]$/, '')).slice(0, -1);
    const end = start.with(-1, (start.at(-1) ?? 0) + 1);
    const found = this.#read((database) => [...database.getKeys({ start, end })]);
    const keys = found.map((key) => decodeKey(key.subarray(0, -4)) as string);
    return keys.filter((key) => key.startsWith(prefix)).toSorted();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#settled();
    } finally {
      for (const step of this.#held.undo) await step();
    }
  }

  #open(): Holding {
    assert(this.#closing === undefined, 'a closed backend is not used');
    return this.#held;
  }

  #read<Out>(read: (database: Database) => Out): Out {
    const { database, directory } = this.#open();
    try {
      return read(database);
    } catch (error) {
      throw fault('STATE_DAMAGED', show(error), directory, error);
    }
  }

  /** LMDB rejects twice, here and in `commitError`: one that nobody looks at would end the process. */
  #write(bytes: number, write: (database: Database) => Promise<unknown>): void {
    const { database, room } = this.#open();
    try {
      if (this.#failure === undefined) room.take(bytes + TRANSACTION_BYTES / 64);
    } catch (error) {
      this.#failure = error;
    }
    if (this.#failure !== undefined) return;
    this.#lastWrite = this.#noted(write(database));
  }

  #noted(written: Promise<unknown>): Promise<unknown> {
    return written.catch((error: { commitError?: Promise<unknown> }) => {
      this.#failure ??= error;
      error.commitError?.catch((cause: unknown) => (this.#failure = cause));
    });
  }

  async #settled(): Promise<void> {
    await this.#lastWrite;
    this.#checkFailure();
    await Promise.resolve(this.#held.database.flushed).catch((error) => (this.#failure ??= error));
    this.#checkFailure();
  }

  #checkFailure(): void {
    const failure = this.#failure;
    if (failure instanceof TidemarkError) throw failure;
    if (failure === undefined) return;
    throw fault('STATE_WRITE_FAILED', show(failure), this.#held.directory, failure);
  }
}

function copyOf(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes && new Uint8Array(bytes);
}

/** Looks at the whole file before LMDB does. Reads straight from it, a page at a time. */
export function checkFile(path: string, wasOpened: boolean): void {
  const isEmpty = (fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
  if (isEmpty && wasOpened) throw fault('STATE_DAMAGED', 'one whose content is gone', path);
  if (isEmpty) return;
  const file = fs.openSync(path, 'r');
  try {
    checkLmdbFile((at, length) => {
      const view = new DataView(new ArrayBuffer(length));
      if (fs.readSync(file, view, 0, length, at) === length) return view;
      throw new Error(`an end before byte ${at + length}`);
    }, isWholeKey);
  } catch (error) {
    throw fault('STATE_DAMAGED', (error as Error).message, path, error);
  } finally {
    fs.closeSync(file);
  }
}

/** Called inside a write transaction, so that no two owners get the same generation. */
function raiseGeneration(database: Database, directory: string): number {
  const isNew = [...database.getKeys({ limit: 1 })].length === 0;
  const generation = isNew ? 1 : generationOf(database.getBinary(HEADER_KEY), directory) + 1;
  const slab = new SlabWriter();
  slab.append(HEADER_KEY, encodeValue({ format: LMDB_FORMAT, generation }));
  database.putSync(HEADER_KEY, slab.finish());
  return generation;
}

export function generationOf(header: Uint8Array | undefined, directory: string): number {
  const known = { format: 0, generation: 0 };
  forEachRecord(copyOf(header) ?? HEADER_KEY, directory, (_key, value) => {
    if (value !== undefined) Object.assign(known, readValue(value));
  });
  if (known.format === LMDB_FORMAT) return known.generation;
  throw fault('STATE_VERSION_UNKNOWN', `format ${known.format}`, directory);
}

/** Resolves when this process alone holds the directory, until the steps of `undo` are taken. */
async function takeOwnership(directory: string, undo: (() => Promise<void>)[]): Promise<void> {
  const [path, owner] = [socketPath(directory), join(directory, 'owner.pid')];
  for (let attempt = 0; attempt < 5; attempt++) {
    const server = await listen(path);
    if (server !== undefined) {
      undo.push(async () => {
        fs.rmSync(owner, { force: true });
        await new Promise((closed) => server.close(closed));
      });
      return fs.writeFileSync(owner, `${process.pid}\n`);
    }
    if (await isAnswered(path)) break;
    fs.rmSync(path, { force: true });
  }
  const pid = fs.existsSync(owner) ? fs.readFileSync(owner, 'utf8').trim() : 'unknown';
  throw fault('STATE_IN_USE', `one that process ${pid} holds`, directory);
}

/** In the directory, unless that makes it longer than a socket may be: about 107 bytes on Linux, 103 on macOS. */
export function socketPath(directory: string): string {
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 32);
  if (process.platform === 'win32') return `\\\\.\\pipe\\tidemark-${name}`;
  const path = join(directory, 'owner.sock');
  return Buffer.byteLength(path) <= 100 ? path : join(tmpdir(), `tidemark-${name}.sock`);
}

/** Undefined when the path is taken: by the living, or by a process that was killed. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    // Without `exclusive`, the workers of a cluster would share the socket. It keeps no process alive.
    server.listen({ path, exclusive: true }, () => resolve(server.unref()));
  });
}

/** The system answers for an owner that is busy or stopped. Whatever else comes back than a refusal is an answer. */
export function isAnswered(path: string): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(path, () => {
      socket.destroy();
      answer(true);
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) =>
      answer(code !== 'ECONNREFUSED' && code !== 'ENOENT'),
    );
  });
}
