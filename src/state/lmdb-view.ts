/**
 * State in LMDB as somebody else may look at it: read-only, as of one commit, also while a job holds the directory.
 *
 * LMDB lets any number of processes read beside the one that writes. All reads go through one read transaction, which
 * sees the last commit before it began, whatever the job writes and cleans up meanwhile. While it lasts the file cannot
 * use freed pages again, so a look is meant to be short.
 */
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { TidemarkError, assert, show } from '../core/errors.js';
import type { StateBackend } from './backend.js';
import { decodeKey, encodeKey } from './key-codec.js';
import { checkFile, generationOf, isAnswered, socketPath } from './lmdb-backend.js';
import { HEADER_KEY, storedKey } from './lmdb-keys.js';
import { fault } from './lmdb-faults.js';

type Database = RootDatabase<Uint8Array, Uint8Array>;

/** A look at the state of a job as of one commit. */
export interface LmdbView {
  readonly directory: string;
  /** The process that holds the directory, as it says itself; undefined when nobody does. */
  readonly owner: string | undefined;
  /** Bytes of the file of LMDB, which holds more than what is committed. */
  readonly fileBytes: number;
  /** Reads only: a call that would change anything is a bug of the caller. */
  readonly backend: StateBackend;
  close(): Promise<void>;
}

/**
 * Opens the state in a directory for reading.
 *
 * @throws TidemarkError OPTIONS_INVALID for a directory without state, STATE_DAMAGED, STATE_VERSION_UNKNOWN
 */
export async function readLmdb(given: string): Promise<LmdbView> {
  const directory = resolve(given);
  const path = join(directory, 'data.mdb');
  const isFile = fs.statSync(directory, { throwIfNoEntry: false })?.isFile() === true;
  const size = isFile ? 0 : (fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  const isMarked = fs.existsSync(join(directory, 'tidemark'));
  if (size === 0 && !isMarked)
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'the state directory of a job',
      got: isFile
        ? 'a file'
        : fs.existsSync(directory)
          ? 'a directory without state'
          : 'nothing of this name',
      where: given,
      hint: 'Name the directory that the job gives to lmdb(...), after its first start.',
    });
  const owner = await ownerOf(fs.realpathSync(directory));
  // An owner has looked at the whole file when it opened it; now it writes to it, and half of a page proves nothing.
  if (owner === undefined) checkFile(path, isMarked);
  const { open } = await import('lmdb');
  try {
    const database = open<Uint8Array, Uint8Array>(directory, {
      ...({ encoding: 'binary', keyEncoding: 'binary', cache: false, compression: false } as const),
      ...{ readOnly: true, maxReaders: 32, noSubdir: false },
    });
    return viewOf(database, { directory, owner, fileBytes: size });
  } catch (error) {
    if (error instanceof TidemarkError) throw error;
    throw fault('STATE_DAMAGED', show(error), directory, error);
  }
}

function viewOf(
  database: Database,
  facts: Pick<LmdbView, 'directory' | 'owner' | 'fileBytes'>,
): LmdbView {
  const { directory } = facts;
  generationOf(database.getBinary(HEADER_KEY), directory);
  const transaction = database.useReadTransaction();
  const readOnly = (): never => assert(false, 'state is only read here') as never;
  const backend: StateBackend = {
    writeAhead: readOnly,
    flushed: () => Promise.resolve(),
    commit: readOnly,
    discard: readOnly,
    get(key) {
      const bytes = guarded(directory, () => database.get(storedKey(key), { transaction }));
      return bytes && new Uint8Array(bytes);
    },
    keys(prefix) {
      const start = encodeKey(prefix).slice(0, -1);
      const end = start.with(-1, (start.at(-1) ?? 0) + 1);
      const found = guarded(directory, () => [...database.getKeys({ start, end, transaction })]);
      const keys = found.map((key) => decodeKey(key.subarray(0, -4)) as string);
      return keys.filter((key) => key.startsWith(prefix)).toSorted();
    },
    close: () => Promise.resolve(),
  };
  let closing: Promise<void> | undefined;
  return {
    ...facts,
    backend,
    close() {
      if (closing === undefined) {
        transaction.done();
        closing = database.close();
      }
      return closing;
    },
  };
}

function guarded<Out>(directory: string, read: () => Out): Out {
  try {
    return read();
  } catch (error) {
    throw fault('STATE_DAMAGED', show(error), directory, error);
  }
}

/** Who answers on the socket of the directory; the number of the process is what it has left beside it. */
async function ownerOf(directory: string): Promise<string | undefined> {
  const path = socketPath(directory);
  if (!fs.existsSync(path) || !(await isAnswered(path))) return undefined;
  const note = join(directory, 'owner.pid');
  return fs.existsSync(note) ? fs.readFileSync(note, 'utf8').trim() : 'unknown';
}
