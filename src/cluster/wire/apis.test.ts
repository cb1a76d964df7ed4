/** Each request and answer against bytes worked out by hand from the lists of fields in Kafka's protocol. */
import { golden } from '../../../scripts/kafka/golden.js';
import * as apis from './apis.js';

const noError = { throttleTimeMs: 5, errorCode: 0 };

golden(
  apis.produce,
  [
    {
      transactionalId: 'tx',
      acks: -1,
      timeoutMs: 1000,
      topics: [{ name: 'out', partitions: [{ index: 1, records: Buffer.from('cafe', 'hex') }] }],
    },
    `00
     03 7478
     ffff  all replicas
     000003e8
     02 04 6f7574
     02 00000001 03 cafe 00  partition, length + 1, bytes, tags
     00
     00`,
  ],
  [
    {
      topics: [
        {
          name: 'out',
          partitions: [
            {
              index: 1,
              errorCode: 87,
              baseOffset: -1,
              logAppendTimeMs: -1,
              logStartOffset: 4,
              recordErrors: [{ batchIndex: 2, message: null }],
              errorMessage: 'no',
            },
          ],
        },
      ],
      throttleTimeMs: 0,
    },
    `00
     02 04 6f7574
     02 00000001 0057 ffffffffffffffff ffffffffffffffff 0000000000000004
     02 00000002 00 00  one record error
     03 6e6f 00  message, tags
     00
     00000000  here the throttle comes last
     00`,
  ],
);

golden(
  apis.fetch,
  [
    {
      replicaId: -1,
      maxWaitMs: 100,
      minBytes: 1,
      maxBytes: 1_048_576,
      isolationLevel: 1,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          name: 'in',
          partitions: [
            {
              index: 3,
              currentLeaderEpoch: -1,
              fetchOffset: 500,
              lastFetchedEpoch: -1,
              logStartOffset: -1,
              partitionMaxBytes: 65_536,
            },
          ],
        },
      ],
      forgottenTopics: [],
      rackId: '',
    },
    `00
     ffffffff 00000064 00000001 00100000  replica, wait, least, most
     01  read committed
     00000000 ffffffff  no session
     02 03 696e
     02 00000003 ffffffff 00000000000001f4 ffffffff ffffffffffffffff 00010000 00
     00
     01  nothing forgotten
     01  no rack
     00`,
  ],
  [
    {
      throttleTimeMs: 0,
      errorCode: 0,
      sessionId: 0,
      topics: [
        {
          name: 'in',
          partitions: [
            {
              index: 3,
              errorCode: 0,
              highWatermark: 510,
              lastStableOffset: 505,
              logStartOffset: 0,
              abortedTransactions: [{ producerId: 6, firstOffset: 501 }],
              preferredReadReplica: -1,
              records: Buffer.from('00', 'hex'),
            },
          ],
        },
      ],
    },
    `00
     00000000 0000 00000000
     02 03 696e
     02 00000003 0000 00000000000001fe 00000000000001f9 0000000000000000
     02 0000000000000006 00000000000001f5 00  one aborted transaction
     ffffffff
     02 00 00  one byte of records, tags of the partition
     00
     00`,
  ],
);

golden(
  apis.listOffsets,
  [
    {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: 'in', partitions: [{ index: 3, currentLeaderEpoch: -1, timestamp: -1 }] }],
    },
    `00
     ffffffff 00
     02 03 696e
     02 00000003 ffffffff ffffffffffffffff 00
     00
     00`,
  ],
  [
    {
      throttleTimeMs: 0,
      topics: [
        {
          name: 'in',
          partitions: [{ index: 3, errorCode: 0, timestamp: -1, offset: 510, leaderEpoch: 2 }],
        },
      ],
    },
    `00
     00000000
     02 03 696e
     02 00000003 0000 ffffffffffffffff 00000000000001fe 00000002 00
     00
     00`,
  ],
);

golden(
  apis.offsetFetch,
  [
    { groupId: 'job', topics: [{ name: 'in', partitions: [3] }], requireStable: true },
    `00
     04 6a6f62
     02 03 696e 02 00000003 00
     01  only what is decided
     00`,
  ],
  [
    {
      throttleTimeMs: 0,
      topics: [
        {
          name: 'in',
          partitions: [
            {
              index: 3,
              committedOffset: 500,
              committedLeaderEpoch: -1,
              metadata: '',
              errorCode: 88,
            },
          ],
        },
      ],
      errorCode: 0,
    },
    `00
     00000000
     02 03 696e
     02 00000003 00000000000001f4 ffffffff 01 0058 00  empty metadata, unstable
     00
     0000
     00`,
  ],
);

golden(
  apis.findCoordinator,
  [
    { key: 'tx', keyType: 1 },
    `00
     03 7478 01
     00`,
  ],
  [
    { ...noError, errorMessage: null, nodeId: 2, host: 'b2', port: 9092 },
    `00
     00000005 0000 00
     00000002 03 6232 00002384
     00`,
  ],
);

golden(
  apis.metadata,
  [
    {
      topics: [{ topicId: '0'.repeat(32), name: 'in' }],
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: false,
    },
    `00
     02 00000000000000000000000000000000 03 696e 00
     00 00
     00`,
  ],
  [
    {
      throttleTimeMs: 0,
      brokers: [{ nodeId: 1, host: 'b1', port: 9092, rack: null }],
      clusterId: 'c',
      controllerId: 1,
      topics: [
        {
          errorCode: 0,
          name: 'in',
          topicId: '000102030405060708090a0b0c0d0e0f',
          isInternal: false,
          partitions: [
            {
              errorCode: 0,
              index: 0,
              leaderId: 1,
              leaderEpoch: 4,
              replicaNodes: [1],
              isrNodes: [1],
              offlineReplicas: [],
            },
          ],
          topicAuthorizedOperations: -2_147_483_648,
        },
      ],
    },
    `00
     00000000
     02 00000001 03 6231 00002384 00 00  broker without a rack
     02 63 00000001  cluster, controller
     02 0000 03 696e 000102030405060708090a0b0c0d0e0f 00
     02 0000 00000000 00000001 00000004 02 00000001 02 00000001 01 00
     80000000 00
     00`,
  ],
);

golden(
  apis.deleteRecords,
  [
    { topics: [{ name: 'in', partitions: [{ index: 3, offset: 500 }] }], timeoutMs: 1000 },
    `00
     02 03 696e
     02 00000003 00000000000001f4 00
     00
     000003e8
     00`,
  ],
  [
    {
      throttleTimeMs: 0,
      topics: [{ name: 'in', partitions: [{ index: 3, lowWatermark: 500, errorCode: 0 }] }],
    },
    `00
     00000000
     02 03 696e
     02 00000003 00000000000001f4 0000 00
     00
     00`,
  ],
);
