/** The requests of a transaction and their answers against bytes worked out by hand from the lists of fields in Kafka's protocol. */
import { golden } from '../../../scripts/kafka/golden.js';
import * as apis from './transaction-apis.js';

const noError = { throttleTimeMs: 5, errorCode: 0 };
const brief = '00  header tags\n 00000005  throttle\n 0000  no error\n 00  tags';

golden(
  apis.initProducerId,
  [
    { transactionalId: 'tx', transactionTimeoutMs: 30_000, producerId: -1, producerEpoch: -1 },
    `00  header tags
     03 7478  id: length + 1, "tx"
     00007530  timeout
     ffffffffffffffff ffff  nobody yet
     00  tags`,
  ],
  [
    { throttleTimeMs: 0, errorCode: 51, producerId: 4000, producerEpoch: 3 },
    `00
     00000000 0033  throttle, concurrent transactions
     0000000000000fa0 0003
     00`,
  ],
);

golden(
  apis.addPartitionsToTxn,
  [
    {
      transactionalId: 'tx',
      producerId: 1,
      producerEpoch: 2,
      topics: [{ name: 'out', partitions: [0, 7] }],
    },
    `00
     03 7478
     0000000000000001 0002
     02  one topic
     04 6f7574  "out"
     03 00000000 00000007  two partitions
     00  tags of the topic
     00`,
  ],
  [
    { throttleTimeMs: 0, topics: [{ name: 'out', partitions: [{ index: 7, errorCode: 90 }] }] },
    `00
     00000000
     02 04 6f7574
     02 00000007 005a 00  partition, fenced, its tags
     00
     00`,
  ],
);

golden(
  apis.addOffsetsToTxn,
  [
    { transactionalId: 'tx', producerId: 1, producerEpoch: 2, groupId: 'job' },
    `00
     03 7478
     0000000000000001 0002
     04 6a6f62  group
     00`,
  ],
  [noError, brief],
);

golden(
  apis.endTxn,
  [
    { transactionalId: 'tx', producerId: 1, producerEpoch: 2, committed: true },
    `00
     03 7478
     0000000000000001 0002
     01  commit
     00`,
  ],
  [noError, brief],
);

golden(
  apis.txnOffsetCommit,
  [
    {
      transactionalId: 'tx',
      groupId: 'job',
      producerId: 1,
      producerEpoch: 2,
      generationId: 9,
      memberId: 'm1',
      groupInstanceId: null,
      topics: [
        {
          name: 'in',
          partitions: [
            { index: 3, committedOffset: 500, committedLeaderEpoch: -1, committedMetadata: null },
          ],
        },
      ],
    },
    `00
     03 7478
     04 6a6f62
     0000000000000001 0002
     00000009  generation
     03 6d31  member
     00  no static member
     02 03 696e
     02 00000003 00000000000001f4 ffffffff 00 00  partition, offset, leader epoch, no metadata, tags
     00
     00`,
  ],
  [
    { throttleTimeMs: 0, topics: [{ name: 'in', partitions: [{ index: 3, errorCode: 22 }] }] },
    `00
     00000000
     02 03 696e
     02 00000003 0016 00
     00
     00`,
  ],
);
