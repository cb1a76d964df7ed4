/**
 * Restart strategies: how often, and after how long a wait, a job that has failed begins again from its last commit.
 *
 * Pure machines: a failure comes in with the time at which it happened, the wait goes out. Whether a failure is worth
 * another attempt at all is asked elsewhere (`restart-causes.ts`); here only numbers decide.
 */
import { z } from 'zod';
import type { Random } from '../core/clock.js';
import { durationMs, formatDuration, type Duration } from '../core/duration.js';
import { TidemarkError } from '../core/errors.js';
import { checkOptions, durationOption } from '../dsl/options.js';

/** How a run begins again after a failure; made by `restarts`. */
export interface RestartStrategy {
  /** For logs and errors: `fixedDelay of 3 attempts, 1s apart`. */
  readonly description: string;
  /** A machine for one run: nothing is shared between runs that are given one strategy. */
  begin(): Restarts;
}

export interface Restarts {
  /**
   * Takes a failure in. Returns the ms to wait before the next attempt, undefined to give up.
   *
   * @param at monotonic ms; later failures have later times
   */
  failed(at: number, random: Random): number | undefined;
}

export interface FixedDelayOptions {
  /** Restarts in all, at least 1; `Infinity` for any number. */
  readonly attempts: number;
  /** Wait before each. Default 1 s. */
  readonly delay?: Duration;
}

export interface ExponentialDelayOptions {
  /** First wait, more than 0. Default 1 s. */
  readonly initial?: Duration;
  /** Longest wait, at least `initial`. Default 1 min, or `initial` where that is more. */
  readonly max?: Duration;
  /** Each wait is so many times the one before, at least 1. Default 1.5. */
  readonly multiplier?: number;
  /** After so long without a failure the waits begin again with the first, and attempts are counted anew. Default 1 h. */
  readonly resetAfter?: Duration;
  /** Share by which a wait is made longer or shorter by chance, 0 to 1. Default 0.1. */
  readonly jitter?: number;
  /** Restarts between two resets. Default `Infinity`. */
  readonly attempts?: number;
}

export interface FailureRateOptions {
  /** Restarts within `per`, at least 1. */
  readonly max: number;
  /** More than 0. */
  readonly per: Duration;
  /** Wait before each. Default 1 s. */
  readonly delay?: Duration;
}

const attempts = z.union([z.int().positive(), z.literal(Infinity)]);
const duration = z.custom<Duration>(
  (value) => typeof value === 'number' || typeof value === 'string',
  { error: 'a duration' },
);
const fixedSchema = z.strictObject({ attempts, delay: duration.default('1s') });
const exponentialSchema = z.strictObject({
  initial: durationOption({ min: 1 }).default('1s'),
  max: duration.optional(),
  multiplier: z.number().min(1).max(1000).default(1.5),
  resetAfter: duration.default('1h'),
  jitter: z.number().min(0).max(1).default(0.1),
  attempts: attempts.default(Infinity),
});
const MAX_MS_BY_DEFAULT = 60_000;
/** Its times are kept, so there is a bound. */
const RATE_MAX = 10_000;
const rateSchema = z.strictObject({
  max: z.int().positive().max(RATE_MAX),
  per: durationOption({ min: 1 }),
  delay: duration.default('1s'),
});

/**
 * What a job does when it fails, as in Flink (`none`, `fixed-delay`, `exponential-delay`, `failure-rate`): it is torn
 * down, waits, and goes on from its last commit, in the same process. The outputs are those of a run without failures.
 *
 * @example
 * import { collect, iterable, map, pipeline, restarts, run, unchecked } from 'tidemark';
 *
 * let failures = 2;
 * const flaky = {
 *   ...iterable([1, 2, 3]),
 *   open: (...at: Parameters<ReturnType<typeof iterable>['open']>) => {
 *     if (failures-- > 0) throw new Error('not there yet');
 *     return iterable([1, 2, 3]).open(...at);
 *   },
 * };
 * const double = pipeline('double', unchecked<number>(), (n$) => n$.pipe(map((n) => n * 2)));
 * const out = collect<number>({ uid: 'out' });
 * const restart = restarts.fixedDelay({ attempts: 3, delay: 10 });
 * const summary = await run(double, { from: flaky, to: out, restart }).done;
 * console.log(summary.phase, summary.restarts, out.values.join());
 * // => finished 2 2,4,6
 *
 * @throws TidemarkError OPTIONS_INVALID, DURATION_INVALID
 */
