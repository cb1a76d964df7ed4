/**
 * `run`: a pipeline as a durable job. With `run-options.ts` the place where the floors meet: the job of floor 4 is handed
 * the real outside world and the default sinks of floor 5, so that no arrow points up.
 */
import { BehaviorSubject, type Observable } from 'rxjs';
import { checkSavepointTarget } from './checkpoint/savepoint.js';
import { TidemarkError } from './core/errors.js';
import type { Runtime } from './core/runtime.js';
import type { PipelineDefinition } from './dsl/pipeline.js';
import { jobOptions, type RunOptions } from './run-options.js';
import type { EpochInfo } from './checkpoint/job-record.js';
import { checkDefinition } from './runtime/job-checks.js';
import { JobLife } from './runtime/job-life.js';
import type { RunStatus, RunSummary } from './runtime/job-options.js';
import { stopOnSignals } from './runtime/signals.js';
import { savepointRequest } from './runtime/stop-request.js';
import type { RunMetrics } from './runtime/metrics.js';
import { watchMetrics } from './runtime/run-meter.js';
import { insideOfJob } from './runtime/why-inside.js';
import { inside, type Explicable } from './runtime/why.js';

/** A job under way. `why(run)` says what it waits for. */
export interface Run extends Explicable {
  /** The present status at once, then about ten per second while it changes. Completes with the run, never fails. */
  readonly status$: Observable<RunStatus>;
  /** A look at once, then about one per second while somebody watches, and a last one. Completes with the run, never fails. */
  readonly metrics$: Observable<RunMetrics>;
  /** Resolves when the job has finished or was stopped; rejects with what failed. */
  readonly done: Promise<RunSummary>;
  /** Stops the intake, commits a last epoch, and gives `done`. The next run on this state goes on from there. */
  stop(): Promise<RunSummary>;
  /**
   * Ends the epoch now. Resolves with its number once it is committed and its outputs are visible; over a restart it
   * goes on waiting. Everything that was read before the call is in it.
   *
   * @throws TidemarkError RUN_ENDED when the run ends first
   */
  checkpoint(): Promise<number>;
  /** The last 100 committed epochs of the state, those of earlier runs among them, oldest first. */
  checkpoints(): readonly EpochInfo[];
  /**
   * Stops like `stop`, and leaves a savepoint in a directory: a whole copy of the state, to go on from with
   * `resumeFrom`, there or elsewhere. All outputs are published before it is complete. If it cannot be written, `done`
   * rejects too; the state itself is committed all the same.
   *
   * @param options.drain ends event time first, so that all windows and event-time timers fire; whoever resumes from
   *   it begins with fresh watermarks. Default false
   * @throws TidemarkError OPTIONS_INVALID when the directory holds a savepoint already (the job goes on then),
   *   STATE_WRITE_FAILED, RUN_ENDED when the run is over, or stops already in another way
   */
  stopWithSavepoint(directory: string, options?: { readonly drain?: boolean }): Promise<RunSummary>;
}

/**
 * Runs a pipeline as a job: state, timers, watermarks, source positions and outputs are committed together at the end
 * of each epoch, so that a crash changes nothing in the output.
 *
 * @example
 * import { collect, count, eventTime, iterable, keyBy, pipeline, run, tumbling, unchecked, window } from 'tidemark';
 * const plays = pipeline('plays', unchecked<{ song: string; at: number }>(), (play$) =>
 *   play$.pipe(
 *     eventTime({ timestamp: (play) => play.at }),
 *     keyBy((play) => play.song),
 *     window(tumbling({ size: '1m' }), count(), { uid: 'per-minute' }),
 *   ),
 * );
 * const out = collect<{ key: string; value: number }>({ uid: 'out' });
 * const summary = await run(plays, { from: iterable([{ song: 'a', at: 1 }]), to: out }).done;
 * console.log(summary.phase, summary.records); // => finished 1
 * console.log(out.values.map((result) => result.value)); // => [ 1 ]
 *
 * @throws TidemarkError OPTIONS_INVALID, SOURCE_NOT_REPLAYABLE, SOURCE_UNBOUNDED, SINK_TOO_WEAK; everything later
 *   rejects `done`
 */
export function run<Ins, Outs>(
  definition: PipelineDefinition<Ins, Outs>,
  options: RunOptions<Ins, Outs>,
): Run {
  checkDefinition(definition);
  const job = jobOptions(definition, options);
  const { signal } = options;
  const status$ = new BehaviorSubject<RunStatus | undefined>(undefined);
  const running = new JobLife(job, (status) => status$.next(status));
  status$.next(running.status());
  const abort = (): void => running.fail(cancelled(job.name, signal?.reason));
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  const { signals, log } = job.runtime;
  const stopListening =
    job.listensToSignals && signals !== undefined
      ? stopOnSignals(running, { name: job.name, signals, log })
      : (): void => undefined;
  const cancelReports = reportStatus(running, job.runtime, status$ as BehaviorSubject<RunStatus>);
  const done = running.run().finally(() => {
    signal?.removeEventListener('abort', abort);
    stopListening();
    cancelReports();
    status$.complete();
  });
  // A caller may only look at status$ or stop(); the rejection must not end the process behind its back.
  done.catch(() => undefined);
  return {
    [inside]: () => insideOfJob(running, job),
    status$: status$ as unknown as Observable<RunStatus>,
    metrics$: watchMetrics(() => running, job, done),
    done,
    stop() {
      running.stop();
      return done;
    },
    checkpoint: () => running.checkpoint(),
    checkpoints: () => running.checkpoints(),
    async stopWithSavepoint(directory, given = {}) {
      const request = savepointRequest(directory, given);
      await checkSavepointTarget(job.runtime.files, directory);
      running.stop(request);
      return done;
    },
  };
}

const STATUS_INTERVAL_MS = 100;

/** Sends the status about ten times per second, without keeping a run alive. */
function reportStatus(
  job: JobLife,
  { clock }: Runtime,
  status$: BehaviorSubject<RunStatus>,
): () => void {
  let cancel: () => void;
  const arm = (): void => {
    cancel = clock.setTimer(clock.now() + STATUS_INTERVAL_MS, () => {
      if (status$.observed) status$.next(job.status());
      arm();
    });
  };
  arm();
  return () => cancel();
}

function cancelled(name: string, reason: unknown): TidemarkError {
  return new TidemarkError('RUN_CANCELLED', {
    expected: 'a run to its end',
    got: 'an abort by its signal',
    where: `run("${name}")`,
    hint: 'Run it again to go on from the last commit; use stop() to end with a commit.',
    cause: reason,
  });
}
