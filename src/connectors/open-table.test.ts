import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { nodeRuntime, openTable, table, unchecked } from '../index.js';
import type { Key } from '../core/key.js';
import { compareKeys } from '../state/key-order.js';
import { VirtualClock } from '../testing/virtual-clock.js';

const scratch = fs.mkdtempSync(join(tmpdir(), 'tidemark-reader-'));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));
let directories = 0;
const newDirectory = (): string => join(scratch, `table-${(directories += 1)}`);

type Change = readonly [key: Key, value: unknown];

/** A table under a job that gives it one epoch after the other. */
async function writing(directory: string) {
  const sink = table<Change>({
    ...{ uid: 'out', directory, key: ([key]) => key, value: ([, value]) => value },
  });
  const [runtime, job] = [
    nodeRuntime(),
    { job: 'job', uid: 'out', guarantee: 'exactly-once' as const },
  ];
  await sink.recover([], { ...job, epoch: 0 }, runtime);
  const writer = await sink.open({ ...job, instance: 0 }, runtime);
  let epoch = 0;
  return {
    async write(changes: readonly Change[]) {
      await writer.write(changes, []);
      await writer.publish(await writer.prepare((epoch += 1)));
    },
    close: () => writer.close(),
  };
}

async function tableOf(changes: readonly Change[]): Promise<string> {
  const directory = newDirectory();
  const { write, close } = await writing(directory);
  await write(changes);
  await close();
  return directory;
}

describe('a row', () => {
  const keys: fc.Arbitrary<Key> = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.double(),
    fc.integer({ min: -300, max: 300 }),
    fc.bigInt(),
    fc.boolean(),
    fc.array(fc.oneof(fc.string(), fc.integer(), fc.boolean()), { maxLength: 3 }),
  );

  test('is found under any key, and rows come in the order of keys', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(keys, { minLength: 1, maxLength: 40 }),
        keys,
        async (given, bound) => {
          const reader = await openTable(
            await tableOf(given.map((key, at) => [key, at])),
            unchecked<number>(),
          );
          const rows = reader.entries();
          for (const { key, value } of rows) {
            expect(reader.get(key)).toBe(value);
            expect(compareKeys(key, given[value] as Key)).toBe(0);
          }
          for (const [at, { key }] of rows.entries())
            if (at > 0)
              expect(compareKeys((rows[at - 1] as { key: Key }).key, key)).toBeLessThan(0);
          const below = rows.filter(({ key }) => compareKeys(key, bound) < 0);
          expect(reader.range({ to: bound })).toEqual(below);
          expect(reader.range({ from: bound })).toEqual(rows.slice(below.length));
          expect(reader.range({ from: bound, reverse: true })).toEqual(
            rows.slice(below.length).toReversed(),
          );
          expect(reader.range({ to: bound, limit: 3, reverse: true })).toEqual(
            below.toReversed().slice(0, 3),
          );
          await reader.close();
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);

  test('comes back as it was, and belongs to the caller', async () => {
    const row = { at: new Date(5), set: new Set([1n]), nothing: undefined, minus: -0 };
    const reader = await openTable(await tableOf([['a', row]]), unchecked<typeof row>());
    const got = reader.get('a');
    expect(got).toEqual(row);
    got?.set.clear();
    expect(reader.get('a')).toEqual(row);
    await reader.close();
  });

  test('that does not fit the schema of the reader is refused when it is read', async () => {
    const reader = await openTable(
      await tableOf([
        ['a', 1],
        ['b', 'two'],
      ]),
      z.number(),
    );
    expect(reader.get('a')).toBe(1);
    expect(() => reader.get('b')).toThrow(/RECORD_INVALID/);
    expect(() => reader.entries()).toThrow(/RECORD_INVALID/);
    await reader.close();
  });

  test('whose bytes were turned is damage that names its key', async () => {
    const directory = await tableOf([['song', 'the text of a row']]);
    const data = join(directory, 'data.mdb');
    const bytes = fs.readFileSync(data);
    const text = 'the text of a row';
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) bytes[at] = 0x54;
    fs.writeFileSync(data, bytes);
    const reader = await openTable(directory, unchecked<string>());
    expect(() => reader.get('song')).toThrow(/STATE_DAMAGED.*row "song"/);
    await reader.close();
  });
});

describe('a reader', () => {
  test('follows the epochs, and a snapshot stands still', async () => {
    const directory = newDirectory();
    const { write, close } = await writing(directory);
    const reader = await openTable(directory, unchecked<number>());
    expect([reader.epoch, reader.get('a'), reader.entries()]).toEqual([0, undefined, []]);
    await write([['a', 1]]);
    expect([reader.epoch, reader.get('a')]).toEqual([1, 1]);
    await write([
      ['a', undefined],
      ['b', 2],
    ]);
    expect(reader.snapshot((still) => [still.epoch, still.get('a'), still.get('b')])).toEqual([
      ...[2, undefined, 2],
    ]);
    await reader.close();
    await close();
  });

  test('watches: the epoch at once, each new one once, and the end', async () => {
    const directory = newDirectory();
    const { write, close } = await writing(directory);
    const clock = new VirtualClock();
    const reader = await openTable(directory, unchecked<number>(), { clock });
    const seen: (number | string)[] = [];
    const watching = reader.watch({ every: '1s' });
    const first = watching.subscribe({
      next: (epoch) => seen.push(epoch),
      complete: () => seen.push('end'),
    });
    const second = watching.subscribe((epoch) => seen.push(`second ${epoch}`));
    await write([['a', 1]]);
    clock.moveTo(999);
    expect(seen).toEqual([0, 'second 0']);
    second.unsubscribe();
    clock.moveTo(5000);
    await write([['a', 2]]);
    await write([['a', 3]]);
    clock.moveTo(9000);
    expect(seen).toEqual([0, 'second 0', 1, 3]);
    await reader.close();
    expect([seen.at(-1), first.closed, clock.next()]).toEqual(['end', true, Infinity]);
    expect(() => reader.get('a')).toThrow(/TABLE_NOT_FOUND.*closed/);
    await close();
  });

  test('of no table, or of something else, is told so', async () => {
    await expect(openTable(newDirectory(), unchecked())).rejects.toMatchObject({
      ...{ code: 'TABLE_NOT_FOUND', retryable: true },
    });
    await expect(openTable('', unchecked())).rejects.toMatchObject({ code: 'OPTIONS_INVALID' });
    const reader = await openTable(await tableOf([['a', 1]]), unchecked());
    expect(() => reader.range({ limit: 0 })).toThrow(/OPTIONS_INVALID.*limit/);
    expect(() => reader.get(new Date(0) as never)).toThrow(/KEY_INVALID/);
    await reader.close();
  });
});
