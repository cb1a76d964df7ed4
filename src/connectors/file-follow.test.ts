import { beforeEach, describe, expect, test } from 'vitest';
import type { SplitReader } from '../core/connector.js';
import { silentLogger, type Files, type Runtime, type WritableFile } from '../core/runtime.js';
import { simulatedFiles } from '../testing/simulated-files.js';
import { VirtualClock } from '../testing/virtual-clock.js';
import type { DelimitedFileOptions, JsonlFileOptions } from './file-open.js';
import { file } from './file.js';

type Options = DelimitedFileOptions<readonly string[]> | JsonlFileOptions;

const path = 'logs/plays';
let clock: VirtualClock;
let files: Files;
let runtime: Runtime;
let writing: WritableFile;

beforeEach(async () => {
  clock = new VirtualClock();
  files = simulatedFiles();
  const random = (): number => 0;
  runtime = { clock, files, random, log: silentLogger, at: () => Promise.resolve() };
  await files.makeDirectory('logs');
  writing = await files.create(path);
});

describe('a followed file', () => {
  test('is read on as it grows, the same from wherever the writes are cut', async () => {
    const reader = await follow();
    await append('1\n2\n');
    expect(await values(reader)).toEqual([1, 2]);
    const waiting = reader.read();
    expect(await isSettled(waiting)).toBe(false);
    await append('3\n');
    clock.moveTo(250);
    expect((await waiting)?.chunk.values).toEqual([3]);
    for (const part of ['4', '2\r', '\n4', '3\n']) {
      await append(part);
      clock.moveTo(clock.now() + 250);
    }
    expect(await values(reader)).toEqual([42, 43]);
  });

  test('a last line without an end waits for it, and is not consumed at a stop', async () => {
    await append('1\n{"a":');
    const reader = await follow();
    const first = await reader.read();
    expect(first?.chunk.values).toEqual([1]);
    const waiting = reader.read();
    await isSettled(waiting);
    reader.interrupt?.();
    expect(await waiting).toBeUndefined();
    await reader.close();
    await append('2}\n');
    const again = await follow({ format: 'jsonl' }, first?.cursor);
    expect(await values(again)).toEqual([{ a: 2 }]);
  });

  test.each([
    ['empty', ''],
    ['with half a header', 'user,so'],
  ])('a file that is %s waits for its header', async (_, begin) => {
    await append(begin);
    const reader = await follow({ format: 'csv' });
    const waiting = reader.read();
    expect(await isSettled(waiting)).toBe(false);
    await append('user,song\n1,a\n'.slice(begin.length));
    clock.moveTo(250);
    expect((await waiting)?.chunk.values).toEqual([{ user: '1', song: 'a' }]);
  });

  test('the wait for a header can be interrupted', async () => {
    const reader = await follow({ format: 'tsv' });
    const waiting = reader.read();
    await isSettled(waiting);
    reader.interrupt?.();
    expect(await waiting).toBeUndefined();
    await reader.close();
    expect(clock.next()).toBe(Infinity);
  });

  test('a single short value without a byte order mark does not wait for a third byte', async () => {
    const reader = await follow();
    await append('7\n');
    expect(await values(reader)).toEqual([7]);
  });

  test('a line that grows without an end is bounded, and costs only itself', async () => {
    const reader = await follow({ format: 'jsonl', maxLineBytes: 1000 });
    await append(`${'9'.repeat(300_000)}\n5\n`);
    const chunk = (await reader.read())?.chunk;
    expect(chunk?.unreadable?.map(({ reason }) => reason)).toEqual([
      'the line is longer than 1000 bytes',
    ]);
    expect(chunk?.values).toEqual([5]);
  });
});

describe('a followed file that does not only grow is refused: it', () => {
  const read = '1\n2\n';

  test.each([
    ['was cut off', '1\n', /at least 4 bytes.*got 2 bytes/],
    ['is gone', undefined, /got no file/],
  ])('%s', async (_, left, message) => {
    const reader = await readerBehind(read);
    if (left === undefined) await files.remove(path);
    else await rewrite(left);
    await expect(reader.read()).rejects.toThrow(message);
    await expect(reader.read()).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  test('was replaced under its name, by one that is longer', async () => {
    const reader = await readerBehind(read);
    const other = await files.create('logs/other');
    await other.write(Buffer.from(`${read}3\n`));
    await files.rename('logs/other', path);
    await expect(reader.read()).rejects.toThrow(/SOURCE_CHANGED.*another file of that name/);
  });

  test('was cut off and written anew beyond the place reached, between two looks', async () => {
    const reader = await readerBehind(read);
    const waiting = reader.read();
    expect(await isSettled(waiting)).toBe(false);
    await rewrite('8\n9\n10\n');
    clock.moveTo(250);
    await expect(waiting).rejects.toThrow(/SOURCE_CHANGED.*other bytes/);
  });

  test('is shorter than the cursor, or differs before it, when the job comes back', async () => {
    await append(read);
    const reader = await follow();
    const cursor = (await reader.read())?.cursor;
    await rewrite('1\n');
    await expect(follow({ format: 'jsonl' }, cursor)).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
    });
    await rewrite('3\n4\n5\n');
    await expect(follow({ format: 'jsonl' }, cursor)).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
    });
  });

  test('was read to an unfinished last line before, and has grown', async () => {
    await append('1\n2');
    const whole = await file(path, { format: 'jsonl' }).open(path, undefined, runtime);
    await whole.read();
    const cursor = (await whole.read())?.cursor;
    await append('3\n');
    const reader = await follow({ format: 'jsonl' }, cursor);
    await expect(reader.read()).rejects.toThrow(/SOURCE_CHANGED.*nothing behind the last line/);
  });
});

test('what cannot be followed is refused at once', () => {
  const wrong = (): unknown => file('a.gz', { format: 'csv', follow: true });
  expect(wrong).toThrow(/OPTIONS_INVALID.*gzip file a\.gz/);
  expect(() => file('a', { format: 'csv', gzip: true, follow: true })).toThrow(/OPTIONS_INVALID/);
  expect(() => file('a', { format: 'csv', follow: { every: 5 } })).toThrow(/at least 10 ms/);
  const open = { format: 'csv', follow: true } as const;
  return expect(
    file('none', open)
      .open('none', undefined, runtime)
      .then((r) => r.read()),
  ).rejects.toThrow(/SOURCE_FAILED.*ENOENT/);
});

function follow(options: Options = { format: 'jsonl' }, cursor?: unknown): Promise<SplitReader> {
  return file(path, { ...(options as JsonlFileOptions), follow: true }).open(path, cursor, runtime);
}

async function readerBehind(text: string): Promise<SplitReader> {
  await append(text);
  const reader = await follow();
  await reader.read();
  return reader;
}

async function append(text: string): Promise<void> {
  await writing.write(Buffer.from(text));
}

async function rewrite(text: string): Promise<void> {
  writing = await files.create(path);
  await append(text);
}

async function values(reader: SplitReader): Promise<readonly unknown[]> {
  return (await reader.read())?.chunk.values ?? [];
}

/** Whether a promise settles by what is already there. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => void (settled = true);
  promise.then(note, note);
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}
