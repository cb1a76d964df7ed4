import { describe, expect, test } from 'vitest';
import type { Guarantee, SinkWriter } from '../core/connector.js';
import { collect, type CollectOptions, type CollectSink } from './collect.js';
import { nodeRuntime } from './node-runtime.js';

const runtime = nodeRuntime();
const run = { job: 'job', uid: 'out', guarantee: 'exactly-once', epoch: 1 } as const;

describe('collect', () => {
  test('values appear at publish in an exactly-once job', async () => {
    const { sink, writer } = await opened('exactly-once');
    await writer.write([1, 2], [0, 0]);
    const prepared = await writer.prepare(1);
    await writer.write([3], [0]);
    expect(sink.values).toEqual([]);
    await writer.publish(prepared);
    expect(sink.values).toEqual([1, 2]);
    await writer.publish(await writer.prepare(2));
    expect(sink.values).toEqual([1, 2, 3]);
  });

  test('values appear at write in an at-least-once job', async () => {
    const { sink, writer } = await opened('at-least-once');
    await writer.write([1, 2], [0, 0]);
    expect(sink.values).toEqual([1, 2]);
    expect(await writer.prepare(1)).toBeUndefined();
    await writer.publish(undefined);
    expect(sink.values).toEqual([1, 2]);
  });

  test('publishing again changes nothing', async () => {
    const { sink, writer } = await opened('exactly-once');
    await writer.write([1], [0]);
    const prepared = await writer.prepare(1);
    await writer.publish(prepared);
    await writer.publish(prepared);
    await sink.recover([prepared], run, runtime);
    expect(sink.values).toEqual([1]);
  });

  test('recovery publishes what was committed and forgets what was not', async () => {
    const { sink, writer } = await opened('exactly-once');
    await writer.write([1], [0]);
    const committed = await writer.prepare(1);
    await writer.write([2], [0]);
    const uncommitted = await writer.prepare(2);
    await sink.recover([committed], run, runtime);
    expect(sink.values).toEqual([1]);
    await writer.publish(uncommitted);
    expect(sink.values).toEqual([1]);
  });

  test('recovery in a new process finds nothing to publish and is harmless', async () => {
    const { writer } = await opened('exactly-once');
    await writer.write([1], [0]);
    const prepared = await writer.prepare(1);
    const reborn = collect({ uid: 'out' });
    await reborn.recover([prepared, undefined], run, runtime);
    expect(reborn.values).toEqual([]);
  });

  test('an epoch without values leaves nothing in the commit', async () => {
    const { writer } = await opened('exactly-once');
    expect(await writer.prepare(1)).toBeUndefined();
  });

  test('writers of one sink are kept apart', async () => {
    const { sink, writer } = await opened('exactly-once');
    const other = await open(sink, 'exactly-once', 1);
    await writer.write(['first'], [0]);
    await other.write(['second'], [0]);
    const prepared = [await writer.prepare(1), await other.prepare(1)];
    await other.publish(prepared[1]);
    expect(sink.values).toEqual(['second']);
    await writer.publish(prepared[0]);
    expect(sink.values).toEqual(['second', 'first']);
  });

  test('a large epoch is taken as a whole', async () => {
    const { sink, writer } = await opened('exactly-once');
    const many = Array.from({ length: 300_000 }, () => 7);
    await writer.write(many, many);
    await writer.publish(await writer.prepare(1));
    expect(sink.values.length).toBe(300_000);
  });

  test('wrong options are refused at once', () => {
    expect(() => collect({} as CollectOptions)).toThrow('OPTIONS_INVALID');
    expect(() => collect({ uid: '..' })).toThrow('UID_INVALID');
  });
});

async function opened(
  guarantee: Guarantee,
): Promise<{ sink: CollectSink<unknown>; writer: SinkWriter }> {
  const sink = collect({ uid: 'out' });
  return { sink, writer: await open(sink, guarantee, 0) };
}

function open(
  sink: CollectSink<unknown>,
  guarantee: Guarantee,
  instance: number,
): Promise<SinkWriter> {
  return sink.open({ job: 'job', uid: 'out', instance, guarantee }, runtime);
}
