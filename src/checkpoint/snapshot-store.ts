/**
 * Where snapshots live: a directory of files beside each other, each snapshot under a name of its own.
 *
 *     snapshot-000000000042.manifest      what makes it a snapshot
 *     snapshot-000000000042-000001.chunk  …  snapshot-000000000042-record
 *
 * Laws: a manifest is removed before what it refers to; the oldest one goes only after a new one is published; what
 * belongs to no manifest was left by a crash and is removed at open.
 */
import { TidemarkError, show } from '../core/errors.js';
import type { Runtime } from '../core/runtime.js';
import type { CommittedState } from './committed-state.js';
import type { JobRecord } from './job-record.js';
import { damagedCopy } from './snapshot-chunks.js';
import type { CopyManifest } from './snapshot-manifest.js';
import { openCopy, recordOf, verifyCopy, type OpenCopy } from './snapshot-reader.js';
import { manifestName, writeCopy } from './snapshot-writer.js';

/** How many snapshots a store keeps at most, whatever it is told. */
const KEEP_MAX = 1000;

/** A snapshot that stands in a store, as far as its manifest can be read. */
export interface SnapshotEntry {
  readonly epoch: number;
  readonly name: string;
  /** undefined where the manifest is damaged or of a newer format. */
  readonly copy: OpenCopy | undefined;
  readonly problem: unknown;
}

/** Where a job keeps snapshots: `directoryStore('./snapshots', { keep: 3 })`. */
export interface SnapshotStore {
  /** For messages. */
  readonly description: string;
  /** Newest first. */
  list(runtime: Runtime): Promise<readonly SnapshotEntry[]>;
  /** Writes and publishes a snapshot, then removes the oldest beyond `keep`; undefined when it is not wanted any more. */
  write(
    state: CommittedState,
    runtime: Runtime,
    isWanted: () => boolean,
  ): Promise<CopyManifest | undefined>;
  /** Removes snapshots of later epochs, and what a crash has left of unfinished ones. */
  clean(runtime: Runtime, options: { newestEpoch: number }): Promise<void>;
}

/**
 * Keeps snapshots in a directory of one job, on any file system that renames within a directory.
 *
 * @param directory made when it is missing; better on another disk than the state
 * @param options.keep how many snapshots are kept, 1 to 1,000; the oldest goes after a new one is published. Default 3
 *
 * @example
 * import { directoryStore, iterable, map, partFiles, pipeline, run, lmdb, unchecked } from 'tidemark';
 * import { readdir } from 'node:fs/promises';
 * const doubled = pipeline('doubled', unchecked<number>(), (n$) => n$.pipe(map((n) => 2 * n)));
 * await run(doubled, {
 *   from: iterable([1, 2, 3]),
 *   to: partFiles({ uid: 'out', directory: './out' }),
 *   state: lmdb('./state'),
 *   snapshots: directoryStore('./snapshots', { keep: 2 }),
 * }).done;
 * console.log((await readdir('./snapshots')).length); // => 2
 *
 * @throws TidemarkError OPTIONS_INVALID
 */
export function directoryStore(directory: string, options: { keep?: number } = {}): SnapshotStore {
  const { keep = 3 } = options;
  if (typeof directory !== 'string' || directory === '')
    throw invalid('the path of a directory', show(directory));
  if (!Number.isSafeInteger(keep) || keep < 1 || keep > KEEP_MAX)
    throw invalid(`keep from 1 to ${KEEP_MAX}`, show(keep));
  const unknown = Object.keys(options).filter((name) => name !== 'keep');
  if (unknown.length > 0) throw invalid('no option but keep', unknown.join(', '));
  return new DirectoryStore(directory, keep);
}

class DirectoryStore implements SnapshotStore {
  readonly description: string;
  readonly #directory: string;
  readonly #keep: number;

  constructor(directory: string, keep: number) {
    this.description = directory;
    this.#directory = directory;
    this.#keep = keep;
  }

