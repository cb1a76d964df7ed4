/**
 * The life of a job: one attempt after the other, each from the last commit, until one comes to a good end or the restart
 * strategy gives up.
 *
 *     attempt ── fails ── torn down ── worth another? ── wait ── attempt ── …
 *                                          └─ no ── failed
 *
 * Laws: a failed attempt is gone before the next one begins; what only a person can mend is not tried again; who stops
 * or aborts the run never waits for a delay.
 */
import type { EpochInfo } from '../checkpoint/job-record.js';
import type { Clock } from '../core/clock.js';
import { TidemarkError } from '../core/errors.js';
import { CheckpointDemands } from './checkpoint-demands.js';
import { Job } from './job.js';
import type { AssembledJob } from './job-assembly.js';
import type { JobOptions, RunStatus, RunSummary } from './job-options.js';
import { settlesWithin } from './job-teardown.js';
import type { Restarts } from './restart.js';
import { FailedPositions, mayBeMended, sentenceOf } from './restart-causes.js';
import { steadyClock } from './steady-clock.js';
import { runIsOver, stopBoth, type StopRequest } from './stop-request.js';
import { Wake } from './wake.js';

/** For the readers of a failed attempt: a read that is pending does no harm, and may take long. */
const READS_PATIENCE_MS = 100;

export class JobLife {
  readonly #options: JobOptions;
  readonly #wall: Clock;
  readonly #onPhase: (status: RunStatus) => void;
  readonly #demands = new CheckpointDemands();
  readonly #positions = new FailedPositions();
  readonly #strategy: Restarts;
  /** Rung to end a wait between two attempts. */
  readonly #bell = new Wake();
  #attempt: Job;
  #restarts = 0;
  #lastFailure: string | undefined;
  #between: 'restarting' | 'failed' | undefined;
  #stop: StopRequest | undefined;
  #abort: { readonly error: unknown } | undefined;

  constructor(options: JobOptions, onPhase: (status: RunStatus) => void) {
    this.#wall = options.runtime.clock;
    const clock = steadyClock(this.#wall);
    this.#options = { ...options, runtime: { ...options.runtime, clock } };
    this.#onPhase = onPhase;
    this.#strategy = options.restart.begin();
    this.#attempt = this.#makeAttempt();
  }

  /** Runs to the end. Rejects with what failed last; everything is closed by then. */
  async run(): Promise<RunSummary> {
    try {
      for (;;) {
        try {
          return { ...(await this.#attempt.run()), ...this.#ownStatus() };
        } catch (error) {
          await this.#beforeNext(error);
        }
      }
    } catch (error) {
      this.#enter('failed');
      throw error;
    } finally {
      this.#demands.close(runEnded(this.#options.name));
    }
  }

  /** The parts of the present attempt, for `why`. */
  get parts(): AssembledJob | undefined {
    return this.#attempt.parts;
  }

  /**
   * Stops the intake; what has been read is finished, committed in a last epoch, and kept for the next run.
   *
   * @throws TidemarkError RUN_ENDED for a savepoint that the run cannot leave any more
   */
  stop(request: StopRequest = {}): void {
    const { savepointTo } = request;
    if (this.#between === 'failed' && savepointTo !== undefined) throw runIsOver(savepointTo);
    const both = stopBoth(this.#stop, request);
    // Between two attempts it is the next one that is told.
    if (this.#between === undefined) this.#attempt.stop(request);
    this.#stop = both;
    this.#bell.ring();
  }

  /** Ends the run at once; what is not committed is done again by the next one. */
  fail(error: unknown): void {
    this.#abort ??= { error };
    this.#attempt.fail(error);
    this.#bell.ring();
  }

  /** Ends the epoch now. Resolves with its number once it is committed and published. */
  checkpoint(): Promise<number> {
    const asked = this.#demands.ask();
    this.#attempt.wake();
    return asked;
  }

  checkpoints(): readonly EpochInfo[] {
    return this.#attempt.checkpoints();
  }

  status(): RunStatus {
    return { ...this.#attempt.status(), ...this.#ownStatus() };
  }

  summary(): RunSummary {
    return { ...this.#attempt.summary(), ...this.#ownStatus() };
  }

  #ownStatus(): Pick<RunStatus, 'restarts' | 'lastFailure'> & Partial<Pick<RunStatus, 'phase'>> {
    return {
      restarts: this.#restarts,
      lastFailure: this.#lastFailure,
      ...(this.#between === undefined ? {} : { phase: this.#between }),
    };
  }

  #makeAttempt(): Job {
    return new Job(this.#options, {
      wall: this.#wall,
      demands: this.#demands,
      onPhase: () => this.#onPhase(this.summary()),
    });
  }

  /** Waits for the next attempt and makes it; throws where there is to be none. */
  async #beforeNext(thrown: unknown): Promise<void> {
    const { runtime, restart } = this.#options;
    const { clock, log } = runtime;
    this.#demands.failed();
    this.#throwAbort();
    const error = this.#positions.judge(thrown);
    this.#lastFailure = sentenceOf(error);
    const { hanging } = this.#attempt;
    const fields = { failure: this.#lastFailure, restarts: this.#restarts, hanging };
    if (this.#stop !== undefined || !mayBeMended(error)) throw error;
    if (hanging.length > 0) {
      // It could still write, behind the back of the next attempt.
      log.error(fields, 'not restarted: the failed attempt did not come to its end');
      throw error;
    }
    const waitMs = this.#strategy.failed(clock.elapsed(), runtime.random);
    if (waitMs === undefined) {
      log.error(
        { ...fields, strategy: restart.description },
        'the job has failed and is not begun again',
      );
      throw error;
    }
    this.#restarts += 1;
    this.#enter('restarting');
    log.warn({ ...fields, waitMs }, 'the job has failed and begins again from its last commit');
    await settlesWithin(this.#attempt.reads, READS_PATIENCE_MS, clock);
    await this.#pause(clock.elapsed() + waitMs);
    this.#throwAbort();
    this.#between = undefined;
    this.#attempt = this.#makeAttempt();
    this.#onPhase(this.summary());
    if (this.#stop !== undefined) this.#attempt.stop(this.#stop);
  }

  #throwAbort(): void {
    if (this.#abort !== undefined) throw this.#abort.error;
  }

  /** Sleeps until a monotonic time, or until somebody stops or aborts the run. */
  async #pause(until: number): Promise<void> {
    const clock = this.#wall;
    while (this.#stop === undefined && this.#abort === undefined) {
      const leftMs = until - clock.elapsed();
      if (leftMs <= 0) return;
      const cancel = clock.setTimer(clock.now() + leftMs, () => this.#bell.ring());
      await this.#bell.wait();
      cancel();
    }
  }

  #enter(phase: 'restarting' | 'failed'): void {
    this.#between = phase;
    this.#onPhase(this.summary());
  }
}

function runEnded(name: string): TidemarkError {
  return new TidemarkError('RUN_ENDED', {
    expected: 'a run that goes on until its next epoch has ended',
    got: 'its end',
    where: `run("${name}")`,
    hint: 'What the run has committed is in its summary; start it again to go on.',
  });
}
