/**
 * Hands each value to a function of the user: the shortest way to a service, a database or a console.
 *
 * What the function does cannot be taken back, so after a crash it is called again for the elements since the last
 * commit. An exactly-once job refuses this sink unless it says that repeats are acceptable.
 */
import { z } from 'zod';
import type { Sink, SinkWriter } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import { checkName } from '../core/graph.js';
import { checkOptions, functionOption } from '../dsl/options.js';
import { isPromise } from '../dsl/user-function.js';

export interface CallbackOptions {
  /** Names the sink among those of the job: 1 to 64 characters out of A-Z a-z 0-9 . _ - */
  readonly uid: string;
  /** Accepts repeats after a crash in an exactly-once job. Default false. */
  readonly allowDuplicates?: boolean;
}

const schema = z.strictObject({ uid: z.string(), allowDuplicates: z.boolean().default(false) });

/**
 * A sink that calls `fn` once per value, in order, at least once over crashes. A promise is awaited before the next
 * call, which is the backpressure. An exactly-once job refuses it with SINK_TOO_WEAK unless `allowDuplicates` is set. `timestamp` is event time in epoch milliseconds, NaN where there is none.
 *
 * @example
 * import { callback, nodeRuntime } from 'tidemark';
 *
 * const sink = callback<string>((value, timestamp) => console.log(value, timestamp), { uid: 'print' });
 * const writer = await sink.open(
 *   { job: 'example', uid: 'print', instance: 0, guarantee: 'at-least-once' },
 *   nodeRuntime(),
 * );
 * await writer.write(['a'], [1000]);
 * // => a 1000
 *
 * @throws TidemarkError OPTIONS_INVALID, UID_INVALID at once; SINK_FAILED with the cause when `fn` throws or rejects
 */
export function callback<T>(
  fn: (value: T, timestamp: number) => void | Promise<void>,
  options: CallbackOptions,
): Sink<T> {
  const { uid, allowDuplicates } = checkOptions(schema, options, 'callback()');
  checkOptions(functionOption(), fn, 'callback()');
  checkName(uid, 'callback(), uid');
  const writer: SinkWriter = {
    write: (values, timestamps) => callFrom(0, values as readonly T[], timestamps),
    prepare: () => Promise.resolve(undefined),
    publish: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  /** Stays synchronous as long as `fn` does: a promise per value would cost more than most functions do. */
  function callFrom(
    start: number,
    values: readonly T[],
    timestamps: ArrayLike<number>,
  ): Promise<void> | void {
    for (let index = start; index < values.length; index += 1) {
      const result = call(values[index] as T, timestamps[index] ?? Number.NaN);
      if (result !== undefined) return result.then(() => callFrom(index + 1, values, timestamps));
    }
  }
  function call(value: T, timestamp: number): Promise<void> | undefined {
    try {
      const result = fn(value, timestamp);
      if (!isPromise(result)) return undefined;
      return Promise.resolve(result).catch((cause: unknown) => {
        throw failure(uid, value, cause);
      });
    } catch (cause) {
      throw failure(uid, value, cause);
    }
  }
  return {
    uid,
    guarantee: 'at-least-once',
    allowDuplicates,
    recover: () => Promise.resolve(),
    open: () => Promise.resolve(writer),
  };
}

function failure(uid: string, value: unknown, cause: unknown): TidemarkError {
  return new TidemarkError('SINK_FAILED', {
    expected: 'the callback to return',
    got: `${show(cause)} for the value ${show(value)}`,
    where: `sink "${uid}"`,
    hint: 'The function given to callback() threw; see the cause.',
    cause,
  });
}
