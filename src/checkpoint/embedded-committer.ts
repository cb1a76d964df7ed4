/**
 * The embedded commit: one store holds everything, and one small atomic batch at the end of an epoch is the commit.
 *
 *     runs of the epoch         written ahead, referred to by nobody (runs.ts)
 *     merges of older runs      written ahead likewise, behind the work
 *     lists of runs, and
 *     job                       epoch, positions, watermarks, what sinks have prepared
 *                               └── the batch of changed lists and the job record IS the commit
 *
 * Laws: a run is never changed; what a commit refers to is on disk before it; what no commit refers to is removed.
 */
import { TidemarkError } from '../core/errors.js';
import type { GroupRange } from '../core/key-group.js';
import type { CommittedState } from './committed-state.js';
import { outerKey, recordsByGroup } from './run-records.js';
import type { StateBackend } from '../state/backend.js';
import { pickMerge, RUNS_MAX } from '../state/compaction.js';
import type { MergedRecord } from '../state/merge-runs.js';
import { encodeIndex } from '../state/run-index.js';
import { RunWriter } from '../state/run-writer.js';
import { SlabWriter } from '../state/slab.js';
import { damaged, openRecord, sealRecord, type JobRecord } from './job-record.js';
import { Run, blockKey, indexKey, parseRefs, refsKey, type PartName } from './run.js';
import { RunStore } from './runs.js';
import { slabKinds, type FrozenPiece, type SlabKind } from './store-slabs.js';

const JOB_KEY = 'job';
/** Merges of one epoch read at most this many bytes, or four times what the epoch has written if that is more. */
const MERGE_BYTES = 16 * 2 ** 20;
const SLAB_BYTES = 2 ** 20;

export class EmbeddedCommitter {
  readonly #backend: StateBackend;
  readonly #where: string;
  readonly runs: RunStore;
  /** Parts that the epoch in commit changes, by refs key. */
  #changes = new Map<string, readonly Run[]>();
  #superfluous: Run[] = [];
  #maxParallelism = 1;
  #nextRun = 1;
  readonly #slotsWriter = new RunWriter(true);
  readonly #timersWriter = new RunWriter(false);
  /** The run that is being written: how many blocks it has. */
  #blocks = 0;
  #bytes = 0;

  /**
   * @param options.where names the store in errors
   * @param options.forget begins as if nothing had been committed; the next commit replaces what there is. Default false
   */
  constructor(backend: StateBackend, options: { where: string; forget?: boolean }) {
    this.#backend = backend;
    this.#where = options.where;
    this.runs = new RunStore(backend, options.where, { forget: options.forget === true });
  }

