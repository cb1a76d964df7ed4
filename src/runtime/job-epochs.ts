/**
 * The epochs of an attempt: begins them when the schedule says so, serves who has asked, and notices one that hangs.
 *
 * Barriers are sent from two places: from the loop of the job, and from a source right behind the chunk that makes the
 * number of records full, so that such an epoch does not depend on how far a source has read ahead.
 */
import type { EmbeddedCommitter } from '../checkpoint/embedded-committer.js';
import type { EpochInfo, JobRecord } from '../checkpoint/job-record.js';
import type { CheckpointDemands } from './checkpoint-demands.js';
import { checkpointTimeout, dirtyBytes } from './epoch-parts.js';
import { EpochSchedule } from './epoch-schedule.js';
import { Epochs } from './epochs.js';
import type { AssembledJob } from './job-assembly.js';
import type { JobOptions } from './job-options.js';
import type { Task } from './task.js';
import type { Wake } from './wake.js';

export interface EpochDriverOptions {
  readonly options: JobOptions;
  readonly parts: AssembledJob;
  readonly committer: EmbeddedCommitter;
  /** The epoch that the attempt goes on from. */
  readonly committed: number;
  /** Epochs of earlier runs, oldest first. */
  readonly history: readonly EpochInfo[];
  /** Source records in that commit. */
  readonly records: number;
  readonly demands: CheckpointDemands;
  readonly wake: Wake;
  readonly isStopped: () => boolean;
  /** Whether event time is being brought to its end: until it is there, no epoch may end. */
  readonly isDraining: () => boolean;
  /** Told of each record when its outputs are published. */
  readonly done: (record: JobRecord) => void;
  /** Called when the last epoch begins because all inputs have ended. */
  readonly finishing: () => void;
  readonly failed: (error: unknown) => void;
}

export class EpochDriver {
  readonly #options: EpochDriverOptions;
  readonly #epochs: Epochs;
  readonly #schedule: EpochSchedule;
  /** Records read, those of earlier runs among them. */
  #read: number;
  #isLast = false;

  constructor(options: EpochDriverOptions) {
    const { committer, committed, history, parts, demands } = options;
    const { runtime, epochs, state } = options.options;
    this.#options = options;
    this.#read = options.records;
    const start = { now: runtime.clock.elapsed(), records: options.records };
    this.#schedule = new EpochSchedule(epochs, start);
    this.#epochs = new Epochs(parts.epochParts, {
      committer,
      runtime,
      where: state.description,
      committed,
      history,
      done: options.done,
      ended: (epoch) => {
        this.#schedule.ended(runtime.clock.elapsed());
        demands.ended(epoch);
      },
    });
  }

  /** Whether the last epoch has ended. */
  get areOver(): boolean {
    return this.#isLast && !this.#epochs.isBusy;
  }

  get committed(): number {
    return this.#epochs.committed;
  }

  get history(): readonly EpochInfo[] {
    return this.#epochs.history;
  }

  /** Whether the epoch under way takes longer than it may. */
  get isHanging(): boolean {
    return this.#schedule.hasTimedOut(this.#options.options.runtime.clock.elapsed());
  }

  /** Whether a commit is being written: nothing that it holds can leave the heap before it has ended. */
  get areCommitting(): boolean {
    return this.#epochs.commit !== undefined;
  }

  /** When to look again, if nothing else happens before; monotonic ms. */
  nextAt(): number {
    return this.#schedule.nextAt();
  }

  /** Waits for the commit under way. Rejects with what went wrong in it. */
  settled(): Promise<void> {
    return this.#epochs.settled();
  }

  abandon(): void {
    this.#epochs.abandon();
  }

  frozen(task: Task, epoch: number): void {
    const { failed, wake } = this.#options;
    this.#epochs.frozen(task, epoch);
    this.#epochs.commit?.catch(failed).finally(() => wake.ring());
  }

  /** A source has read on. By number of records the barrier goes right behind the chunk that makes it full. */
  queued(records: number): void {
    const { options, isStopped } = this.#options;
    this.#read += records;
    if (options.epochs.everyRecords !== Infinity && !isStopped()) this.#beginDue();
  }

  /**
   * Between two rounds of the loop: begins an epoch if one is due.
   *
   * @throws TidemarkError CHECKPOINT_TIMEOUT
   */
  look(): void {
    const { parts, options } = this.#options;
    if (this.#beginDue()) {
      // Without a single split nobody brings the barrier.
      if (parts.splits.length === 0) parts.sourceTask.freeze(this.committed + 1);
      // The barriers stand in the queues of the sources: the next round takes them.
      for (const task of parts.tasks) task.step();
    }
    if (this.isHanging) throw checkpointTimeout(options, this.#epochs);
  }

  /** Sends the barriers of an epoch if one is due. */
  #beginDue(): boolean {
    const { parts, options, demands, isStopped, isDraining, finishing, wake } = this.#options;
    if (this.#epochs.isBusy || this.#isLast) return false;
    const now = options.runtime.clock.elapsed();
    if (demands.areWaiting) this.#schedule.ask('demand');
    if (parts.memory.epochIsForced()) this.#schedule.ask('forced');
    const isFinal = allEnded(parts);
    // Its watermarks would end the inputs for good.
    if (isDraining() && !isFinal) return false;
    const bytes = (): number => dirtyBytes(parts.epochParts, this.#epochs);
    const reason = isFinal
      ? 'end'
      : isStopped()
        ? 'stop'
        : this.#schedule.due(now, { records: this.#read, bytes });
    if (reason === undefined) return false;
    this.#isLast = isFinal || isStopped();
    if (isFinal) finishing();
    this.#schedule.begun(now, this.#read);
    demands.begun();
    this.#epochs.begin({ isFinal, isDrained: isDraining(), reason });
    wake.ring();
    return true;
  }
}

export function allEnded(parts: AssembledJob | undefined): boolean {
  return parts?.tasks.every((task) => task.hasEnded) ?? true;
}
