/** When a call of `asyncMap` is made again, after Flink's `AsyncRetryStrategies`: pure arithmetic over attempts. */
import { z } from 'zod';
import { durationMs, type Duration } from '../core/duration.js';
import { durationOption, functionOption } from './options.js';

export interface RetryOptions<Out = unknown> {
  /** Calls for one element at most, the first one included; 2 to 1,000. */
  readonly attempts: number;
  /** How long to wait before the second call. */
  readonly delay: Duration;
  /** Each further wait is this many times as long; at least 1. Default 1: all are equal. */
  readonly multiplier?: number;
  /** No wait is longer. Default `'1h'`. */
  readonly maxDelay?: Duration;
  /** Whether to try again after this error. Default: after each. */
  readonly onError?: (error: unknown) => boolean;
  /** Whether to try again although there is a result. Default: never. After the last attempt it counts as it is. */
  readonly onResult?: (result: Out) => boolean;
}

export const retrySchema = z.strictObject({
  attempts: z.int().min(2).max(1000),
  delay: durationOption(),
  multiplier: z.number().min(1).max(1000).default(1),
  maxDelay: durationOption().default('1h'),
  onError: functionOption<(error: unknown) => boolean>().optional(),
  onResult: functionOption<(result: never) => boolean>().optional(),
});

export type CheckedRetry = z.output<typeof retrySchema>;

export type Outcome = { readonly result: unknown } | { readonly error: unknown };

export class RetryPolicy {
  readonly #attempts: number;
  readonly #delayMs: number;
  readonly #multiplier: number;
  readonly #maxDelayMs: number;
  readonly #onError: (error: unknown) => boolean;
  readonly #onResult: (result: never) => boolean;

  /** @param retry undefined: nothing is tried again */
  constructor(retry: CheckedRetry | undefined, where: string) {
    this.#attempts = retry?.attempts ?? 1;
    this.#delayMs = durationMs(retry?.delay ?? 0, `${where}, retry.delay`);
    this.#multiplier = retry?.multiplier ?? 1;
    this.#maxDelayMs = durationMs(retry?.maxDelay ?? 0, `${where}, retry.maxDelay`);
    this.#onError = retry?.onError ?? (() => true);
    this.#onResult = retry?.onResult ?? (() => false);
  }

  /**
   * How many ms to wait before the next call, after attempt number `attempt` (from 1) has come out so; undefined where
   * the outcome counts. What a predicate throws is the caller's to deal with.
   */
  delayAfter(attempt: number, outcome: Outcome): number | undefined {
    if (attempt >= this.#attempts) return undefined;
    const isWanted =
      'error' in outcome ? this.#onError(outcome.error) : this.#onResult(outcome.result as never);
    if (!isWanted) return undefined;
    return Math.min(
      this.#maxDelayMs,
      Math.round(this.#delayMs * this.#multiplier ** (attempt - 1)),
    );
  }
}
