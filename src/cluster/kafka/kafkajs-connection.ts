/**
 * Our requests over the connections of kafkajs, which does configuration, TLS, SASL, metadata and reconnecting well.
 *
 * kafkajs has no door for requests of one's own, but hands its cluster to whoever assigns partitions, by its published
 * types. Brokers of that cluster have a pool of connections that sends any request which can write and read itself.
 * The pool is not published, so everything that is used of it is looked for at the start: a kafkajs that is built
 * otherwise is refused with a code, instead of failing in the midst of a transaction.
 *
 * One connection per broker carries all but fetches, and a broker serves it in order: whatever may wait long, such as
 * joining a group, wants a connection object of its own.
 */
import { TidemarkError } from '../../core/errors.js';
import { decodeAnswer, encodeRequest } from '../wire/api.js';
import type { Api } from '../wire/api.js';
import { findCoordinator } from '../wire/apis.js';
import { brokerError } from '../wire/error-codes.js';
import type { BrokerError } from '../wire/error-codes.js';

/** What of kafkajs is used, as far as its types publish it. */
export interface KafkajsClient {
  consumer(options: {
    groupId: string;
    partitionAssigners: ((given: { cluster: object }) => KafkajsAssigner)[];
  }): object;
}
interface KafkajsAssigner {
  name: string;
  version: number;
  assign(): Promise<never[]>;
  protocol(): { name: string; metadata: Buffer };
}

/** And as far as it does not. */
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  findBroker(node: { nodeId: string }): Promise<Broker>;
  findControllerBroker(): Promise<Broker>;
  findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>;
}
export interface Broker {
  connect(): Promise<void>;
  isConnected(): boolean;
  readonly versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>>;
  readonly connectionPool: { send(request: object): Promise<unknown> };
}

const clusterMembers = [
  'connect',
  'disconnect',
  'addMultipleTargetTopics',
  'refreshMetadata',
  'findBroker',
  'findControllerBroker',
  'findLeaderForPartitions',
] as const satisfies readonly (keyof Cluster)[];

export class KafkajsConnection {
  private readonly cluster: Cluster;

  /** `client` is a `Kafka` of kafkajs 2.2.4. Throws `KAFKA_UNSUPPORTED` where its parts are not as expected. */
  constructor(client: KafkajsClient) {
    const found: object[] = [];
    const assigner = ({ cluster }: { cluster: object }): KafkajsAssigner => {
      found.push(cluster);
      const protocol = { name: 'tidemark', metadata: Buffer.alloc(0) };
      return {
        name: 'tidemark',
        version: 0,
        assign: () => Promise.resolve([]),
        protocol: () => protocol,
      };
    };
    // The consumer is never run: it is made for the sake of its cluster, and joins no group.
    client.consumer({ groupId: 'tidemark-connection', partitionAssigners: [assigner] });
    this.cluster = checked<Cluster>(found[0], clusterMembers, 'the cluster of kafkajs');
  }

  /** Connects, and learns of the brokers of these topics. */
  async open(topics: readonly string[]): Promise<void> {
    await this.cluster.connect();
    await this.cluster.addMultipleTargetTopics([...topics]);
  }

  async close(): Promise<void> {
    await this.cluster.disconnect();
  }

  /** Asks the brokers who leads what; after an error that says so (`moved`). */
  async refresh(): Promise<void> {
    await this.cluster.refreshMetadata();
  }

  /** Undefined while nobody leads the partition. */
  async leaderOf(topic: string, partition: number): Promise<Broker | undefined> {
    const leaders = this.cluster.findLeaderForPartitions(topic, [partition]);
    const [nodeId] = Object.keys(leaders);
    return nodeId === undefined || Number(nodeId) < 0 ? undefined : this.broker(Number(nodeId));
  }

  /** The coordinator of a transactional id or of a group, or why there is none at present. */
  async coordinatorOf(key: string, kind: 'group' | 'transaction'): Promise<Broker | BrokerError> {
    const any = await this.cluster.findControllerBroker();
    const request = { key, keyType: kind === 'group' ? 0 : 1 };
    const { errorCode, nodeId } = await this.call(await connected(any), findCoordinator, request);
    return errorCode === 0 ? this.broker(nodeId) : brokerError(errorCode);
  }

  /**
   * Sends a request and gives its answer, whatever codes are in it. A rejection means that there was no answer, and not
   * that nothing was done; only `BYTES_MALFORMED` and `KAFKA_UNSUPPORTED` say something else.
   */
  async call<Request, Answer>(
    broker: Broker,
    api: Api<Request, Answer>,
    request: Request,
  ): Promise<Answer> {
    checkVersion(broker, api);
    const buffer = encodeRequest(api, request);
    const answer = await broker.connectionPool.send({
      request: {
        apiKey: api.key,
        apiName: api.name,
        apiVersion: api.version,
        // kafkajs takes what has a buffer under both names for an encoder of its own.
        encode: () => Promise.resolve({ buf: buffer, buffer }),
      },
      response: {
        decode: (bytes: Buffer) => Promise.resolve(decodeAnswer(api, bytes)),
        parse: (value: Answer) => Promise.resolve(value),
      },
      // The codes are in the answer; kafkajs need not log what it does not understand.
      logResponseError: false,
    });
    // It is what `parse` has just passed on.
    return answer as Answer;
  }

  private async broker(nodeId: number): Promise<Broker> {
    return connected(await this.cluster.findBroker({ nodeId: `${nodeId}` }));
  }
}

async function connected(broker: Broker): Promise<Broker> {
  checked(broker, ['connect', 'isConnected', 'connectionPool'], 'a broker of kafkajs');
  if (!broker.isConnected()) await broker.connect();
  checked(broker.connectionPool, ['send'], 'the connection pool of kafkajs');
  checked(broker, ['versions'], 'a connected broker of kafkajs');
  return broker;
}

function checked<Part>(part: unknown, members: readonly string[], what: string): Part {
  const missing = members.filter((name) => {
    const member = typeof part === 'object' && part !== null ? Reflect.get(part, name) : undefined;
    return member === undefined || member === null;
  });
  if (missing.length > 0)
    throw unsupported(`${what} with ${members.join(', ')}`, `none of ${missing.join(', ')}`, {
      where: 'kafkajs',
      hint: 'Install kafkajs 2.2.4, exactly.',
    });
  return part as Part;
}

function checkVersion<Request, Answer>(
  { versions }: Broker,
  { key, name, version }: Api<Request, Answer>,
): void {
  const { minVersion = 0, maxVersion = -1 } = versions[key] ?? {};
  if (version >= minVersion && version <= maxVersion) return;
  throw unsupported(`${name} of version ${version}`, `versions ${minVersion} to ${maxVersion}`, {
    where: 'the broker',
    hint: 'Brokers from 3.9 to 4.x are supported.',
  });
}

function unsupported(
  expected: string,
  got: string,
  place: { where: string; hint: string },
): TidemarkError {
  return new TidemarkError('KAFKA_UNSUPPORTED', { expected, got, ...place });
}
