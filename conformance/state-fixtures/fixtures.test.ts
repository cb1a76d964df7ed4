/** Every format that a release has written is read by this one. Nothing here may ever be loosened. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { simulatedFiles } from '../../src/testing/index.js';
import { openRecord, sealRecord } from '../../src/checkpoint/job-record.js';
import type { Files } from '../../src/core/runtime.js';
import { decodeKey, encodeKey } from '../../src/state/key-codec.js';
import { decodeValue, encodeValue } from '../../src/state/value-codec.js';
import { goldenKeys, goldenRecord, goldenValues } from './golden.js';
import { STOP_AT, play, snapshots } from './job.js';

const home = join(import.meta.dirname, 'format-1');
const json = <T>(name: string): T => JSON.parse(readFileSync(join(home, name), 'utf8')) as T;
const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const golden = json<{ keys: string[]; values: string[]; record: string }>('golden.json');

async function withFixture(directory: string): Promise<Files> {
  const files = simulatedFiles();
  await files.makeDirectory(`/${directory}`);
  for (const name of readdirSync(join(home, directory))) {
    const file = await files.create(`/${directory}/${name}`);
    await file.write(new Uint8Array(readFileSync(join(home, directory, name))));
    await file.close();
  }
  return files;
}

describe('format 1', () => {
  test('keys', () => {
    expect(golden.keys).toHaveLength(goldenKeys.length);
    for (const [index, key] of goldenKeys.entries()) {
      const bytes = bytesOf(golden.keys[index] as string);
      // Keys are found by their bytes, so these can never change.
      expect([index, encodeKey(key)]).toEqual([index, bytes]);
      expect(encodeKey(decodeKey(bytes))).toEqual(bytes);
    }
  });

  test('values', () => {
    expect(golden.values).toHaveLength(goldenValues.length);
    for (const [index, value] of goldenValues.entries()) {
      const bytes = bytesOf(golden.values[index] as string);
      expect([index, decodeValue(bytes)]).toEqual([index, value]);
      expect([index, encodeValue(decodeValue(bytes))]).toEqual([index, encodeValue(value)]);
    }
  });

  test('the record of a job', () => {
    const record = openRecord(bytesOf(golden.record), 'fixture');
    expect(record).toMatchObject(goldenRecord);
    expect(openRecord(sealRecord(record), 'again')).toEqual(record);
  });

  test.each([1, 3])('a savepoint is gone on from, with %s shards', async (parallelism) => {
    const files = await withFixture('savepoint');
    const { lines } = await play(files, { resumeFrom: '/savepoint', parallelism });
    expect(lines).toEqual(json('lines-after.json'));
  });

  test('a snapshot is gone back to', async () => {
    const files = await withFixture('snapshots');
    const { lines } = await play(files, { snapshots: snapshots('/snapshots'), rewind: true });
    expect(lines).toEqual(json('lines-after.json'));
  });

  test('the lines are those of a run without a stop', async () => {
    const files = simulatedFiles();
    const { lines } = await play(files, {});
    const parts = [...json<string[]>('lines-before.json'), ...json<string[]>('lines-after.json')];
    expect(lines).toEqual(parts.toSorted());
    const again = await play(files, { upTo: STOP_AT, savepoint: '/here' });
    expect(again.lines).toEqual(json('lines-before.json'));
  });

  test('all of them are there', () => {
    for (const name of ['savepoint/savepoint.manifest', 'savepoint/savepoint-record'])
      expect(existsSync(join(home, name))).toBe(true);
    expect(readdirSync(join(home, 'snapshots')).some((name) => name.endsWith('.manifest'))).toBe(
      true,
    );
  });
});
