/**
 * The coordinator of epochs: sends barriers into the sources, gathers what tasks freeze, and takes it through the
 * commit. One epoch at a time; work goes on while it is written.
 *
 *     barrier ─▶ all tasks frozen ─▶ sinks prepared ─▶ slabs written ─▶ flushed ─▶ COMMIT ─▶ sinks publish ─▶ cleaned
 *
 * Every arrow is a place to crash (`crashPoints`), and every one of them leaves either the former epoch or this one.
 */
import type { EmbeddedCommitter } from '../checkpoint/embedded-committer.js';
import { EPOCHS_KEPT_MAX, type EpochInfo, type JobRecord } from '../checkpoint/job-record.js';
import { freezeStore } from '../checkpoint/store-slabs.js';
import { assert } from '../core/errors.js';
import type { Runtime } from '../core/runtime.js';
import {
  dirtySlots,
  groupByUid,
  withGenerators,
  settleStores,
  writeEpoch,
  type EpochParts,
  type Gathering,
} from './epoch-parts.js';
import type { EpochReason } from './epoch-schedule.js';
import { copyCounters } from './job-journal.js';
import { addCounters, makeCounters } from './records.js';
import { guardState } from './state-guard.js';
import type { Task } from './task.js';
import { markOfBoth } from '../time/frontier.js';

/** Bytes that one changed key is taken to need as long as no epoch has told better. */
const BYTES_PER_KEY = 100;

/** Blocks encoded, merged and written between two turns of the event loop: about half a millisecond. */
const PIECES_PER_TURN = 8;

export interface EpochsOptions {
  readonly committer: EmbeddedCommitter;
  readonly runtime: Runtime;
  /** Where the state lives, for errors. */
  readonly where: string;
  /** The epoch that the run goes on from. */
  readonly committed: number;
  /** Epochs of earlier runs, oldest first. */
  readonly history: readonly EpochInfo[];
  /** Called when an epoch is committed, published and cleaned up. */
  readonly ended: (epoch: number) => void;
  /** Told of each epoch when its outputs are published, and before the next one is committed. */
  readonly done: (record: JobRecord) => void;
}

type History = Pick<JobRecord, 'history'>;

interface BeginOptions {
  readonly isFinal: boolean;
  readonly isDrained?: boolean;
  readonly reason: EpochReason;
}

export class Epochs {
  readonly #parts: EpochParts;
  readonly #committer: EmbeddedCommitter;
  readonly #runtime: Runtime;
  #committed: number;
  #gathering: Gathering | undefined;
  #commit: Promise<void> | undefined;
  #isAbandoned = false;
  #bytesPerKey = BYTES_PER_KEY;
  #history: readonly EpochInfo[];
  /** What the commit waits for at present, in words. */
  readonly #awaited = new Set<string>();
  readonly #ended: (epoch: number) => void;
  readonly #where: string;
  readonly #done: (record: JobRecord) => void;

  constructor(parts: EpochParts, options: EpochsOptions) {
    this.#parts = parts;
    this.#committer = options.committer;
    this.#runtime = options.runtime;
    this.#committed = options.committed;
    this.#history = options.history;
    this.#ended = options.ended;
    this.#where = options.where;
    this.#done = options.done;
  }

  /** The last committed epochs, oldest first. */
  get history(): readonly EpochInfo[] {
    return this.#history;
  }

  /** Of the keys that were changed last; those of a kind take about the same. */
  get bytesPerKey(): number {
    return this.#bytesPerKey;
  }

