/**
 * How a run is told to stop, and what becomes of two such requests: a stop ends a run once, so a second one may add to
 * the first only what does not contradict it. What cannot be done is refused, never passed over in silence.
 */
import { z } from 'zod';
import { TidemarkError } from '../core/errors.js';
import { checkOptions } from '../dsl/options.js';

/** How a stop is meant. */
export interface StopRequest {
  /** Leaves a savepoint in this directory. */
  readonly savepointTo?: string;
  /** Ends event time first, so that everything fires. */
  readonly drain?: boolean;
}

const savepointSchema = z.strictObject({
  directory: z.string().min(1),
  options: z.strictObject({ drain: z.boolean().default(false) }),
});

/** What `stopWithSavepoint` was called with. @throws TidemarkError OPTIONS_INVALID */
export function savepointRequest(directory: unknown, options: unknown): Required<StopRequest> {
  const checked = checkOptions(savepointSchema, { directory, options }, 'stopWithSavepoint()');
  return { savepointTo: checked.directory, drain: checked.options.drain };
}

/**
 * A stop after another one.
 *
 * @param asked what has been asked so far; undefined when nothing has
 * @throws TidemarkError RUN_ENDED for a savepoint that the stop under way will not leave
 */
export function stopBoth(asked: StopRequest | undefined, request: StopRequest): StopRequest {
  const { savepointTo, drain = false } = request;
  if (asked === undefined || savepointTo === undefined) return { ...request, ...asked };
  const isOther = asked.savepointTo !== undefined && asked.savepointTo !== savepointTo;
  if (!isOther && drain === (asked.drain ?? false)) return { ...asked, savepointTo };
  throw new TidemarkError('RUN_ENDED', {
    expected: 'a run that has not been told to stop in another way',
    got: wordsOf(asked),
    where: `stopWithSavepoint("${savepointTo}")`,
    hint: 'A run stops once. Start the job again on its state, and ask for the savepoint then.',
  });
}

/** For a savepoint that is asked for too late. */
export function runIsOver(directory: string): TidemarkError {
  return new TidemarkError('RUN_ENDED', {
    expected: 'a run that is under way',
    got: 'one that is over',
    where: `stopWithSavepoint("${directory}")`,
    hint: 'Start the job again on its state, and ask for the savepoint before it ends.',
  });
}

function wordsOf({ savepointTo, drain = false }: StopRequest): string {
  const savepoint =
    savepointTo === undefined ? 'without a savepoint' : `with a savepoint in "${savepointTo}"`;
  return `one that stops ${savepoint}${drain ? ', drained' : ', without a drain'}`;
}
