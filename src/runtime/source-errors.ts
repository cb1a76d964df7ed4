/** What a source throws, as a coded error that names it. */
import { TidemarkError, show } from '../core/errors.js';

/** Calls a source; whatever it throws names it. */
export async function guardSource<T>(name: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw sourceFailed(error, name);
  }
}

export function sourceFailed(error: unknown, name: string): unknown {
  if (error instanceof TidemarkError) return error;
  return new TidemarkError('SOURCE_FAILED', {
    expected: 'a source that can be read',
    got: show(error),
    where: `source "${name}"`,
    hint: 'The cause is attached; the job can be started again and goes on from the last commit.',
    cause: error,
  });
}
