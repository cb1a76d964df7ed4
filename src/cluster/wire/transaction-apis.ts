/**
 * The requests of a transactional producer, field by field as the protocol lists them.
 *
 * They are the reason for encoding by hand: kafkajs stops at versions that can neither raise their own epoch nor tell
 * who a committing member is. EndTxn stays at 3, because 5 ends transactions by another rule, which 3.9 does not know.
 */
import { api } from './api.js';
import { array, boolean, int16, int32, int64, nullableString, string, struct } from './fields.js';

const partitionErrors = array(
  struct({ name: string, partitions: array(struct({ index: int32, errorCode: int16 })) }),
);
const briefAnswer = struct({ throttleTimeMs: int32, errorCode: int16 });

/** With its own id and epoch a producer gets the next epoch, and a repeat gets the same; with -1 and -1 it fences. */
export const initProducerId = api(
  ['InitProducerId', 22, 4],
  struct({
    transactionalId: nullableString,
    transactionTimeoutMs: int32,
    producerId: int64,
    producerEpoch: int16,
  }),
  struct({ throttleTimeMs: int32, errorCode: int16, producerId: int64, producerEpoch: int16 }),
);

export const addPartitionsToTxn = api(
  ['AddPartitionsToTxn', 24, 3],
  struct({
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    topics: array(struct({ name: string, partitions: array(int32) })),
  }),
  struct({ throttleTimeMs: int32, topics: partitionErrors }),
);

export const addOffsetsToTxn = api(
  ['AddOffsetsToTxn', 25, 3],
  struct({ transactionalId: string, producerId: int64, producerEpoch: int16, groupId: string }),
  briefAnswer,
);

export const endTxn = api(
  ['EndTxn', 26, 3],
  struct({ transactionalId: string, producerId: int64, producerEpoch: int16, committed: boolean }),
  briefAnswer,
);

/** With generation and member, so that a member whom the group has given up cannot commit. */
export const txnOffsetCommit = api(
  ['TxnOffsetCommit', 28, 3],
  struct({
    transactionalId: string,
    groupId: string,
    producerId: int64,
    producerEpoch: int16,
    generationId: int32,
    memberId: string,
    groupInstanceId: nullableString,
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            index: int32,
            committedOffset: int64,
            committedLeaderEpoch: int32,
            committedMetadata: nullableString,
          }),
        ),
      }),
    ),
  }),
  struct({ throttleTimeMs: int32, topics: partitionErrors }),
);
