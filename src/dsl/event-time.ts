/** `eventTime`: says when elements happened, and how long stragglers are waited for. */
import { durationMs, type Duration } from '../core/duration.js';
import { TidemarkError, show } from '../core/errors.js';
import { MAX_WATERMARK, MIN_WATERMARK } from '../core/flow.js';
import type { Operator, OperatorContext, WatermarkGenerator } from '../core/operator.js';
import { BoundedOutOfOrderness, type BoundedOutOfOrdernessState } from '../time/watermark.js';
import type { Step } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import { refuseAsync } from './user-function.js';

export interface EventTimeOptions<In> {
  /** Epoch milliseconds of an element. */
  readonly timestamp: (value: In) => number;
  /** How far an element may lie behind the newest one of its split without being late. Default 0: in order. */
  readonly outOfOrderness?: Duration;
  /**
   * After this long without elements a split stops holding the others back (wall-clock time, counted only while an
   * empty source is polled). Default: never.
   */
  readonly idleness?: Duration;
  /** How finely the watermark moves, in event time; 0 sends one after each element. Default 200 ms. */
  readonly every?: Duration;
  /** Whether times before 1970 are legal. Default false: they are mostly damage. */
  readonly allowNegative?: boolean;
}

/**
 * Assigns event time and makes watermarks, per split of the source: highest timestamp - outOfOrderness - 1, after
 * Flink's `forBoundedOutOfOrderness`. An element whose timestamp is not a finite number becomes a dead letter in a job
 * (TIMESTAMP_INVALID) and an error in a subscription; it never touches the watermark.
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
 * @throws TidemarkError DURATION_INVALID, TIME_REASSIGNED when it is piped
 */
export function eventTime<In>(options: EventTimeOptions<In>): Step<In, In> {
  refuseAsync(options.timestamp, 'eventTime.timestamp');
  const boundMs = durationMs(options.outOfOrderness ?? 0, 'eventTime.outOfOrderness');
  const everyMs = durationMs(options.every ?? 200, 'eventTime.every');
  const idlenessMs =
    options.idleness === undefined ? Infinity : durationMs(options.idleness, 'eventTime.idleness');
  const minimum = options.allowNegative === true ? -MAX_TIMESTAMP : 0;
  return defineOperator<In, In>({
    operator: 'eventTime',
    entrance: true,
    keepsKey: true,
    assignsTime: true,
    create: (context) =>
      new EventTimeOperator(context, {
        timestampOf: options.timestamp as (value: unknown) => number,
        boundMs,
        everyMs,
        idlenessMs,
        minimum,
      }),
  });
}

/** The range of a JavaScript Date. */
const MAX_TIMESTAMP = 8.64e15;

interface SplitState extends BoundedOutOfOrdernessState {
  /** The watermark of all splits together, ms. */
  readonly together: number;
}

interface Settings {
  readonly timestampOf: (value: unknown) => number;
  readonly boundMs: number;
  readonly everyMs: number;
  readonly idlenessMs: number;
  readonly minimum: number;
}

class EventTimeOperator implements Operator {
  readonly #context: OperatorContext;
  readonly #settings: Settings;
  readonly #splits: (BoundedOutOfOrderness | undefined)[] = [];
  /** The one generator of a task with one split, so that the hot path asks nobody. */
  readonly #only: BoundedOutOfOrderness | undefined;
  #sent = MIN_WATERMARK;

  constructor(context: OperatorContext, settings: Settings) {
    this.#context = context;
    this.#settings = settings;
    for (const split of context.splits) this.#splits[split] = new BoundedOutOfOrderness(settings);
    this.#only = context.splits.length === 1 ? this.#splits[context.splits[0] ?? 0] : undefined;
  }

  element(value: unknown, _timestamp: number): void {
    const { counters } = this.#context;
    counters.received += 1;
    let timestamp: number;
    try {
      timestamp = this.#settings.timestampOf(value);
      // A Date, a text or a bigint would pass the comparison and poison the arithmetic.
      if (
        typeof timestamp !== 'number' ||
        !(timestamp >= this.#settings.minimum && timestamp <= MAX_TIMESTAMP)
      )
        throw invalid(timestamp);
    } catch (cause) {
      this.#context.reject(value, NaN, cause);
      return;
    }
    counters.accepted += 1;
    this.#context.output.element(value, timestamp);
    const generator = this.#only ?? this.#of(this.#context.currentSplit());
    if (generator.on(timestamp) || generator.idle) {
      generator.idle = false;
      this.#context.requestWalk();
    }
  }

  outputWatermark(inputWatermark: number): number {
    if (inputWatermark === MAX_WATERMARK) return MAX_WATERMARK;
    let lowest = Infinity;
    let highest = MIN_WATERMARK;
    let active = 0;
    for (const generator of this.#splits) {
      if (generator === undefined || generator.ended) continue;
      const { watermark } = generator;
      if (watermark > highest) highest = watermark;
      if (generator.idle) continue;
      active += 1;
      // A split that comes back behind the watermark is not waited for until it has caught up.
      if (watermark >= this.#sent && watermark < lowest) lowest = watermark;
    }
    // All idle: nobody is waited for, so the furthest one speaks for all.
    const watermark = active === 0 ? highest : lowest;
    if (watermark !== Infinity && watermark > this.#sent) this.#sent = watermark;
    return this.#sent;
  }

  readonly generator: WatermarkGenerator = {
    end: (split) => {
      const generator = this.#of(split);
      generator.flush();
      generator.ended = true;
    },
    polledInVain: (split, ms) => {
      const generator = this.#of(split);
      if (generator.idle || generator.ended) return Infinity;
      const left = this.#settings.idlenessMs - ms;
      if (left <= 0) this.generator.setIdle(split);
      return left <= 0 ? Infinity : left;
    },
    watermarkOf: (split) => this.#of(split).watermark,
    force: (split, time) => {
      const generator = this.#of(split);
      generator.idle = false;
      generator.force(time);
    },
    setIdle: (split) => {
      const generator = this.#of(split);
      generator.flush();
      generator.idle = true;
    },
    isIdle: (split) => this.#of(split).idle,
    allIdle: () => {
      const alive = this.#splits.filter((generator) => generator?.ended === false);
      return alive.length > 0 && alive.every((generator) => generator?.idle === true);
    },
    snapshot: (split) => ({ ...this.#of(split).snapshot(), together: this.#sent }),
    restore: (split, state) => {
      const saved = state as SplitState;
      this.#of(split).restore(saved);
      // The watermark of all splits together does not fall behind a split that came back late.
      this.#sent = Math.max(this.#sent, saved.together);
    },
  };

  #of(split: number): BoundedOutOfOrderness {
    return (this.#splits[split] ??= new BoundedOutOfOrderness(this.#settings));
  }
}

function invalid(timestamp: unknown): TidemarkError {
  return new TidemarkError('TIMESTAMP_INVALID', {
    expected: 'a finite number of epoch milliseconds, not negative unless allowNegative is set',
    got: show(timestamp),
    where: 'eventTime',
    hint: 'Return milliseconds as a number: date.getTime() for a Date, seconds * 1000 for Unix seconds.',
  });
}
