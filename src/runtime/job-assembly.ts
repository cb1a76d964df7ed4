/** Putting a job together: pumps for its splits, channels between its tasks, stores with their state, writers. */
import type { EmbeddedCommitter } from '../checkpoint/embedded-committer.js';
import type { JobRecord } from '../checkpoint/job-record.js';
import type { SchemaPlan } from '../checkpoint/schema-plan.js';
import type { Sink } from '../core/connector.js';
import { assert } from '../core/errors.js';
import type { Origin } from '../core/flow.js';
import type { InputNode } from '../core/graph.js';
import type { KeyedStore } from '../state/slots.js';
import { loadStores } from './job-stores.js';
import { ChannelWriter, FlowQueue, type Pressure } from './channel.js';
import type { EpochParts, SplitPump } from './epoch-parts.js';
import { JobMemory } from './job-memory.js';
import type { JobJournal } from './job-journal.js';
import type { JobOptions } from './job-options.js';
import { operatorsOf, type Plan, type Shuffle, type Stage } from './plan.js';
import type { DeadRecord } from './records.js';
import { fanOut } from './job-sinks.js';
import { makePumps } from './job-sources.js';
import { SinkPump, guardSink } from './sink-pump.js';
import { guardSource } from './source-errors.js';
import { Task } from './task.js';
import type { ShuffleOut, TaskHost, TaskInput, TaskSink } from './task-spec.js';
import type { Wake } from './wake.js';

export interface AssemblyOptions {
  readonly options: JobOptions;
  readonly plan: Plan;
  readonly record: JobRecord | undefined;
  readonly committer: EmbeddedCommitter;
  readonly maxParallelism: number;
  /** What the schemas of states have become since they were written. */
  readonly schemas: SchemaPlan;
  readonly journal: JobJournal;
  readonly wake: Wake;
  readonly frozen: (task: Task, epoch: number) => void;
  readonly failed: (error: unknown) => void;
  readonly queued: (records: number) => void;
  /** Called when state is loaded, before any writer opens. */
  readonly recovered: () => Promise<void>;
}

export interface AssembledJob {
  readonly tasks: readonly Task[];
  readonly sourceTask: Task;
  readonly splits: readonly SplitPump[];
  readonly sinks: readonly SinkPump[];
  readonly bytesTotal: number | undefined;
  bytesRead(): number;
  readonly epochParts: EpochParts;
  /** The bell that the loop of the job waits for. */
  readonly wake: Wake;
  readonly memory: JobMemory;
}

interface Place {
  readonly stage: Stage;
  readonly shard: number;
  readonly inputs: TaskInput[];
  readonly shuffles: ShuffleOut[];
  readonly pressure: Pressure;
  readonly stores: Map<string, KeyedStore<object>>;
  /** Copies of broadcast state that no checkpoint reads: the first shard has the one that counts. */
  readonly copies: Map<string, KeyedStore<object>>;
}

