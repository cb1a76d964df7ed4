import { describe, expect, test } from 'vitest';
import { CHUNK_ELEMENTS_MAX, type Chunk, type Flow, type Origin } from '../core/flow.js';
import { inputNode } from '../dsl/data-stream.js';
import { ChannelWriter, FlowQueue, type Whence } from './channel.js';
import { WiredNode } from './wired-node.js';

const lines: Origin = { name: 'plays.csv', unit: 'line' };
const other: Origin = { name: 'more.csv', unit: 'line' };
const derived: Origin = { name: 'window "w"', unit: 'time' };

test('a step that has been idle before a restore says so to the stages behind it, once', () => {
  const queue = new FlowQueue();
  const writers = [new ChannelWriter(queue, { isFull: false })];
  const node = new WiredNode({ node: inputNode('a', undefined, undefined), name: 'a', writers });
  node.announce(-Infinity, false, true);
  node.announce(-Infinity, false, true);
  node.announce(5, true, true);
  node.announce(6, false, true);
  expect([queue.take(), queue.take(), queue.take(), queue.take(), queue.take()]).toEqual([
    { kind: 'active', wasIdle: true },
    { kind: 'watermark', time: 5 },
    { kind: 'idle' },
    { kind: 'watermark', time: 6 },
    undefined,
  ]);
});

describe('FlowQueue', () => {
  test('gives its items back in order, and counts elements', () => {
    const queue = new FlowQueue();
    expect([queue.isEmpty, queue.elements, queue.take(), queue.peek()]).toEqual([
      true,
      0,
      undefined,
      undefined,
    ]);
    queue.push(chunkOf([1, 2]));
    queue.push({ kind: 'watermark', time: 5 });
    queue.push(chunkOf([3]));
    expect(queue.elements).toBe(3);
    expect(queue.peek()).toBe(queue.take());
    expect(queue.elements).toBe(1);
    expect(queue.take()).toEqual({ kind: 'watermark', time: 5 });
    expect(queue.take()?.kind).toBe('chunk');
    expect([queue.isEmpty, queue.elements]).toEqual([true, 0]);
  });

  test('stays in order over thousands of pushes and takes', () => {
    const queue = new FlowQueue();
    let pushed = 0;
    let taken = 0;
    for (let round = 0; round < 4000; round += 1) {
      for (let times = 0; times < (round < 2000 ? 3 : 1); times += 1)
        queue.push({ kind: 'watermark', time: (pushed += 1) });
      for (let times = 0; times < (round < 2000 ? 1 : 3); times += 1) {
        const item = queue.take();
        if (item === undefined) continue;
        expect(item).toEqual({ kind: 'watermark', time: (taken += 1) });
      }
    }
    expect([queue.isEmpty, taken]).toEqual([true, pushed]);
  });
});

describe('ChannelWriter', () => {
  test('collects elements of one origin into a chunk of equal columns', () => {
    const { queue, writer } = channel();
    writer.element('a', 5, 'k', from(lines, 17));
    writer.element('b', NaN, 'l', from(lines, 19));
    expect(queue.isEmpty).toBe(true);
    writer.flush();
    expect(drain(queue)).toEqual([
      {
        kind: 'chunk',
        values: ['a', 'b'],
        timestamps: [5, NaN],
        keys: ['k', 'l'],
        positions: [17, 19],
        derivedKeys: [],
        origin: lines,
      },
    ]);
    writer.flush();
    expect(queue.isEmpty).toBe(true);
  });

  test('another origin begins another chunk, and none is mixed', () => {
    const { queue, writer } = channel();
    writer.element('a', 1, 'k', from(lines, 1));
    writer.element('b', 1, 'k', from(other, 1));
    writer.element('c', 1, 'k', from(derived, 9, 'song'));
    writer.element('d', 1, 'k', from(lines, 2));
    writer.flush();
    expect(
      drain(queue).map((item) =>
        item.kind === 'chunk' ? [item.origin.name, item.values, item.derivedKeys] : item,
      ),
    ).toEqual([
      ['plays.csv', ['a'], []],
      ['more.csv', ['b'], []],
      ['window "w"', ['c'], ['song']],
      ['plays.csv', ['d'], []],
    ]);
  });

  test('a signal never overtakes an element', () => {
    const { queue, writer } = channel();
    writer.element('a', 1, 'k', from(lines, 1));
    writer.signal({ kind: 'barrier', epoch: 1 });
    writer.element('b', 1, 'k', from(lines, 2));
    writer.signal({ kind: 'end' });
    expect(drain(queue).map(({ kind }) => kind)).toEqual(['chunk', 'barrier', 'chunk', 'end']);
  });

  test('a chunk that was sent is not changed any more', () => {
    const { queue, writer } = channel();
    writer.element('a', 1, 'k', from(lines, 1));
    writer.flush();
    writer.element('b', 1, 'k', from(lines, 2));
    expect((queue.take() as Chunk).values).toEqual(['a']);
  });

  test('is full at 1,024 elements, queued and collected ones together', () => {
    const { queue, writer, pressure } = channel();
    for (let n = 1; n < CHUNK_ELEMENTS_MAX; n += 1) {
      writer.element(n, 1, 'k', from(lines, n));
      if (n === 500) writer.flush();
    }
    expect([writer.isFull, pressure.isFull]).toEqual([false, false]);
    writer.element(0, 1, 'k', from(lines, CHUNK_ELEMENTS_MAX));
    expect([writer.isFull, pressure.isFull]).toEqual([true, true]);
    queue.take();
    expect(writer.isFull).toBe(false);
  });

  test('an element too many is kept, and a signal always fits', () => {
    const { queue, writer } = channel();
    for (let n = 0; n < 2 * CHUNK_ELEMENTS_MAX + 1; n += 1)
      writer.element(n, 1, 'k', from(lines, n));
    writer.signal({ kind: 'end' });
    const chunks = drain(queue).filter((item) => item.kind === 'chunk');
    expect(chunks.flatMap(({ values }) => values).length).toBe(2 * CHUNK_ELEMENTS_MAX + 1);
    for (const { values } of chunks) expect(values.length).toBeLessThanOrEqual(CHUNK_ELEMENTS_MAX);
  });
});

function channel(): { queue: FlowQueue; writer: ChannelWriter; pressure: { isFull: boolean } } {
  const queue = new FlowQueue();
  const pressure = { isFull: false };
  return { queue, pressure, writer: new ChannelWriter(queue, pressure) };
}

function from(origin: Origin, position: number, derivedKey?: unknown): Whence {
  return { origin, position, derivedKey };
}

function chunkOf(values: unknown[]): Chunk {
  return {
    kind: 'chunk',
    values,
    timestamps: values.map(() => NaN),
    keys: [],
    positions: values.map((_, index) => index),
    derivedKeys: [],
    origin: lines,
  };
}

function drain(queue: FlowQueue): Flow[] {
  const items: Flow[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) items.push(item);
  return items;
}
