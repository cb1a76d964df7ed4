/** The parts of a job that an epoch is made of, and what is asked of them beside the commit itself. */
import type { EmbeddedCommitter } from '../checkpoint/embedded-committer.js';
import type { DiscoveredRecord, JobRecord, SplitRecord } from '../checkpoint/job-record.js';
import type { FrozenPiece } from '../checkpoint/store-slabs.js';
import { formatDuration } from '../core/duration.js';
import { TidemarkError } from '../core/errors.js';
import type { Counters } from '../core/operator.js';
import type { KeyedStore } from '../state/slots.js';
import type { NodeMark } from '../time/frontier.js';
import type { EpochReason } from './epoch-schedule.js';
import type { JobOptions } from './job-options.js';
import type { SinkPump } from './sink-pump.js';
import type { SourcePump } from './source-pump.js';
import type { SplitFeed } from './split-feed.js';
import type { Task } from './task.js';

export interface SplitPump {
  readonly input: string;
  /** The one that it reads, or has read last. */
  readonly split: string;
  readonly pump: SourcePump;
  /** Number of the input of the source task that it feeds. */
  readonly taskInput: number;
}

/** The parts of a job that an epoch is made of. */
export interface EpochParts {
  readonly splits: readonly SplitPump[];
  /** By input. */
  readonly feeds: ReadonlyMap<string, SplitFeed>;
  readonly tasks: readonly Task[];
  readonly sourceTask: Task;
  /** Stores of each task, by uid. */
  readonly stores: ReadonlyMap<Task, ReadonlyMap<string, KeyedStore<object>>>;
  readonly sinks: readonly SinkPump[];
  /** What every record of this job says. */
  readonly identity: Pick<JobRecord, 'job' | 'maxParallelism' | 'operators' | 'origin' | 'schemas'>;
  /** Counters and records of the commit that the run went on from. */
  readonly base: { readonly counters: ReadonlyMap<string, Counters>; readonly records: number };
}

/** What an epoch has gathered on its way to the commit. */
export interface Gathering {
  readonly epoch: number;
  readonly isFinal: boolean;
  readonly isDrained: boolean;
  readonly reason: EpochReason;
  /** Monotonic ms. */
  readonly begunAt: number;
  bytes: number;
  /** Keys that it has changed. */
  readonly keys: number;
  splits: SplitRecord[];
  readonly discovered: ReadonlyMap<string, DiscoveredRecord>;
  readonly frozen: Set<Task>;
  readonly slabs: {
    readonly uid: string;
    readonly drain: Generator<FrozenPiece | undefined, void, void>;
  }[];
  readonly marks: Map<string, NodeMark>;
  readonly counters: Map<string, Counters>;
  records: number;
}

/** Bytes of state that have changed since the last barrier: changed keys, at what they took in the epochs before. */
export function dirtyBytes(parts: EpochParts, { bytesPerKey }: { bytesPerKey: number }): number {
  return dirtySlots(parts) * bytesPerKey;
}

/** What a store has frozen, to be encoded piece by piece. */
export interface FrozenStore {
  readonly uid: string;
  readonly drain: Generator<FrozenPiece | undefined, void, void>;
}

/**
 * Encodes an epoch and writes it ahead, then merges older runs.
 *
 * @param pause called for each piece
 * @returns bytes of the epoch itself
 */
export async function writeEpoch(
  stores: readonly FrozenStore[],
  committer: EmbeddedCommitter,
  pause: () => Promise<void>,
): Promise<number> {
  let bytes = 0;
  for (const { uid, drain } of stores)
    for (const piece of drain) {
      await pause();
      if (piece !== undefined) committer.write(uid, piece);
      bytes += piece?.block?.length ?? 0;
    }
  const merging = committer.compact();
  while (merging.next().done !== true) await pause();
  return bytes;
}

/** Tells the stores that what was frozen is committed: at once, before anybody asks the new commit for a key. */
export function settleStores({ stores }: EpochParts): void {
  for (const byUid of stores.values()) for (const store of byUid.values()) store.settled();
}

/** Keys that have changed since the last barrier. */
export function dirtySlots({ stores }: EpochParts): number {
  let slots = 0;
  for (const byUid of stores.values())
    for (const store of byUid.values()) slots += store.dirtySlots;
  return slots;
}

/** Positions of the splits, with what the generators of the source task know of each. */
export function withGenerators(
  records: readonly SplitRecord[],
  task: Task,
  splits: readonly SplitPump[],
): SplitRecord[] {
  const generators = task.wiring.generators();
  return records.map((record, index) => {
    const taskInput = splits[index]?.taskInput ?? 0;
    const reached = new Set(task.wiring.inputs[taskInput]?.generators);
    const states = [...generators]
      .filter(([, operator]) => reached.has(operator))
      .map(([name, operator]) => [name, operator.generator?.snapshot(taskInput)] as const);
    return { ...record, generators: new Map(states) };
  });
}

/** What the writers of each sink have prepared. */
export function groupByUid(
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

/** An epoch that has not come to its end in time, with what it waits for. */
export function checkpointTimeout(
  { name, epochs: { timeoutMs } }: JobOptions,
  epochs: { readonly committed: number; awaited(): string[] } | undefined,
): TidemarkError {
  const awaited = epochs?.awaited().join(', ') ?? '';
  return new TidemarkError('CHECKPOINT_TIMEOUT', {
    expected: `an epoch that ends within ${formatDuration(timeoutMs)}`,
    got: `one that still waits for ${awaited === '' ? 'its commit' : awaited}`,
    where: `epoch ${(epochs?.committed ?? 0) + 1} of run("${name}")`,
    hint: 'What was committed before is safe. Look at what hangs, or raise checkpointTimeout, and start again.',
  });
}
