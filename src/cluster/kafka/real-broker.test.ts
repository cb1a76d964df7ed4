/**
 * The wire layer and the transaction machine against a real broker: what was meant is what a reader sees.
 *
 * Several shards write to the same partitions at once; they commit and abort as chance has it, and some answers are
 * taken for lost, which is what a broken connection looks like from here. Everything is then read with our own
 * decoder and filter, from the beginning and from the midst.
 *
 * Without a broker (see `scripts/kafka/broker.ts`) the tests are skipped, and say why.
 */
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startBroker, type RunningBroker } from '../../../scripts/kafka/broker.js';
import {
  codesOf,
  PARTITIONS,
  pause,
  Shard,
  type Batch,
  type Loss,
} from '../../../scripts/kafka/shard.js';
import type { Call, Outcome } from '../transaction-state.js';
import { AbortedFilter } from '../wire/aborted-filter.js';
import * as apis from '../wire/apis.js';
import * as transactions from '../wire/transaction-apis.js';
import { brokerError, decidingError, type BrokerError } from '../wire/error-codes.js';
import { offsetBehind, readBatches } from '../wire/record-batch.js';
import { RecordColumns } from '../wire/record-columns.js';
import { KafkajsConnection, type Broker } from './kafkajs-connection.js';

const began = await startBroker();
const running: RunningBroker | undefined = 'address' in began ? began : undefined;
const reason = 'reason' in began ? began.reason : '';

const topic = `tidemark-wire-${process.pid}-${Date.now()}`;
const client = new Kafka({
  brokers: [running?.address ?? '127.0.0.1:1'],
  logLevel: logLevel.NOTHING,
  connectionTimeout: 10_000,
});
const connection = new KafkajsConnection(client);

beforeAll(async () => {
  if (running === undefined) return;
  const admin = client.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] });
  await admin.disconnect();
  await connection.open([topic]);
}, 60_000);

afterAll(async () => {
  if (running === undefined) return;
  await connection.close();
  await running.stop();
}, 60_000);

/** Random numbers that a failure can be repeated with. */
function chanceOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface ReadOptions {
  readonly from?: number;
  readonly isolationLevel?: 0 | 1;
  readonly bytesMax?: number;
}

/** Reads a partition to its end, fetch by fetch. */
async function read(
  partition: number,
  { from = 0, isolationLevel = 1, bytesMax = 1 << 20 }: ReadOptions = {},
): Promise<{ offset: number; value: string }[]> {
  const records: { offset: number; value: string }[] = [];
  const end = await endOf(partition);
  const columns = new RecordColumns();
  for (let at = from; at < end;) {
    const leader = await connection.leaderOf(topic, partition);
    if (leader === undefined) throw new Error('nobody leads');
    const answer = await connection.call(leader, apis.fetch, {
      ...{ replicaId: -1, maxWaitMs: 200, minBytes: 1, maxBytes: bytesMax, isolationLevel },
      ...{ sessionId: 0, sessionEpoch: -1, forgottenTopics: [], rackId: '' },
      topics: [{ name: topic, partitions: [fetchOf(partition, at, bytesMax)] }],
    });
    const [found] = answer.topics[0]?.partitions ?? [];
    expect(brokerError(found?.errorCode ?? -1).name).toBe('NONE');
    const bytes = found?.records ?? new Uint8Array();
    const batches = readBatches(bytes);
    const filter = new AbortedFilter(found?.abortedTransactions ?? null);
    columns.clear();
    for (const batch of batches) if (filter.shows(batch)) columns.append(bytes, batch, at);
    for (let index = 0; index < columns.count; index++)
      records.push({ offset: columns.offsets[index] ?? -1, value: columns.valueText(index) ?? '' });
    at = offsetBehind(batches, at);
  }
  return records;
}

function fetchOf(index: number, fetchOffset: number, partitionMaxBytes: number) {
  const nobody = { currentLeaderEpoch: -1, lastFetchedEpoch: -1, logStartOffset: -1 };
  return { index, fetchOffset, partitionMaxBytes, ...nobody };
}

async function endOf(partition: number, isolationLevel = 0): Promise<number> {
  const leader = await connection.leaderOf(topic, partition);
  if (leader === undefined) throw new Error('nobody leads');
  const answer = await connection.call(leader, apis.listOffsets, {
    replicaId: -1,
    isolationLevel,
    topics: [
      { name: topic, partitions: [{ index: partition, currentLeaderEpoch: -1, timestamp: -1 }] },
    ],
  });
  return answer.topics[0]?.partitions[0]?.offset ?? -1;
}

