/** Batches as bytes: worked out by hand, read back by kafkajs, and used again. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeByKafkajs } from '../../../bench/kafka/kafkajs-records.js';
import { readBatches } from './record-batch.js';
import { RecordBatchEncoder } from './record-batch-encoder.js';
import { RecordColumns } from './record-columns.js';

const utf8 = (text: string): Buffer => Buffer.from(text);

describe('one batch, byte by byte', () => {
  const encoder = new RecordBatchEncoder();
  encoder.append(utf8('k'), utf8('vv'), 1000);
  encoder.append(null, null, 999, [['h', utf8('x')]]);
  const batch = encoder.finish({
    producerId: 4_294_967_298,
    producerEpoch: 7,
    baseSequence: 65_536,
    transactional: true,
  });

  test('has the header of the format', () => {
    const header = [
      '0000000000000000', // first offset
      '00000046', // length of what follows: 49 of the header, 10 and 11 of the records
      'ffffffff', // leader epoch: the broker fills it in
      '02', // version
      batch.subarray(17, 21).toString('hex'), // checksum, see below
      '0010', // attributes: transactional
      '00000001', // last offset, relative
      '00000000000003e8', // first time
      '00000000000003e8', // latest time
      '0000000100000002', // producer id
      '0007', // producer epoch
      '00010000', // first sequence
      '00000002', // records
    ];
    expect(batch.subarray(0, 61).toString('hex')).toBe(header.join(''));
  });

  test('has records of relative times and offsets, in zigzag', () => {
    const records = [
      '12', // length 9
      '00', // attributes
      '00', // time + 0
      '00', // offset + 0
      '02 6b', // key of one byte
      '04 7676', // value of two
      '00', // no headers
      '14', // length 10
      '00',
      '01', // time - 1
      '02', // offset + 1
      '01', // no key
      '01', // no value
      '02', // one header
      '02 68',
      '02 78',
    ];
    expect(batch.subarray(61).toString('hex')).toBe(records.join('').replaceAll(' ', ''));
  });

  test('has a checksum that is found right', () => {
    expect(readBatches(batch)).toHaveLength(1);
  });
});

interface Input {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly time: number;
  readonly headers: [string, Uint8Array | null][];
}
const bytes = fc.option(fc.uint8Array({ maxLength: 90 }));
const record: fc.Arbitrary<Input> = fc.record({
  key: bytes,
  value: fc.oneof(
    bytes,
    fc.integer({ min: 8100, max: 8300 }).map((length) => new Uint8Array(length)),
  ),
  time: fc.oneof(
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_300 }),
    fc.maxSafeNat().map((time) => Math.floor(time / 4)),
    fc.constantFrom(-1, 0, 2 ** 31, 2 ** 31 - 1, 2 ** 32, 2 ** 50, -(2 ** 40)),
  ),
  headers: fc.array(fc.tuple(fc.string({ maxLength: 5 }), bytes), { maxLength: 2 }),
});

test('what is written is read back, whatever the sizes', () => {
  const encoder = new RecordBatchEncoder(1);
  const columns = new RecordColumns();
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 70 }), (records) => {
      for (const { key, value, time, headers } of records)
        encoder.append(key, value, time, headers);
      const size = encoder.byteLength;
      const batch = encoder.finish();
      expect(batch.length).toBe(size);
      columns.clear();
      for (const header of readBatches(batch)) columns.append(batch, header);
      expect(columns.count).toBe(records.length);
      for (const [index, { key, value, time, headers }] of records.entries()) {
        expect(columns.offsets[index]).toBe(index);
        expect(columns.timestamps[index]).toBe(time);
        expect(columns.key(index)).toEqual(key === null ? null : Buffer.from(key));
        expect(columns.value(index)).toEqual(value === null ? null : Buffer.from(value));
        expect(columns.headers(index)).toEqual(
          headers.map(([name, content]) => [
            utf8(name).toString(),
            content === null ? null : Buffer.from(content),
          ]),
        );
      }
      encoder.recycle(batch);
    }),
    { numRuns: 40 },
  );
});

test('kafkajs reads the same', async () => {
  const encoder = new RecordBatchEncoder();
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 20 }), async (records) => {
      for (const { key, value, time } of records) encoder.append(key, value, time);
      const messages = await decodeByKafkajs(encoder.finish());
      expect(messages.map(({ key, value, timestamp }) => ({ key, value, timestamp }))).toEqual(
        records.map(({ key, value, time }) => ({
          key: key === null ? null : Buffer.from(key),
          value: value === null ? null : Buffer.from(value),
          timestamp: `${time}`,
        })),
      );
    }),
    { numRuns: 25 },
  );
});

test('a finished batch belongs to the caller until it is given back', () => {
  const encoder = new RecordBatchEncoder();
  encoder.append(null, utf8('first'), 1);
  const first = encoder.finish();
  const copy = Buffer.from(first);
  encoder.append(null, utf8('second'), 2);
  const second = encoder.finish();
  expect(first.equals(copy)).toBe(true);
  encoder.recycle(first);
  encoder.append(null, utf8('third'), 3);
  encoder.finish();
  encoder.append(null, utf8('fourth'), 4);
  expect(encoder.finish().buffer).toBe(first.buffer);
  expect(second.includes('second')).toBe(true);
});

test('a batch without records is a mistake of ours', () => {
  expect(() => new RecordBatchEncoder().finish()).toThrow('a batch has records');
});
