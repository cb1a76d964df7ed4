/**
 * One attempt of a job on one machine: opens the state, recovers, and drives tasks, epochs and shells until its inputs
 * have ended or somebody stops it. `job-life.ts` makes the next one after a failure.
 *
 * Everything that may be waited for is a promise of a shell (source, sink, commit); the loop itself only steps tasks
 * and sleeps on a bell. What fails anywhere ends the attempt; what was committed stays.
 */
import type { EpochInfo, SplitRecord } from '../checkpoint/job-record.js';
import type { Clock } from '../core/clock.js';
import { TidemarkError, assert } from '../core/errors.js';
import { defaultMaxParallelism } from '../core/key-group.js';
import type { Runtime } from '../core/runtime.js';
import type { StateBackend } from '../state/backend.js';
import { assembleJob, type AssembledJob } from './job-assembly.js';
import { recoverSinks } from './job-sinks.js';
import { JobJournal } from './job-journal.js';
import type { AttemptStatus, AttemptSummary, JobOptions, Phase } from './job-options.js';
import { armClock } from './job-clock.js';
import { statusOf } from './job-status.js';
import { Cancellation } from './cancellation.js';
import { abandonAll, abandonLate, closeAll } from './job-teardown.js';
import type { CheckpointDemands } from './checkpoint-demands.js';
import { EpochDriver } from './job-epochs.js';
import { JobCopies } from './job-copies.js';
import { openState, withAdvice } from './job-restore.js';
import type { StopRequest } from './stop-request.js';
import { planOf } from './plan.js';
import { guardState } from './state-guard.js';
import { Wake } from './wake.js';

const STEPS_PER_ROUND = 4; // at most, of each task, between two looks at the rest of the world

/** What an attempt shares with those before and behind it. */
export interface Lifeline {
  /** The clock beneath the steady one of the runtime. */
  readonly wall: Clock;
  readonly demands: CheckpointDemands;
  readonly onPhase: () => void;
}

export class Job {
  readonly #options: JobOptions;
  readonly #life: Lifeline;
  readonly #runtime: Runtime;
  readonly #wake = new Wake();
  #phase: Phase = 'recovering';
  parts: AssembledJob | undefined; // Set by the recovery; `why` looks at them.
  #epochs: EpochDriver | undefined;
  #journal: JobJournal | undefined;
  #backend: StateBackend | undefined;
  readonly #copies: JobCopies;
  readonly #cancellation = new Cancellation();
  #drainIsAsked = false;
  #resumedFrom = 0;
  #alreadyFinished = false;
  #failure: { readonly error: unknown } | undefined;
  #stopIsAsked = false;
  #history: readonly EpochInfo[] = [];
  /** What the teardown has waited for in vain. */
  hanging: readonly string[] = [];
  /** Settles when the readers of all sources are closed. */
  reads: Promise<unknown> = Promise.resolve();

  constructor(options: JobOptions, life: Lifeline) {
    this.#options = options;
    this.#runtime = options.runtime;
    this.#life = life;
    this.#copies = new JobCopies(options, (splits) => this.#release(splits));
  }

