/**
 * From a state directory to the record that a run goes on from: opens it, or makes it of a savepoint, or sets it back to
 * a snapshot when it is damaged and the user has said so. Whatever does not fit is refused before anything is changed.
 */
import { adaptRecord, type Adaptation } from '../checkpoint/adapt-record.js';
import { EmbeddedCommitter, checkRecord } from '../checkpoint/embedded-committer.js';
import { damaged, type JobRecord } from '../checkpoint/job-record.js';
import { openSavepoint } from '../checkpoint/savepoint.js';
import { planSchemas, type SchemaPlan } from '../checkpoint/schema-plan.js';
import { SlabLoader } from '../checkpoint/slab-loader.js';
import { loadCopy, type OpenCopy } from '../checkpoint/snapshot-reader.js';
import { newestGood, type SnapshotStore } from '../checkpoint/snapshot-store.js';
import { TidemarkError } from '../core/errors.js';
import { checkUids, nodesInOrder } from '../core/graph.js';
import type { StateBackend } from '../state/backend.js';
import type { JobOptions } from './job-options.js';
import { allSinks } from './job-sinks.js';
import { guardState } from './state-guard.js';
import { evolutionsOf, operatorsOf, renamesOf } from './plan.js';

export interface OpenedState {
  readonly committer: EmbeddedCommitter;
  readonly record: JobRecord | undefined;
  /** Of the newest snapshot; 0 where there is none. */
  readonly snapshotEpoch: number;
  readonly schemas: SchemaPlan;
}

/** @param held is told of the backend as soon as there is one, so that it is closed whatever happens next */
export async function openState(
  options: JobOptions,
  held: (backend: StateBackend) => void,
): Promise<OpenedState> {
  checkUids(
    nodesInOrder(options.outputs),
    allSinks(options).map(({ uid }) => uid),
  );
  const opened = await new Restore(options).open(held);
  const { record, committer } = opened;
  const where = options.state.description;
  const { adapted, schemas } = fit(record, options, where);
  if (adapted === undefined || adapted.record === record) return { ...opened, schemas };
  committer.reassign(adapted.renamed, adapted.dropped);
  committer.commit(adapted.record);
  return { ...opened, record: adapted.record, schemas };
}

/** Checks a record against the pipeline, and changes nothing. */
function fit(
  record: JobRecord | undefined,
  options: JobOptions,
  where: string,
): { adapted: Adaptation | undefined; schemas: SchemaPlan } {
  const { name, outputs, maxParallelism, allowNonRestoredState = false } = options;
  const operators = operatorsOf(outputs);
  const adapted =
    record &&
    adaptRecord(record, {
      operators,
      renamedFrom: renamesOf(outputs),
      allowNonRestoredState,
      where,
    });
  if (adapted !== undefined)
    checkRecord(adapted.record, { name, operators, maxParallelism, where });
  const schemas = planSchemas({
    evolutions: evolutionsOf(outputs),
    stored: adapted?.record.schemas,
    known: new Set(adapted?.record.operators.keys()),
    where,
  });
  return { adapted, schemas };
}

/**
 * Adds to a damage of state what can be done about it; every other error stays as it is.
 */
export async function withAdvice(error: unknown, options: JobOptions): Promise<unknown> {
  const { snapshots, runtime } = options;
  if (snapshots === undefined || !isDamageOf(error, options)) return error;
  const { good, damaged: passedOver } = await newestGood(snapshots.store, runtime);
  const { expected, got, where } = error;
  const cause = error.cause ?? error;
  if (good === undefined) {
    const hint = `No snapshot in ${snapshots.store.description} is whole: restore the state from a backup.`;
    return new TidemarkError('STATE_DAMAGED', { expected, got, where, hint, cause });
  }
  const { epoch, createdAt } = good.manifest;
  const skipped = passedOver.length === 0 ? '' : ` (${passedOver.join(', ')} are damaged too)`;
  const ageS = Math.max(0, Math.round((runtime.clock.now() - createdAt) / 1000));
  const hint =
    `The newest good snapshot is that of epoch ${epoch}, ${ageS} s old, in ${snapshots.store.description}${skipped}. ` +
    `With rewind: true, or tidemark run --rewind, the job goes back to it and reads on from its positions. Outputs of epochs behind ${epoch} that ` +
    'are visible already come again: part files are taken back first, other sinks repeat them.';
  return new TidemarkError('STATE_DAMAGED', { expected, got, where, hint, cause });
}

class Restore {
  readonly #options: JobOptions;
  #damage: unknown;

  constructor(options: JobOptions) {
    this.#options = options;
  }

  async open(held: (backend: StateBackend) => void): Promise<Omit<OpenedState, 'schemas'>> {
    const { runtime, state, snapshots, resumeFrom } = this.#options;
    const backend = await this.#openBackend();
    held(backend);
    await runtime.at('recover.opened');
    let committed = await this.#read(backend);
    const store = snapshots?.store;
    let snapshotEpoch = await this.#newestEpoch(store);
    if (resumeFrom !== undefined && this.#damage === undefined) {
      const copy = await openSavepoint(runtime.files, resumeFrom);
      if (committed === undefined) {
        if (snapshotEpoch > 0) throw notEmpty(`snapshots of ${store?.description}`, 'snapshots');
        committed = await this.#restore(copy, backend);
      } else if (committed.record.origin !== copy.manifest.id)
        throw notEmpty(
          `epoch ${committed.record.epoch} of "${committed.record.job}"`,
          state.description,
        );
    }
    if (snapshotEpoch > (committed?.record.epoch ?? 0))
      this.#damage ??= setBack(committed?.record.epoch, snapshotEpoch, state.description);
    if (this.#damage !== undefined) {
      const { copy, restored } = await this.#rewind(backend, store);
      committed = restored;
      snapshotEpoch = copy.manifest.epoch;
    }
    await store?.clean(runtime, { newestEpoch: snapshotEpoch });
    return {
      committer:
        committed?.committer ?? new EmbeddedCommitter(backend, { where: state.description }),
      record: committed?.record,
      snapshotEpoch,
    };
  }

