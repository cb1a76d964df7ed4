/** `table`: rows of an epoch become visible together and once, whatever happens in between. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Sink, SinkInstance, SinkRun } from '../core/connector.js';
import { nodeRuntime, openTable, unchecked } from '../index.js';
import { lmdb } from '../state/lmdb-backend.js';
import { simulatedDisk } from '../testing/simulated-disk.js';
import { table, type TableOptions } from './table.js';

const scratch = fs.mkdtempSync(join(tmpdir(), 'tidemark-table-'));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));
let directories = 0;
const newDirectory = (): string => join(scratch, `table-${(directories += 1)}`);

type Change = readonly [key: string | number, value: unknown];
const runtime = nodeRuntime();
const guarantee = 'exactly-once';
const runAt = (epoch: number, more: Partial<SinkRun> = {}): SinkRun => ({
  ...{ job: 'job', uid: 'out', guarantee, epoch },
  ...more,
});
const instance = (number = 0, more: Partial<SinkInstance> = {}): SinkInstance => ({
  ...{ job: 'job', uid: 'out', instance: number, guarantee },
  ...more,
});
const tableAt = (
  directory: TableOptions<Change>['directory'],
  more: Partial<TableOptions<Change>> = {},
): Sink<Change> =>
  table<Change>({
    uid: 'out',
    directory,
    key: ([key]) => key,
    value: ([, value]) => value,
    ...more,
  });
const none: number[] = [];

async function rowsOf(directory: string): Promise<[unknown, unknown][]> {
  const reader = await openTable(directory, unchecked<unknown>());
  const rows = reader.entries().map(({ key, value }) => [key, value] as [unknown, unknown]);
  await reader.close();
  return rows;
}

describe('an epoch', () => {
  test('is invisible when it is prepared, and whole when it is published', async () => {
    const directory = newDirectory();
    const sink = tableAt(directory);
    await sink.recover([], runAt(0), runtime);
    const writers = await Promise.all([
      sink.open(instance(0), runtime),
      sink.open(instance(1), runtime),
    ]);
    await writers[0]?.write(
      [
        ['a', 1],
        ['b', 2],
        ['a', 3],
      ],
      none,
    );
    await writers[1]?.write([['c', 4]], none);
    const prepared = await Promise.all(writers.map((writer) => writer.prepare(1)));
    const reader = await openTable(directory, unchecked<unknown>());
    expect([reader.epoch, reader.entries()]).toEqual([0, []]);
    await writers[0]?.publish(prepared[0]);
    // The rows of the other writer are in the same commit, so they come with it.
    expect([reader.epoch, reader.get('a'), reader.get('c')]).toEqual([1, 3, 4]);
    await writers[1]?.publish(prepared[1]);
    expect(reader.entries().map(({ key }) => key)).toEqual(['a', 'b', 'c']);
    await reader.close();
    for (const writer of writers) await writer.close();
  });

  test('that was published is not published again, and one that was not is finished', async () => {
    const directory = newDirectory();
    const sink = tableAt(directory);
    await sink.recover([], runAt(0), runtime);
    const writer = await sink.open(instance(), runtime);
    await writer.write([['a', 1]], none);
    const first = await writer.prepare(1);
    await writer.publish(first);
    await writer.write([['a', 2]], none);
    const second = await writer.prepare(2);
    await writer.write([['a', 3]], none);
    await writer.prepare(3);
    await writer.close();
    // The commit knows the second epoch only: the third one was never committed.
    await sink.recover([second], runAt(2), runtime);
    expect(await rowsOf(directory)).toEqual([['a', 2]]);
    await sink.recover([second], runAt(2), runtime);
    expect(await rowsOf(directory)).toEqual([['a', 2]]);
    const backend = await lmdb(directory).open();
    expect(backend.keys('stage/')).toEqual([]);
    await backend.close();
  });

  test('without a change leaves nothing in the commit', async () => {
    const sink = tableAt(simulatedDisk());
    await sink.recover([], runAt(0), runtime);
    const writer = await sink.open(instance(), runtime);
    expect(await writer.prepare(1)).toBeUndefined();
    await writer.publish(undefined);
    await writer.close();
  });

  test('larger than what is kept in memory is staged in parts, and the last row of a key wins', async () => {
    const directory = newDirectory();
    const sink = tableAt(directory);
    await sink.recover([], runAt(0), runtime);
    const writer = await sink.open(instance(), runtime);
    const text = 'x'.repeat(1000);
    for (let turn = 0; turn < 3; turn += 1)
      for (let from = 0; from < 4000; from += 1000)
        await writer.write(
          Array.from({ length: 1000 }, (_, n) => [from + n, text + turn]),
          none,
        );
    const prepared = (await writer.prepare(1)) as { stages: string[] };
    expect(prepared.stages.length).toBeGreaterThan(2);
    await writer.publish(prepared);
    await writer.close();
    const rows = await rowsOf(directory);
    expect(rows).toHaveLength(4000);
    expect(rows.every(([, row]) => row === `${text}2`)).toBe(true);
  });
});

describe('a row', () => {
  test('is removed by an undefined value and by the predicate', async () => {
    const directory = newDirectory();
    const sink = tableAt(directory, { remove: ([key]) => key === 'gone' });
    await sink.recover([], runAt(0), runtime);
    const writer = await sink.open(instance(), runtime);
    await writer.write(
      [
        ['a', 1],
        ['b', 2],
      ],
      none,
    );
    await writer.publish(await writer.prepare(1));
    await writer.write(
      [
        ['a', undefined],
        ['gone', 5],
        ['never', undefined],
      ],
      none,
    );
    await writer.publish(await writer.prepare(2));
    await writer.close();
    expect(await rowsOf(directory)).toEqual([['b', 2]]);
  });

  test('of an at-least-once job is visible when it is prepared, and may come again', async () => {
    const directory = newDirectory();
    const sink = tableAt(directory);
    const loose = { guarantee: 'at-least-once' } as const;
    for (const value of [1, 2]) {
      await sink.recover([], runAt(0, loose), runtime);
      const writer = await sink.open(instance(0, loose), runtime);
      await writer.write([['a', value]], none);
      expect(await writer.prepare(1)).toBeUndefined();
      expect(await rowsOf(directory)).toEqual([['a', value]]);
      await writer.close();
    }
  });

  test('that is no data, or whose key is none or too long, is refused by name', async () => {
    const sink = tableAt(simulatedDisk());
    await sink.recover([], runAt(0), runtime);
    const writer = await sink.open(instance(), runtime);
    const write = (change: Change) => () => writer.write([change], none);
    expect(write(['a', () => 1])).toThrow(/VALUE_NOT_ENCODABLE/);
    expect(write([new Date(0) as never, 1])).toThrow(/KEY_INVALID.*table "out"/s);
    expect(write(['é'.repeat(500), 1])).toThrow(
      /KEY_INVALID: expected a key of at most 1900 bytes/,
    );
    expect(write(['é'.repeat(400), 1])).not.toThrow();
    await writer.close();
  });
});

describe('a table is refused', () => {
  async function written(directory: string | ReturnType<typeof simulatedDisk>) {
    const sink = tableAt(directory);
    await sink.recover([], runAt(0), runtime);
    const writer = await sink.open(instance(), runtime);
    await writer.write([['a', 1]], none);
    const prepared = await writer.prepare(1);
    await writer.publish(prepared);
    await writer.close();
    return prepared;
  }

  test('by a state that is older than it', async () => {
    const disk = simulatedDisk();
    await written(disk);
    const recovered = tableAt(disk).recover([], runAt(0), runtime);
    await expect(recovered).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
    await expect(recovered).rejects.toThrow(/epoch 0.*epoch 1/s);
  });

  test('when it was replaced, and when rows that the commit knows are gone', async () => {
    const prepared = await written(simulatedDisk());
    await expect(tableAt(simulatedDisk()).recover([prepared], runAt(1), runtime)).rejects.toThrow(
      /STATE_DAMAGED: expected the table/,
    );
    const disk = simulatedDisk();
    const { table: id } = (await written(disk)) as { table: string };
    const lost = { table: id, epoch: 2, stages: ['stage/0-x-1'] };
    await expect(tableAt(disk).recover([lost], runAt(2), runtime)).rejects.toThrow(
      /STATE_DAMAGED: expected rows of epoch 2/,
    );
    await expect(tableAt(disk).recover(['what'], runAt(2), runtime)).rejects.toThrow(
      /STATE_DAMAGED: expected what this sink has prepared/,
    );
  });

  test('when it belongs to another job or sink, is no table, or is held by somebody', async () => {
    const disk = simulatedDisk();
    await written(disk);
    await expect(
      tableAt(disk).recover([], runAt(1, { job: 'other' }), runtime),
    ).rejects.toMatchObject({ code: 'STATE_OF_ANOTHER_JOB' });
    const strange = simulatedDisk();
    const backend = await strange.open();
    backend.commit([{ key: 'job', value: Uint8Array.of(1) }]);
    await expect(tableAt(strange).recover([], runAt(0), runtime)).rejects.toMatchObject({
      code: 'STATE_IN_USE',
    });
    await backend.close();
    await expect(tableAt(strange).recover([], runAt(0), runtime)).rejects.toThrow(
      /STATE_DAMAGED: expected the directory of a table/,
    );
  });
});

test('wrong options are refused at once, all of them', () => {
  const options = { uid: 'out', directory: '', key: 'song', valeu: 1 };
  expect(() => table(options as never)).toThrow(/OPTIONS_INVALID.*directory.*key.*valeu/s);
});
