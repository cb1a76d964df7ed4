/** Records as columns: several batches, compressed ones, offsets to begin at, and bytes that lie. */
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeBatch, makeRecord } from '../../../bench/kafka/kafkajs-records.js';
import { crc32c } from './crc32c.js';
import { readBatches } from './record-batch.js';
import { RecordBatchEncoder } from './record-batch-encoder.js';
import { RecordColumns } from './record-columns.js';

function batchOf(base: number, texts: readonly string[]): Buffer {
  const encoder = new RecordBatchEncoder();
  for (const [index, text] of texts.entries())
    encoder.append(Buffer.from(`k${index}`), Buffer.from(text), 1000 + index);
  const batch = encoder.finish();
  batch.writeBigInt64BE(BigInt(base));
  return batch;
}

/** The same batch with its records packed, and the number of the codec in its attributes. */
function packed(batch: Buffer, codec: number, pack: (bytes: Buffer) => Buffer): Buffer {
  const whole = Buffer.concat([batch.subarray(0, 61), pack(batch.subarray(61))]);
  whole.writeInt32BE(whole.length - 12, 8);
  return patched(whole, (bytes) => bytes.writeInt16BE(codec, 21));
}

function patched(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  change(batch);
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

function columnsOf(range: Uint8Array, from?: number): RecordColumns {
  const columns = new RecordColumns();
  for (const batch of readBatches(range)) columns.append(range, batch, from);
  return columns;
}

function texts(columns: RecordColumns): (string | null)[] {
  return Array.from({ length: columns.count }, (_, index) => columns.valueText(index));
}

test('several batches become one run of columns', () => {
  const columns = columnsOf(Buffer.concat([batchOf(10, ['a', 'b']), batchOf(15, ['c'])]));
  expect([...columns.offsets.subarray(0, columns.count)]).toEqual([10, 11, 15]);
  expect([...columns.timestamps.subarray(0, columns.count)]).toEqual([1000, 1001, 1000]);
  expect(texts(columns)).toEqual(['a', 'b', 'c']);
  expect([columns.keyText(1), columns.key(2)?.toString()]).toEqual(['k1', 'k0']);
  expect(columns.buffers).toHaveLength(1);
});

test('a batch that begins before the offset asked for gives only what was asked for', () => {
  const columns = columnsOf(batchOf(10, ['a', 'b', 'c']), 11);
  expect(texts(columns)).toEqual(['b', 'c']);
});

test('a clear keeps nothing, and views that were taken stay good', () => {
  const columns = columnsOf(batchOf(0, ['first']));
  const view = columns.value(0);
  columns.clear();
  const other = batchOf(0, ['other']);
  for (const batch of readBatches(other)) columns.append(other, batch);
  expect(columns.count).toBe(1);
  expect(view?.toString()).toBe('first');
});

test('columns grow beyond what they begin with', () => {
  const many = Array.from({ length: 5000 }, (_, index) => `v${index}`);
  const range = Buffer.concat([batchOf(0, many), batchOf(5000, many)]);
  const columns = columnsOf(range);
  expect(columns.count).toBe(10_000);
  expect(columns.valueText(9999)).toBe('v4999');
  expect(columns.offsets[9999]).toBe(9999);
});

test('the time of the broker stands for all records where the topic says so', () => {
  const batch = patched(batchOf(0, ['a', 'b']), (bytes) => bytes.writeInt16BE(8, 21));
  const columns = columnsOf(batch);
  expect([...columns.timestamps.subarray(0, 2)]).toEqual([1001, 1001]);
});

test('what kafkajs writes is read, compressed or not', async () => {
  const content = fc.record({
    key: fc.option(fc.uint8Array({ maxLength: 200 })),
    value: fc.option(fc.uint8Array({ maxLength: 200 })),
    timestampDelta: fc.integer({ min: -1000, max: 2 ** 30 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(content, { minLength: 1, maxLength: 30 }),
      fc.constantFrom(0, 1),
      async (contents, compression) => {
        const records = contents.map(({ key, value, timestampDelta }, offsetDelta) => {
          const sides = { key: key && Buffer.from(key), value: value && Buffer.from(value) };
          return makeRecord({ ...sides, timestampDelta, offsetDelta });
        });
        const last = contents.length - 1;
        const times = { firstTimestamp: 5e9, maxTimestamp: 9e9 };
        const encoded = await makeBatch({ ...times, records, compression, lastOffsetDelta: last });
        const columns = columnsOf(encoded.buffer);
        expect(columns.count).toBe(contents.length);
        for (const [index, { key, value, timestampDelta }] of contents.entries()) {
          expect(columns.key(index)).toEqual(key && Buffer.from(key));
          expect(columns.value(index)).toEqual(value && Buffer.from(value));
          expect(columns.timestamps[index]).toBe(5e9 + timestampDelta);
        }
      },
    ),
    { numRuns: 60 },
  );
});

describe('compressed batches', () => {
  const plain = batchOf(3, ['a'.repeat(500), 'b']);

  test('stand beside plain ones, each in its own buffer', () => {
    const zipped = packed(Buffer.from(plain), 1, (bytes) => gzipSync(bytes));
    const columns = columnsOf(Buffer.concat([batchOf(0, ['x']), zipped, batchOf(5, ['y'])]));
    expect(texts(columns)).toEqual(['x', 'a'.repeat(500), 'b', 'y']);
    expect(columns.buffers.length).toBe(3);
  });

  test('of a codec that was given are opened with it', () => {
    const deflated = packed(Buffer.from(plain), 4, (bytes) => deflateSync(bytes));
    const columns = new RecordColumns({ codecs: { 4: () => plain.subarray(61) } });
    for (const batch of readBatches(deflated)) columns.append(deflated, batch);
    expect(columns.count).toBe(2);
  });

  test('of a codec that nobody knows are refused by its name', () => {
    const zstd = packed(Buffer.from(plain), 4, (bytes) => bytes);
    expect(() => columnsOf(zstd)).toThrow('codecs gzip, none, got codec zstd');
  });

  test('that would become too large are refused', () => {
    const bomb = packed(batchOf(0, ['0'.repeat(100_000)]), 1, (bytes) => gzipSync(bytes));
    const columns = new RecordColumns({ batchBytesMax: 1000 });
    expect(() => {
      for (const batch of readBatches(bomb)) columns.append(bomb, batch);
    }).toThrow('records in gzip of at most 1000 bytes');
  });
});

test('bytes that lie give a coded error, never anything from outside the batch', () => {
  const original = batchOf(0, ['some value', 'another one', 'and a third']);
  let refused = 0;
  fc.assert(
    fc.property(fc.nat(), fc.nat(255), (where, byte) => {
      const at = 57 + (where % (original.length - 57));
      const batch = patched(Buffer.from(original), (bytes) => {
        bytes[at] = byte;
      });
      const columns = new RecordColumns();
      try {
        for (const header of readBatches(batch)) columns.append(batch, header);
      } catch (error) {
        refused++;
        expect(error).toMatchObject({ code: 'BYTES_MALFORMED' });
        expect(columns.count).toBe(0);
        return;
      }
      for (let index = 0; index < columns.count; index++) {
        const end = (columns.valueStarts[index] ?? 0) + (columns.valueLengths[index] ?? 0);
        expect(end).toBeLessThanOrEqual(batch.length);
        expect(columns.key(index)?.length ?? 0).toBeLessThan(40);
      }
    }),
    { numRuns: 400 },
  );
  expect(refused).toBeGreaterThan(50);
});
