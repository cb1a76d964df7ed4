/**
 * The requests that kafkajs does not know at the versions that are needed, field by field as the protocol lists them.
 *
 * Names are those of the protocol. Each version is the first or the last that has what is needed and that all brokers
 * from 3.9 to 4.x serve: Fetch is at 12, the last with topics by name; Metadata at 12, for the id of a topic, which a
 * recreated topic does not inherit. Those of transactions stand in `transaction-apis.ts`.
 */
import { api } from './api.js';
import {
  array,
  boolean,
  int16,
  int32,
  int64,
  int8,
  nullableArray,
  nullableBytes,
  nullableString,
  string,
  struct,
  uuid,
} from './fields.js';

export const produce = api(
  ['Produce', 0, 9],
  struct({
    transactionalId: nullableString,
    acks: int16,
    timeoutMs: int32,
    topics: array(
      struct({
        name: string,
        partitions: array(struct({ index: int32, records: nullableBytes })),
      }),
    ),
  }),
  struct({
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            index: int32,
            errorCode: int16,
            baseOffset: int64,
            logAppendTimeMs: int64,
            logStartOffset: int64,
            recordErrors: array(struct({ batchIndex: int32, message: nullableString })),
            errorMessage: nullableString,
          }),
        ),
      }),
    ),
    throttleTimeMs: int32,
  }),
);

/** `isolationLevel` 1 reads committed data. `replicaId`, epochs and `logStartOffset` are -1 for a consumer. */
export const fetch = api(
  ['Fetch', 1, 12],
  struct({
    replicaId: int32,
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32,
    isolationLevel: int8,
    sessionId: int32,
    sessionEpoch: int32,
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            index: int32,
            currentLeaderEpoch: int32,
            fetchOffset: int64,
            lastFetchedEpoch: int32,
            logStartOffset: int64,
            partitionMaxBytes: int32,
          }),
        ),
      }),
    ),
    forgottenTopics: array(struct({ name: string, partitions: array(int32) })),
    rackId: string,
  }),
  struct({
    throttleTimeMs: int32,
    errorCode: int16,
    sessionId: int32,
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            index: int32,
            errorCode: int16,
            highWatermark: int64,
            lastStableOffset: int64,
            logStartOffset: int64,
            abortedTransactions: nullableArray(struct({ producerId: int64, firstOffset: int64 })),
            preferredReadReplica: int32,
            records: nullableBytes,
          }),
        ),
      }),
    ),
  }),
);

/** `timestamp` -1 asks for the end (the last stable offset under isolation level 1), -2 for the start. */
export const listOffsets = api(
  ['ListOffsets', 2, 7],
  struct({
    replicaId: int32,
    isolationLevel: int8,
    topics: array(
      struct({
        name: string,
        partitions: array(struct({ index: int32, currentLeaderEpoch: int32, timestamp: int64 })),
      }),
    ),
  }),
  struct({
    throttleTimeMs: int32,
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            index: int32,
            errorCode: int16,
            timestamp: int64,
            offset: int64,
            leaderEpoch: int32,
          }),
        ),
      }),
    ),
  }),
);

/** With `requireStable` the answer is an error while a transaction over these offsets is open. */
export const offsetFetch = api(
  ['OffsetFetch', 9, 7],
  struct({
    groupId: string,
    topics: nullableArray(struct({ name: string, partitions: array(int32) })),
    requireStable: boolean,
  }),
  struct({
    throttleTimeMs: int32,
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            index: int32,
            committedOffset: int64,
            committedLeaderEpoch: int32,
            metadata: nullableString,
            errorCode: int16,
          }),
        ),
      }),
    ),
    errorCode: int16,
  }),
);

/** `keyType` 0 is a group, 1 a transactional id. */
export const findCoordinator = api(
  ['FindCoordinator', 10, 3],
  struct({ key: string, keyType: int8 }),
  struct({
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    nodeId: int32,
    host: string,
    port: int32,
  }),
);

/** A topic is asked for by name, with an id of zeros. */
export const metadata = api(
  ['Metadata', 3, 12],
  struct({
    topics: nullableArray(struct({ topicId: uuid, name: nullableString })),
    allowAutoTopicCreation: boolean,
    includeTopicAuthorizedOperations: boolean,
  }),
  struct({
    throttleTimeMs: int32,
    brokers: array(struct({ nodeId: int32, host: string, port: int32, rack: nullableString })),
    clusterId: nullableString,
    controllerId: int32,
    topics: array(
      struct({
        errorCode: int16,
        name: nullableString,
        topicId: uuid,
        isInternal: boolean,
        partitions: array(
          struct({
            errorCode: int16,
            index: int32,
            leaderId: int32,
            leaderEpoch: int32,
            replicaNodes: array(int32),
            isrNodes: array(int32),
            offlineReplicas: array(int32),
          }),
        ),
        topicAuthorizedOperations: int32,
      }),
    ),
  }),
);

/** Removes what lies before an offset: the trim of a changelog. */
export const deleteRecords = api(
  ['DeleteRecords', 21, 2],
  struct({
    topics: array(
      struct({ name: string, partitions: array(struct({ index: int32, offset: int64 })) }),
    ),
    timeoutMs: int32,
  }),
  struct({
    throttleTimeMs: int32,
    topics: array(
      struct({
        name: string,
        partitions: array(struct({ index: int32, lowWatermark: int64, errorCode: int16 })),
      }),
    ),
  }),
);