  /** From now on the epoch under way touches the store no more: its run has failed. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  /** What the epoch under way waits for, in words. */
  awaited(): string[] {
    if (this.#commit !== undefined) return [...this.#awaited];
    const { tasks, sinks } = this.#parts;
    const writing = sinks.filter((sink) => sink.isWriting);
    if (writing.length > 0) return writing.map(({ uid }) => `sink "${uid}" to write`);
    return tasks
      .filter((task) => this.#gathering?.frozen.has(task) === false)
      .map(({ spec }) => `task "${spec.name}" to meet its barriers`);
  }

  /** The last committed epoch. */
  get committed(): number {
    return this.#committed;
  }

  /** Whether an epoch is between its barrier and its end. */
  get isBusy(): boolean {
    return this.#gathering !== undefined;
  }

  /**
   * Sends the barriers of the next epoch.
   *
   * @param options.isDrained event time has ended, but not the inputs: a later run begins with fresh watermarks
   */
  begin({ isFinal, isDrained = false, reason }: BeginOptions): void {
    assert(!this.isBusy, 'one epoch is under way at a time');
    const epoch = this.#committed + 1;
    const { counters, records } = this.#parts.base;
    this.#gathering = {
      epoch,
      isFinal,
      isDrained,
      reason,
      begunAt: this.#runtime.clock.elapsed(),
      bytes: 0,
      keys: dirtySlots(this.#parts),
      splits: [],
      discovered: new Map([...this.#parts.feeds].map(([input, feed]) => [input, feed.record()])),
      frozen: new Set(),
      slabs: [],
      marks: new Map(),
      counters: new Map([...counters].map(([name, base]) => [name, { ...base }])),
      records,
    };
    this.#gathering.splits = this.#parts.splits.map(({ input, pump }) => ({
      input,
      generators: new Map(),
      ...pump.barrier(epoch),
    }));
  }

  /** A task has aligned the barrier: takes its share of the epoch, before another element enters. */
  frozen(task: Task, epoch: number): void {
    const gathering = this.#gathering;
    assert(gathering?.epoch === epoch, `epoch ${epoch} is the one under way`);
    gathering.frozen.add(task);
    gathering.records += task.records;
    for (const [uid, store] of this.#parts.stores.get(task) ?? [])
      gathering.slabs.push({ uid, drain: freezeStore(store, uid) });
    for (const [uid, mark] of task.wiring.marks()) {
      const known = gathering.marks.get(uid);
      gathering.marks.set(uid, known === undefined ? mark : markOfBoth(known, mark));
    }
    for (const [name, counters] of copyCounters(task)) {
      const sum = gathering.counters.get(name) ?? makeCounters();
      addCounters(sum, counters);
      gathering.counters.set(name, sum);
    }
    if (task === this.#parts.sourceTask)
      gathering.splits = withGenerators(gathering.splits, task, this.#parts.splits);
    if (gathering.frozen.size === this.#parts.tasks.length)
      this.#commit = guardState(this.#where, () => this.#run(gathering));
  }

  /** Waits for the commit under way. Rejects with what went wrong in it. */
  async settled(): Promise<void> {
    await this.#commit;
  }

  /** The commit under way, for the loop to watch. */
  get commit(): Promise<void> | undefined {
    return this.#commit;
  }

  async #run(gathering: Gathering): Promise<void> {
    const { epoch, reason } = gathering;
    const runtime = this.#runtime;
    await runtime.at('epoch.frozen');
    const { sinks } = this.#parts;
    const prepared = await Promise.all(
      sinks.map((sink) => this.#await(`sink "${sink.uid}" to prepare`, sink.prepared(epoch))),
    );
    await runtime.at('epoch.prepared');
    await this.#writeSlabs(gathering);
    await runtime.at('epoch.written');
    this.#checkAlive();
    await this.#await('the state to be flushed', this.#committer.flushed());
    await runtime.at('epoch.flushed');
    this.#checkAlive();
    const record = this.#recordOf(gathering, prepared);
    this.#committer.commit(record);
    this.#committed = epoch;
    this.#history = record.history;
    if (gathering.keys > 0 && gathering.bytes > 0)
      this.#bytesPerKey = gathering.bytes / gathering.keys;
    settleStores(this.#parts);
    await runtime.at('epoch.committed');
    await Promise.all(
      sinks.map((sink, index) =>
        this.#await(`sink "${sink.uid}" to publish`, sink.publish(prepared[index])),
      ),
    );
    await runtime.at('epoch.published');
    this.#checkAlive();
    // Nothing waits for a sink any more, so that a later start may do without it.
    if (reason === 'stop' || reason === 'end')
      this.#committer.commit({ ...record, isPublished: true });
    this.#committer.clean();
    await runtime.at('epoch.cleaned');
    this.#done(record);
    this.#gathering = undefined;
    this.#commit = undefined;
    this.#ended(epoch);
  }

  #recordOf(gathering: Gathering, prepared: readonly unknown[]): JobRecord & Required<History> {
    const { epoch, isFinal, reason, begunAt, bytes } = gathering;
    const { splits, discovered, marks, counters, records } = gathering;
    const { clock } = this.#runtime;
    const durationMs = Math.round(clock.elapsed() - begunAt);
    const isDrained = gathering.isDrained && this.#parts.splits.some(({ pump }) => !pump.hasEnded);
    const info: EpochInfo = { epoch, time: clock.now(), durationMs, bytes, reason };
    return {
      ...this.#parts.identity,
      epoch,
      isFinished: isFinal && !isDrained,
      splits: isDrained ? splits.map((split) => ({ ...split, generators: new Map() })) : splits,
      discovered,
      marks: isDrained ? new Map() : marks,
      sinks: groupByUid(this.#parts.sinks, prepared),
      counters,
      records,
      history: [...this.#history.slice(1 - EPOCHS_KEPT_MAX), info],
    };
  }

  async #writeSlabs(gathering: Gathering): Promise<void> {
    let steps = 0;
    gathering.bytes = await writeEpoch(gathering.slabs, this.#committer, async () => {
      steps += 1;
      if (steps % PIECES_PER_TURN === 0) await this.#runtime.clock.turn();
      this.#checkAlive();
    });
  }

  async #await<T>(what: string, promise: Promise<T>): Promise<T> {
    this.#awaited.add(what);
    const result = await promise;
    this.#awaited.delete(what);
    return result;
  }

  #checkAlive(): void {
    if (this.#isAbandoned) throw new Error('the epoch was abandoned');
  }
}