  /** The record of the last commit, undefined for a new store. */
  read(): JobRecord | undefined {
    const sealed = this.#backend.get(JOB_KEY);
    if (sealed === undefined) {
      if (!this.runs.isEmpty) throw damaged(this.#where, 'runs without the record of an epoch');
      return undefined;
    }
    const record = openRecord(sealed, `${this.#where}, job record`);
    this.#maxParallelism = record.maxParallelism;
    return record;
  }

  /** Uids that the last commit holds keyed state of. */
  uids(): Set<string> {
    return this.runs.uids();
  }

  /** Records of an operator whose key group lies in the range, each key once, nothing that was removed. */
  records(uid: string, kind: SlabKind, groups: GroupRange): Generator<MergedRecord, void, void> {
    return this.runs.records(uid, kind, { groups, maxParallelism: this.#knownParallelism() });
  }

  /** The same of one operator, as `loadStore` wants it. */
  of(uid: string): {
    records(kind: SlabKind, groups: GroupRange): Generator<MergedRecord, void, void>;
    readonly where: string;
  } {
    return {
      records: (kind, groups) => this.records(uid, kind, groups),
      where: `${this.#where}, state of "${uid}"`,
    };
  }

  /**
   * The same as slabs of bounded size, slots before timers: a record of slots is (key, packed live), one of timers (time as
   * a 64-bit float and key, nothing).
   */
  *buckets(
    uid: string,
    groups: GroupRange,
  ): Generator<{ kind: SlabKind; slabs: Uint8Array[]; where: string }> {
    for (const kind of slabKinds) {
      const slab = new SlabWriter();
      const where = `${this.#where}, ${kind} of "${uid}"`;
      for (const { block, index } of this.records(uid, kind, groups)) {
        slab.append(outerKey(kind, block.keyOf(index)), block.valueOf(index).take());
        if (slab.byteLength > SLAB_BYTES) yield { kind, slabs: [slab.finish()], where };
      }
      if (slab.recordCount > 0) yield { kind, slabs: [slab.finish()], where };
    }
  }

  /** Writes a piece of the epoch ahead. */
  write(uid: string, { kind, part, block, index }: FrozenPiece): void {
    const id = `${this.runs.next}/${this.#nextRun}`;
    if (block !== undefined) {
      this.runs.write(blockKey(id, this.#blocks), block);
      this.#blocks += 1;
      this.#bytes += block.length;
    }
    if (index === undefined) return;
    this.runs.write(indexKey(id), encodeIndex(index));
    const key = refsKey({ uid, kind, part });
    const run = new Run(id, this.#blocks, index);
    this.#changes.set(key, [...this.#runsOf(key), run]);
    this.#nextRun += 1;
    this.#blocks = 0;
  }

  /**
   * Merges older runs of the parts that the epoch has changed, a bounded number of bytes, a block per `next`; to be called
   * when all of the epoch is written, in the time of nobody who waits. Runs of the epoch itself cannot be read yet.
   */
  *compact(): Generator<undefined, void, void> {
    let left = Math.max(MERGE_BYTES, 4 * this.#bytes);
    this.#bytes = 0;
    const committed = [...this.#changes.keys()].map(
      (key) => [key, this.runs.parts.get(key) ?? []] as const,
    );
    for (const [key, runs] of committed.sort(([, a], [, b]) => b.length - a.length)) {
      const merge = pickMerge(runs.map((run) => this.runs.indexOf(run).bytes));
      if (merge === undefined || (left < merge.bytes && runs.length < RUNS_MAX)) continue;
      left -= merge.bytes;
      yield* this.#merge(parseRefs(key), runs.slice(merge.from), merge.from === 0);
    }
  }

  /** All of it at once, where nobody waits. */
  compactAll(): void {
    const merging = this.compact();
    while (merging.next().done !== true);
  }

  flushed(): Promise<void> {
    return this.#backend.flushed();
  }

  /** The commit. */
  commit(record: JobRecord): void {
    const lists = this.runs.batch(this.#changes, this.#superfluous);
    this.#backend.commit([...lists, { key: JOB_KEY, value: sealRecord(record) }]);
    this.runs.committed(this.#changes, this.#superfluous);
    this.#maxParallelism = record.maxParallelism;
    this.#changes = new Map();
    this.#superfluous = [];
    this.#nextRun = 1;
  }

  /** Moves state to other uids, and drops that of uids that nobody wants; takes part in the next commit. */
  reassign(renamed: ReadonlyMap<string, string>, dropped: ReadonlySet<string>): void {
    for (const [key, runs] of this.runs.parts) {
      const name = parseRefs(key);
      const to = renamed.get(name.uid);
      if (to === undefined && !dropped.has(name.uid)) continue;
      if (!this.#changes.has(key)) this.#changes.set(key, []);
      if (to === undefined) this.#superfluous.push(...runs);
      else this.#changes.set(refsKey({ ...name, uid: to }), runs);
    }
  }

  /** Holds what the last commit has written, to be copied while work goes on. */
  hold(record: JobRecord): CommittedState {
    const { maxParallelism } = record;
    const { parts, release } = this.runs.hold();
    return {
      record,
      uids: [...new Set([...parts.keys()].map((key) => parseRefs(key).uid))].toSorted(),
      records: (uid) => recordsByGroup(this.runs, uid, { maxParallelism, parts }),
      release,
    };
  }

  /** Removes what the last commit no longer refers to. */
  clean(): void {
    this.runs.clean();
  }

  /** Removes everything that a crash has left unreferenced; once, at open. */
  cleanAll(): void {
    this.runs.cleanAll();
  }

  *#merge(
    name: PartName,
    old: readonly Run[],
    isOldest: boolean,
  ): Generator<undefined, void, void> {
    const writer = name.kind === 'slots' ? this.#slotsWriter : this.#timersWriter;
    for (const { block, index, place } of this.runs.merged(name, { runs: old })) {
      const isTombstone = block.isTombstone(index);
      // Nothing older lies below, so it has nothing left to hide.
      if (isTombstone && isOldest) continue;
      const full = writer.cut(place);
      if (full !== undefined) {
        this.#put(full);
        yield undefined;
      }
      writer.copy(block, index, place);
    }
    const net = old.reduce((sum, run) => sum + this.runs.indexOf(run).net, 0);
    const merged: Run[] = [];
    if (writer.records > 0) {
      const { block, index } = writer.finish(net);
      if (block !== undefined) this.#put(block);
      const id = `${this.runs.next}/${this.#nextRun}`;
      this.runs.write(indexKey(id), encodeIndex(index));
      merged.push(new Run(id, this.#blocks, index));
      this.#nextRun += 1;
      this.#blocks = 0;
    }
    const key = refsKey(name);
    const now = this.#runsOf(key);
    const from = now.indexOf(old[0] as Run);
    this.#changes.set(key, now.toSpliced(from, old.length, ...merged));
    this.#superfluous.push(...old);
    yield undefined;
  }

  #put(block: Uint8Array): void {
    this.runs.write(blockKey(`${this.runs.next}/${this.#nextRun}`, this.#blocks), block);
    this.#blocks += 1;
  }

  #runsOf(key: string): readonly Run[] {
    return this.#changes.get(key) ?? this.runs.parts.get(key) ?? [];
  }

  #knownParallelism(): number {
    if (this.#maxParallelism === 1) this.read();
    return this.#maxParallelism;
  }
}

/** Refuses state that does not belong to this job, or not to this pipeline any more. */
export function checkRecord(
  record: JobRecord,
  job: {
    readonly name: string;
    readonly operators: ReadonlyMap<string, string>;
    readonly maxParallelism: number | undefined;
    readonly where: string;
  },
): void {
  const { where } = job;
  if (record.job !== job.name)
    throw new TidemarkError('STATE_OF_ANOTHER_JOB', {
      expected: `state of the job "${job.name}"`,
      got: `state of "${record.job}"`,
      where,
      hint: 'Give each job a state of its own, or rename the pipeline back.',
    });
  if (job.maxParallelism !== undefined && job.maxParallelism !== record.maxParallelism)
    throw new TidemarkError('MAX_PARALLELISM_CHANGED', {
      expected: `maxParallelism ${record.maxParallelism}, as the state was written with`,
      got: String(job.maxParallelism),
      where,
      hint: 'It is fixed for the life of the state; parallelism itself may change at any restart.',
    });
  for (const [uid, kind] of record.operators) {
    const now = job.operators.get(uid);
    if (now === kind) continue;
    throw new TidemarkError('STATE_INCOMPATIBLE', {
      expected: `an operator "${uid}" of kind ${kind}, whose state is kept here`,
      got: now === undefined ? 'a pipeline without it' : `one of kind ${now}`,
      where,
      hint: 'Put the uid back, or begin with an empty state.',
    });
  }
}
