/** `dedupe`: of several elements with one key that lie close together in time, one. */
import type { Observable } from 'rxjs';
import { z } from 'zod';
import { durationMs, formatDuration, type Duration } from '../core/duration.js';
import { TidemarkError } from '../core/errors.js';
import { makeKeyNode } from '../core/graph.js';
import type { Key } from '../core/key.js';
import { DataStream, edgeOf, type OutputTag, type Step, type Unkeyed } from './data-stream.js';
import { KeepFirst, KeepLast, firstsSpec, intervalsSpec } from './dedupe-operator.js';
import { defineOperator } from './define-operator.js';
import { checkOptions, durationOption, functionOption } from './options.js';
import { refuseAsync } from './user-function.js';

export interface DedupeOptions<T> {
  /** What has been seen is found by it after a restart. */
  readonly uid: string;
  /** The uid that the state was kept under before, where it has been renamed. May be left in for good. */
  readonly renamedFrom?: string;
  /** Elements with equal keys are the same, such as `(event) => event.id`; equal as for `keyBy`. */
  readonly by: (element: T) => Key;
  /**
   * Within which event time they are the same; more than 0. It is required: without it every key ever seen would have
   * to be kept for ever.
   */
  readonly within: Duration;
  /** Which one of them comes out. Default `first`. */
  readonly keep?: 'first' | 'last';
  /** Where elements go that cannot be judged any more. They are counted in any case. */
  readonly late?: OutputTag<T>;
}

/**
 * Drops repetitions by event time, with memory for as long as they may come.
 *
 * `keep: 'first'`: the first element of a key, in order of arrival, is emitted at once with its timestamp. Elements of
 * the key whose timestamp lies less than `within` before or after one that was emitted are repetitions, counted as
 * `filtered`. An element is late when timestamp + `within` <= watermark; until then it is judged rightly, however much
 * it is out of order, and for that an emitted timestamp is remembered for twice `within`. The number of elements that
 * come out, and which, depends on the order of arrival; that no two of them are closer than `within` does not.
 *
 * `keep: 'last'`: time is cut into intervals, for each key by itself. The first interval begins with its lowest
 * timestamp and takes all less than `within` above; the next begins with the lowest that is left. When the watermark
 * reaches the last millisecond of an interval, its element with the highest timestamp is emitted, with that last
 * millisecond as its timestamp, as a window would. The intervals and the results do not depend on the order of arrival,
 * as long as no element comes behind the watermark; between elements of one timestamp the one that came later wins.
 * An element behind the watermark still counts in an interval that has begun and is not over; any other is late. All
 * that count are `accepted`, whether they come out or not.
 *
 * Throws when it is piped: TIME_MISSING, UID_INVALID, STREAM_LIFTED.
 *
 * @example
 * import { dedupe, eventTime } from 'tidemark';
 * import { of } from 'rxjs';
 * of({ id: 'a', at: 0 }, { id: 'b', at: 10 }, { id: 'a', at: 500 }, { id: 'a', at: 1_700 })
 *   .pipe(
 *     eventTime({ timestamp: (event) => event.at }),
 *     dedupe({ uid: 'once', by: (event) => event.id, within: '1s' }),
 *   )
 *   .subscribe(({ id, at }) => console.log(id, at));
 * // => a 0
 * // => b 10
 * // => a 1700
 *
 * @throws TidemarkError OPTIONS_INVALID
 */
export function dedupe<T>(options: DedupeOptions<T>): Step<T, Unkeyed<T>> {
  if (options?.within === undefined) throw unbounded(options?.uid);
  const { uid, renamedFrom, by, keep, late, within } = checkOptions(schema, options, 'dedupe()');
  refuseAsync(by, `by of dedupe "${uid}"`);
  const withinMs = durationMs(within, `within of dedupe "${uid}"`);
  const isFirst = keep === 'first';
  const settings = { withinMs, late: late?.id };
  const step = defineOperator<T, Unkeyed<T>>({
    operator: 'dedupe',
    uid,
    renamedFrom,
    keyed: true,
    needsEventTime: true,
    state: isFirst ? firstsSpec : intervalsSpec,
    sideOutputs: late === undefined ? [] : [late.id],
    facts: {
      summary: `${keep} within ${formatDuration(withinMs)}`,
      stateShape: `${keep} ${withinMs}`,
      latenessMs: isFirst ? 'inherited' : 0,
    },
    create: (context) =>
      isFirst ? new KeepFirst(context, settings) : new KeepLast(context, settings),
  });
  return (source: Observable<T>) => {
    const input = edgeOf(source, 'dedupe');
    const node = makeKeyNode({
      kind: 'key',
      keyOf: by,
      uid: undefined,
      inputs: [input],
      hasEventTime: input.from.hasEventTime,
      scope: [],
    });
    return step(new DataStream<T>({ from: node }));
  };
}

const schema = z.strictObject({
  uid: z.string(),
  renamedFrom: z.string().optional(),
  by: functionOption<(element: never) => Key>(),
  within: durationOption({ min: 1 }),
  keep: z.enum(['first', 'last']).default('first'),
  late: z
    .custom<OutputTag<unknown>>(
      (tag) => typeof (tag as OutputTag<unknown> | null)?.id === 'string',
      { error: "an outputTag('…')" },
    )
    .optional(),
});

function unbounded(uid: unknown): TidemarkError {
  return new TidemarkError('OPTIONS_INVALID', {
    expected: "within: how far apart two elements may be and still be the same, such as '10m'",
    got: 'no within',
    where: `dedupe ${JSON.stringify(uid)}`,
    hint: 'Without it every key ever seen would have to be kept for ever, and the job would run until its memory is full. Choose the longest time after which a repetition may still come.',
  });
}
