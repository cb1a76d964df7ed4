/**
 * A job on one machine: opens the state, recovers, and drives tasks, epochs and shells until its inputs have ended or
 * somebody stops it.
 *
 * Everything that may be waited for is a promise of a shell (source, sink, commit); the loop itself only steps tasks
 * and sleeps on a bell. What fails anywhere ends the run; what was committed stays.
 */
import { EmbeddedCommitter, checkRecord } from '../checkpoint/embedded-committer.js';
import type { JobRecord } from '../checkpoint/job-record.js';
import { assert } from '../core/errors.js';
import { checkUids, nodesInOrder } from '../core/graph.js';
import { defaultMaxParallelism } from '../core/key-group.js';
import type { Runtime } from '../core/runtime.js';
import type { StateBackend } from '../state/backend.js';
import { assembleJob, type AssembledJob } from './job-assembly.js';
import { allSinks, recoverSinks } from './job-sinks.js';
import { JobJournal } from './job-journal.js';
import type { JobOptions, Phase, RunStatus, RunSummary } from './job-options.js';
import { Epochs } from './epochs.js';
import { operatorsOf, planOf } from './plan.js';
import { Wake } from './wake.js';

const STEPS_PER_ROUND = 4; // at most, of each task, between two looks at the rest of the world

export class Job {
  readonly #options: JobOptions;
  readonly #runtime: Runtime;
  readonly #wake = new Wake();
  #phase: Phase = 'recovering';
  parts: AssembledJob | undefined; // Set by the recovery; `why` looks at them.
  #epochs: Epochs | undefined;
  #journal: JobJournal | undefined;
  #backend: StateBackend | undefined;
  #resumedFrom = 0;
  #alreadyFinished = false;
  #bytesTotal: number | undefined;
  #failure: { readonly error: unknown } | undefined;
  #stopIsAsked = false;
  #isLastEpoch = false;
  #epochIsDue = false;
  #recordsAtEpoch = 0;
  #cancelTimers: (() => void)[] = [];
  readonly #onPhase: (status: RunStatus) => void;

  constructor(options: JobOptions, onPhase: (status: RunStatus) => void) {
    this.#options = options;
    this.#runtime = options.runtime;
    this.#onPhase = onPhase;
  }

  /** Runs to the end. Rejects with what failed; everything is closed by then. */
  async run(): Promise<RunSummary> {
    try {
      await this.#recover();
      if (!this.#alreadyFinished) await this.#loop();
      await this.#close();
      return this.#enter(
        this.#isLastEpoch && this.#stopIsAsked && !this.#allEnded() ? 'stopped' : 'finished',
      );
    } catch (error) {
      this.#failure ??= { error };
      await this.#close().catch(() => undefined);
      this.#enter('failed');
      throw this.#failure.error;
    }
  }

  /** Stops the intake; what has been read is finished, committed in a last epoch, and kept for the next run. */
  stop(): void {
    this.#stopIsAsked = true;
    for (const { pump } of this.parts?.splits ?? []) pump.stop();
    this.#wake.ring();
  }

