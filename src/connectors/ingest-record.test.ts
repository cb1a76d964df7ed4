import { expect, test } from 'vitest';
import { ByteWriter } from '../state/bytes.js';
import { crc32 } from '../state/checksum.js';
import { writeValue } from '../state/value-codec.js';
import { decodeRecord, encodeRecord, readHead } from './ingest-record.js';

const head = { first: 2 ** 40, count: 3, durable: 2 ** 40 - 1, appended: 1_700_000_000_000 };

function record(): Uint8Array {
  const writer = new ByteWriter();
  for (const value of ['a', { n: 1 }, undefined]) writeValue(writer, value);
  return encodeRecord(head, writer.peek());
}

test('a record gives back its head and its values', () => {
  expect(readHead(record(), 'log')).toEqual(head);
  expect(decodeRecord(record(), 'log')).toEqual({ head, values: ['a', { n: 1 }, undefined] });
});

test('every turned bit and every cut is damage that names the log', () => {
  const good = record();
  for (let at = 0; at < good.length; at += 1) {
    const turned = good.with(at, (good[at] ?? 0) ^ (1 << (at % 8)));
    expect(() => readHead(turned, 'log 7')).toThrow(/STATE_DAMAGED.*at log 7/);
    expect(() => decodeRecord(good.subarray(0, at), 'log 7')).toThrow(/STATE_DAMAGED/);
  }
});

test('a record of a newer version is told from a damaged one', () => {
  const newer = record().with(1, 9);
  new DataView(newer.buffer).setUint32(newer.length - 4, crc32(newer.subarray(0, -4)));
  expect(() => readHead(newer, 'log')).toThrow(/STATE_VERSION_UNKNOWN.*version 9/);
});
