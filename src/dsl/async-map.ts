/** `asyncMap`: each element is replaced by what an asynchronous function answers, with bounds on everything. */
import type { Observable } from 'rxjs';
import { z } from 'zod';
import { durationMs, formatDuration, type Duration } from '../core/duration.js';
import type { Key } from '../core/key.js';
import { inFlightSpec } from './async-in-flight.js';
import { AsyncMapOperator, type CallContext } from './async-map-operator.js';
import { RetryPolicy, retrySchema, type RetryOptions } from './async-retry.js';
import { DataStream, type Keyed, type Step, type Unkeyed } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import { checkOptions, durationOption, functionOption } from './options.js';
import { refuseAsync } from './user-function.js';

export interface AsyncMapOptions<In, Result> {
  /** Elements in flight are found by it after a restart. */
  readonly uid: string;
  /**
   * Elements in flight at most, in each shard: called, or finished and waiting for their place. 1 to 100,000; default
   * 100. A job takes no further elements meanwhile; what a single element or watermark becomes waits beyond it.
   */
  readonly capacity?: number;
  /**
   * Whether results leave in the order of their elements (default), or as they come between two watermarks. Results
   * cross no watermark in either case.
   */
  readonly ordered?: boolean;
  /** For all attempts of an element together; more than 0. Default `'1m'`. It begins anew after a restart. */
  readonly timeout?: Duration;
  /** When a call is made again. Default: never. */
  readonly retry?: RetryOptions<Result>;
  /** What to go on with when the time is over; synchronous. Default: the element fails with ASYNC_TIMEOUT. */
  readonly onTimeout?: (value: In) => Result;
  /**
   * What a subscription does at capacity, for it cannot hold its source back: fail with ASYNC_OVERFLOW (default), or
   * drop the oldest element in flight, whose call is aborted; it is counted as `refused`. Jobs ignore it.
   */
  readonly overflow?: 'error' | 'dropOldest';
}

/** What the function of `asyncMap` is told about its call; `K` is the type of the keys. */
export interface AsyncCall<K = Key | undefined> extends CallContext {
  readonly key: K & (Key | undefined);
}

type KeyOf<In> = In extends Keyed<infer K, unknown> ? K : undefined;

/**
 * Replaces each element by the answer of an asynchronous function, after Flink's `AsyncDataStream`. The answer has the
 * timestamp of its element.
 *
 * An element in flight is state from the moment it enters, so no checkpoint waits for an answer: after a crash or a stop
 * it is called again, before anything new, with the same `idempotencyKey`. So its effect here is exactly-once, and the
 * call itself at-least-once. `fn` must not change its value, which is kept.
 *
 * What a call fails with after its last attempt makes its element a dead letter in a job and an error in a subscription,
 * as in `map`; so does a timeout without `onTimeout`. Watermarks wait for the elements before them.
 *
 * Throws when it is piped: UID_INVALID.
 *
 * @param fn gives a promise of the result, or the result
 *
 * @example
 * import { asyncMap, stream } from 'tidemark';
 * import { lastValueFrom, of, toArray } from 'rxjs';
 * const titles: Record<string, string> = { a: 'Aria', b: 'Ballad' };
 * const lookUp = async (id: string): Promise<string> => titles[id] ?? 'unknown';
 * const titles$ = stream(of('a', 'b', 'c')).pipe(
 *   asyncMap((id) => lookUp(id), { uid: 'titles', capacity: 10, timeout: '5s' }),
 * );
 * console.log(await lastValueFrom(titles$.pipe(toArray()))); // => [ 'Aria', 'Ballad', 'unknown' ]
 *
 * @throws TidemarkError OPTIONS_INVALID
 */
export function asyncMap<In, Out>(
  fn: (value: In, call: AsyncCall<KeyOf<In>>) => PromiseLike<Out> | Out,
  options: AsyncMapOptions<In, NoInfer<Out>>,
): Step<In, Unkeyed<Out>> {
  return asyncStep('asyncMap', fn, options);
}

/**
 * `asyncMap` for answers of any number of results: `fn` answers with an array or another iterable, whose elements are
 * emitted one after the other, all with the timestamp of their element; an empty one, or nothing, emits none.
 *
 * @example
 * import { asyncFlatMap, stream } from 'tidemark';
 * import { lastValueFrom, of, toArray } from 'rxjs';
 * const membersOf = async (band: string): Promise<string[]> => (band === 'duo' ? ['ann', 'bob'] : []);
 * const members$ = stream(of('duo', 'nobody')).pipe(
 *   asyncFlatMap((band) => membersOf(band), { uid: 'members' }),
 * );
 * console.log(await lastValueFrom(members$.pipe(toArray()))); // => [ 'ann', 'bob' ]
 *
 * @throws TidemarkError OPTIONS_INVALID
 */
export function asyncFlatMap<In, Out>(
  fn: (
    value: In,
    call: AsyncCall<KeyOf<In>>,
  ) => PromiseLike<Iterable<Out> | undefined> | Iterable<Out> | undefined,
  options: AsyncMapOptions<In, NoInfer<Iterable<Out> | undefined>>,
): Step<In, Unkeyed<Out>> {
  return asyncStep('asyncFlatMap', fn, options);
}

const schema = z.strictObject({
  uid: z.string(),
  capacity: z.int().min(1).max(100_000).default(100),
  ordered: z.boolean().default(true),
  timeout: durationOption({ min: 1 }).default('1m'),
  retry: retrySchema.optional(),
  onTimeout: functionOption<(value: never) => unknown>().optional(),
  overflow: z.enum(['error', 'dropOldest']).default('error'),
});

function asyncStep<In, Out>(
  operator: 'asyncMap' | 'asyncFlatMap',
  fn: (value: never, call: never) => unknown,
  options: unknown,
): Step<In, Out> {
  const { uid, capacity, ordered, timeout, retry, onTimeout, overflow } = checkOptions(
    schema,
    options,
    `${operator}()`,
  );
  const where = `${operator} "${uid}"`;
  checkOptions(z.strictObject({ fn: functionOption() }), { fn }, where);
  if (onTimeout !== undefined) refuseAsync(onTimeout, `onTimeout of ${where}`);
  const timeoutMs = durationMs(timeout, `timeout of ${where}`);
  const settings = { where, fn, capacity, ordered, timeoutMs, onTimeout, overflow };
  const policy = new RetryPolicy(retry, where);
  const isFlat = operator === 'asyncFlatMap';
  return (source: Observable<In>) => {
    const isKeyed = source instanceof DataStream && source.edge.from.keyedBy !== undefined;
    const isOfKey = isKeyed && source.edge.side === undefined;
    const step = defineOperator<In, Out>({
      operator,
      uid,
      keyed: isOfKey,
      state: inFlightSpec,
      facts: {
        summary: `${ordered ? 'ordered' : 'unordered'}, ${capacity} in flight, ${formatDuration(timeoutMs)} each`,
        stateShape: isOfKey ? 'by key' : 'by shard',
        latenessMs: 'inherited',
        ...(ordered ? {} : { deterministic: false }),
      },
      create: (context) =>
        new AsyncMapOperator(context, {
          ...settings,
          fn: settings.fn as never,
          isFlat,
          isKeyed: isOfKey,
          retry: policy,
        }),
    });
    return step(source);
  };
}
