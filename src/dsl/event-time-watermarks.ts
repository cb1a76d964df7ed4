/** `monotone` and `defineWatermarks`: how watermarks are made, where bounded out-of-orderness is not the answer. */
import { z } from 'zod';
import { durationMs, type Duration } from '../core/duration.js';
import { CustomGenerator, type WatermarksDefinition } from '../time/custom-generator.js';
import { BoundedOutOfOrderness, type SplitGenerator } from '../time/watermark.js';
import { checkOptions, durationOption, functionOption } from './options.js';
import { refuseAsync } from './user-function.js';

/** How watermarks are made from the elements of a split; given to `eventTime`. */
export class Watermarks<In> {
  /** Phantom: elements that it can read. */
  declare readonly accepts?: (value: In) => void;
  readonly name: string;
  /** How often, in processing time, the generators are asked; undefined for never. */
  readonly intervalMs: number | undefined;
  /** Makes the generator of one split. */
  readonly generator: () => SplitGenerator;

  constructor(parts: {
    readonly name: string;
    readonly intervalMs?: number | undefined;
    readonly generator: () => SplitGenerator;
  }) {
    this.name = parts.name;
    this.intervalMs = parts.intervalMs;
    this.generator = parts.generator;
  }
}

export interface DefineWatermarksOptions<In, State extends object> extends WatermarksDefinition<
  In,
  State
> {
  /** How often `periodic` is called, in processing time; more than 0. Default 200 ms. */
  readonly interval?: Duration;
}

/** The step of the built-in generators, in event time. */
export const EVERY_MS = 200;

/**
 * For timestamps that never fall within a split: the watermark is highest timestamp - 1, sent in steps of 200 ms of
 * event time. An element behind the highest one of its split may be late. After Flink's `forMonotonousTimestamps`; it
 * is what `eventTime` does by default, in so many words.
 *
 * @example
 * import { count, eventTime, keyBy, monotone, tumbling, window } from 'tidemark';
 * import { of } from 'rxjs';
 * of({ song: 'a', at: 0 }, { song: 'a', at: 900 }, { song: 'b', at: 1_000 })
 *   .pipe(
 *     eventTime({ timestamp: (play) => play.at, watermarks: monotone() }),
 *     keyBy((play) => play.song),
 *     window(tumbling({ size: '1s' }), count(), { uid: 'plays' }),
 *   )
 *   .subscribe((result) => console.log(result.key, result.value));
 * // => a 2
 * // => b 1
 */
export function monotone(): Watermarks<unknown> {
  return new Watermarks({
    name: 'monotone',
    generator: () => new BoundedOutOfOrderness({ boundMs: 0, everyMs: EVERY_MS }),
  });
}

const schema = z.strictObject({
  create: functionOption(),
  element: functionOption(),
  periodic: functionOption().optional(),
  interval: durationOption({ min: 1 }).optional(),
});

/**
 * Watermarks in your own words: from markers in the data, from a percentile of the delays seen, or from the clock.
 *
 * `element` is asked after each element, and everything that it causes; `periodic`, where there is one, every `interval`
 * of processing time. What they return is the new watermark of the split: from then on no element at or below it is
 * expected. One that lies behind the last one is dropped. Each split of a source has a state of its own, which a
 * checkpoint holds; it is handed back as it was, so give it a version if its shape may change. After Flink's
 * `WatermarkGenerator`.
 *
 * With `element` alone a replay sees the watermarks of the live run; with `periodic` it does not, and what is late may
 * differ. A function that throws, or that returns something other than a number (WATERMARK_INVALID), fails the run.
 *
 * @example
 * import { defineWatermarks, eventTime, keyBy, process } from 'tidemark';
 * import { of } from 'rxjs';
 * interface Line {
 *   readonly at: number;
 *   // The writer says here that everything before has been written.
 *   readonly complete?: boolean;
 * }
 * const marked = defineWatermarks({
 *   create: () => ({ highest: -Infinity }),
 *   element(line: Line, timestamp, state) {
 *     state.highest = Math.max(state.highest, timestamp);
 *     return line.complete === true ? state.highest : undefined;
 *   },
 * });
 * of<Line[]>({ at: 7 }, { at: 5, complete: true }, { at: 9 })
 *   .pipe(
 *     eventTime({ timestamp: (line) => line.at, watermarks: marked }),
 *     keyBy(() => 'all'),
 *     process({ uid: 'judge', element: (line: Line, { watermark }) => [[line.at, watermark]] }),
 *   )
 *   .subscribe(([at, watermark]) => console.log(at, watermark));
 * // => 7 -Infinity
 * // => 5 -Infinity
 * // => 9 7
 *
 * @throws TidemarkError OPTIONS_INVALID, USER_FUNCTION_ASYNC; when a run starts OPTIONS_INVALID or
 *   VALUE_NOT_ENCODABLE, for a state that is no object of plain data
 */
export function defineWatermarks<In, State extends object>(
  options: DefineWatermarksOptions<In, State>,
): Watermarks<In> {
  const where = 'defineWatermarks()';
  checkOptions(schema, options, where);
  const { create, element, periodic, interval = EVERY_MS } = options;
  for (const [name, fn] of Object.entries({ create, element, periodic }))
    if (fn !== undefined) refuseAsync(fn, `${where}.${name}`);
  return new Watermarks({
    name: 'defineWatermarks',
    intervalMs: periodic === undefined ? undefined : durationMs(interval, `${where}.interval`),
    generator: () => new CustomGenerator(options),
  });
}
