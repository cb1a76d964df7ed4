/**
 * A savepoint: a whole copy of the state of a stopped job in a directory of its own, which belongs to the user. It may
 * be moved, copied and kept; it refers to nothing outside itself, and leaves no output to be published.
 */
import { TidemarkError } from '../core/errors.js';
import type { Files, Runtime } from '../core/runtime.js';
import type { CommittedState } from './committed-state.js';
import type { CopyManifest } from './snapshot-manifest.js';
import { openCopy, type OpenCopy } from './snapshot-reader.js';
import { manifestName, writeCopy } from './snapshot-writer.js';

const NAME = 'savepoint';

/** Refuses a directory that holds a savepoint already. @throws TidemarkError OPTIONS_INVALID */
export async function checkSavepointTarget(files: Files, directory: string): Promise<void> {
  if (!(await files.exists(`${directory}/${manifestName(NAME)}`))) return;
  throw new TidemarkError('OPTIONS_INVALID', {
    expected: 'a directory without a savepoint',
    got: `one that holds ${manifestName(NAME)}`,
    where: `stopWithSavepoint("${directory}")`,
    hint: 'Give each savepoint a directory of its own. The job has not been stopped.',
  });
}

/** Writes a savepoint of what is held. @throws TidemarkError STATE_WRITE_FAILED, STATE_DAMAGED */
export async function writeSavepoint(
  state: CommittedState,
  directory: string,
  runtime: Runtime,
): Promise<CopyManifest> {
  const manifest = await writeCopy(state, {
    runtime,
    directory,
    kind: 'savepoint',
    name: NAME,
    at: { written: 'savepoint.written', published: 'savepoint.published' },
  });
  return manifest as CopyManifest;
}

/** @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN */
export function openSavepoint(files: Files, directory: string): Promise<OpenCopy> {
  return openCopy(files, directory, NAME);
}
