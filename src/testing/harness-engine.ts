/** What is behind the harness: the run, its stores, and the checkpoints that it is cut into. */
import { EmbeddedCommitter } from '../checkpoint/embedded-committer.js';
import type { JobRecord } from '../checkpoint/job-record.js';
import { freezeStore, loadStore } from '../checkpoint/store-slabs.js';
import { systemClock } from '../core/clock.js';
import { nodesInOrder, type Edge, type Outputs } from '../core/graph.js';
import { TidemarkError } from '../core/errors.js';
import type { PipelineDefinition } from '../dsl/pipeline.js';
import { LocalRun, type LocalRunOptions } from '../runtime/local-run.js';
import { insideOfHarness } from '../runtime/why-inside.js';
import type { WhyReport } from '../runtime/why-report.js';
import { whyOf } from '../runtime/why.js';
import { KeyedStore } from '../state/slots.js';
import { HarnessDisk } from './harness-disk.js';

export interface EngineOptions extends Pick<LocalRunOptions, 'clock' | 'emit' | 'late' | 'dead'> {
  readonly name: string;
  readonly outputs: Outputs;
  readonly maxParallelism: number;
}

/** Everything a job would commit, at one point. */
export interface EngineCut {
  readonly disk: HarnessDisk;
  readonly record: JobRecord | undefined;
  readonly positions: readonly number[];
}

export class HarnessEngine {
  readonly #options: EngineOptions;
  #disk = new HarnessDisk();
  #committer = new EmbeddedCommitter(this.#disk, { where: 'harness' });
  #epoch = 0;
  #isSettling = false;
  #failure: { readonly error: unknown } | undefined;
  stores = new Map<string, KeyedStore<object>>();
  run: LocalRun;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.run = this.#start(undefined);
  }

  /** The point before anything was done, or after a restore. */
  present(record: JobRecord | undefined): EngineCut {
    return { disk: this.#disk.copy(), record, positions: [...this.run.position] };
  }

  /** Encodes and commits what has changed since the last cut, as an epoch of a job does. */
  commit(): EngineCut {
    this.#epoch += 1;
    for (const [uid, store] of this.stores)
      for (const piece of freezeStore(store, uid))
        if (piece !== undefined) this.#committer.write(uid, piece);
    this.#committer.compactAll();
    this.#committer.commit(this.#record());
    for (const store of this.stores.values()) store.settled();
    this.#committer.clean();
    return this.present(this.#committer.read());
  }

  /** The stores of one operator, or of all. */
  storesOf(uid: string | undefined): KeyedStore<object>[] {
    if (uid === undefined) return [...this.stores.values()];
    const store = this.stores.get(uid);
    return store === undefined ? [] : [store];
  }

  why(): WhyReport {
    const { name, clock } = this.#options;
    return whyOf(insideOfHarness(this.run, { name, now: clock.now(), stores: this.stores }));
  }

  /** Lets the event loop turn until nothing is in flight; what fails in an answer is thrown here. */
  async settled(): Promise<void> {
    this.#isSettling = true;
    try {
      for (let turns = 0; this.run.task.wiring.inFlight > 0; turns += 1) {
        if (turns > TURNS_MAX) throw unsettled(this.run.task.wiring.inFlight);
        await systemClock.turn();
        this.#throwFailure();
      }
      this.#throwFailure();
    } finally {
      this.#isSettling = false;
    }
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
  }

  /** Throws the run away and begins a new one from a cut. */
  restore({ disk, record, positions }: EngineCut): void {
    this.run.close();
    this.#disk = disk.copy();
    this.#committer = new EmbeddedCommitter(this.#disk, { where: 'harness' });
    this.stores = new Map();
    this.run = this.#start(record);
    this.run.restorePositions(positions);
  }

  #start(record: JobRecord | undefined): LocalRun {
    const { maxParallelism, name: _name, ...rest } = this.#options;
    const run = new LocalRun({
      ...rest,
      maxParallelism,
      isGuarded: true,
      stateOf: (uid, spec) => {
        const store = new KeyedStore({ spec, maxParallelism, durable: true });
        loadStore(store, this.#committer.of(uid), { from: 0, to: maxParallelism });
        this.stores.set(uid, store);
        return store;
      },
      restoredMarks: record?.marks,
      failed: (error) => {
        if (!this.#isSettling) throw error;
        this.#failure ??= { error };
      },
    });
    if (record !== undefined) restoreSplits(run, record);
    return run;
  }

  #record(): JobRecord {
    const { wiring } = this.run.task;
    const generators = wiring.generators();
    const splits = this.run.inputs.map((node, index) => {
      const reached = new Set(wiring.inputs[index]?.generators);
      const states = [...generators].flatMap(([name, operator]) =>
        reached.has(operator) ? [[name, operator.generator?.snapshot(index)] as const] : [],
      );
      return {
        input: node.name,
        split: '0',
        cursor: undefined,
        hasEnded: this.run.task.inputHasEnded(index),
        bytesRead: 0,
        generators: new Map(states),
      };
    });
    return {
      job: this.#options.name,
      epoch: this.#epoch,
      maxParallelism: this.#options.maxParallelism,
      isFinished: false,
      splits,
      marks: wiring.marks(),
      sinks: new Map(),
      operators: new Map(),
      counters: new Map(),
      records: this.run.task.records,
    };
  }
}

/** State first, then the watermarks again, then the ends: the order of a recovery. */
function restoreSplits(run: LocalRun, { splits }: JobRecord): void {
  const generators = run.task.wiring.generators();
  run.between(() => {
    for (const [index, split] of splits.entries())
      for (const [name, state] of split.generators)
        generators.get(name)?.generator?.restore(index, state);
  });
  for (const [index, split] of splits.entries())
    if (split.hasEnded) run.signal(index, { kind: 'end' });
}

/** Turns of the event loop after which nobody answers any more. */
const TURNS_MAX = 100_000;

function unsettled(inFlight: number): TidemarkError {
  return new TidemarkError('ASYNC_TIMEOUT', {
    expected: 'answers to all calls in flight',
    got: `none to ${inFlight} of them, however often the event loop has turned`,
    where: 'settled() in the harness',
    hint: 'Time stands still here: calls that wait for a timer, a timeout or a retry need advance().',
  });
}

/** Outputs that the harness adds by itself: side outputs, by tag. */
export const SIDE_PREFIX = 'side:';

export function withSides({
  outputs,
}: Pick<PipelineDefinition<unknown, unknown>, 'outputs'>): Record<string, Edge> {
  const all: Record<string, Edge> = { ...outputs };
  for (const node of nodesInOrder(outputs))
    if (node.kind === 'operator')
      for (const side of node.spec.sideOutputs) all[SIDE_PREFIX + side] = { from: node, side };
  return all;
}

export function noEventTime(name: string): TidemarkError {
  return new TidemarkError('TIME_MISSING', {
    expected: 'a pipeline with an eventTime',
    got: 'one without',
    where: `watermark() in the harness of "${name}"`,
    hint: 'Without event time nothing waits for a watermark; use advance() for processing time.',
  });
}
