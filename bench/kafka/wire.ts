/**
 * `npm run bench:wire`: record batches written and read, beside kafkajs's own code, in turn.
 *
 * There is no broker and no socket in it, only what turns records into bytes and back; CPU time of this process, and
 * the ratio is the median over rounds in which both sides ran one after the other. kafkajs verifies no checksum and
 * Tidemark does. `--runs N`, default 7; `--bytes N` for one size of value.
 */
import { parseArgs } from 'node:util';
import { readBatches } from '../../src/cluster/wire/record-batch.js';
import { RecordBatchEncoder } from '../../src/cluster/wire/record-batch-encoder.js';
import { RecordColumns } from '../../src/cluster/wire/record-columns.js';
import { ratioOf, spreadOf } from '../statistics.js';
import { decodeFramed, makeBatch, makeRecord } from './kafkajs-records.js';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '7' },
    bytes: { type: 'string', default: '100,1000' },
  },
});
const RECORDS = 2000;
/** A fetch is about this long, so that it is in the cache when it is read, as what a socket has just given. */
const RANGE_BYTES = 1 << 20;
const now = 1_700_000_000_000;
/** What both sides have added up, so that nothing of the work can be left out. */
let sum = 0;

interface Variant {
  readonly name: string;
  /** Works on all batches once; gives the number of records. */
  run(): number | Promise<number>;
}

function records(valueBytes: number): { key: Buffer; value: Buffer }[] {
  return Array.from({ length: RECORDS }, (_, index) => ({
    key: Buffer.from(`player-${(index * 7919) % 100_000}`),
    value: Buffer.alloc(valueBytes, index),
  }));
}

function writers(input: readonly { key: Buffer; value: Buffer }[]): Variant[] {
  const encoder = new RecordBatchEncoder();
  return [
    {
      name: 'write: kafkajs',
      async run() {
        const batch = await makeBatch({
          records: input.map((record, offsetDelta) =>
            makeRecord({ ...record, offsetDelta, timestampDelta: offsetDelta }),
          ),
          firstTimestamp: now,
          maxTimestamp: now + RECORDS - 1,
          lastOffsetDelta: RECORDS - 1,
        });
        sum += batch.buffer.length;
        return RECORDS;
      },
    },
    {
      name: 'write: tidemark',
      run() {
        for (const [index, { key, value }] of input.entries())
          encoder.append(key, value, now + index);
        const batch = encoder.finish();
        sum += batch.length;
        encoder.recycle(batch);
        return RECORDS;
      },
    },
  ];
}

/** A fetched range as a socket gives it: with its length in front, beginning anywhere in a larger buffer. */
function framedRange(input: readonly { key: Buffer; value: Buffer }[]): Buffer {
  const encoder = new RecordBatchEncoder();
  const batches: Buffer[] = [];
  for (let bytes = 0; bytes < RANGE_BYTES; bytes += batches.at(-1)?.length ?? 0) {
    for (const [index, { key, value }] of input.entries()) encoder.append(key, value, now + index);
    const batch = encoder.finish();
    batch.writeBigInt64BE(BigInt(batches.length * RECORDS));
    batches.push(batch);
  }
  const body = Buffer.concat(batches);
  const framed = Buffer.alloc(body.length + 4);
  framed.writeInt32BE(body.length);
  framed.set(body, 4);
  return framed;
}

function readers(framed: Buffer): Variant[] {
  const range = framed.subarray(4);
  const columns = new RecordColumns();
  const fill = (): number => {
    columns.clear();
    for (const batch of readBatches(range)) columns.append(range, batch);
    return columns.count;
  };
  return [
    {
      name: 'read: kafkajs',
      async run() {
        const messages = await decodeFramed(framed);
        for (const { key, value, timestamp } of messages)
          sum += (key?.length ?? 0) + (value?.length ?? 0) + timestamp.length;
        return messages.length;
      },
    },
    {
      name: 'read: tidemark, key and value as buffers',
      run() {
        const count = fill();
        for (let index = 0; index < count; index++) {
          const key = columns.key(index);
          const value = columns.value(index);
          sum += (key?.length ?? 0) + (value?.length ?? 0) + (columns.timestamps[index] ?? 0);
        }
        return count;
      },
    },
    {
      name: 'read: tidemark, columns',
      run() {
        const count = fill();
        for (let index = 0; index < count; index++)
          sum += (columns.valueLengths[index] ?? 0) + (columns.timestamps[index] ?? 0);
        return count;
      },
    },
  ];
}

/** Nanoseconds of CPU time per record, over at least 150 ms. */
async function measure({ run }: Variant): Promise<number> {
  const start = process.cpuUsage();
  let count = 0;
  let micros = 0;
  while (micros < 150_000) {
    count += await run();
    const { user, system } = process.cpuUsage(start);
    micros = user + system;
  }
  return (micros * 1000) / count;
}

async function compare(variants: readonly Variant[], runs: number): Promise<void> {
  const times = variants.map((): number[] => []);
  for (const variant of variants) await measure(variant);
  for (let round = 0; round < runs; round++)
    for (const [index, variant] of variants.entries()) times[index]?.push(await measure(variant));
  const base = times[0] ?? [];
  for (const [index, variant] of variants.entries()) {
    const own = times[index] ?? [];
    const { median } = spreadOf(own);
    const ratio = ratioOf(base, own);
    const perSecond = `${(1e3 / median).toFixed(2)} M/s`;
    const times10 = `${ratio.median.toFixed(1)}x (${ratio.min.toFixed(1)} to ${ratio.max.toFixed(1)})`;
    console.log(
      `${variant.name.padEnd(44)}${median.toFixed(0).padStart(7)} ns${perSecond.padStart(12)}  ${times10}`,
    );
  }
}

for (const bytes of options.bytes.split(',').map(Number)) {
  console.log(
    `\nvalues of ${bytes} bytes, batches of ${RECORDS} records, per record and second of CPU`,
  );
  const input = records(bytes);
  await compare(writers(input), Number(options.runs));
  await compare(readers(framedRange(input)), Number(options.runs));
}
console.log(`\nchecked: ${sum > 0}`);
