/**
 * Copies one committed epoch into files, in bounded pieces, and publishes the copy with one rename.
 *
 *     chunk, chunk, … record      each written and synced; nobody knows of them
 *     sync of the directory       all names are safe                                   snapshot.written
 *     manifest                    written aside, synced, renamed, directory synced     snapshot.published
 *
 * A crash before the rename leaves files that nobody refers to; a crash behind it leaves the whole copy.
 */
import { TidemarkError, show } from '../core/errors.js';
import type { CrashPoint, Runtime } from '../core/runtime.js';
import { crc32 } from '../state/checksum.js';
import type { CommittedState } from './committed-state.js';
import { sealRecord } from './job-record.js';
import { CHUNK_BYTES, ChunkWriter } from './snapshot-chunks.js';
import {
  manifestText,
  type CheckedFile,
  type ChunkEntry,
  type CopyManifest,
} from './snapshot-manifest.js';

/** Bytes that are copied between two turns of the event loop: a fraction of a millisecond. */
const BYTES_PER_TURN = 2 ** 17;

export interface CopyOptions {
  readonly runtime: Runtime;
  readonly directory: string;
  readonly kind: CopyManifest['kind'];
  /** All files of the copy begin with it; the manifest is `<name>.manifest`. */
  readonly name: string;
  /** Names the awaits. */
  readonly at: { readonly written: CrashPoint; readonly published: CrashPoint };
  /** Asked between pieces; false gives up. Default: always true. */
  readonly isWanted?: () => boolean;
}

/**
 * Writes a copy of what is held, and releases it. Gives the manifest, or undefined when it is no longer wanted.
 *
 * @throws TidemarkError STATE_WRITE_FAILED, STATE_DAMAGED where the state itself cannot be read
 */
export async function writeCopy(
  state: CommittedState,
  options: CopyOptions,
): Promise<CopyManifest | undefined> {
  try {
    return await new CopyWriter(state, options).write();
  } catch (error) {
    if (error instanceof TidemarkError) throw error;
    throw new TidemarkError('STATE_WRITE_FAILED', {
      expected: `a directory that takes a ${options.kind}`,
      got: show(error),
      where: options.directory,
      hint: 'Check space and rights; the state of the job itself is committed and safe.',
      cause: error,
    });
  } finally {
    state.release();
  }
}

/** Names of the files of one copy; a name that begins with a dot is not finished. */
export function manifestName(name: string): string {
  return `${name}.manifest`;
}

class CopyWriter {
  readonly #state: CommittedState;
  readonly #options: CopyOptions;
  readonly #chunks: ChunkEntry[] = [];
  #sinceTurn = 0;

  constructor(state: CommittedState, options: CopyOptions) {
    this.#state = state;
    this.#options = options;
  }

  async write(): Promise<CopyManifest | undefined> {
    const { runtime, directory, name, at } = this.#options;
    const { files } = runtime;
    await files.makeDirectory(directory);
    for (const uid of this.#state.uids) if (!(await this.#copy(uid))) return undefined;
    const record = await this.#file(`${name}-record`, sealRecord(this.#state.record));
    await files.syncDirectory(directory);
    await runtime.at(at.written);
    const manifest = this.#manifest(record);
    const aside = `.${manifestName(name)}`;
    await this.#file(aside, new TextEncoder().encode(manifestText(manifest)));
    await files.rename(`${directory}/${aside}`, `${directory}/${manifestName(name)}`);
    await files.syncDirectory(directory);
    await runtime.at(at.published);
    return manifest;
  }

  /** Copies the records of a uid. Gives false when nobody wants them any more. */
  async #copy(uid: string): Promise<boolean> {
    let chunk = new ChunkWriter(uid);
    for (const record of this.#state.records(uid)) {
      chunk.add(record);
      this.#sinceTurn += record.key.length + record.value.length + 8;
      if (chunk.byteLength >= CHUNK_BYTES) {
        await this.#close(chunk);
        chunk = new ChunkWriter(uid);
      }
      if (this.#sinceTurn < BYTES_PER_TURN) continue;
      this.#sinceTurn = 0;
      await this.#options.runtime.clock.turn();
      if (this.#options.isWanted?.() === false) return false;
    }
    if (chunk.records > 0) await this.#close(chunk);
    return true;
  }

  async #close(chunk: ChunkWriter): Promise<void> {
    const { uid, groups, records } = chunk;
    const number = String(this.#chunks.length + 1).padStart(6, '0');
    const file = await this.#file(`${this.#options.name}-${number}.chunk`, chunk.finish());
    this.#chunks.push({ ...file, uid, groups: [...groups], records });
  }

  async #file(name: string, bytes: Uint8Array): Promise<CheckedFile> {
    const { runtime, directory } = this.#options;
    const file = await runtime.files.create(`${directory}/${name}`);
    try {
      await file.write(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    return { file: name, bytes: bytes.length, crc32: crc32(bytes) };
  }

  #manifest(record: CheckedFile): CopyManifest {
    const { job, epoch, maxParallelism } = this.#state.record;
    const { kind, runtime } = this.#options;
    const createdAt = runtime.clock.now();
    const id = `${job}-${epoch}-${createdAt}-${record.crc32.toString(16)}`;
    return { kind, id, job, epoch, maxParallelism, createdAt, record, chunks: this.#chunks };
  }
}
