/**
 * The coordinator of epochs: sends barriers into the sources, gathers what tasks freeze, and takes it through the
 * commit. One epoch at a time; work goes on while it is written.
 *
 *     barrier ─▶ all tasks frozen ─▶ sinks prepared ─▶ slabs written ─▶ flushed ─▶ COMMIT ─▶ sinks publish ─▶ cleaned
 *
 * Every arrow is a place to crash (`crashPoints`), and every one of them leaves either the former epoch or this one.
 */
import type { EmbeddedCommitter } from '../checkpoint/embedded-committer.js';
import type { JobRecord, SplitRecord } from '../checkpoint/job-record.js';
import { freezeStore, type FrozenSlab } from '../checkpoint/store-slabs.js';
import { assert } from '../core/errors.js';
import type { Counters } from '../core/operator.js';
import type { Runtime } from '../core/runtime.js';
import type { KeyedStore } from '../state/slots.js';
import { copyCounters } from './job-journal.js';
import { addCounters, makeCounters } from './records.js';
import type { SinkPump } from './sink-pump.js';
import type { SourcePump } from './source-pump.js';
import type { Task } from './task.js';
import { markOfBoth, type NodeMark } from '../time/frontier.js';

/** Slabs encoded and written between two turns of the event loop: about a millisecond. */
const SLABS_PER_TURN = 16;

export interface SplitPump {
  readonly input: string;
  readonly split: string;
  readonly pump: SourcePump;
  /** Number of the input of the source task that it feeds. */
  readonly taskInput: number;
}

/** The parts of a job that an epoch is made of. */
export interface EpochParts {
  readonly splits: readonly SplitPump[];
  readonly tasks: readonly Task[];
  readonly sourceTask: Task;
  /** Stores of each task, by uid. */
  readonly stores: ReadonlyMap<Task, ReadonlyMap<string, KeyedStore<object>>>;
  readonly sinks: readonly SinkPump[];
  /** What every record of this job says. */
  readonly identity: Pick<JobRecord, 'job' | 'maxParallelism' | 'operators'>;
  /** Counters and records of the commit that the run went on from. */
  readonly base: { readonly counters: ReadonlyMap<string, Counters>; readonly records: number };
}

interface Gathering {
  readonly epoch: number;
  readonly isFinal: boolean;
  splits: SplitRecord[];
  readonly frozen: Set<Task>;
  readonly slabs: {
    readonly uid: string;
    readonly drain: Generator<FrozenSlab | undefined, void, void>;
  }[];
  readonly marks: Map<string, NodeMark>;
  readonly counters: Map<string, Counters>;
  records: number;
}

export class Epochs {
  readonly #parts: EpochParts;
  readonly #committer: EmbeddedCommitter;
  readonly #runtime: Runtime;
  #committed: number;
  #gathering: Gathering | undefined;
  #commit: Promise<void> | undefined;

  constructor(
    parts: EpochParts,
    options: { committer: EmbeddedCommitter; runtime: Runtime; committed: number },
  ) {
    this.#parts = parts;
    this.#committer = options.committer;
    this.#runtime = options.runtime;
    this.#committed = options.committed;
  }

  /** The last committed epoch. */
  get committed(): number {
    return this.#committed;
  }

  /** Whether an epoch is between its barrier and its end. */
  get isBusy(): boolean {
    return this.#gathering !== undefined;
  }

  /** Sends the barriers of the next epoch. */
  begin(options: { isFinal: boolean }): void {
    assert(!this.isBusy, 'one epoch is under way at a time');
    const epoch = this.#committed + 1;
    const { counters, records } = this.#parts.base;
    this.#gathering = {
      epoch,
      isFinal: options.isFinal,
      splits: [],
      frozen: new Set(),
      slabs: [],
      marks: new Map(),
      counters: new Map([...counters].map(([name, base]) => [name, { ...base }])),
      records,
    };
    this.#gathering.splits = this.#parts.splits.map(({ input, split, pump }) => ({
      input,
      split,
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
      gathering.splits = this.#withGenerators(gathering.splits, task);
    if (gathering.frozen.size === this.#parts.tasks.length) this.#commit = this.#run(gathering);
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
    const { epoch } = gathering;
    const runtime = this.#runtime;
    await runtime.at('epoch.frozen');
    const { sinks } = this.#parts;
    const prepared = await Promise.all(sinks.map((sink) => sink.prepared(epoch)));
    await runtime.at('epoch.prepared');
    await this.#writeSlabs(gathering);
    await runtime.at('epoch.written');
    await this.#committer.flushed();
    await runtime.at('epoch.flushed');
    this.#committer.commit({
      ...this.#parts.identity,
      epoch,
      isFinished: gathering.isFinal,
      splits: gathering.splits,
      marks: gathering.marks,
      sinks: groupByUid(sinks, prepared),
      counters: gathering.counters,
      records: gathering.records,
    });
    this.#committed = epoch;
    await runtime.at('epoch.committed');
    await Promise.all(sinks.map((sink, index) => sink.publish(prepared[index])));
    await runtime.at('epoch.published');
    this.#committer.clean();
    await runtime.at('epoch.cleaned');
    this.#gathering = undefined;
    this.#commit = undefined;
  }

  async #writeSlabs({ slabs }: Gathering): Promise<void> {
    let written = 0;
    for (const { uid, drain } of slabs)
      for (const slab of drain) {
        if (slab !== undefined) this.#committer.write(uid, slab);
        written += 1;
        if (written % SLABS_PER_TURN === 0) await this.#runtime.clock.turn();
      }
  }

  #withGenerators(splits: readonly SplitRecord[], task: Task): SplitRecord[] {
    const generators = task.wiring.generators();
    return splits.map((record, index) => {
      const taskInput = this.#parts.splits[index]?.taskInput ?? 0;
      const reached = new Set(task.wiring.inputs[taskInput]?.generators);
      const states = [...generators]
        .filter(([, operator]) => reached.has(operator))
        .map(([name, operator]) => [name, operator.generator?.snapshot(taskInput)] as const);
      return { ...record, generators: new Map(states) };
    });
  }
}

function groupByUid(
  sinks: readonly SinkPump[],
  prepared: readonly unknown[],
): Map<string, unknown[]> {
  const byUid = new Map<string, unknown[]>();
  for (const [index, { uid }] of sinks.entries()) {
    const left = prepared[index];
    if (left === undefined) continue;
    byUid.set(uid, [...(byUid.get(uid) ?? []), left]);
  }
  return byUid;
}
