import fc from 'fast-check';
import { expect, test } from 'vitest';
import { check } from '../../property-tests/settings.js';
import { crc32 } from '../state/checksum.js';
import { recordKinds, type StateRecord } from './committed-state.js';
import { ChunkWriter, openChunk } from './snapshot-chunks.js';

const records: fc.Arbitrary<StateRecord[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...recordKinds),
    group: fc.nat(32_767),
    key: fc.uint8Array({ maxLength: 20 }),
    value: fc.uint8Array({ maxLength: 300 }),
  }),
  { maxLength: 20 },
);

function chunkOf(uid: string, all: readonly StateRecord[]): Uint8Array {
  const writer = new ChunkWriter(uid);
  for (const record of all) writer.add(record);
  const { byteLength } = writer;
  const bytes = writer.finish();
  expect(bytes).toHaveLength(byteLength);
  return bytes;
}

check(
  'what is written is read',
  fc.property(fc.string(), records, (uid, all) => {
    const chunk = openChunk(chunkOf(uid, all), 'here');
    expect(chunk.uid).toBe(uid);
    expect([...chunk.records]).toEqual(all);
  }),
);

check(
  'every bit and every byte is guarded',
  fc.property(records, fc.nat(), fc.nat(7), (all, at, bit) => {
    const bytes = chunkOf('uid', all);
    const turned = bytes.slice();
    turned[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << bit);
    expect(() => openChunk(turned, 'here')).toThrow('STATE_DAMAGED');
    expect(() => openChunk(bytes.subarray(0, at % bytes.length), 'here')).toThrow('STATE_DAMAGED');
  }),
);

test('it knows its groups and its records', () => {
  const writer = new ChunkWriter('uid');
  const [key, value] = [new Uint8Array(1), new Uint8Array()];
  for (const group of [7, 3, 9]) writer.add({ kind: 'event', group, key, value });
  expect([writer.records, writer.groups]).toEqual([3, [3, 9]]);
});

/** A byte changed by somebody who knows the checksum. */
function resealed(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = byte;
  const end = changed.length - 4;
  new DataView(changed.buffer).setUint32(end, crc32(changed.subarray(0, end)));
  return changed;
}

test('a newer version is told from damage, and so is another kind of file or record', () => {
  const [key, value] = [new Uint8Array([1]), new Uint8Array([2])];
  const bytes = chunkOf('u', [{ kind: 'slots', group: 1, key, value }]);
  expect(() => openChunk(resealed(bytes, 3, 2), 'here')).toThrow('STATE_VERSION_UNKNOWN');
  expect(() => openChunk(resealed(bytes, 0, 0), 'here')).toThrow('another kind of file');
  const strange = openChunk(resealed(bytes, 6, 77), 'here');
  expect(() => [...strange.records]).toThrow('a record of kind 77');
});
