/** What a transaction knows, what it asks to be sent, and what comes out of it: the words of `transaction.ts`. */
import type { BrokerError } from './wire/error-codes.js';

export interface CallBase {
  /** 0 for the first time. */
  readonly attempt: number;
  /** Whether the leader or coordinator has to be looked up again first. */
  readonly moved: boolean;
  /** -1 in the `init` of a new owner, which fences all others. */
  readonly producerId: number;
  readonly producerEpoch: number;
}

export type Call<Batch> = CallBase &
  (
    | { readonly kind: 'init' }
    | { readonly kind: 'addPartitions'; readonly partitions: readonly string[] }
    | {
        readonly kind: 'produce';
        readonly partition: string;
        readonly batch: Batch;
        readonly records: number;
        readonly baseSequence: number;
      }
    | { readonly kind: 'end'; readonly commit: boolean }
  );

/** A code of Kafka, and with that of `init` what it gave. Of several codes the one that `decidingError` picks. */
export interface Answer {
  readonly code: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
}

export type Outcome =
  /** The producer has its id and epoch: transactions of all earlier owners are decided, and may be read. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'committed' }
  /** Nothing of it will ever be seen. `cause` is missing where the shard wanted it so. */
  | { readonly kind: 'aborted'; readonly cause: BrokerError | 'no answer' | undefined }
  /** What became of an open transaction is for the next owner to find out, in the changelog. */
  | { readonly kind: 'dropped'; readonly cause: BrokerError };

interface Waiting<Batch> {
  readonly batch: Batch;
  readonly records: number;
}

interface Tries {
  attempt: number;
  moved: boolean;
}

/** Plain data, so that a test can copy it and go both ways. */
export interface TransactionState<Batch> {
  phase: 'init' | 'live' | 'dropped';
  producerId: number;
  producerEpoch: number;
  /** Whether the next transaction wants a new epoch. */
  mustRenew: boolean;
  /** By partition: the sequence of its next record in this epoch. */
  sequences: Record<string, number>;
  /** Partitions that the coordinator has in the open transaction. */
  added: string[];
  /** By partition, in order; the first may be under way. */
  queues: Record<string, Waiting<Batch>[]>;
  /** How the open transaction is to end; undefined while the shard may still write. */
  ending: 'commit' | 'abort' | undefined;
  abortCause: BrokerError | 'no answer' | undefined;
  /** What is under way, and how often each was tried: `init`, `add`, `end`, or `produce` and a partition. */
  underWay: string[];
  tries: Record<string, Tries>;
}

export function produceSlot(partition: string): string {
  return `produce ${partition}`;
}

/** What can be under way once at a time. */
export function slotOf(call: { readonly kind: string; readonly partition?: string }): string {
  if (call.kind === 'addPartitions') return 'add';
  return call.partition === undefined ? call.kind : produceSlot(call.partition);
}

export function hasQueued({ queues }: TransactionState<unknown>): boolean {
  return Object.values(queues).some((queue) => queue.length > 0);
}

export type CallBody<Batch> =
  Call<Batch> extends infer Each
    ? Each extends CallBase
      ? Omit<Each, keyof CallBase>
      : never
    : never;

export function freshState<Batch>(): TransactionState<Batch> {
  return {
    phase: 'init',
    producerId: -1,
    producerEpoch: -1,
    mustRenew: false,
    sequences: {},
    added: [],
    queues: {},
    ending: undefined,
    abortCause: undefined,
    underWay: [],
    tries: {},
  };
}
