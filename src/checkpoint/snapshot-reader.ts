/** Reads snapshots and savepoints: checks every byte before any of it is used, and loads it into an empty state. */
import { TidemarkError, show } from '../core/errors.js';
import type { Files, Runtime } from '../core/runtime.js';
import { crc32 } from '../state/checksum.js';
import type { StateLoader } from './committed-state.js';
import { openRecord, type JobRecord } from './job-record.js';
import { damagedCopy, openChunk } from './snapshot-chunks.js';
import { parseManifest, type CheckedFile, type CopyManifest } from './snapshot-manifest.js';
import { manifestName } from './snapshot-writer.js';

/** Bytes that may wait for the disk while a copy is loaded. */
const PENDING_BYTES_MAX = 32 * 2 ** 20;

/** A copy whose manifest has been read. */
export interface OpenCopy {
  readonly directory: string;
  readonly manifest: CopyManifest;
}

/**
 * Opens a copy by its name in a directory.
 *
 * @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN
 */
export async function openCopy(files: Files, directory: string, name: string): Promise<OpenCopy> {
  const where = `${directory}/${manifestName(name)}`;
  if (!(await files.exists(where))) throw damagedCopy(directory, `no ${manifestName(name)} there`);
  return { directory, manifest: parseManifest(await read(files, where), where) };
}

/** Reads all of a copy once. @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN */
export async function verifyCopy(copy: OpenCopy, { files, clock }: Runtime): Promise<JobRecord> {
  const record = await recordOf(copy, files);
  for (const chunk of copy.manifest.chunks) {
    checkChunk(await readChecked(copy, files, chunk), chunk.uid, `${copy.directory}/${chunk.file}`);
    await clock.turn();
  }
  return record;
}

/**
 * Puts all of a copy into a loader and waits until it is on disk; committing it is left to the caller.
 *
 * @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN, STATE_WRITE_FAILED
 */
export async function loadCopy(
  copy: OpenCopy,
  loader: StateLoader,
  { files, clock }: Runtime,
): Promise<JobRecord> {
  const record = await recordOf(copy, files);
  for (const chunk of copy.manifest.chunks) {
    const where = `${copy.directory}/${chunk.file}`;
    const records = checkChunk(await readChecked(copy, files, chunk), chunk.uid, where);
    for (const one of records) loader.add(chunk.uid, one);
    if (loader.pending > PENDING_BYTES_MAX) await loader.flushed();
    await clock.turn();
  }
  await loader.flushed();
  return record;
}

function checkChunk(
  bytes: Uint8Array,
  uid: string,
  where: string,
): ReturnType<typeof openChunk>['records'] {
  const chunk = openChunk(bytes, where);
  if (chunk.uid !== uid) throw damagedCopy(where, `records of "${chunk.uid}" instead of "${uid}"`);
  return chunk.records;
}

/** The record of the job in a copy. @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN */
export async function recordOf(copy: OpenCopy, files: Files): Promise<JobRecord> {
  const { manifest, directory } = copy;
  const where = `${directory}/${manifest.record.file}`;
  const record = openRecord(await readChecked(copy, files, manifest.record), where);
  if (record.job !== manifest.job || record.epoch !== manifest.epoch)
    throw damagedCopy(where, `epoch ${record.epoch} of "${record.job}", unlike its manifest`);
  return record;
}

async function readChecked(
  { directory }: OpenCopy,
  files: Files,
  { file, bytes: length, crc32: checksum }: CheckedFile,
): Promise<Uint8Array> {
  const where = `${directory}/${file}`;
  const bytes = await read(files, where);
  if (bytes.length !== length)
    throw damagedCopy(where, `${bytes.length} bytes, where the manifest says ${length}`);
  if (crc32(bytes) !== checksum) throw damagedCopy(where, 'bytes that do not match their checksum');
  return bytes;
}

async function read(files: Files, path: string): Promise<Uint8Array> {
  try {
    return await files.read(path);
  } catch (error) {
    if (error instanceof TidemarkError) throw error;
    throw damagedCopy(path, show(error), error);
  }
}
