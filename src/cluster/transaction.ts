/**
 * The life of one shard's transactions, as a pure machine: what to send next, and what each answer, or none, leads to.
 *
 *     new epoch ──► ready ──► open ──► committing ──► ready          everything was answered
 *         ▲                    │            │
 *         │                    ▼            ▼
 *         └───── renew ◄── aborting    (answered, but not at once)   something was not
 *
 * Whoever has it asks `take` for calls until there is none, sends them, and tells what became of each. There is no clock
 * in it: a call carries the number of its attempt, and the shell waits accordingly.
 *
 * Three laws, each found on real brokers, shape it:
 *
 * - **A call without an answer may still arrive.** A late EndTxn of one transaction commits half of the next one. So after
 *   any unanswered call the transaction is brought to a known end, and the producer epoch is raised before the next one
 *   begins: what arrives late is then refused.
 * - **A commit that was sent stays a commit.** It is repeated until it is answered; to abort instead could contradict what
 *   the log says already.
 * - **Who is fenced lets go.** To initialise without an id would fence the rightful owner; that is for the start of an
 *   assigned shard only, and takes a new machine.
 *
 * Nothing of a transaction is sent before the end of the one before it is answered, nor a record before the coordinator
 * knows its partition: a record that races the end is taken for a part of it.
 */
import { assert } from '../core/errors.js';
import { freshState, hasQueued, produceSlot, slotOf } from './transaction-state.js';
import type { Answer, Call, CallBody, Outcome, TransactionState } from './transaction-state.js';
import { brokerError } from './wire/error-codes.js';
import type { BrokerError } from './wire/error-codes.js';

/** Sequences go round at 2^31, to 0. */
const SEQUENCES = 0x8000_0000;

export class Transaction<Batch> {
  readonly state: TransactionState<Batch>;

  /** Without a state: the new owner of a shard, who fences those before it. */
  constructor(state: TransactionState<Batch> = freshState()) {
    this.state = state;
  }

  /** Whether what the shard writes can still be committed: not once it is being aborted, for whatever reason. */
  get isOpen(): boolean {
    return this.state.phase !== 'dropped' && this.state.ending === undefined;
  }

  /**
   * Puts a batch of so many records into the transaction, which begins with its first one. The caller keeps the bytes as
   * they are until the outcome. Something that is being aborted takes no more, and says so by its outcome.
   */
  write(partition: string, batch: Batch, records: number): void {
    const { state } = this;
    if (this.isLost()) return;
    assert(this.isOpen, 'a transaction is open');
    (state.queues[partition] ??= []).push({ batch, records });
  }

  /** Commits as soon as everything written is acknowledged. An epoch without any record is for the caller to leave out. */
  commit(): void {
    const { state } = this;
    if (this.isLost()) return;
    assert(this.isOpen, 'a transaction is open');
    assert(state.added.length > 0 || hasQueued(state), 'a transaction holds something');
    state.ending = 'commit';
  }

  /** Gives the open transaction up. Not after `commit`: what was asked for may have happened. */
  abort(): Outcome | undefined {
    if (this.isLost()) return undefined;
    assert(this.isOpen, 'a transaction is open');
    return this.startAbort(undefined);
  }

  /** The next call to send, now under way; undefined when there is none before something is answered. */
  take(): Call<Batch> | undefined {
    const { phase, underWay, ending } = this.state;
    if (phase === 'dropped') return undefined;
    if (phase === 'init')
      return underWay.length > 0 ? undefined : this.send('init', { kind: 'init' });
    if (underWay.includes('end')) return undefined;
    if (ending !== 'abort') {
      const call = this.takeAdd() ?? this.takeProduce();
      if (call !== undefined) return call;
    }
    // The end waits for all answers, or for knowing that there will be none.
    if (ending === undefined || underWay.length > 0 || hasQueued(this.state)) return undefined;
    return this.send('end', { kind: 'end', commit: ending === 'commit' });
  }

  answered(call: Call<Batch>, answer: Answer): Outcome | undefined {
    const slot = this.arrive(call);
    if (this.state.phase === 'dropped') return undefined;
    const error = brokerError(answer.code);
    if (error.class === 'none') return this.succeeded(call, answer);
    if (error.class === 'fenced') return this.drop(error);
    if (error.class === 'retry') return this.again(slot, error.moved);
    if (error.class === 'unknown') return this.uncertain(call, error);
    return this.refused(call, error);
  }

  /** Tells that no answer will come: the connection broke, or it took too long and was closed. */
  lost(call: Call<Batch>): Outcome | undefined {
    this.arrive(call);
    return this.state.phase === 'dropped' ? undefined : this.uncertain(call, 'no answer');
  }

  private takeAdd(): Call<Batch> | undefined {
    const { queues, added, underWay } = this.state;
    const partitions = Object.keys(queues).filter((partition) => !added.includes(partition));
    if (partitions.length === 0 || underWay.includes('add')) return undefined;
    return this.send('add', { kind: 'addPartitions', partitions });
  }

