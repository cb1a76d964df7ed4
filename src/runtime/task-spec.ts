/** What a task is made of: its place in the plan, what it reads and writes, and the host that runs it. */
import type { Origin } from '../core/flow.js';
import type { GraphNode } from '../core/graph.js';
import type { BeyondCapacity } from '../core/in-hand.js';
import type { KeyedState, KeyedStateSpec, Receiver } from '../core/operator.js';
import type { NodeMark } from '../time/frontier.js';
import type { ChannelWriter, FlowQueue, Pressure } from './channel.js';
import type { DeadRecord, LateRecord } from './records.js';
import type { Plan, Stage } from './plan.js';

/** One input of a task: a split of a source, or a channel from a task upstream. */
export interface TaskInput {
  readonly kind: 'split' | 'shuffle';
  /** The input node, or the keyed step whose elements arrive here. */
  readonly node: GraphNode;
  /** For a split: what its elements are called in messages. */
  readonly origin: Origin;
  readonly queue: FlowQueue;
}

/** What leaves a task through an output of the pipeline. */
export interface TaskSink extends Receiver {
  readonly isFull: boolean;
  barrier(epoch: number): void;
  end(): void;
}

/** Writers to the shards of a stage downstream, by shard. */
export interface ShuffleOut {
  /** A keyBy, or a step that keeps its key. */
  readonly node: GraphNode;
  readonly writers: readonly ChannelWriter[];
}

/** What a task asks of the job, subscription or harness that runs it. */
export interface TaskHost {
  /** Freeze what is given out or shared; for tests. */
  readonly isGuarded: boolean;
  now(): number;
  /** Keyed state of an operator in this shard, restored when there is something to restore. */
  stateOf(uid: string, spec: KeyedStateSpec): KeyedState<object>;
  late(record: LateRecord): void;
  /** Keeps a failed record, or throws: in a subscription there is nowhere to keep it. */
  dead(record: DeadRecord, value: unknown, cause: unknown): void;
  /** All inputs have brought the barrier: the task's share of the epoch is complete, nothing else has entered. */
  frozen(epoch: number): void;
  /** Something has arrived from outside that the task has to take: it is to be stepped soon. */
  arrived?(): void;
  /** What becomes of elements that an asynchronous operator has no capacity for. Default `hold`. */
  readonly beyondCapacity?: BeyondCapacity | undefined;
}

export interface TaskSpec {
  readonly name: string;
  readonly plan: Plan;
  readonly stage: Stage;
  readonly shard: number;
  readonly maxParallelism: number;
  readonly inputs: readonly TaskInput[];
  readonly shuffles: readonly ShuffleOut[];
  /** By output name; outputs without one are counted only. */
  readonly sinks: ReadonlyMap<string, TaskSink>;
  readonly host: TaskHost;
  readonly pressure: Pressure;
  /** No watermark before the end of all inputs. */
  readonly isBatch?: boolean;
  /** What a checkpoint holds of the frontier, by uid or derived name. */
  readonly restoredMarks?: ReadonlyMap<string, NodeMark> | undefined;
}
