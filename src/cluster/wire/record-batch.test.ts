/** Finding batches in a fetched range: parts at the end, damage, markers, and what the headers say. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from './crc32c.js';
import { offsetBehind, readBatches } from './record-batch.js';
import { RecordBatchEncoder } from './record-batch-encoder.js';

/** One batch of `count` records whose first offset is `base`, as a broker stores it. */
function batchAt(base: number, count: number, mark = 0): Buffer {
  const encoder = new RecordBatchEncoder();
  for (let index = 0; index < count; index++)
    encoder.append(Buffer.from('k'), Buffer.alloc(20), 1000 + index);
  const batch = encoder.finish({ producerId: 5, producerEpoch: 1, baseSequence: 9 });
  batch.writeBigInt64BE(BigInt(base));
  return mark === 0 ? batch : withAttributes(batch, mark);
}

function withAttributes(batch: Buffer, attributes: number): Buffer {
  batch.writeInt16BE(attributes, 21);
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

/** A marker as a broker writes it: key of version 0 and a type, value of version 0 and the coordinator's epoch. */
function marker(base: number, type: number, key = Buffer.from([0, 0, 0, type])): Buffer {
  const encoder = new RecordBatchEncoder();
  encoder.append(key, Buffer.from('000000000003', 'hex'), 1000);
  const batch = encoder.finish({ producerId: 5, producerEpoch: 1 });
  batch.writeBigInt64BE(BigInt(base));
  return withAttributes(batch, 0x30);
}

test('whole batches are found, and a part at the end is left for the next fetch', () => {
  const range = Buffer.concat([batchAt(10, 3), batchAt(13, 2), batchAt(15, 4)]);
  const whole = range.length;
  fc.assert(
    fc.property(fc.nat(whole), (length) => {
      const found = readBatches(range.subarray(0, length));
      const complete = [batchAt(0, 3), batchAt(0, 2), batchAt(0, 4)]
        .map(({ length: size }) => size)
        .map((_, index, sizes) => sizes.slice(0, index + 1).reduce((sum, size) => sum + size, 0))
        .filter((end) => end <= length).length;
      expect(found).toHaveLength(complete);
      expect(offsetBehind(found, 10)).toBe([10, 13, 15, 19][complete]);
    }),
  );
});

test('the header tells who wrote the batch and what it holds', () => {
  expect(readBatches(batchAt(2 ** 40, 2))[0]).toMatchObject({
    start: 0,
    baseOffset: 2 ** 40,
    lastOffset: 2 ** 40 + 1,
    recordCount: 2,
    codec: 0,
    isTransactional: false,
    marker: undefined,
    baseTimestamp: 1000,
    maxTimestamp: 1001,
    producerId: 5,
    producerEpoch: 1,
    baseSequence: 9,
  });
});

test('a producer id of -1 and an offset beyond 32 bits are read as numbers', () => {
  const encoder = new RecordBatchEncoder();
  encoder.append(null, null, 2 ** 41);
  expect(readBatches(encoder.finish())[0]).toMatchObject({
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    maxTimestamp: 2 ** 41,
  });
});

describe('markers', () => {
  test('of commit and abort are told apart', () => {
    const [abort, commit] = readBatches(Buffer.concat([marker(0, 0), marker(1, 1)]));
    expect([abort?.marker, commit?.marker]).toEqual(['abort', 'commit']);
    expect(abort?.isTransactional).toBe(true);
  });

  test('of later kinds decide nothing', () => {
    const kinds = Buffer.concat([
      marker(0, 2),
      marker(1, 5),
      marker(2, 0, Buffer.from('00', 'hex')),
    ]);
    // A key of one byte would be read into the value, which must not become a decision either.
    expect(readBatches(kinds).map(({ marker: kind }) => kind)).not.toContain('commit');
  });

  test('are not made by a key of four zero bytes in a batch of data', () => {
    const encoder = new RecordBatchEncoder();
    encoder.append(Buffer.alloc(4), null, 0);
    const [batch] = readBatches(encoder.finish({ producerId: 5, transactional: true }));
    expect(batch?.marker).toBeUndefined();
  });
});

describe('damage', () => {
  test('of any bit behind the checksum is found', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(7), (where, bit) => {
        const batch = batchAt(0, 3);
        const at = 21 + (where % (batch.length - 21));
        batch[at] = (batch[at] ?? 0) ^ (1 << bit);
        expect(() => readBatches(batch, { where: 'topic "plays" partition 3' })).toThrow(
          /^BYTES_MALFORMED: expected checksum .*topic "plays" partition 3, batch at byte 0/,
        );
      }),
    );
  });

  test('passes where the checksum is not looked at', () => {
    const batch = batchAt(0, 3);
    batch[batch.length - 2] = 0xff;
    expect(readBatches(batch, { verifyCrc: false })).toHaveLength(1);
  });

  test('of the length is found', () => {
    const batch = batchAt(0, 3);
    batch.writeInt32BE(48, 8);
    expect(() => readBatches(batch)).toThrow('a batch with a whole header');
    batch.writeInt32BE(-1, 8);
    expect(() => readBatches(batch)).toThrow('a batch with a whole header');
  });

  test('an older format is refused by name', () => {
    const batch = batchAt(0, 3);
    batch[16] = 1;
    expect(() => readBatches(batch)).toThrow('expected a record batch of version 2, got version 1');
  });
});

test('an empty range holds nothing, and the offset stays', () => {
  expect(readBatches(new Uint8Array())).toEqual([]);
  expect(offsetBehind([], 17)).toBe(17);
});
