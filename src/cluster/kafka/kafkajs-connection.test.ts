/** The way into kafkajs: its parts are looked for, versions are compared, and requests are handed over as it wants them. */
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { encodeAnswer } from '../wire/api.js';
import { fetch } from '../wire/apis.js';
import { endTxn } from '../wire/transaction-apis.js';
import { KafkajsConnection, type Broker, type KafkajsClient } from './kafkajs-connection.js';

const request = { transactionalId: 'tx', producerId: 1, producerEpoch: 2, committed: true };

interface Sent {
  readonly request: { apiKey: number; apiVersion: number; encode(): Promise<{ buffer: Buffer }> };
  readonly response: { decode(bytes: Buffer): Promise<unknown>; parse(value: unknown): unknown };
}

/** A broker that answers each request with these bytes. */
function brokerWith(answer: Buffer, sent: Sent[] = [], maxVersion = 99): Broker {
  return {
    connect: () => Promise.resolve(),
    isConnected: () => true,
    versions: { [endTxn.key]: { minVersion: 0, maxVersion } },
    connectionPool: {
      async send(given) {
        const { request: made, response } = given as Sent;
        sent.push({ request: made, response });
        return response.parse(await response.decode(answer));
      },
    },
  };
}

function connectionOn(cluster: object | undefined): KafkajsConnection {
  const client: KafkajsClient = {
    consumer({ partitionAssigners }) {
      if (cluster !== undefined) for (const make of partitionAssigners) make({ cluster });
      return {};
    },
  };
  return new KafkajsConnection(client);
}

describe('at the start', () => {
  test('kafkajs 2.2.4 has all that is used', () => {
    const client = new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING });
    expect(() => new KafkajsConnection(client)).not.toThrow();
  });

  test('a kafkajs that hands out no cluster is refused', () => {
    expect(() => connectionOn(undefined)).toThrow(/^KAFKA_UNSUPPORTED: .*the cluster of kafkajs/);
  });

  test('what is missing in the cluster is named', () => {
    const cluster = new Kafka({ brokers: [], logLevel: logLevel.NOTHING });
    expect(() => connectionOn(cluster)).toThrow('none of connect, disconnect');
  });
});

describe('a call', () => {
  const any = new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING });
  const connection = new KafkajsConnection(any);

  test('goes out with its key and version, and comes back decoded', async () => {
    const sent: Sent[] = [];
    const answer = { throttleTimeMs: 0, errorCode: 51 };
    const broker = brokerWith(encodeAnswer(endTxn, answer), sent);
    expect(await connection.call(broker, endTxn, request)).toEqual(answer);
    const [first] = sent;
    expect(first?.request).toMatchObject({ apiKey: 26, apiVersion: 3 });
    // The first byte is the end of the header of version 2, which kafkajs does not write.
    expect((await first?.request.encode())?.buffer.toString('hex')).toMatch(/^00037478/);
  });

  test('of a version that the broker does not serve is refused before it is sent', async () => {
    const sent: Sent[] = [];
    const broker = brokerWith(Buffer.alloc(0), sent, 2);
    await expect(connection.call(broker, endTxn, request)).rejects.toThrow(
      'KAFKA_UNSUPPORTED: expected EndTxn of version 3, got versions 0 to 2',
    );
    await expect(connection.call(broker, fetch, {} as never)).rejects.toThrow('versions 0 to -1');
    expect(sent).toEqual([]);
  });

  test('whose answer is cut short says so', async () => {
    await expect(connection.call(brokerWith(Buffer.alloc(3)), endTxn, request)).rejects.toThrow(
      /^BYTES_MALFORMED: .*answer to EndTxn v3/,
    );
  });
});