export async function assembleJob(assembly: AssemblyOptions): Promise<AssembledJob> {
  const { options, plan, record, maxParallelism } = assembly;
  const { splits, feeds } = await makePumps(assembly);
  const places = plan.stages.flatMap((stage) =>
    Array.from({ length: stage.shards }, (_, shard) => makePlace(stage, shard)),
  );
  connectPlaces(places);
  const [sources] = places;
  assert(sources !== undefined, 'the first place is that of the sources');
  for (const { input, pump } of splits)
    sources.inputs.push({
      kind: 'split',
      node: options.inputs.get(input) as InputNode,
      origin: pump.origin,
      queue: pump.queue,
    });
  for (const place of places) loadStores(place, assembly);
  await assembly.recovered();
  const sinks: SinkPump[] = [];
  const tasks: Task[] = [];
  const stores = new Map<Task, ReadonlyMap<string, KeyedStore<object>>>();
  try {
    for (const place of places) {
      const task = await makeTask(place, sinks, assembly);
      tasks.push(task);
      stores.set(task, place.stores);
    }
  } catch (error) {
    for (const sink of sinks) await sink.close().catch(() => undefined);
    throw error;
  }
  const [sourceTask] = tasks;
  assert(sourceTask !== undefined, 'a job has a task');
  restoreGenerators(sourceTask, splits, record);
  const identity = {
    job: options.name,
    maxParallelism,
    operators: operatorsOf(options.outputs),
    origin: record?.origin,
    schemas: assembly.schemas.schemas,
  };
  const base = { counters: record?.counters ?? new Map(), records: record?.records ?? 0 };
  return {
    tasks,
    sourceTask,
    splits,
    sinks,
    bytesTotal: await totalSize(options),
    bytesRead: () =>
      splits.reduce((sum, { pump }) => sum + pump.bytesRead, 0) +
      [...feeds.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    wake: assembly.wake,
    epochParts: { splits, feeds, tasks, sourceTask, stores, sinks, identity, base },
    memory: new JobMemory(
      places.flatMap((place) => [...place.stores]),
      options.memoryBytes,
    ),
  };
}

function makePlace(stage: Stage, shard: number): Place {
  const pressure = { isFull: false };
  return { stage, shard, inputs: [], shuffles: [], pressure, stores: new Map(), copies: new Map() };
}

/** A channel from each task upstream of a shuffle to each task downstream. */
function connectPlaces(places: readonly Place[]): void {
  const placesOf = (stage: Stage): Place[] => places.filter((place) => place.stage === stage);
  for (const stage of new Set(places.map((place) => place.stage)))
    for (const shuffle of stage.shuffles)
      for (const upstream of placesOf(shuffle.from)) {
        const writers = placesOf(stage).map((downstream) =>
          connectTwo(upstream, downstream, shuffle),
        );
        upstream.shuffles.push({ node: shuffle.node, writers });
      }
}

function connectTwo(upstream: Place, downstream: Place, shuffle: Shuffle): ChannelWriter {
  const queue = new FlowQueue();
  const origin: Origin = { name: shuffle.name, unit: 'element' };
  downstream.inputs.push({ kind: 'shuffle', node: shuffle.node, origin, queue });
  return new ChannelWriter(queue, upstream.pressure);
}

async function makeTask(place: Place, sinks: SinkPump[], assembly: AssemblyOptions): Promise<Task> {
  const { options, plan, record, maxParallelism } = assembly;
  const { stage, shard, pressure, inputs, shuffles } = place;
  const openSink = async (sink: Sink<unknown>): Promise<SinkPump> => {
    const instance = sinks.filter(({ uid }) => uid === sink.uid).length;
    const { name: job, guarantee, runtime } = options;
    const writer = await guardSink(sink.uid, () =>
      sink.open({ job, uid: sink.uid, instance, guarantee }, runtime),
    );
    const pump = new SinkPump({
      uid: sink.uid,
      writer,
      pressure,
      wake: assembly.wake,
      failed: assembly.failed,
    });
    sinks.push(pump);
    return pump;
  };
  const taskSinks = new Map<string, TaskSink>();
  for (const [output, targets] of options.to) {
    const edge = plan.outputs[output];
    if (edge === undefined || !stage.nodes.includes(edge.from)) continue;
    const pumps: SinkPump[] = [];
    for (const sink of targets) pumps.push(await openSink(sink));
    taskSinks.set(output, pumps.length === 1 ? (pumps[0] as SinkPump) : fanOut(pumps));
  }
  const deadLetters =
    options.deadLetters === undefined
      ? undefined
      : await openSink(options.deadLetters as Sink<unknown>);
  // Dead letters are an output inside the epoch, so their writer hears the barriers of its task.
  if (deadLetters !== undefined) taskSinks.set('', deadLetters);
  const task: Task = new Task(
    {
      name: stage.shards === 1 ? stage.name : `${stage.name}-${shard}`,
      plan,
      stage,
      shard,
      maxParallelism,
      inputs,
      shuffles,
      sinks: taskSinks,
      host: makeHost(place, assembly, {
        deadLetters,
        frozen: (epoch) => assembly.frozen(task, epoch),
      }),
      pressure,
      isBatch: options.execution === 'batch',
      restoredMarks: record?.marks,
    },
    { sliced: true, align: options.guarantee === 'exactly-once' },
  );
  return task;
}

function makeHost(
  place: Place,
  { options, journal, wake }: AssemblyOptions,
  { deadLetters, frozen }: { deadLetters: SinkPump | undefined; frozen: (epoch: number) => void },
): TaskHost {
  const { clock } = options.runtime;
  return {
    isGuarded: false,
    now: () => clock.now(),
    stateOf(uid) {
      const store = place.stores.get(uid) ?? place.copies.get(uid);
      assert(store !== undefined, `the store of "${uid}" was loaded`);
      return store;
    },
    late: (record) => journal.late(record),
    dead(record: DeadRecord) {
      deadLetters?.element(record, NaN);
      journal.dead(record);
    },
    frozen,
    arrived: () => wake.ring(),
  };
}

function restoreGenerators(
  task: Task,
  splits: readonly SplitPump[],
  record: JobRecord | undefined,
): void {
  const generators = task.wiring.generators();
  for (const { input, split, taskInput } of splits) {
    const saved = record?.splits.find(
      (candidate) => candidate.input === input && candidate.split === split,
    );
    for (const [name, state] of saved?.generators ?? [])
      generators.get(name)?.generator?.restore(taskInput, state);
  }
}

async function totalSize({ from, runtime }: JobOptions): Promise<number | undefined> {
  let total = 0;
  for (const source of from.values()) {
    const size = await guardSource(source.name, async () => source.size?.(runtime));
    if (size === undefined) return undefined;
    total += size;
  }
  return total;
}
