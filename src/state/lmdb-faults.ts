/** What can be wrong with a state directory, in four sentences. */
import { TidemarkError } from '../core/errors.js';

/** The format of the header of a store. */
export const LMDB_FORMAT = 1;

const sentences = {
  STATE_IN_USE: ['a directory that nobody holds', 'End the other job, or give each one its own.'],
  STATE_DAMAGED: ['a whole state directory', 'Restore it from a copy, or begin with an empty one.'],
  STATE_VERSION_UNKNOWN: [
    `format ${LMDB_FORMAT}`,
    'Run the release that wrote it, or a newer one.',
  ],
  STATE_WRITE_FAILED: [
    'a disk that takes state',
    'Check space and rights; the last commit is safe.',
  ],
} as const;

export function fault(
  code: keyof typeof sentences,
  got: string,
  where: string,
  cause?: unknown,
): TidemarkError {
  const [expected, hint] = sentences[code];
  return new TidemarkError(code, { expected, got, where, hint, cause });
}