export const restarts = {
  /** The first failure ends the run: the default, for jobs that a supervisor starts again. */
  none(): RestartStrategy {
    return { description: 'none', begin: () => ({ failed: () => undefined }) };
  },

  /** So many restarts in all, the same wait before each. */
  fixedDelay(options: FixedDelayOptions): RestartStrategy {
    const where = 'restarts.fixedDelay()';
    const given = checkOptions(fixedSchema, options, where);
    const delayMs = durationMs(given.delay, `${where}, delay`);
    return {
      description: `fixedDelay of ${given.attempts} attempts, ${formatDuration(delayMs)} apart`,
      begin() {
        let left = given.attempts;
        return {
          failed() {
            left -= 1;
            return left < 0 ? undefined : delayMs;
          },
        };
      },
    };
  },

  /** Longer waits each time, until the job has been well for a while. */
  exponentialDelay(options: ExponentialDelayOptions = {}): RestartStrategy {
    const where = 'restarts.exponentialDelay()';
    const given = checkOptions(exponentialSchema, options, where);
    const initialMs = durationMs(given.initial, `${where}, initial`);
    const maxMs =
      given.max === undefined
        ? Math.max(initialMs, MAX_MS_BY_DEFAULT)
        : durationMs(given.max, `${where}, max`);
    if (maxMs < initialMs) throw initialBeyondMax(initialMs, maxMs, where);
    const resetAfterMs = durationMs(given.resetAfter, `${where}, resetAfter`);
    const { multiplier, jitter } = given;
    return {
      description: `exponentialDelay from ${formatDuration(initialMs)} to ${formatDuration(maxMs)}`,
      begin: () =>
        new Exponential({
          initialMs,
          maxMs,
          resetAfterMs,
          multiplier,
          jitter,
          attempts: given.attempts,
        }),
    };
  },

  /** Any number of restarts, as long as there are at most `max` of them within `per`. */
  failureRate(options: FailureRateOptions): RestartStrategy {
    const where = 'restarts.failureRate()';
    const given = checkOptions(rateSchema, options, where);
    const perMs = durationMs(given.per, `${where}, per`);
    const delayMs = durationMs(given.delay, `${where}, delay`);
    return {
      description: `failureRate of ${given.max} per ${formatDuration(perMs)}`,
      begin() {
        const times: number[] = [];
        return {
          failed(at) {
            while (times.length > 0 && at - (times[0] as number) >= perMs) times.shift();
            if (times.length >= given.max) return undefined;
            times.push(at);
            return delayMs;
          },
        };
      },
    };
  },
};

function initialBeyondMax(initialMs: number, maxMs: number, where: string): TidemarkError {
  return new TidemarkError('OPTIONS_INVALID', {
    expected: 'initial of at most max',
    got: `initial of ${formatDuration(initialMs)} and max of ${formatDuration(maxMs)}`,
    where,
    hint: 'Make the first wait shorter, or the longest one longer.',
  });
}

interface ExponentialSettings {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly resetAfterMs: number;
  readonly multiplier: number;
  readonly jitter: number;
  readonly attempts: number;
}

class Exponential implements Restarts {
  readonly #settings: ExponentialSettings;
  #nextMs: number;
  #left: number;
  /** When the attempt before this failure began. */
  #begunAt: number | undefined;

  constructor(settings: ExponentialSettings) {
    this.#settings = settings;
    this.#nextMs = settings.initialMs;
    this.#left = settings.attempts;
  }

  failed(at: number, random: Random): number | undefined {
    const { initialMs, maxMs, resetAfterMs, multiplier, jitter, attempts } = this.#settings;
    if (this.#begunAt !== undefined && at - this.#begunAt >= resetAfterMs) {
      this.#nextMs = initialMs;
      this.#left = attempts;
    }
    this.#left -= 1;
    if (this.#left < 0) return undefined;
    const baseMs = this.#nextMs;
    this.#nextMs = Math.min(maxMs, baseMs * multiplier);
    const waitMs = Math.round(
      Math.min(maxMs, Math.max(0, baseMs * (1 + jitter * (2 * random() - 1)))),
    );
    this.#begunAt = at + waitMs;
    return waitMs;
  }
}