  /** One batch per partition at a time: a second one could overtake a first one that is sent again. */
  private takeProduce(): Call<Batch> | undefined {
    const { queues, added, underWay, sequences } = this.state;
    for (const partition of added) {
      const first = queues[partition]?.[0];
      if (first === undefined || underWay.includes(produceSlot(partition))) continue;
      const baseSequence = sequences[partition] ?? 0;
      const body = { kind: 'produce', partition, ...first, baseSequence } as const;
      return this.send(produceSlot(partition), body);
    }
    return undefined;
  }

  private succeeded(call: Call<Batch>, answer: Answer): Outcome | undefined {
    const { state } = this;
    delete state.tries[slotOf(call)];
    if (call.kind === 'init') return this.initialised(answer);
    if (call.kind === 'end')
      return this.ended(call.commit ? { kind: 'committed' } : this.abortion());
    if (call.kind === 'addPartitions') state.added.push(...call.partitions);
    else {
      // An abort has emptied the queue meanwhile, and the records were written all the same.
      state.queues[call.partition]?.shift();
      state.sequences[call.partition] = (call.baseSequence + call.records) % SEQUENCES;
    }
    return undefined;
  }

  /** From here on this producer is the owner. A new epoch begins all sequences at 0. */
  private initialised({ producerId, producerEpoch }: Answer): Outcome | undefined {
    assert(
      producerId !== undefined && producerEpoch !== undefined,
      'init gives an id and an epoch',
    );
    const { state } = this;
    const isFirst = state.producerId < 0;
    Object.assign(state, { phase: 'live', producerId, producerEpoch, sequences: {} });
    state.mustRenew = false;
    return isFirst ? { kind: 'ready' } : undefined;
  }

  /** Nobody knows whether it was done. The end is repeated as it is; anything else makes the end an abort. */
  private uncertain(call: Call<Batch>, cause: BrokerError | 'no answer'): Outcome | undefined {
    if (call.kind === 'init') return this.again(slotOf(call), true);
    this.state.mustRenew = true;
    if (call.kind === 'end') return this.again(slotOf(call), true);
    return this.startAbort(cause);
  }

  private refused(call: Call<Batch>, error: BrokerError): Outcome | undefined {
    const { state } = this;
    if (call.kind === 'addPartitions' || call.kind === 'produce') {
      state.mustRenew = true;
      return this.startAbort(error);
    }
    // The coordinator never heard of a transaction whose partitions it was not seen to accept: it has no records.
    const isUnknownThere = call.kind === 'end' && !call.commit && state.added.length === 0;
    if (isUnknownThere && error.name === 'INVALID_TXN_STATE') return this.ended(this.abortion());
    return this.drop(error);
  }

  /** Lets what is under way come back first. Where nothing was ever sent there is nothing to end. */
  private startAbort(cause: BrokerError | 'no answer' | undefined): Outcome | undefined {
    const { state } = this;
    state.abortCause ??= cause;
    state.ending = 'abort';
    state.queues = {};
    const isUntouched = state.added.length === 0 && state.tries['add'] === undefined;
    const isUnsent = state.phase === 'init' || !state.mustRenew;
    const isQuiet = isUntouched && isUnsent && !state.underWay.includes('add');
    return isQuiet ? this.ended(this.abortion()) : undefined;
  }

  /** Whether it is being aborted for a reason that the shard may not have heard of yet. */
  private isLost(): boolean {
    return this.state.phase === 'dropped' || this.state.abortCause !== undefined;
  }

  private abortion(): Outcome {
    return { kind: 'aborted', cause: this.state.abortCause };
  }

  private ended(outcome: Outcome): Outcome {
    const { state } = this;
    Object.assign(state, { added: [], queues: {}, tries: {} });
    state.ending = undefined;
    state.abortCause = undefined;
    if (state.mustRenew) state.phase = 'init';
    return outcome;
  }

  private drop(cause: BrokerError): Outcome {
    this.state.phase = 'dropped';
    return { kind: 'dropped', cause };
  }

  private again(slot: string, moved: boolean): undefined {
    const tries = (this.state.tries[slot] ??= { attempt: 0, moved: false });
    tries.attempt++;
    tries.moved = moved;
    return undefined;
  }

  private send(slot: string, call: CallBody<Batch>): Call<Batch> {
    const { state } = this;
    state.underWay.push(slot);
    const { attempt, moved } = state.tries[slot] ?? { attempt: 0, moved: false };
    const { producerId, producerEpoch } = state;
    return { ...call, attempt, moved, producerId, producerEpoch };
  }

  private arrive(call: Call<Batch>): string {
    const slot = slotOf(call);
    const at = this.state.underWay.indexOf(slot);
    assert(at >= 0, `${slot} is under way`);
    this.state.underWay.splice(at, 1);
    return slot;
  }
}
