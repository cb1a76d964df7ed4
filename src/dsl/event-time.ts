/** `eventTime`: says when elements happened, and how long stragglers are waited for. */
import { z } from 'zod';
import { durationMs, type Duration } from '../core/duration.js';
import { BoundedOutOfOrderness } from '../time/watermark.js';
import { DataStream, type Step } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import {
  EventTimeOperator,
  MAX_TIMESTAMP,
  PeriodicEventTimeOperator,
  type EventTimeSettings,
} from './event-time-operator.js';
import { EVERY_MS, Watermarks } from './event-time-watermarks.js';
import { checkOptions, durationOption, functionOption } from './options.js';
import { refuseAsync } from './user-function.js';

export interface EventTimeOptions<In> {
  /** Epoch milliseconds of an element. */
  readonly timestamp: (value: In) => number;
  /** How far an element may lie behind the newest one of its split without being late. Default 0: in order. */
  readonly outOfOrderness?: Duration;
  /** How finely the watermark moves, in event time; 0 sends one after each element. Default 200 ms. */
  readonly every?: Duration;
  /** Another way to make watermarks, instead of `outOfOrderness` and `every`: `monotone()`, `defineWatermarks(…)`. */
  readonly watermarks?: Watermarks<NoInfer<In>>;
  /**
   * After this long without elements a split stops holding the others back (wall-clock time, counted only while an
   * empty source is polled); more than 0. Default: never.
   */
  readonly idleness?: Duration;
  /**
   * How far an element may lie ahead of the time at which it was appended to its log; one further ahead is refused and
   * never touches the watermark. Default 1 h; `false` for any distance. Off for elements without such a time.
   */
  readonly maxFuture?: Duration | false;
  /**
   * When an element was appended, epoch ms; undefined where it is not known. Default: the timestamp with which the
   * source delivers it, which those of files and iterables do not have.
   */
  readonly appended?: (value: In) => number | undefined;
  /** Whether times before 1970 are legal. Default false: they are mostly damage. */
  readonly allowNegative?: boolean;
}

/** What the options may be beside each other: an option that another one leaves nothing to say is refused. */
function schemaFor({ watermarks, maxFuture }: Partial<EventTimeOptions<never>>): z.ZodType {
  const builtIn = watermarks === undefined ? durationOption() : absent('none beside watermarks');
  const compared = maxFuture === false ? absent('none beside maxFuture: false') : functionOption();
  return z.strictObject({
    timestamp: functionOption(),
    outOfOrderness: builtIn.optional(),
    every: builtIn.optional(),
    watermarks: z
      .custom((value) => value instanceof Watermarks, { error: 'monotone() or defineWatermarks()' })
      .optional(),
    idleness: durationOption({ min: 1 }).optional(),
    maxFuture: z.union([z.literal(false), durationOption()]).optional(),
    appended: compared.optional(),
    allowNegative: z.boolean().optional(),
  });
}

function absent(error: string): z.ZodType {
  return z.custom(() => false, { error });
}

/**
 * Assigns event time and makes watermarks, per split of the source: highest timestamp - outOfOrderness - 1, after
 * Flink's `forBoundedOutOfOrderness`. Where a source has several splits, the watermark is the minimum over those that
 * are not idle; one that comes back behind it is waited for.
 *
 * An element is refused, and never touches the watermark, when its timestamp is not a finite number of the allowed range
 * (TIMESTAMP_INVALID), or lies too far ahead of the time when it was appended (TIMESTAMP_IN_FUTURE; Flink takes both).
 * In a job it becomes a dead letter, in a subscription an error.
 *
 * It stands at the front of a pipeline. Spliced onto a stream that has event time already, it gives way to that.
 *
 * @example
 * import { count, eventTime, keyBy, tumbling, window } from 'tidemark';
 * import { of } from 'rxjs';
 * of({ song: 'a', at: 0 }, { song: 'a', at: 900 }, { song: 'a', at: 1_000 })
 *   .pipe(
 *     eventTime({ timestamp: (play) => play.at, outOfOrderness: '10s' }),
 *     keyBy((play) => play.song),
 *     window(tumbling({ size: '1s' }), count(), { uid: 'plays' }),
 *   )
 *   .subscribe((result) => console.log(result.window.start, result.value));
 * // => 0 2
 * // => 1000 1
 *
 * @throws TidemarkError OPTIONS_INVALID, USER_FUNCTION_ASYNC; TIME_REASSIGNED when it is piped
 */
export function eventTime<In>(options: EventTimeOptions<In>): Step<In, In> {
  checkOptions(schemaFor(options ?? {}), options, 'eventTime()');
  refuseAsync(options.timestamp, 'eventTime.timestamp');
  if (options.appended !== undefined) refuseAsync(options.appended, 'eventTime.appended');
  const settings = settingsOf(options);
  const intervalMs = options.watermarks?.intervalMs;
  const step = (isTimed: boolean): Step<In, In> =>
    defineOperator<In, In>({
      operator: 'eventTime',
      entrance: true,
      keepsKey: true,
      assignsTime: true,
      create(context) {
        // What another eventTime has assigned says nothing about when the element was appended.
        const own =
          isTimed && settings.appendedOf === undefined
            ? { ...settings, maxFutureMs: Infinity }
            : settings;
        return intervalMs === undefined
          ? new EventTimeOperator(context, own)
          : new PeriodicEventTimeOperator(context, own, intervalMs);
      },
    });
  return (source) => step(source instanceof DataStream && source.edge.from.hasEventTime)(source);
}

function settingsOf<In>(options: EventTimeOptions<In>): EventTimeSettings {
  const { outOfOrderness = 0, every = EVERY_MS, watermarks, idleness, maxFuture = '1h' } = options;
  const boundMs = durationMs(outOfOrderness, 'eventTime.outOfOrderness');
  const everyMs = durationMs(every, 'eventTime.every');
  return {
    timestampOf: options.timestamp as (value: unknown) => number,
    appendedOf: options.appended as EventTimeSettings['appendedOf'],
    maxFutureMs: maxFuture === false ? Infinity : durationMs(maxFuture, 'eventTime.maxFuture'),
    minimum: options.allowNegative === true ? -MAX_TIMESTAMP : 0,
    idlenessMs: idleness === undefined ? Infinity : durationMs(idleness, 'eventTime.idleness'),
    generator: watermarks?.generator ?? (() => new BoundedOutOfOrderness({ boundMs, everyMs })),
  };
}
