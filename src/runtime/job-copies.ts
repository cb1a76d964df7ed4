/** What a job keeps beside its state: snapshots behind the work, and a savepoint at its end when somebody asks for one. */
import type { EmbeddedCommitter } from '../checkpoint/embedded-committer.js';
import type { JobRecord, SplitRecord } from '../checkpoint/job-record.js';
import { writeSavepoint } from '../checkpoint/savepoint.js';
import { SnapshotKeeper } from '../checkpoint/snapshot-keeper.js';
import { oldestRecord } from '../checkpoint/snapshot-store.js';
import { assert } from '../core/errors.js';
import type { JobOptions, RunSummary } from './job-options.js';
import type { OpenedState } from './job-restore.js';
import { runIsOver } from './stop-request.js';

export class JobCopies {
  readonly #options: JobOptions;
  readonly #release: (splits: readonly SplitRecord[]) => void;
  #committer: EmbeddedCommitter | undefined;
  #record: JobRecord | undefined;
  #keeper: SnapshotKeeper | undefined;
  #savepointTo: string | undefined;
  #isOver = false;

  /** @param release told of positions that nothing goes back behind, so that sources need not keep what is before */
  constructor(options: JobOptions, release: (splits: readonly SplitRecord[]) => void) {
    this.#options = options;
    this.#release = release;
  }

  opened({ committer, record, snapshotEpoch }: OpenedState): void {
    const { snapshots, runtime } = this.#options;
    this.#committer = committer;
    this.#record = record;
    if (snapshots !== undefined)
      this.#keeper = new SnapshotKeeper(snapshots, runtime, snapshotEpoch, async () => {
        // A rewind may go back to the oldest one, so the input behind it must stay.
        const oldest = await oldestRecord(snapshots.store, runtime);
        if (oldest !== undefined) this.#release(oldest.splits);
      });
  }

  /** @throws TidemarkError RUN_ENDED when the run is over */
  savepointTo(directory: string): void {
    if (this.#isOver) throw runIsOver(directory);
    this.#savepointTo = directory;
  }

  /** An epoch is committed and published, and the next one is not. */
  committed(record: JobRecord): void {
    this.#record = record;
    if (this.#keeper === undefined) this.#release(record.splits);
    else this.#keeper.committed(record.epoch, () => this.#hold(record));
  }

  /** Ends what is under way, in good order. */
  async finish(): Promise<void> {
    await this.#keeper?.settled();
    if (this.#savepointTo !== undefined && this.#record !== undefined)
      await writeSavepoint(this.#hold(this.#record), this.#savepointTo, this.#options.runtime);
    this.#isOver = true;
  }

  /** Gives up what is under way; to be called before the state is closed. */
  async abandon(): Promise<void> {
    this.#keeper?.stop();
    await this.#keeper?.settled();
  }

  summary(): RunSummary['snapshots'] {
    return this.#keeper && { epoch: this.#keeper.epoch, failures: this.#keeper.failures };
  }

  /** Its outputs are published, so the copy has nothing of sinks to finish. */
  #hold(record: JobRecord): ReturnType<EmbeddedCommitter['hold']> {
    assert(this.#committer !== undefined, 'state is copied while it is open');
    return this.#committer.hold({ ...record, sinks: new Map() });
  }
}