  /** Runs to the end. Rejects with what failed; everything is closed by then, or named in `hanging`. */
  async run(): Promise<AttemptSummary> {
    try {
      await this.#cancellation.wait(() => this.#recover());
      if (!this.#alreadyFinished) await this.#loop();
      await this.#cancellation.wait(() => this.#copies.finish());
      await closeAll(this.#remains());
      return this.#enter(this.#isWhole() ? 'finished' : 'stopped');
    } catch (error) {
      this.#failure ??= { error };
      const { clock } = this.#runtime;
      const reason = await withAdvice(this.#failure.error, this.#options);
      const isAbort = isCancelled(reason);
      const { pending } = this.#cancellation;
      const isLate =
        pending !== undefined && (await abandonLate(pending, () => this.#remains(), clock));
      const hanging = await abandonAll(this.#remains(), { clock, isAbort });
      this.hanging = isLate ? [...hanging, 'the recovery or the savepoint'] : hanging;
      throw reason;
    }
  }

  /** Stops the intake; what has been read is finished, committed in a last epoch, and kept for the next run. */
  stop({ savepointTo, drain = false }: StopRequest = {}): void {
    if (savepointTo !== undefined) this.#copies.savepointTo(savepointTo);
    this.#drainIsAsked ||= drain && !this.#stopIsAsked;
    this.#stopIsAsked = true;
    this.#stopReading();
    this.#wake.ring();
  }

  /** Ends the run at once; what is not committed is done again by the next one. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    if (isCancelled(error)) this.#cancellation.cancel(error);
    this.#wake.ring();
  }

  /** Looks at the demands again: one has been made. */
  wake(): void {
    this.#wake.ring();
  }

  /** The last committed epochs, oldest first. */
  checkpoints(): readonly EpochInfo[] {
    return this.#epochs?.history ?? this.#history;
  }

  status(): AttemptStatus {
    return statusOf({
      phase: this.#phase,
      journal: this.#journal,
      parts: this.parts,
      epoch: this.#epochs?.committed ?? this.#resumedFrom,
      alreadyFinished: this.#alreadyFinished,
    });
  }

  summary(): AttemptSummary {
    return {
      ...this.status(),
      resumedFromEpoch: this.#resumedFrom,
      alreadyFinished: this.#alreadyFinished,
      snapshots: this.#copies.summary(),
      operators: Object.fromEntries(this.#journal?.counters() ?? []),
      lateSamples: this.#journal?.lateSamples ?? [],
      deadSamples: this.#journal?.deadSamples ?? [],
    };
  }

  async #recover(): Promise<void> {
    const options = this.#options;
    const opened = await openState(options, (backend) => (this.#backend = backend));
    const { record, committer } = opened;
    this.#copies.opened(opened);
    const runtime = this.#runtime;
    const maxParallelism =
      record?.maxParallelism ??
      options.maxParallelism ??
      defaultMaxParallelism(options.parallelism);
    this.#resumedFrom = record?.epoch ?? 0;
    this.#history = record?.history ?? [];
    this.#journal = new JobJournal({
      base: record?.counters ?? new Map(),
      records: record?.records ?? 0,
      log: runtime.log,
      limits: options.deadLettersMax,
    });
    const sinkRun = {
      job: options.name,
      guarantee: options.guarantee,
      epoch: this.#resumedFrom,
      isRewound: record?.isRewound ?? false,
    };
    if (record?.isFinished === true) {
      this.#alreadyFinished = true;
      await recoverSinks(options, record, sinkRun);
      return;
    }
    const parts = await assembleJob({
      options,
      plan: planOf(options.outputs, options.parallelism),
      record,
      committer,
      schemas: opened.schemas,
      maxParallelism,
      journal: this.#journal,
      wake: this.#wake,
      frozen: (task, epoch) => this.#epochs?.frozen(task, epoch),
      failed: (error) => this.fail(error),
      queued: (records) => this.#epochs?.queued(records),
      recovered: async () => {
        await runtime.at('recover.loaded');
        await recoverSinks(options, record, sinkRun);
        await runtime.at('recover.sinks');
        await guardState(options.state.description, async () => committer.cleanAll());
      },
    });
    this.parts = parts;
    this.#journal.tasks = parts.tasks;
    this.#epochs = new EpochDriver({
      options,
      parts,
      committer,
      committed: this.#resumedFrom,
      history: this.#history,
      records: this.#journal.records,
      demands: this.#life.demands,
      wake: this.#wake,
      isStopped: () => this.#stopIsAsked,
      isDraining: () => this.#drainIsAsked,
      done: (committed) => this.#copies.committed(committed),
      finishing: () => this.#enter('finishing'),
      failed: (error) => this.fail(error),
    });
  }

  #stopReading(): void {
    for (const { pump } of this.parts?.splits ?? [])
      if (this.#drainIsAsked) pump.drain();
      else pump.stop();
  }

  #release(splits: readonly SplitRecord[]): void {
    for (const { input, split, pump } of this.parts?.splits ?? []) {
      const at = splits.find((one) => one.input === input && one.split === split);
      if (at !== undefined) pump.committed(at);
    }
  }

  /**
   * Whether all inputs have ended, and not only event time. Not whether all tasks have ended by now: behind the barrier of
   * a stop an answer may have ended them.
   */
  #isWhole(): boolean {
    if (this.#alreadyFinished) return true;
    return (
      this.#phase === 'finishing' && (this.parts?.splits ?? []).every(({ pump }) => pump.hasEnded)
    );
  }

  async #loop(): Promise<void> {
    const parts = this.parts;
    assert(parts !== undefined, 'a job is recovered before its loop');
    this.#enter('running');
    if (this.#stopIsAsked) this.#stopReading();
    this.reads = Promise.all(parts.splits.map(({ pump }) => pump.run()));
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const worked = this.#round(parts);
      if (this.#epochs?.areOver === true) return;
      this.#epochs?.look();
      for (const sink of parts.sinks) sink.afterRound(worked, this.#runtime.clock.now());
      if (worked) {
        await this.#runtime.clock.turn();
        continue;
      }
      const cancel = armClock(parts, {
        clock: this.#runtime.clock,
        wall: this.#life.wall,
        wake: this.#wake,
        epochAt: this.#epochs?.nextAt() ?? Infinity,
      });
      await this.#wake.wait(this.#runtime.clock);
      cancel();
    }
  }

  #round({ tasks, splits, sourceTask, memory }: AssembledJob): boolean {
    let worked = false;
    memory.step();
    // While the former epoch is in commit, a running one that is full has to wait for it.
    const isFull = this.#epochs?.areCommitting === true && memory.epochIsForced();
    for (const task of isFull ? tasks.filter((each) => each !== sourceTask) : tasks)
      for (let step = 0; step < STEPS_PER_ROUND && task.step(); step += task.stride) worked = true;
    for (const { pump } of splits) pump.hasRoom();
    return worked;
  }

  #remains(): Parameters<typeof closeAll>[0] {
    return {
      parts: this.parts,
      epochs: this.#epochs,
      backend: this.#backend,
      copies: this.#copies,
      where: this.#options.state.description,
    };
  }

  #enter(phase: Phase): AttemptSummary {
    this.#phase = phase;
    this.#life.onPhase();
    return this.summary();
  }
}

function isCancelled(error: unknown): boolean {
  return error instanceof TidemarkError && error.code === 'RUN_CANCELLED';
}