  async list({ files }: Runtime): Promise<readonly SnapshotEntry[]> {
    const entries: SnapshotEntry[] = [];
    for (const file of await files.list(this.#directory)) {
      const digits = /^snapshot-(\d+)\.manifest$/.exec(file)?.[1];
      if (digits === undefined) continue;
      const name = `snapshot-${digits}`;
      try {
        const copy = await openCopy(files, this.#directory, name);
        entries.push({ epoch: Number(digits), name, copy, problem: undefined });
      } catch (problem) {
        if (!(problem instanceof TidemarkError)) throw problem;
        entries.push({ epoch: Number(digits), name, copy: undefined, problem });
      }
    }
    return entries.toSorted((a, b) => b.epoch - a.epoch);
  }

  async write(
    state: CommittedState,
    runtime: Runtime,
    isWanted: () => boolean,
  ): Promise<CopyManifest | undefined> {
    const manifest = await writeCopy(state, {
      runtime,
      directory: this.#directory,
      kind: 'snapshot',
      name: nameOf(state.record.epoch),
      at: { written: 'snapshot.written', published: 'snapshot.published' },
      isWanted,
    });
    if (manifest === undefined) return undefined;
    const entries = await this.list(runtime);
    // A damaged manifest does not count, so that it cannot push a whole snapshot out.
    const kept = entries.filter(({ copy }) => copy !== undefined).slice(0, this.#keep);
    const oldest = kept.at(-1)?.epoch ?? 0;
    for (const { name, epoch } of entries) if (epoch < oldest) await this.#remove(name, runtime);
    await runtime.at('snapshot.cleaned');
    return manifest;
  }

  async clean(runtime: Runtime, { newestEpoch }: { newestEpoch: number }): Promise<void> {
    const { files } = runtime;
    const entries = await this.list(runtime);
    for (const { epoch, name } of entries)
      if (epoch > newestEpoch) await this.#remove(name, runtime);
    const kept = new Set(
      entries.filter(({ epoch }) => epoch <= newestEpoch).map(({ name }) => name),
    );
    for (const file of await files.list(this.#directory)) {
      const owner = /^\.?(snapshot-\d+)[.-]/.exec(file)?.[1];
      if (owner === undefined || (kept.has(owner) && !file.startsWith('.'))) continue;
      await files.remove(`${this.#directory}/${file}`);
    }
  }

  async #remove(name: string, { files }: Runtime): Promise<void> {
    await files.remove(`${this.#directory}/${manifestName(name)}`);
    await files.syncDirectory(this.#directory);
    for (const file of await files.list(this.#directory))
      if (file.startsWith(`${name}-`)) await files.remove(`${this.#directory}/${file}`);
  }
}

/** The record of the oldest snapshot whose manifest can be read; undefined where there is none. */
export async function oldestRecord(
  store: SnapshotStore,
  runtime: Runtime,
): Promise<JobRecord | undefined> {
  const copies = (await store.list(runtime)).flatMap(({ copy }) => copy ?? []);
  const oldest = copies.at(-1);
  return oldest && recordOf(oldest, runtime.files);
}

/** The newest snapshot that is whole, every byte of it read; with those that were passed over. */
export async function newestGood(
  store: SnapshotStore,
  runtime: Runtime,
): Promise<{ readonly good: OpenCopy | undefined; readonly damaged: readonly number[] }> {
  const damaged: number[] = [];
  for (const { copy, epoch } of await store.list(runtime)) {
    try {
      if (copy === undefined)
        throw damagedCopy(store.description, 'a manifest that cannot be read');
      await verifyCopy(copy, runtime);
      return { good: copy, damaged };
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      damaged.push(epoch);
    }
  }
  return { good: undefined, damaged };
}

function nameOf(epoch: number): string {
  return `snapshot-${String(epoch).padStart(12, '0')}`;
}

function invalid(expected: string, got: string): TidemarkError {
  return new TidemarkError('OPTIONS_INVALID', {
    expected,
    got,
    where: 'directoryStore()',
    hint: 'Write directoryStore("./snapshots", { keep: 3 }).',
  });
}
