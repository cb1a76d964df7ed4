/**
 * The rig: a graph made with the public operators, run as one task, with the clock, the watermarks and the snapshots of
 * Flink's operator harness.
 *
 * As there, a restore brings back keyed state and timers, and nothing else: the watermark begins at its minimum again
 * and the clock at 0. A job of Tidemark restores its watermarks as well.
 */
import { EmbeddedCommitter } from '../src/checkpoint/embedded-committer.js';
import { freezeStore, loadStore } from '../src/checkpoint/store-slabs.js';
import type { Clock } from '../src/core/clock.js';
import type { GraphNode, InputNode, Outputs } from '../src/core/graph.js';
import type { Signal } from '../src/core/flow.js';
import type { Operator, OperatorContext } from '../src/core/operator.js';
import { DataStream, inputNode } from '../src/dsl/data-stream.js';
import { LocalRun } from '../src/runtime/local-run.js';
import type { TaskWiring } from '../src/runtime/task-wiring.js';
import { KeyedStore } from '../src/state/slots.js';
import { HarnessDisk } from '../src/testing/harness-disk.js';
import type { Item, Recorded } from './case.js';

export const MAX_PARALLELISM = 32_768;

export interface RigOptions {
  /** Makes the step that is examined, on one root stream per input. It must be the last node of the graph. */
  build(...roots: readonly DataStream<unknown>[]): DataStream<unknown>;
  /** Default 1. */
  readonly inputs?: number;
  /** Side outputs to collect. */
  readonly sides?: readonly string[];
  /** Whether values that are given out are frozen, as in tests. Default true. */
  readonly isGuarded?: boolean;
  /** Whether a restore brings the watermarks back too, as that of a job does. Default false. */
  readonly restoresWatermarks?: boolean;
}

/** Processing time, moved by the case; nothing fires by itself, but what would is known. */
class RigClock implements Clock {
  time = 0;
  /** Times of the timers that are armed at the world outside. */
  readonly armed = new Set<{ readonly time: number }>();

  now(): number {
    return this.time;
  }

  elapsed(): number {
    return this.time;
  }

  turn(): Promise<void> {
    return Promise.resolve();
  }

  setTimer(time: number): () => void {
    const timer = { time };
    this.armed.add(timer);
    return () => this.armed.delete(timer);
  }
}

/** Which key groups a restore brings back; absent: all of them. */
export type Groups = ReadonlySet<number> | undefined;

export class Rig {
  readonly clock = new RigClock();
  readonly #options: RigOptions;
  readonly #roots: readonly InputNode[];
  readonly #node: GraphNode;
  readonly #outputs: Outputs;
  readonly #snapshots = new Map<string, HarnessDisk>();
  readonly #marks = new Map<string, ReturnType<TaskWiring['marks']>>();
  #disk = new HarnessDisk();
  #committer = new EmbeddedCommitter(this.#disk, { where: 'rig' });
  #stores = new Map<string, KeyedStore<object>>();
  #run: LocalRun;
  #epoch = 0;
  #operator: Operator | undefined;
  #out: Item[] = [];
  #sides = new Map<string, Recorded[]>();
  #watermark = -Infinity;
  #isIdle = false;

