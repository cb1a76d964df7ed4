/** The operator behind `eventTime`: takes timestamps, refuses what cannot be one, and merges the watermarks of splits. */
import { TidemarkError, show } from '../core/errors.js';
import { formatDuration } from '../core/duration.js';
import { MAX_WATERMARK, MIN_WATERMARK, NO_TIMESTAMP } from '../core/flow.js';
import type {
  Operator,
  OperatorContext,
  Receiver,
  SplitFacts,
  WatermarkGenerator,
} from '../core/operator.js';
import { SplitMerge } from '../time/split-merge.js';
import type { SplitGenerator, SplitGeneratorState } from '../time/watermark.js';

/** The range of a JavaScript Date. */
export const MAX_TIMESTAMP = 8.64e15;

export interface EventTimeSettings {
  readonly timestampOf: (value: unknown) => number;
  /** When an element was appended to its log; undefined: the timestamp with which the source delivered it. */
  readonly appendedOf: ((value: unknown) => number | undefined) | undefined;
  /** How far an element may lie ahead of the time it was appended at; Infinity for any distance. */
  readonly maxFutureMs: number;
  readonly minimum: number;
  readonly idlenessMs: number;
  /** Makes the generator of a split. */
  readonly generator: () => SplitGenerator;
}

interface SplitState extends SplitGeneratorState {
  /** The watermark of all splits together, ms. */
  readonly together: number;
}

export class EventTimeOperator implements Operator {
  protected readonly context: OperatorContext;
  readonly #settings: EventTimeSettings;
  readonly #output: Receiver;
  readonly #timestampOf: EventTimeSettings['timestampOf'];
  readonly #appendedOf: EventTimeSettings['appendedOf'];
  readonly #minimum: number;
  readonly #maxFutureMs: number;
  readonly #merge = new SplitMerge();
  /** By number of the task input. */
  protected readonly splits: (SplitGenerator | undefined)[] = [];
  /** Inputs between two splits, and whether they have been polled in vain for long. */
  protected readonly vacant = new Map<number, boolean>();
  /** The one generator of a task with one split, so that the hot path asks nobody. */
  #only: SplitGenerator | undefined;

  constructor(context: OperatorContext, settings: EventTimeSettings) {
    this.context = context;
    this.#settings = settings;
    this.#output = context.output;
    this.#timestampOf = settings.timestampOf;
    this.#appendedOf = settings.appendedOf;
    this.#minimum = settings.minimum;
    this.#maxFutureMs = settings.maxFutureMs;
    for (const split of context.splits) this.#of(split);
    this.#only = context.splits.length === 1 ? this.splits[context.splits[0] ?? 0] : undefined;
  }

  element(value: unknown, delivered: number): void {
    const { counters } = this.context;
    counters.received += 1;
    const timestamp = this.stamp(value, delivered);
    if (timestamp !== timestamp) return;
    counters.accepted += 1;
    this.#output.element(value, timestamp);
    this.stamped(value, timestamp);
  }

