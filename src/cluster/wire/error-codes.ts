/**
 * What the numbers in answers of a broker mean for somebody who has a transaction open.
 *
 * A name says what happened to the broker; the class says what is known now, and that decides what to do next:
 *
 * | class | what is known | what follows |
 * |---|---|---|
 * | `none` | it was done | |
 * | `retry` | it was not done, or to do it twice is to do it once; perhaps by another broker | the same again |
 * | `unknown` | it may have been done, or may still be done | as with no answer: end the transaction, then a new epoch |
 * | `fenced` | somebody else is the producer now | drop the shard; never initialise without a new assignment |
 * | `fatal` | it was refused, and will be refused again | abort, and fail with the name of the error |
 *
 * A number that is not in the table is `fenced`: a later broker has a reason that we do not know, and to let go of a
 * shard is the one thing that is never wrong.
 */

export type ErrorClass = 'none' | 'retry' | 'unknown' | 'fenced' | 'fatal';

export interface BrokerError {
  readonly code: number;
  /** As in Kafka's list of error codes. */
  readonly name: string;
  readonly class: ErrorClass;
  /** Whether to look up the leader or the coordinator again before the next try. */
  readonly moved: boolean;
}

const none: readonly (readonly [number, string])[] = [[0, 'NONE']];

/** Not done; the broker asked is the wrong one, or nobody is right at present. */
const moved: readonly (readonly [number, string])[] = [
  [3, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [5, 'LEADER_NOT_AVAILABLE'],
  [6, 'NOT_LEADER_OR_FOLLOWER'],
  [9, 'REPLICA_NOT_AVAILABLE'],
  [15, 'COORDINATOR_NOT_AVAILABLE'],
  [16, 'NOT_COORDINATOR'],
  [74, 'FENCED_LEADER_EPOCH'],
  [75, 'UNKNOWN_LEADER_EPOCH'],
  [103, 'INCONSISTENT_TOPIC_ID'],
];

/** Not done; ask the same broker again in a moment. */
const retry: readonly (readonly [number, string])[] = [
  [14, 'COORDINATOR_LOAD_IN_PROGRESS'],
  // Refused before the append. 4.x and 3.9 also say it for a transaction whose partition they could not look up.
  [19, 'NOT_ENOUGH_REPLICAS'],
  [51, 'CONCURRENT_TRANSACTIONS'],
  [78, 'OFFSET_NOT_AVAILABLE'],
  [88, 'UNSTABLE_OFFSET_COMMIT'],
  [89, 'THROTTLING_QUOTA_EXCEEDED'],
];

const unknown: readonly (readonly [number, string])[] = [
  [-1, 'UNKNOWN_SERVER_ERROR'],
  [7, 'REQUEST_TIMED_OUT'],
  [13, 'NETWORK_EXCEPTION'],
  [20, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'],
  // The log and we disagree about what is there: neither half of the answer can be trusted.
  [45, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
  [46, 'DUPLICATE_SEQUENCE_NUMBER'],
  [56, 'KAFKA_STORAGE_ERROR'],
  [59, 'UNKNOWN_PRODUCER_ID'],
];

const fenced: readonly (readonly [number, string])[] = [
  [22, 'ILLEGAL_GENERATION'],
  [25, 'UNKNOWN_MEMBER_ID'],
  [47, 'INVALID_PRODUCER_EPOCH'],
  [49, 'INVALID_PRODUCER_ID_MAPPING'],
  [52, 'TRANSACTION_COORDINATOR_FENCED'],
  [82, 'FENCED_INSTANCE_ID'],
  [90, 'PRODUCER_FENCED'],
];

const fatal: readonly (readonly [number, string])[] = [
  [1, 'OFFSET_OUT_OF_RANGE'],
  [2, 'CORRUPT_MESSAGE'],
  [10, 'MESSAGE_TOO_LARGE'],
  [17, 'INVALID_TOPIC_EXCEPTION'],
  [18, 'RECORD_LIST_TOO_LARGE'],
  [21, 'INVALID_REQUIRED_ACKS'],
  [24, 'INVALID_GROUP_ID'],
  [29, 'TOPIC_AUTHORIZATION_FAILED'],
  [30, 'GROUP_AUTHORIZATION_FAILED'],
  [31, 'CLUSTER_AUTHORIZATION_FAILED'],
  [32, 'INVALID_TIMESTAMP'],
  [35, 'UNSUPPORTED_VERSION'],
  [42, 'INVALID_REQUEST'],
  [43, 'UNSUPPORTED_FOR_MESSAGE_FORMAT'],
  [44, 'POLICY_VIOLATION'],
  [48, 'INVALID_TXN_STATE'],
  [50, 'INVALID_TRANSACTION_TIMEOUT'],
  [53, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
  [55, 'OPERATION_NOT_ATTEMPTED'],
  [76, 'UNSUPPORTED_COMPRESSION_TYPE'],
  [87, 'INVALID_RECORD'],
  [120, 'TRANSACTION_ABORTABLE'],
];

const table: ReadonlyMap<number, BrokerError> = new Map(
  (
    [
      [none, 'none'],
      [moved, 'retry'],
      [retry, 'retry'],
      [unknown, 'unknown'],
      [fenced, 'fenced'],
      [fatal, 'fatal'],
    ] as const
  ).flatMap(([entries, kind]) =>
    entries.map(([code, name]) => [
      code,
      { code, name, class: kind, moved: entries === moved } satisfies BrokerError,
    ]),
  ),
);

export function brokerError(code: number): BrokerError {
  return table.get(code) ?? { code, name: `UNLISTED_${code}`, class: 'fenced', moved: false };
}

/**
 * The error that decides, where an answer has one code per partition. What was "not attempted" (55) was held back by
 * another one, which says why.
 */
export function decidingError(codes: Iterable<number>): BrokerError {
  const order: readonly ErrorClass[] = ['none', 'retry', 'fatal', 'unknown', 'fenced'];
  let worst = brokerError(0);
  for (const code of codes) {
    const error = brokerError(code);
    const isWorse = order.indexOf(error.class) > order.indexOf(worst.class);
    if (code !== 55 && isWorse) worst = error;
  }
  return worst;
}
