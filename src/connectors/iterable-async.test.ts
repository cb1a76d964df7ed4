import { describe, expect, test } from 'vitest';
import type { SplitReader } from '../core/connector.js';
import {
  collect,
  iterable,
  map,
  nodeRuntime,
  partFiles,
  pipeline,
  run,
  unchecked,
} from '../index.js';
import { crashPoints } from '../core/runtime.js';
import { simulatedWorld } from '../testing/index.js';

const runtime = nodeRuntime();
const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function* upTo(last: number, from = 1): AsyncGenerator<number> {
  for (let n = from; n <= last; n += 1) yield n;
}

async function chunksOf(reader: SplitReader): Promise<(readonly unknown[])[]> {
  const chunks: (readonly unknown[])[] = [];
  for (let next = await reader.read(); next !== undefined; next = await reader.read())
    chunks.push(next.chunk.values);
  return chunks;
}

describe('an async iterable', () => {
  test('makes full chunks when it is fast', async () => {
    const reader = await iterable(upTo(2500)).open('0', undefined, runtime);
    const chunks = await chunksOf(reader);
    expect(chunks.flat()).toEqual(Array.from({ length: 2500 }, (_, index) => index + 1));
    expect(chunks.length).toBeLessThan(50);
    expect(Math.max(...chunks.map(({ length }) => length))).toBeGreaterThan(100);
  });

  test('gives an element before it has the next', async () => {
    let release: () => void = () => undefined;
    async function* slow(): AsyncGenerator<string> {
      yield 'a';
      yield 'b';
      await new Promise<void>((resolve) => (release = resolve));
      yield 'c';
    }
    const reader = await iterable(slow()).open('0', undefined, runtime);
    const first = await reader.read();
    expect([first?.chunk.values, first?.cursor]).toEqual([['a', 'b'], 2]);
    const second = reader.read();
    await later();
    release();
    expect(await second).toMatchObject({ chunk: { values: ['c'], firstPosition: 3 }, cursor: 3 });
    expect(await reader.read()).toBeUndefined();
  });

  test('a failure is reported behind the elements before it, with its cause', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield* [1, 2];
      throw new Error('connection lost');
    }
    const reader = await iterable(failing, { name: 'feed' }).open('0', undefined, runtime);
    expect((await reader.read())?.chunk.values).toEqual([1, 2]);
    await expect(reader.read()).rejects.toThrow(/SOURCE_FAILED.*element 3.*connection lost.*feed/);
    await reader.close();
  });

  test('an iterator that throws at once is like one that rejects', async () => {
    const broken: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw new Error('deep');
        },
      }),
    };
    const reader = await iterable(broken).open('0', undefined, runtime);
    await expect(reader.read()).rejects.toThrow(/SOURCE_FAILED.*deep/);
  });

  test('can be interrupted and closed while it waits for ever, and is told of it', async () => {
    let returned = 0;
    const silent: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: () => {
          returned += 1;
          return Promise.reject(new Error('nobody hears this'));
        },
      }),
    };
    const reader = await iterable(silent).open('0', undefined, runtime);
    const waiting = reader.read();
    reader.interrupt?.();
    expect(await waiting).toBeUndefined();
    await reader.close();
    await reader.close();
    expect(returned).toBe(1);
  });
});

describe('where to go on', () => {
  test('a function of no cursor is stepped over what was consumed', async () => {
    const source = iterable(() => upTo(5));
    const reader = await source.open('0', 3, runtime);
    expect(await reader.read()).toMatchObject({ chunk: { values: [4, 5], firstPosition: 4 } });
    const beyond = await source.open('0', 6, runtime);
    await expect(beyond.read()).rejects.toThrow(/SOURCE_CHANGED.*at least 6 elements.*got 5/);
  });

  test.each([
    ['async', (after: unknown) => upTo(9, Number(after ?? 0) + 1)],
    ['sync', (after: unknown) => [1, 2, 3, 4, 5, 6, 7, 8, 9].slice(Number(after ?? 0))],
  ])('a function with a cursor is asked for what comes behind: %s', async (_, values) => {
    const source = iterable<number>(values, { cursor: (n) => n, chunk: 4 });
    const first = await source.open('0', undefined, runtime);
    const chunk = await first.read();
    expect(chunk).toMatchObject({ cursor: { count: 4, after: 4 } });
    const rest = await source.open('0', chunk?.cursor, runtime);
    expect(await rest.read()).toMatchObject({
      chunk: { values: [5, 6, 7, 8], firstPosition: 5 },
    });
  });

  test('cursors and their function are checked', async () => {
    expect(() => iterable([1], { cursor: () => 1 })).toThrow(
      /OPTIONS_INVALID.*a function that takes/,
    );
    const source = iterable(() => upTo(2), { cursor: (): never => fail() });
    const reader = await source.open('0', undefined, runtime);
    await expect(reader.read()).rejects.toThrow(/SOURCE_FAILED.*cursor of element 2.*no id/);
    await expect(source.open('0', 7, runtime)).rejects.toThrow(/SOURCE_CHANGED.*option cursor/);
    const plain = iterable(() => upTo(2));
    await expect(plain.open('0', { count: 1, after: 1 }, runtime)).rejects.toThrow(
      /SOURCE_CHANGED/,
    );
  });

  test('an async iterable itself is at most once: refused in an exactly-once job, with what to do', () => {
    const same = pipeline('same', unchecked<number>(), (n$) => n$.pipe(map((n) => n)));
    const to = collect<number>({ uid: 'out' });
    expect(() => run(same, { from: iterable(upTo(3)), to })).toThrow(
      /SOURCE_NOT_REPLAYABLE.*function that makes a fresh iterable/,
    );
    return run(same, { from: iterable(upTo(3)), to, guarantee: 'at-least-once' }).done.then(() =>
      expect(to.values).toEqual([1, 2, 3]),
    );
  });

  test('a job goes on behind the cursor over any crash, and never asks for what it has had', async () => {
    const same = pipeline('same', unchecked<number>(), (n$) => n$.pipe(map((n) => n)));
    for (const point of crashPoints) {
      const world = simulatedWorld({ seed: 5, crashes: [{ point, visit: 2 }] });
      const asked: unknown[] = [];
      const live = () =>
        world.live((life) => {
          const from = iterable<number>(
            (after) => {
              asked.push(after);
              return upTo(400, Number(after ?? 0) + 1);
            },
            { cursor: (n) => n, chunk: 10 },
          );
          const to = partFiles<number>({ uid: 'out', directory: '/out' });
          const checkpoint = { records: 50 };
          return run(same, { from, to, state: world.disk, checkpoint, runtime: life }).done;
        });
      let lives = 1;
      while ((await live()).crashed) lives += 1;
      expect(await world.lines('/out')).toEqual([...Array(400).keys()].map((n) => String(n + 1)));
      if (lives > 1 && point.startsWith('epoch')) expect(asked.at(-1)).toBeGreaterThan(0);
    }
  });
});

function fail(): never {
  throw new Error('no id');
}
