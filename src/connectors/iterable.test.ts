import { describe, expect, test } from 'vitest';
import type { Source } from '../core/connector.js';
import { hasTimestamp } from '../core/flow.js';
import { iterable, splitIterable } from './iterable.js';
import { nodeRuntime } from './node-runtime.js';

const runtime = nodeRuntime();

describe('iterable', () => {
  test('yields all elements in order with ordinals from 1', async () => {
    const read = await readAll(iterable(['a', 'b', 'c'], { chunk: 2 }));
    expect(read.values).toEqual(['a', 'b', 'c']);
    expect(read.positions).toEqual([1, 2, 3]);
    expect(read.cursors).toEqual([2, 3]);
  });

  test('columns are of equal length, without times and keys', async () => {
    const reader = await iterable([1, 2], { name: 'plays' }).open('0', undefined, runtime);
    const chunk = (await reader.read())?.chunk;
    expect(chunk).toMatchObject({
      kind: 'chunk',
      keys: [],
      origin: { name: 'plays', unit: 'element' },
    });
    expect(chunk?.timestamps.map(hasTimestamp)).toEqual([false, false]);
  });

  test('chunks hold at most 1024 elements', async () => {
    const reader = await iterable(Array.from({ length: 1500 }, (_, n) => n)).open(
      '0',
      undefined,
      runtime,
    );
    const sizes = [];
    for (let next = await reader.read(); next !== undefined; next = await reader.read())
      sizes.push([next.chunk.values.length, next.chunk.timestamps.length]);
    expect(sizes).toEqual([
      [1024, 1024],
      [476, 476],
    ]);
  });

  test('reading from any cursor gives exactly the rest', async () => {
    const values = [1, 2, 3, 4, 5];
    for (const make of [() => iterable(values), () => iterable(() => values.values())])
      for (let cursor = 0; cursor <= 5; cursor += 1) {
        const read = await readAll(make(), '0', cursor);
        expect(read.values).toEqual(values.slice(cursor));
        expect(read.positions).toEqual(values.slice(cursor));
      }
  });

  test('no values give no chunk', async () => {
    expect((await readAll(iterable([]))).values).toEqual([]);
  });

  test('undefined is an element like any other', async () => {
    expect((await readAll(iterable([undefined, null]))).values).toEqual([undefined, null]);
  });

  test('arrays and functions are replayable, generator objects are not', () => {
    const once = (function* () {})();
    expect(iterable([]).replayable).toBe(true);
    expect(iterable(() => []).replayable).toBe(true);
    expect(iterable(once).replayable).toBe(false);
  });

  test('a generator object is read once and refused a second time', async () => {
    const source = iterable([1, 2].values());
    expect((await readAll(source)).values).toEqual([1, 2]);
    await expect(source.open('0', undefined, runtime)).rejects.toThrow('SOURCE_NOT_REPLAYABLE');
  });

  test('a cursor behind the end is refused', async () => {
    await expect(iterable([1]).open('0', 2, runtime)).rejects.toThrow('SOURCE_CHANGED');
    await expect(iterable(() => [1]).open('0', 2, runtime)).rejects.toThrow('got 1 elements');
  });

  test('a cursor of another kind and an unknown split are refused', async () => {
    await expect(iterable([1]).open('0', { offset: 3 }, runtime)).rejects.toThrow('SOURCE_CHANGED');
    for (const split of ['1', '-1', 'x', '00'])
      await expect(iterable([1]).open(split, undefined, runtime)).rejects.toThrow('SOURCE_CHANGED');
  });

  test('an iterable that throws fails the source and keeps the cause', async () => {
    const cause = new Error('no more luck');
    const source = iterable(function* () {
      yield 1;
      throw cause;
    });
    const reader = await source.open('0', undefined, runtime);
    await expect(reader.read()).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      expected: 'element 2 or the end',
      cause,
    });
  });

  test('closing early lets the generator clean up', async () => {
    let isCleanedUp = false;
    const source = iterable(
      function* () {
        try {
          yield 1;
          yield 2;
        } finally {
          isCleanedUp = true;
        }
      },
      { chunk: 1 },
    );
    const reader = await source.open('0', undefined, runtime);
    await reader.read();
    await reader.close();
    expect(isCleanedUp).toBe(true);
    expect(await reader.read()).toBeUndefined();
  });

  test('wrong options and values are refused at once', () => {
    expect(() => iterable([], { chunk: 0, name: '' })).toThrow('name, chunk');
    expect(() => iterable([], { chunk: 1025 })).toThrow('OPTIONS_INVALID');
    expect(() => iterable(5 as unknown as unknown[])).toThrow('OPTIONS_INVALID');
    expect(() => iterable(null as unknown as unknown[])).toThrow('OPTIONS_INVALID');
  });

  test('a function that gives no iterable is refused when it is opened', async () => {
    const source = iterable(() => 5 as unknown as unknown[]);
    await expect(source.open('0', undefined, runtime)).rejects.toThrow('OPTIONS_INVALID');
  });
});

describe('splitIterable', () => {
  const source = splitIterable([['a', 'b'], [], ['c']], { chunk: 1 });

  test('each array is a split with a cursor, ordinals and a name of its own', async () => {
    expect(await source.splits(runtime)).toEqual(['0', '1', '2']);
    expect(await readAll(source, '0')).toMatchObject({ values: ['a', 'b'], cursors: [1, 2] });
    expect(await readAll(source, '1')).toMatchObject({ values: [] });
    expect(await readAll(source, '2')).toMatchObject({ values: ['c'], positions: [1] });
    expect(await readAll(source, '0', 1)).toMatchObject({ values: ['b'], positions: [2] });
    const reader = await source.open('2', undefined, runtime);
    expect((await reader.read())?.chunk.origin.name).toBe('iterable[2]');
  });

  test('a split that is no longer there is refused', async () => {
    await expect(source.open('3', 1, runtime)).rejects.toThrow('SOURCE_CHANGED');
  });

  test('what is no array of arrays is refused at once', () => {
    expect(() => splitIterable([1] as unknown as number[][])).toThrow('OPTIONS_INVALID');
  });
});

async function readAll(source: Source<unknown>, split = '0', cursor?: unknown) {
  const reader = await source.open(split, cursor, runtime);
  const read = { values: [] as unknown[], positions: [] as number[], cursors: [] as unknown[] };
  for (let next = await reader.read(); next !== undefined; next = await reader.read()) {
    read.values.push(...next.chunk.values);
    const { positions, firstPosition = NaN, values } = next.chunk;
    expect(positions).toEqual([]);
    read.positions.push(...values.map((_, index) => firstPosition + index));
    read.cursors.push(next.cursor);
  }
  await reader.close();
  return read;
}