  /** Ends the run at once; what is not committed is done again by the next one. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake.ring();
  }

  status(): RunStatus {
    const counters = [...(this.#journal?.counters().values() ?? [])];
    const total = (field: 'late' | 'dead' | 'filtered'): number =>
      counters.reduce((sum, each) => sum + each[field], 0);
    return {
      phase: this.#phase,
      records: this.#journal?.records ?? 0,
      late: total('late'),
      deadLetters: total('dead'),
      filtered: total('filtered'),
      watermark: this.#alreadyFinished
        ? Infinity
        : (this.parts?.sourceTask.wiring.watermark() ?? -Infinity),
      epoch: this.#epochs?.committed ?? this.#resumedFrom,
      bytesRead: (this.parts?.splits ?? []).reduce((sum, { pump }) => sum + pump.bytesRead, 0),
      bytesTotal: this.#bytesTotal,
    };
  }

  summary(): RunSummary {
    return {
      ...this.status(),
      resumedFromEpoch: this.#resumedFrom,
      alreadyFinished: this.#alreadyFinished,
      operators: Object.fromEntries(this.#journal?.counters() ?? []),
      lateSamples: this.#journal?.lateSamples ?? [],
      deadSamples: this.#journal?.deadSamples ?? [],
    };
  }

  async #recover(): Promise<void> {
    const { options, record, committer } = await this.#open();
    const runtime = this.#runtime;
    const maxParallelism =
      record?.maxParallelism ??
      options.maxParallelism ??
      defaultMaxParallelism(options.parallelism);
    this.#resumedFrom = record?.epoch ?? 0;
    this.#journal = new JobJournal({
      base: record?.counters ?? new Map(),
      records: record?.records ?? 0,
      log: runtime.log,
      limits: options.deadLettersMax,
    });
    const sinkRun = { job: options.name, guarantee: options.guarantee, epoch: this.#resumedFrom };
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
      maxParallelism,
      journal: this.#journal,
      wake: this.#wake,
      frozen: (task, epoch) => this.#frozen(task, epoch),
      failed: (error) => this.fail(error),
      recovered: async () => {
        await runtime.at('recover.loaded');
        await recoverSinks(options, record, sinkRun);
        await runtime.at('recover.sinks');
        committer.cleanAll();
      },
    });
    this.parts = parts;
    this.#journal.tasks = parts.tasks;
    this.#recordsAtEpoch = this.#journal.records;
    this.#bytesTotal = parts.bytesTotal;
    this.#epochs = new Epochs(parts.epochParts, {
      committer,
      runtime,
      committed: this.#resumedFrom,
    });
  }

  async #open(): Promise<{
    options: JobOptions;
    record: JobRecord | undefined;
    committer: EmbeddedCommitter;
  }> {
    const options = this.#options;
    checkUids(
      nodesInOrder(options.outputs),
      allSinks(options).map(({ uid }) => uid),
    );
    this.#backend = await options.state.open();
    await this.#runtime.at('recover.opened');
    const where = options.state.description;
    const committer = new EmbeddedCommitter(this.#backend, { where });
    const record = committer.read();
    if (record !== undefined)
      checkRecord(record, {
        name: options.name,
        operators: operatorsOf(options.outputs),
        maxParallelism: options.maxParallelism,
        where,
      });
    return { options, record, committer };
  }

  #frozen(task: Parameters<Epochs['frozen']>[0], epoch: number): void {
    this.#epochs?.frozen(task, epoch);
    this.#epochs?.commit
      ?.catch((error: unknown) => this.fail(error))
      .finally(() => this.#wake.ring());
  }

  async #loop(): Promise<void> {
    const parts = this.parts;
    assert(parts !== undefined, 'a job is recovered before its loop');
    this.#enter('running');
    if (this.#stopIsAsked) this.stop();
    for (const { pump } of parts.splits) void pump.run();
    this.#armEpochTimer();
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const worked = this.#round(parts);
      if (this.#isOver()) return;
      this.#beginDueEpoch(parts);
      if (worked) {
        await this.#runtime.clock.turn();
        continue;
      }
      for (const sink of parts.sinks) sink.flush();
      const cancel = this.#armClock(parts);
      await this.#wake.wait();
      cancel();
    }
  }

  #round({ tasks, splits }: AssembledJob): boolean {
    let worked = false;
    for (const task of tasks)
      for (let step = 0; step < STEPS_PER_ROUND && task.step(); step += task.stride) worked = true;
    for (const { pump } of splits) pump.hasRoom();
    return worked;
  }

  #isOver(): boolean {
    return this.#isLastEpoch && this.#epochs?.isBusy === false;
  }

  #allEnded(): boolean {
    return this.parts?.tasks.every((task) => task.hasEnded) ?? true;
  }

  #beginDueEpoch(parts: AssembledJob): void {
    const epochs = this.#epochs;
    if (epochs === undefined || epochs.isBusy || this.#isLastEpoch) return;
    const records = this.#journal?.records ?? 0;
    const isFinal = this.#allEnded();
    const isDue = this.#epochIsDue || records - this.#recordsAtEpoch >= this.#options.everyRecords;
    if (!isFinal && !this.#stopIsAsked && !isDue) return;
    if (isFinal || this.#stopIsAsked) this.#isLastEpoch = true;
    if (isFinal) this.#enter('finishing');
    this.#epochIsDue = false;
    this.#recordsAtEpoch = records;
    epochs.begin({ isFinal });
    // Without a single split nobody brings the barrier.
    if (parts.splits.length === 0) parts.sourceTask.freeze(epochs.committed + 1);
    // The barriers stand in the queues of the sources: the next round takes them.
    for (const task of parts.tasks) task.step();
    this.#wake.ring();
  }

  #armEpochTimer(): void {
    const { everyMs } = this.#options;
    if (everyMs === Infinity) return;
    const { clock } = this.#runtime;
    const arm = (): void => {
      this.#cancelTimers[0] = clock.setTimer(clock.now() + everyMs, () => {
        this.#epochIsDue = true;
        this.#wake.ring();
        arm();
      });
    };
    arm();
  }

  /** One timer of the clock for whatever comes first: a processing-time timer, or a split that becomes idle. */
  #armClock({ tasks, splits, sourceTask }: AssembledJob): () => void {
    const { clock } = this.#runtime;
    const now = clock.now();
    let at = Math.min(...tasks.map((task) => task.nextTick()));
    for (const { pump, taskInput } of splits)
      for (const { generator } of sourceTask.wiring.inputs[taskInput]?.generators ?? []) {
        if (generator === undefined || pump.hasEnded || generator.isIdle(taskInput)) continue;
        const leftMs = generator.polledInVain(taskInput, pump.polledInVainMs(now));
        if (leftMs !== Infinity) at = Math.min(at, now + leftMs);
        if (!generator.isIdle(taskInput)) continue;
        // It has just become idle: what it was holding back goes on at once.
        sourceTask.requestWalk();
        this.#wake.ring();
      }
    return at === Infinity ? () => undefined : clock.setTimer(at, () => this.#wake.ring());
  }

  /** Closes everything, also when something refuses to be closed; the first refusal is thrown at the end. */
  async #close(): Promise<void> {
    for (const cancel of this.#cancelTimers) cancel();
    for (const { pump } of this.parts?.splits ?? []) pump.stop();
    for (const task of this.parts?.tasks ?? []) task.wiring.close();
    // A commit that is under way ends first: its store must not be closed under it.
    if (this.#failure !== undefined) await this.#epochs?.settled().catch(() => undefined);
    const closing = (this.parts?.sinks ?? []).map((sink) => sink.close());
    const results = await Promise.allSettled([...closing, this.#backend?.close()]);
    const refusal = results.find((result) => result.status === 'rejected');
    if (refusal !== undefined) throw refusal.reason;
  }

  #enter(phase: Phase): RunSummary {
    this.#phase = phase;
    const summary = this.summary();
    this.#onPhase(summary);
    return summary;
  }
}