  async #openBackend(): Promise<StateBackend> {
    const { state, rewind } = this.#options;
    try {
      return await guardState(state.description, () => state.open());
    } catch (error) {
      const mayRewind = rewind === true && isDamageOf(error, this.#options);
      if (!mayRewind || state.openAnew === undefined) throw error;
      this.#damage = error;
      return state.openAnew();
    }
  }

  async #read(backend: StateBackend): Promise<Committed | undefined> {
    const { state, rewind } = this.#options;
    try {
      const committer = new EmbeddedCommitter(backend, { where: state.description });
      const record = committer.read();
      if (record === undefined) return undefined;
      if (rewind === true) await this.#verify(committer, record);
      return { committer, record };
    } catch (error) {
      if (rewind !== true || !isDamageOf(error, this.#options)) throw error;
      this.#damage ??= error;
      return undefined;
    }
  }

  /** Reads all of the state once, so that damage is found while there is a way back. */
  async #verify(committer: EmbeddedCommitter, record: JobRecord): Promise<void> {
    const { clock } = this.#options.runtime;
    const state = committer.hold(record);
    try {
      // Records are read without them, but keys are not.
      for (const runs of committer.runs.parts.values())
        for (const run of runs) committer.runs.indexOf(run);
      let group = -1;
      for (const uid of state.uids)
        for (const one of state.records(uid)) {
          if (one.group === group) continue;
          ({ group } = one);
          await clock.turn();
        }
    } finally {
      state.release();
    }
  }

  async #newestEpoch(store: SnapshotStore | undefined): Promise<number> {
    const { runtime, name } = this.#options;
    const entries = (await store?.list(runtime)) ?? [];
    const other = entries.find(({ copy }) => copy !== undefined && copy.manifest.job !== name);
    if (other !== undefined)
      throw new TidemarkError('STATE_OF_ANOTHER_JOB', {
        expected: `snapshots of the job "${name}"`,
        got: `one of "${other.copy?.manifest.job}"`,
        where: store?.description ?? '',
        hint: 'Give each job a directory of snapshots of its own.',
      });
    return entries[0]?.epoch ?? 0;
  }

  async #rewind(
    backend: StateBackend,
    store: SnapshotStore | undefined,
  ): Promise<{ copy: OpenCopy; restored: Committed }> {
    const { runtime, rewind } = this.#options;
    if (rewind !== true || store === undefined) throw this.#damage;
    const { good } = await newestGood(store, runtime);
    if (good === undefined) throw this.#damage;
    const restored = await this.#restore(good, backend);
    runtime.log.warn(
      { epoch: good.manifest.epoch, snapshots: store.description, damage: this.#damage },
      'the state was damaged and has been set back to a snapshot',
    );
    return { copy: good, restored };
  }

  /** Makes a copy the state, in one commit, whatever was there before. */
  async #restore(copy: OpenCopy, backend: StateBackend): Promise<Committed> {
    const { runtime, state, rewind } = this.#options;
    const where = state.description;
    const committed = new EmbeddedCommitter(backend, { where, forget: true });
    const loader = new SlabLoader(committed, copy.manifest.maxParallelism);
    const loaded = await loadCopy(copy, loader, runtime);
    // A copy that does not fit must not become the state.
    fit(loaded, this.#options, copy.directory);
    await runtime.at('restore.loaded');
    loader.commit({
      ...loaded,
      // The outputs of its epoch were published before the copy was complete.
      sinks: new Map(),
      // A snapshot of a state that was made of a savepoint is made of it, too.
      origin: copy.manifest.kind === 'savepoint' ? copy.manifest.id : loaded.origin,
      isRewound: rewind === true,
    });
    await runtime.at('restore.committed');
    const committer = new EmbeddedCommitter(backend, { where });
    const record = committer.read();
    if (record === undefined) throw damaged(where, 'nothing of what has just been restored');
    return { committer, record };
  }
}

interface Committed {
  readonly committer: EmbeddedCommitter;
  readonly record: JobRecord;
}

/** Whether it is the state itself that is damaged, and not a copy of it or an output. */
function isDamageOf(error: unknown, { state }: JobOptions): error is TidemarkError {
  return (
    error instanceof TidemarkError &&
    (error.code === 'STATE_DAMAGED' || error.code === 'BYTES_MALFORMED') &&
    [state.description, state.directory].some(
      (place) => place !== undefined && error.where.startsWith(place),
    )
  );
}

function setBack(epoch: number | undefined, snapshot: number, where: string): TidemarkError {
  return new TidemarkError('STATE_DAMAGED', {
    expected: `state of epoch ${snapshot} or later, which there is a snapshot of`,
    got: epoch === undefined ? 'an empty state' : `epoch ${epoch}`,
    where,
    hint: 'The state was lost or set back. Restore it, or empty the directory of the snapshots to begin from scratch.',
  });
}

function notEmpty(got: string, where: string): TidemarkError {
  return new TidemarkError('STATE_NOT_EMPTY', {
    expected: 'an empty state, for a job that resumes from a savepoint',
    got,
    where,
    hint: 'Resume with a new state directory (and one for snapshots), or leave resumeFrom out to go on from this state.',
  });
}
