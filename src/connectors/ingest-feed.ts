/**
 * Feeds an Observable into an ingest log. An Observable cannot be asked to wait or to say something again: a value is
 * safe once it is in the log, and what was emitted before that is lost with the process (at most once).
 */
import type { Observable, Subscription } from 'rxjs';
import { TidemarkError, show } from '../core/errors.js';

export interface FeedOptions {
  /** Ends the log when the Observable completes, so that a job can finish. Default true. */
  readonly end?: boolean;
  /** Takes values that the schema refuses, with RECORD_INVALID; without it the first one ends the feed. */
  readonly invalid?: (error: TidemarkError, value: unknown) => void;
}

export interface Feed {
  /**
   * Resolves with the number of values logged, once the Observable has completed (or the feed was stopped) and all of
   * them are on disk. Rejects with what ended it: SOURCE_FAILED when the Observable failed, INGEST_FULL when it is
   * faster than the log, and what `push` and `end` say otherwise.
   */
  readonly done: Promise<number>;
  /** Unsubscribes; what was emitted so far is logged, and the log goes on. */
  stop(): Promise<number>;
}

interface Target<In> {
  readonly name: string;
  push(value: In): Promise<void>;
  end(): Promise<void>;
}

export function feed<In>(
  target: Target<In>,
  values$: Observable<In>,
  { end = true, invalid }: FeedOptions,
): Feed {
  const feeding = new Feeding(target, invalid);
  const done = feeding.run(values$).then(async (isComplete) => {
    if (isComplete && end) await target.end();
    return feeding.logged;
  });
  // Who only stops it, or only looks at the job, need not look at it.
  done.catch(() => undefined);
  return {
    done,
    stop() {
      feeding.stop();
      return done;
    },
  };
}

class Feeding<In> {
  logged = 0;
  readonly #target: Target<In>;
  readonly #invalid: FeedOptions['invalid'];
  #subscription: Subscription | undefined;
  #isOver = false;
  #isComplete = false;
  #failure: { readonly error: unknown } | undefined;
  /** Pushed and not settled. */
  #underWay = 0;
  #settle: (() => void) | undefined;

  constructor(target: Target<In>, invalid: FeedOptions['invalid']) {
    this.#target = target;
    this.#invalid = invalid;
  }

  /** Resolves, once everything is on disk, with whether the Observable has completed. */
  async run(values$: Observable<In>): Promise<boolean> {
    const settled = new Promise<void>((resolve) => (this.#settle = resolve));
    this.#subscription = values$.subscribe({
      next: (value) => this.#next(value),
      error: (cause: unknown) => this.#over(observableFailed(this.#target.name, cause)),
      complete: () => {
        this.#isComplete = true;
        this.#over();
      },
    });
    // A synchronous source may be over before there is something to unsubscribe from.
    if (this.#isOver) this.#subscription.unsubscribe();
    await settled;
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#isComplete;
  }

  stop(): void {
    this.#over();
  }

  #next(value: In): void {
    if (this.#isOver) return;
    this.#underWay += 1;
    this.#target.push(value).then(
      () => {
        this.logged += 1;
        this.#settled();
      },
      (error: unknown) => {
        this.#refused(error, value);
        this.#settled();
      },
    );
  }

  #refused(error: unknown, value: In): void {
    const isInvalid = error instanceof TidemarkError && error.code === 'RECORD_INVALID';
    if (!isInvalid || this.#invalid === undefined) return this.#over(error);
    try {
      this.#invalid(error, value);
    } catch (thrown) {
      this.#over(thrown);
    }
  }

  #settled(): void {
    this.#underWay -= 1;
    if (this.#isOver && this.#underWay === 0) this.#settle?.();
  }

  #over(error?: unknown): void {
    if (error !== undefined) this.#failure ??= { error };
    this.#isOver = true;
    this.#subscription?.unsubscribe();
    if (this.#underWay === 0) this.#settle?.();
  }
}

function observableFailed(name: string, cause: unknown): TidemarkError {
  return new TidemarkError('SOURCE_FAILED', {
    expected: 'an Observable that completes',
    got: show(cause),
    where: `${name}, from()`,
    hint: 'The cause is attached. What it had emitted before is in the log; feed the rest from where it can be had.',
    cause,
  });
}
