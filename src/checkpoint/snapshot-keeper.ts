/**
 * Takes snapshots behind the work: after a commit, when one is due, and one at a time. A snapshot that fails is said in
 * the log and tried again after the next commit; the job goes on, because its state is committed without it.
 */
import type { Runtime } from '../core/runtime.js';
import type { CommittedState } from './committed-state.js';
import type { SnapshotStore } from './snapshot-store.js';

export interface SnapshotPlan {
  readonly store: SnapshotStore;
  /** A snapshot is due this many ms after the last one began; Infinity for never. */
  readonly everyMs: number;
  /** It is due this many epochs after the last one; Infinity for never. */
  readonly everyEpochs: number;
}

export class SnapshotKeeper {
  readonly #plan: SnapshotPlan;
  readonly #runtime: Runtime;
  readonly #taken: () => Promise<void>;
  #epoch: number;
  /** undefined: nothing has been taken by this run, and the store may be empty. */
  #takenAt: number | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;
  #failures = 0;

  /**
   * @param newestEpoch of the store; 0 when it is empty, and then the first commit makes one due
   * @param taken told when one has been published and the oldest have gone
   */
  constructor(
    plan: SnapshotPlan,
    runtime: Runtime,
    newestEpoch: number,
    taken: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#taken = taken;
    this.#plan = plan;
    this.#runtime = runtime;
    this.#epoch = newestEpoch;
    this.#takenAt = newestEpoch === 0 ? undefined : runtime.clock.now();
  }

  /** The epoch of the newest snapshot; 0 for none. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Snapshots of this run that failed. */
  get failures(): number {
    return this.#failures;
  }

  /** An epoch is committed and its outputs are published: takes a snapshot of it when one is due. */
  committed(epoch: number, hold: () => CommittedState): void {
    if (this.#running !== undefined || this.#isStopped || !this.#isDue(epoch)) return;
    const startedAt = this.#runtime.clock.now();
    this.#running = this.#take(hold()).then((done) => {
      this.#running = undefined;
      if (!done) return;
      this.#epoch = epoch;
      this.#takenAt = startedAt;
    });
  }

  /** Waits for the snapshot under way. Never rejects. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Gives up the one under way, at its next piece. */
  stop(): void {
    this.#isStopped = true;
  }

  #isDue(epoch: number): boolean {
    if (this.#takenAt === undefined) return true;
    const { everyMs, everyEpochs } = this.#plan;
    return (
      epoch - this.#epoch >= everyEpochs || this.#runtime.clock.now() - this.#takenAt >= everyMs
    );
  }

  async #take(state: CommittedState): Promise<boolean> {
    const { store } = this.#plan;
    const { epoch } = state.record;
    try {
      const isWanted = (): boolean => !this.#isStopped;
      if ((await store.write(state, this.#runtime, isWanted)) === undefined) return false;
      await this.#taken();
      return true;
    } catch (error) {
      this.#failures += 1;
      this.#runtime.log.error(
        { epoch, store: store.description, error },
        'a snapshot could not be written; it is tried again after the next commit',
      );
      return false;
    }
  }
}
