/** What kafkajs makes of record batches, as plain functions: the other side of the bench, and a second opinion in tests. */
import { createRequire } from 'node:module';

export interface KafkajsMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Epoch milliseconds, as text. */
  readonly timestamp: string;
  readonly offset: string;
  readonly headers: Readonly<Record<string, Buffer | readonly Buffer[]>>;
  readonly isControlRecord: boolean;
}

export interface KafkajsBatchOptions {
  readonly records: readonly unknown[];
  readonly firstTimestamp: number;
  readonly maxTimestamp: number;
  readonly lastOffsetDelta: number;
  readonly transactional?: boolean;
  readonly compression?: number;
  readonly producerId?: unknown;
  readonly producerEpoch?: number;
  readonly firstSequence?: number;
}

interface Encoder {
  readonly buffer: Buffer;
}
interface RecordFields {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer>>;
}

const load = createRequire(import.meta.url);
const protocol = 'kafkajs/src/protocol';
const makeRecord = load(`${protocol}/recordBatch/record/v0`) as (fields: RecordFields) => Encoder;
const { RecordBatch: makeBatch } = load(`${protocol}/recordBatch/v0`) as {
  RecordBatch(options: KafkajsBatchOptions): Promise<Encoder>;
};
const Decoder = load(`${protocol}/decoder`) as new (bytes: Buffer) => object;
const decodeMessages = load(`${protocol}/requests/fetch/v4/decodeMessages`) as (
  decoder: object,
) => Promise<KafkajsMessage[]>;

export { makeRecord, makeBatch };

/** All messages of a range; kafkajs wants its length in front. */
export async function decodeByKafkajs(range: Uint8Array): Promise<KafkajsMessage[]> {
  const framed = Buffer.alloc(range.length + 4);
  framed.writeInt32BE(range.length);
  framed.set(range, 4);
  return decodeMessages(new Decoder(framed));
}

/** What a fetch gives kafkajs: the length is there already, and is not what is measured. */
export async function decodeFramed(framed: Buffer): Promise<KafkajsMessage[]> {
  return decodeMessages(new Decoder(framed));
}
