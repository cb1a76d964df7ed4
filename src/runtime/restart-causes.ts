/**
 * Which failures a restart may mend, and which it would only repeat.
 *
 * A source or a sink that was away may be back, a disk may have room again, a function may have been unlucky once. A
 * wrong option, damaged state or a bug of ours stays what it is. And a record that fails a stateful step a second time
 * will do so for ever: the job stops and names it.
 */
import { PipelineError, TidemarkError, show, type ErrorCode } from '../core/errors.js';

/** Codes that are not retryable as a call, but that one more attempt from the last commit may get past. */
const worthOneMore: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['USER_FUNCTION_FAILED']);

/** Positions that are kept; a job that fails at more places than these is beyond counting anyway. */
const POSITIONS_MAX = 1000;

/** Whether another attempt from the last commit may come out otherwise. */
export function mayBeMended(error: unknown): boolean {
  if (error instanceof TidemarkError) return error.retryable || worthOneMore.has(error.code);
  // A law of ours that was broken: going on would only hide it.
  return !(error instanceof Error && error.message.startsWith('Tidemark bug:'));
}

/** Remembers where stateful steps have failed in this run. */
export class FailedPositions {
  readonly #seen = new Set<string>();

  /** Returns the failure as it stands, or JOB_FAILED_TWICE where the same position has failed before. */
  judge(error: unknown): unknown {
    if (!(error instanceof PipelineError) || error.position === undefined) return error;
    const place = `${error.operator} ${error.position}`;
    if (this.#seen.has(place)) return failedTwice(error, error.position);
    this.#seen.add(place);
    const [oldest] = this.#seen;
    if (this.#seen.size > POSITIONS_MAX && oldest !== undefined) this.#seen.delete(oldest);
    return error;
  }
}

/** A failure as one line for a status. */
export function sentenceOf(error: unknown): string {
  return error instanceof TidemarkError ? error.message : show(error);
}

function failedTwice(error: PipelineError, position: string): PipelineError {
  const { operator, key, timestamp, got, cause = error } = error;
  return new PipelineError(
    'JOB_FAILED_TWICE',
    {
      expected: 'the record to pass at the second attempt',
      got: `a failure again: ${got}`,
      hint: 'Mend the function, or filter the record out before the step, and start the job again: it goes on from the last commit.',
      cause,
    },
    { operator, key, timestamp, position },
  );
}