  stamp(value: unknown, delivered: number): number {
    let timestamp: number;
    let appended = delivered;
    try {
      timestamp = this.#timestampOf(value);
      // A Date, a text or a bigint would pass the comparison and poison the arithmetic.
      if (
        typeof timestamp !== 'number' ||
        !(timestamp >= this.#minimum && timestamp <= MAX_TIMESTAMP)
      )
        throw invalid(timestamp);
      if (this.#appendedOf !== undefined) appended = checkAppended(this.#appendedOf(value));
    } catch (cause) {
      this.context.reject(value, NO_TIMESTAMP, cause);
      return NO_TIMESTAMP;
    }
    // Never true where there is no append time: NaN compares with nothing.
    if (timestamp - appended > this.#maxFutureMs) {
      this.context.reject(value, timestamp, inFuture(timestamp - appended, this.#maxFutureMs));
      return NO_TIMESTAMP;
    }
    return timestamp;
  }

  stamped(value: unknown, timestamp: number): void {
    const generator = this.#only ?? this.#of(this.context.currentSplit());
    try {
      if (generator.on(timestamp, value)) this.context.requestWalk();
    } catch (cause) {
      // The element has gone on already, so it cannot become a dead letter.
      this.context.fail(cause, { timestamp });
    }
  }

  outputWatermark(inputWatermark: number): number {
    return inputWatermark === MAX_WATERMARK ? MAX_WATERMARK : this.#merge.combine();
  }

  readonly generator: WatermarkGenerator = {
    end: (split) => {
      const generator = this.#of(split);
      generator.flush();
      generator.ended = true;
      this.#merge.remove(generator);
      this.vacant.delete(split);
    },
    turn: (split, begins) => (begins ? this.#begin(split) : this.#vacate(split)),
    polledInVain: (split, ms) => {
      const generator = this.#of(split);
      if (this.generator.isIdle(split) || (generator.ended && !this.vacant.has(split)))
        return Infinity;
      const left = this.#settings.idlenessMs - ms;
      if (left <= 0) this.generator.setIdle(split);
      return left <= 0 ? Infinity : left;
    },
    // Where another split is about to begin, the task should hear of it before it takes from the others.
    watermarkOf: (split) => (this.vacant.has(split) ? MIN_WATERMARK : this.#of(split).watermark),
    force: (split, time) => {
      const generator = this.#of(split);
      generator.idle = false;
      generator.force(time);
    },
    setIdle: (split) => {
      if (this.vacant.has(split)) return void this.vacant.set(split, true);
      const generator = this.#of(split);
      generator.flush();
      generator.idle = true;
    },
    isIdle: (split) => this.vacant.get(split) ?? this.#of(split).idle,
    allIdle: () => this.#merge.isIdle || (this.#merge.isEmpty && this.#isVacantInVain()),
    snapshot: (split): SplitState => ({
      ...this.#of(split).snapshot(),
      together: this.#merge.watermark,
    }),
    restore: (split, state) => {
      const saved = state as SplitState;
      const generator = this.#of(split);
      generator.restore(saved);
      if (generator.ended) this.#merge.remove(generator);
      // The watermark of all splits together does not fall behind a split that came back late.
      this.#merge.raise(saved.together);
    },
    describe: (split, time) => this.#describe(split, time),
  };

  /** Judged by its own elements alone, whatever was read before it in the same place. */
  #begin(split: number): void {
    if (!this.#of(split).ended) this.#vacate(split);
    this.vacant.delete(split);
    if (this.splits[split]?.ended !== true) return;
    const wasOnly = this.#only === this.splits[split];
    this.splits[split] = undefined;
    const generator = this.#of(split);
    if (wasOnly) this.#only = generator;
  }

  #vacate(split: number): void {
    const generator = this.#of(split);
    generator.flush();
    // What was pending counts, before the split holds nothing back any more.
    if (!generator.ended) this.#merge.combine();
    generator.ended = true;
    this.#merge.remove(generator);
    this.vacant.set(split, false);
  }

  #isVacantInVain(): boolean {
    return this.vacant.size > 0 && [...this.vacant.values()].every(Boolean);
  }

  #describe(split: number, time: number): SplitFacts {
    const generator = this.#of(split);
    return {
      highest: generator.highest,
      boundMs: generator.boundMs,
      needs: generator.needs?.(time),
      idlenessMs: this.#settings.idlenessMs,
      hasEnded: generator.ended,
    };
  }

  #of(split: number): SplitGenerator {
    let generator = this.splits[split];
    if (generator === undefined) {
      generator = this.#settings.generator();
      this.splits[split] = generator;
      this.#merge.add(generator);
    }
    return generator;
  }
}

/** The same with generators that also want to be asked by the clock. */
export class PeriodicEventTimeOperator extends EventTimeOperator {
  readonly #intervalMs: number;
  #nextAt: number;

  constructor(context: OperatorContext, settings: EventTimeSettings, intervalMs: number) {
    super(context, settings);
    this.#intervalMs = intervalMs;
    this.#nextAt = context.now() + intervalMs;
  }

  tick(now: number): boolean {
    if (now < this.#nextAt) return true;
    // Between two splits the clock goes on too: the next one wants to be asked.
    let isOpen = this.vacant.size > 0;
    for (const [split, generator] of this.splits.entries()) {
      if (generator === undefined || generator.ended) continue;
      isOpen = true;
      if (!generator.idle) this.#ask(generator, split, now);
    }
    this.#nextAt = isOpen ? now + this.#intervalMs : Infinity;
    return true;
  }

  nextTick(): number {
    return this.#nextAt;
  }

  #ask(generator: SplitGenerator, split: number, now: number): void {
    try {
      if (generator.periodic?.(now) === true) this.context.requestWalk();
    } catch (cause) {
      this.context.derive(`split ${split}`, now);
      this.context.fail(cause, {});
    }
  }
}

function checkAppended(appended: unknown): number {
  if (appended === undefined) return NO_TIMESTAMP;
  if (typeof appended === 'number') return appended;
  throw new TidemarkError('TIMESTAMP_INVALID', {
    expected: 'the time of appending in epoch milliseconds, or nothing',
    got: show(appended),
    where: 'eventTime.appended',
    hint: 'Return milliseconds as a number: date.getTime() for a Date; undefined where there is none.',
  });
}

function invalid(timestamp: unknown): TidemarkError {
  return new TidemarkError('TIMESTAMP_INVALID', {
    expected: 'a finite number of epoch milliseconds, not negative unless allowNegative is set',
    got: show(timestamp),
    where: 'eventTime',
    hint: 'Return milliseconds as a number: date.getTime() for a Date, seconds * 1000 for Unix seconds.',
  });
}

function inFuture(aheadMs: number, maxFutureMs: number): TidemarkError {
  return new TidemarkError('TIMESTAMP_IN_FUTURE', {
    expected: `a timestamp at most ${formatDuration(maxFutureMs)} ahead of the time when the element was appended`,
    got: `one ${formatDuration(aheadMs)} ahead`,
    where: 'eventTime',
    hint: 'A broken clock, or micro- or nanoseconds for milliseconds? Where such times are real, raise maxFuture.',
  });
}