/** Markers follow the answer to EndTxn by a few milliseconds. */
async function stable(partition: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await endOf(partition, 1)) === (await endOf(partition))) return;
    await pause(50);
  }
}

function shardOf(name: string, isLost?: Loss): Shard {
  return new Shard({ connection, topic, name, ...(isLost && { isLost }) });
}

describe(`on Kafka ${running?.version ?? ''}`, () => {
  beforeEach(({ skip }) => skip(running === undefined, `no broker: ${reason}`));

  test('shards that commit, abort and lose answers at once: a reader sees what was committed, once, in order', async () => {
    const seed = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
    const shards = Array.from({ length: 4 }, (_, number) => {
      const chance = chanceOf(seed + number);
      const shard = shardOf(`shard-${number}`, ({ kind, producerId }) => {
        if (producerId < 0 || chance(kind === 'end' ? 6 : 25) > 0) return false;
        return chance(2) === 0 ? 'before' : 'behind';
      });
      return { number, chance, shard };
    });
    await Promise.all(
      shards.map(async ({ number, chance, shard }) => {
        expect(await shard.settle()).toEqual({ kind: 'ready' });
        for (let round = 0; round < 15; round++) {
          let outcome: Outcome | undefined;
          for (let batch = 0; batch <= chance(3) && outcome === undefined; batch++) {
            const name = `${number}.${round}.${batch}`;
            shard.write(chance(PARTITIONS), [`${name}.a`, `${name}.b`].slice(chance(2)));
            // Something is sent before the end, so that transactions of several shards overlap.
            outcome = await shard.settle();
          }
          if (outcome !== undefined) continue;
          if (chance(3) > 0) shard.machine.commit();
          else shard.machine.abort();
          await shard.settle();
        }
      }),
    );
    const outcomes = shards.flatMap(({ shard }) => shard.outcomes);
    const count = (kind: string): number => outcomes.filter((each) => each === kind).length;
    console.log(
      `seed ${seed}: ${count('committed')} committed, ${count('aborted')} aborted, ${count('dropped')} dropped`,
    );
    for (let partition = 0; partition < PARTITIONS; partition++) {
      await stable(partition);
      const all = await read(partition);
      const values = all.map(({ value }) => value);
      for (const { number, shard } of shards)
        expect(values.filter((value) => value.startsWith(`${number}.`))).toEqual(
          shard.committed[partition],
        );
      const raw = await read(partition, { isolationLevel: 0 });
      expect(raw.length).toBeGreaterThan(all.length);
      const chance = chanceOf(seed);
      for (let tries = 0; tries < 20; tries++) {
        const from = chance(await endOf(partition));
        const part = await read(partition, { from, bytesMax: 100 + chance(2000) });
        expect(part).toEqual(all.filter(({ offset }) => offset >= from));
      }
    }
    expect(count('committed')).toBeGreaterThan(10);
    expect(count('aborted')).toBeGreaterThan(5);
    // All answers came over one connection, in order, so nobody was ever taken for another.
    expect(count('dropped')).toBe(0);
  });

  test('an end that arrives late changes nothing in the next transaction', async () => {
    const held: Call<Batch>[] = [];
    const shard = shardOf('late', (call) => {
      if (call.kind !== 'end' || call.attempt > 0 || held.length > 0) return false;
      held.push(call);
      return 'before';
    });
    await shard.settle();
    shard.write(0, ['late.1']);
    shard.machine.commit();
    expect(await shard.settle()).toEqual({ kind: 'committed' });
    shard.write(0, ['late.2']);
    expect(await shard.settle()).toBeUndefined();
    const [late] = held;
    if (late === undefined) throw new Error('nothing was held back');
    expect(shard.machine.state.producerEpoch).toBe(late.producerEpoch + 1);
    const { code } = await shard.send(late);
    expect(brokerError(code)).toMatchObject({ class: 'fenced' });
    shard.write(1, ['late.3']);
    shard.machine.abort();
    expect(await shard.settle()).toEqual({ kind: 'aborted', cause: undefined });
    await stable(0);
    const seen = (await read(0)).filter(({ value }) => value.startsWith('late'));
    expect(seen.map(({ value }) => value)).toEqual(['late.1']);
  });

  test('a successor fences, decides what was open, and the one before lets go', async () => {
    const first = shardOf('fenced');
    await first.settle();
    first.write(0, ['fenced.1']);
    await first.settle();
    const second = shardOf('fenced');
    expect(await second.settle()).toEqual({ kind: 'ready' });
    // What was open is decided by the time that the successor is ready.
    expect(await endOf(0, 1)).toBe(await endOf(0));
    first.machine.commit();
    expect(await first.settle()).toMatchObject({ kind: 'dropped', cause: { class: 'fenced' } });
    expect((await read(0)).map(({ value }) => value)).not.toContain('fenced.1');
  });

  test('offsets in a transaction are seen when it ends, and not by a member of the past', async () => {
    const groupId = `${topic}-group`;
    const shard = shardOf('offsets');
    await shard.settle();
    const { producerId, producerEpoch } = shard.machine.state;
    const producer = { transactionalId: `${topic}-offsets`, producerId, producerEpoch };
    const owner = await found(producer.transactionalId, 'transaction');
    const group = await found(groupId, 'group');
    const added = await connection.call(owner, transactions.addOffsetsToTxn, {
      ...producer,
      groupId,
    });
    expect(added.errorCode).toBe(0);
    const commitOnce = async (generationId: number, memberId: string): Promise<BrokerError> => {
      const offset = { index: 0, committedOffset: 42, committedLeaderEpoch: -1 };
      const partitions = [{ ...offset, committedMetadata: null }];
      const answer = await connection.call(group, transactions.txnOffsetCommit, {
        ...{ ...producer, groupId, generationId, memberId, groupInstanceId: null },
        topics: [{ name: topic, partitions }],
      });
      return decidingError(codesOf(answer.topics));
    };
    // A coordinator that was looked up a moment ago may not have loaded its groups yet.
    const commit = async (generationId: number, memberId: string): Promise<string> => {
      for (let tries = 0; tries < 100; tries++) {
        const error = await commitOnce(generationId, memberId);
        if (error.class !== 'retry') return error.name;
        await pause(50);
      }
      return 'nothing in time';
    };
    // 3.9 misses the member first, 4.x the generation.
    expect(await commit(7, 'nobody')).toMatch(/UNKNOWN_MEMBER_ID|ILLEGAL_GENERATION/);
    expect(await commit(-1, '')).toBe('NONE');
    const committed = async (): Promise<readonly [number, string]> => {
      const topics = [{ name: topic, partitions: [0] }];
      const request = { groupId, topics, requireStable: true };
      const answer = await connection.call(group, apis.offsetFetch, request);
      const [part] = answer.topics[0]?.partitions ?? [];
      return [part?.committedOffset ?? -2, brokerError(part?.errorCode ?? -1).name];
    };
    expect(await committed()).toEqual([-1, 'UNSTABLE_OFFSET_COMMIT']);
    const end = await connection.call(owner, transactions.endTxn, { ...producer, committed: true });
    expect(end.errorCode).toBe(0);
    let now = await committed();
    for (let tries = 0; tries < 50 && now[1] !== 'NONE'; tries++) {
      await pause(20);
      now = await committed();
    }
    expect(now).toEqual([42, 'NONE']);
  });

  test('a topic has an id, and what lies before an offset can be removed', async () => {
    const leader = await connection.leaderOf(topic, 0);
    if (leader === undefined) throw new Error('nobody leads');
    const described = await connection.call(leader, apis.metadata, {
      topics: [{ topicId: '', name: topic }],
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: false,
    });
    expect(described.topics[0]).toMatchObject({ name: topic, errorCode: 0 });
    expect(described.topics[0]?.topicId).not.toBe('0'.repeat(32));
    expect(described.topics[0]?.partitions).toHaveLength(PARTITIONS);
    const removed = await connection.call(leader, apis.deleteRecords, {
      topics: [{ name: topic, partitions: [{ index: 0, offset: 3 }] }],
      timeoutMs: 5000,
    });
    expect(removed.topics[0]?.partitions[0]).toEqual({ index: 0, lowWatermark: 3, errorCode: 0 });
  });
});

async function found(key: string, kind: 'group' | 'transaction'): Promise<Broker> {
  for (let tries = 0; tries < 100; tries++) {
    const broker = await connection.coordinatorOf(key, kind);
    if (!('code' in broker)) return broker;
    await pause(50);
  }
  throw new Error(`nobody coordinates ${key}`);
}
