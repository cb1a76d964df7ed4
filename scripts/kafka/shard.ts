/** The shell of a test around a transaction machine: sends what it says, call by call, and loses some answers. */
import type { Broker, KafkajsConnection } from '../../src/cluster/kafka/kafkajs-connection.js';
import { Transaction } from '../../src/cluster/transaction.js';
import type { Answer, Call, Outcome } from '../../src/cluster/transaction-state.js';
import * as apis from '../../src/cluster/wire/apis.js';
import { decidingError } from '../../src/cluster/wire/error-codes.js';
import { RecordBatchEncoder } from '../../src/cluster/wire/record-batch-encoder.js';
import * as transactions from '../../src/cluster/wire/transaction-apis.js';

export interface Batch {
  readonly values: readonly string[];
}

/** Whether a call never arrives, or its answer never does. */
export type Loss = (call: Call<Batch>) => 'before' | 'behind' | false;

interface ShardOptions {
  readonly connection: KafkajsConnection;
  readonly topic: string;
  /** With the topic it makes the transactional id. */
  readonly name: string;
  readonly isLost?: Loss;
}

/** Of the topic that all write to. */
export const PARTITIONS = 2;
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

export class Shard {
  machine = new Transaction<Batch>();
  readonly committed: string[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly outcomes: string[] = [];
  private written: string[][] = Array.from({ length: PARTITIONS }, () => []);
  private readonly encoder = new RecordBatchEncoder(1024);
  private coordinator: Broker | undefined;
  private readonly id: string;
  private readonly connection: KafkajsConnection;
  private readonly topic: string;
  private readonly isLost: Loss;

  constructor({ connection, topic, name, isLost }: ShardOptions) {
    this.connection = connection;
    this.topic = topic;
    this.id = `${topic}-${name}`;
    this.isLost = isLost ?? (() => false);
  }

  write(partition: number, values: readonly string[]): void {
    this.machine.write(`${partition}`, { values }, values.length);
    this.written[partition]?.push(...values);
  }

  /** Sends until there is an outcome, or nothing more to send. */
  async settle(): Promise<Outcome | undefined> {
    for (let call = this.machine.take(); call !== undefined; call = this.machine.take()) {
      if (call.attempt > 0) await pause(Math.min(200, 10 * 2 ** call.attempt));
      const loss = this.isLost(call);
      const answer = loss === 'before' ? undefined : await this.send(call);
      const outcome =
        loss === false && answer !== undefined
          ? this.machine.answered(call, answer)
          : this.machine.lost(call);
      if (outcome !== undefined) return this.note(outcome);
    }
    return undefined;
  }

  private note(outcome: Outcome): Outcome {
    this.outcomes.push(outcome.kind);
    if (outcome.kind === 'committed')
      for (const [partition, values] of this.written.entries())
        this.committed[partition]?.push(...values);
    if (outcome.kind !== 'ready') this.written = this.written.map(() => []);
    return outcome;
  }

  async send(call: Call<Batch>): Promise<Answer> {
    const { producerId, producerEpoch } = call;
    const producer = { transactionalId: this.id, producerId, producerEpoch };
    if (call.kind === 'produce') return this.produce(call);
    if (call.moved || this.coordinator === undefined) {
      const found = await this.connection.coordinatorOf(this.id, 'transaction');
      if ('code' in found) return { code: found.code };
      this.coordinator = found;
    }
    const { coordinator } = this;
    if (call.kind === 'init') {
      const request = { ...producer, transactionTimeoutMs: 30_000 };
      const answer = await this.connection.call(coordinator, transactions.initProducerId, request);
      return { ...answer, code: answer.errorCode };
    }
    if (call.kind === 'end') {
      const request = { ...producer, committed: call.commit };
      return {
        code: (await this.connection.call(coordinator, transactions.endTxn, request)).errorCode,
      };
    }
    const topics = [{ name: this.topic, partitions: call.partitions.map(Number) }];
    const added = await this.connection.call(coordinator, transactions.addPartitionsToTxn, {
      ...producer,
      topics,
    });
    return decidingError(codesOf(added.topics));
  }

  private async produce(call: Call<Batch> & { kind: 'produce' }): Promise<Answer> {
    const { batch, baseSequence, partition, producerId, producerEpoch } = call;
    // Four zero bytes are the key that kafkajs takes for an abort marker.
    for (const value of batch.values)
      this.encoder.append(Buffer.alloc(4), Buffer.from(value), 1_700_000_000_000);
    const identity = { producerId, producerEpoch, baseSequence, transactional: true };
    const records = this.encoder.finish(identity);
    const leader = await this.connection.leaderOf(this.topic, Number(partition));
    if (leader === undefined) return { code: 5 };
    const answer = await this.connection.call(leader, apis.produce, {
      transactionalId: this.id,
      acks: -1,
      timeoutMs: 10_000,
      topics: [{ name: this.topic, partitions: [{ index: Number(partition), records }] }],
    });
    return decidingError(codesOf(answer.topics));
  }
}

interface Parts {
  readonly partitions: readonly { readonly errorCode: number }[];
}
export function codesOf(topics: readonly Parts[]): number[] {
  return topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
}