  /** @throws TidemarkError when the step refuses its options or its place */
  constructor(options: RigOptions) {
    this.#options = options;
    const nodes = Array.from({ length: options.inputs ?? 1 }, (_, index) => ({
      ...inputNode(`in${index}`, undefined, undefined),
      hasEventTime: true,
    }));
    const { edge } = options.build(...nodes.map((from) => new DataStream<unknown>({ from })));
    this.#roots = nodes;
    this.#node = this.#watched(edge.from);
    this.#outputs = {
      main: { from: this.#node },
      ...Object.fromEntries(
        (options.sides ?? []).map((side) => [`side:${side}`, { from: this.#node, side }]),
      ),
    };
    this.#run = this.#start(undefined);
  }

  /** NaN: no timestamp. */
  element(value: unknown, timestamp = NaN, input = 0): void {
    this.#run.next(this.#inputOf(input), value, timestamp);
    this.note();
  }

  signal(signal: Signal, input = 0): void {
    this.#run.signal(this.#inputOf(input), signal);
    this.note();
  }

  /**
   * Lets the step advance once more to the watermark that it has reached, so that timers fire which were set behind it. A
   * task of Tidemark does so with the next watermark, and none repeats the last one.
   */
  advanceAgain(time = this.watermark): void {
    this.#run.between(() => this.#operator?.advance?.(time, { left: Infinity }));
    this.note();
  }

  /** Sets the clock, then fires what is due, all of which sees this time. */
  processingTime(time: number): void {
    this.clock.time = time;
    this.#run.tick();
    this.note();
  }

  snapshot(name: string): void {
    this.#epoch += 1;
    for (const [uid, store] of this.#stores)
      for (const piece of freezeStore(store, uid))
        if (piece !== undefined) this.#committer.write(uid, piece);
    this.#committer.commit({
      job: 'rig',
      epoch: this.#epoch,
      maxParallelism: MAX_PARALLELISM,
      isFinished: false,
      splits: [],
      marks: new Map(),
      sinks: new Map(),
      operators: new Map(),
      counters: new Map(),
      records: 0,
    });
    this.#committer.clean();
    this.#snapshots.set(name, this.#disk.copy());
    this.#marks.set(name, this.#run.task.wiring.marks());
  }

  /** A snapshot, to be handed to another rig. */
  snapshotOf(name: string): HarnessDisk {
    const snapshot = this.#snapshots.get(name);
    if (snapshot === undefined) throw new Error(`no snapshot ${name}`);
    return snapshot;
  }

  /** Takes a snapshot over from another rig. */
  adopt(name: string, snapshot: HarnessDisk): void {
    this.#snapshots.set(name, snapshot);
  }

  /** Throws the operator away, with what it has put out, and begins a new one on the snapshot. */
  restore(
    name: string,
    options: { readonly groups?: Groups; readonly keepsOutput?: boolean } = {},
  ): void {
    const snapshot = this.snapshotOf(name);
    this.#run.close();
    this.#disk = snapshot.copy();
    this.#committer = new EmbeddedCommitter(this.#disk, { where: 'rig' });
    this.clock.armed.clear();
    this.clock.time = 0;
    if (options.keepsOutput !== true) this.take();
    const marks = this.#options.restoresWatermarks === true ? this.#marks.get(name) : undefined;
    const nodes = this.#run.plan.names;
    this.#watermark = marks?.get(nodes.get(this.#node) ?? '')?.output ?? -Infinity;
    this.#isIdle = false;
    this.#run = this.#start(options.groups, marks);
    // With watermarks a run waits for its splits to be restored; here there are none.
    if (marks !== undefined) this.#run.task.settle();
  }

  /** What has come out since the last call. */
  take(): { out: Item[]; sides: Map<string, Recorded[]> } {
    const taken = { out: this.#out, sides: this.#sides };
    this.#out = [];
    this.#sides = new Map();
    return taken;
  }

  /** The store of the step that is examined. */
  get store(): KeyedStore<object> {
    const store = this.#stores.get(this.#run.plan.names.get(this.#node) ?? '');
    if (store === undefined) throw new Error('the step has no keyed state');
    return store;
  }

  /** How many keys are kept, over all steps, and how many of them hold something. */
  keys(): { readonly all: number; readonly holding: number } {
    let all = 0;
    let holding = 0;
    for (const store of this.#stores.values())
      for (const { live, timers } of store.slots()) {
        all += 1;
        if (timers > 0 || !store.spec.isEmpty(live)) holding += 1;
      }
    return { all, holding };
  }

  /** The input watermark of the step. */
  get watermark(): number {
    return this.#run.task.wiring.frontier.input(this.#index);
  }

  /** The same node, whose operator is known here once it has been made. */
  #watched(node: GraphNode): GraphNode {
    if (node.kind !== 'operator') return node;
    const { spec } = node;
    const create = (context: OperatorContext): Operator => {
      this.#operator = spec.create(context);
      if (this.#operator.completions !== undefined) this.#noteEach(this.#operator);
      return this.#operator;
    };
    return { ...node, spec: { ...spec, create } };
  }

  /** An asynchronous operator lets several watermarks go in one step, with records between them. */
  #noteEach(operator: Operator): void {
    const outputWatermark = operator.outputWatermark?.bind(operator);
    operator.outputWatermark = (input) => {
      const watermark = outputWatermark?.(input) ?? input;
      if (watermark > this.#watermark) this.#out.push({ wm: watermark });
      this.#watermark = Math.max(this.#watermark, watermark);
      return watermark;
    };
  }

  get #index(): number {
    return this.#run.plan.stages[0]?.nodes.indexOf(this.#node) ?? -1;
  }

  #inputOf(input: number): number {
    return this.#run.inputs.indexOf(this.#roots[input] as InputNode);
  }

  #start(groups: Groups, marks?: ReturnType<TaskWiring['marks']>): LocalRun {
    this.#stores = new Map();
    return new LocalRun({
      outputs: this.#outputs,
      clock: this.clock,
      maxParallelism: MAX_PARALLELISM,
      isGuarded: this.#options.isGuarded ?? true,
      emit: (output, v, ts) => this.#emitted(output, { v, ts }),
      stateOf: (uid, spec) => {
        const store = new KeyedStore({ spec, maxParallelism: MAX_PARALLELISM, durable: true });
        this.#load(store, uid, groups);
        this.#stores.set(uid, store);
        return store;
      },
      restoredMarks: marks,
      failed: (error) => {
        throw error;
      },
    });
  }

  #load(store: KeyedStore<object>, uid: string, groups: Groups): void {
    const ranges =
      groups === undefined
        ? [{ from: 0, to: MAX_PARALLELISM }]
        : [...groups].map((group) => ({ from: group, to: group + 1 }));
    for (const range of ranges) loadStore(store, this.#committer.of(uid), range);
  }

  #emitted(output: string, record: Recorded): void {
    if (output === 'main') {
      this.#out.push(record);
      return;
    }
    const tag = output.slice('side:'.length);
    const records = this.#sides.get(tag);
    if (records === undefined) this.#sides.set(tag, [record]);
    else records.push(record);
  }

  /** Notes how the output watermark and idleness have changed in a step: behind its records. */
  note(): void {
    const { frontier } = this.#run.task.wiring;
    const watermark = frontier.output(this.#index);
    const isIdle = frontier.isIdle(this.#index);
    if (watermark > this.#watermark) this.#out.push({ wm: watermark });
    if (isIdle !== this.#isIdle) this.#out.push({ status: isIdle ? 'idle' : 'active' });
    this.#watermark = watermark;
    this.#isIdle = isIdle;
  }
}
