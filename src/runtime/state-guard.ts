/** Calls of a state backend: whatever they throw becomes a coded error that names where the state lives. */
import { TidemarkError, show } from '../core/errors.js';

/** What a backend has reported, as a coded error; those that have a code, and bugs of ours, stay as they are. */
export function stateFailed(error: unknown, where: string): unknown {
  if (error instanceof TidemarkError) return error;
  if (error instanceof Error && error.message.startsWith('Tidemark bug:')) return error;
  return new TidemarkError('STATE_WRITE_FAILED', {
    expected: 'a store that takes what is written',
    got: show(error),
    where,
    hint: 'The former epoch is whole. Look at the disk, then start again: the job goes on from there.',
    cause: error,
  });
}

/** Calls a backend; whatever it throws is coded. */
export async function guardState<T>(where: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw stateFailed(error, where);
  }
}
