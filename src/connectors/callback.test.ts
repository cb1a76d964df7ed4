import { describe, expect, test } from 'vitest';
import type { SinkWriter } from '../core/connector.js';
import { callback, type CallbackOptions } from './callback.js';
import { nodeRuntime } from './node-runtime.js';

const instance = { job: 'job', uid: 'out', instance: 0, guarantee: 'at-least-once' } as const;

describe('callback', () => {
  test('is called once per value, in order, with its timestamp', async () => {
    const calls: unknown[] = [];
    const writer = await opened((...call) => void calls.push(call));
    expect(writer.write(['a', 'b'], [1, Number.NaN])).toBeUndefined();
    await writer.write(['c'], [3]);
    expect(calls).toEqual([
      ['a', 1],
      ['b', Number.NaN],
      ['c', 3],
    ]);
  });

  test('a promise is awaited before the next call', async () => {
    const log: unknown[] = [];
    const writer = await opened(async (value) => {
      log.push(`${String(value)} begins`);
      await Promise.resolve();
      log.push(`${String(value)} ends`);
    });
    await writer.write(['a', 'b'], [1, 2]);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  test('synchronous and asynchronous answers may be mixed', async () => {
    const log: unknown[] = [];
    const writer = await opened((value) => {
      log.push(value);
      return Number(value) % 2 === 0 ? Promise.resolve() : undefined;
    });
    await writer.write([1, 2, 3, 4, 5], [0, 0, 0, 0, 0]);
    expect(log).toEqual([1, 2, 3, 4, 5]);
  });

  test('a large batch of promises does not grow the stack', async () => {
    let calls = 0;
    const writer = await opened(async () => void (calls += 1));
    const many = Array.from({ length: 20_000 }, () => 0);
    await writer.write(many, many);
    expect(calls).toBe(20_000);
  });

  test('a function that throws fails the sink, names the value and keeps the cause', async () => {
    const cause = new Error('no room');
    const writer = await opened(() => {
      throw cause;
    });
    expect(() => writer.write(['a'], [1])).toThrow(
      expect.objectContaining({
        code: 'SINK_FAILED',
        cause,
        got: 'Error: no room for the value "a"',
      }),
    );
  });

  test('a function that rejects fails the sink, and later values are not tried', async () => {
    const cause = new Error('no room');
    const calls: unknown[] = [];
    const writer = await opened((value) => {
      calls.push(value);
      return Promise.reject(cause);
    });
    await expect(writer.write(['a', 'b'], [1, 2])).rejects.toMatchObject({
      code: 'SINK_FAILED',
      cause,
    });
    expect(calls).toEqual(['a']);
  });

  test('is at-least-once and leaves nothing in the commit', async () => {
    const writer = await opened(() => {});
    expect(await writer.prepare(1)).toBeUndefined();
    expect(callback(() => {}, { uid: 'out' })).toMatchObject({
      guarantee: 'at-least-once',
      allowDuplicates: false,
    });
    expect(callback(() => {}, { uid: 'out', allowDuplicates: true }).allowDuplicates).toBe(true);
  });

  test('wrong options are refused at once', () => {
    expect(() => callback(() => {}, {} as CallbackOptions)).toThrow('OPTIONS_INVALID');
    expect(() => callback(5 as unknown as () => void, { uid: 'a' })).toThrow('OPTIONS_INVALID');
    expect(() => callback(() => {}, { uid: 'a b' })).toThrow('UID_INVALID');
  });
});

function opened(
  fn: (value: unknown, timestamp: number) => void | Promise<void>,
): Promise<SinkWriter> {
  return callback(fn, { uid: 'out' }).open(instance, nodeRuntime());
}
