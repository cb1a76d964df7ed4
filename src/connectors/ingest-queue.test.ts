import { describe, expect, test } from 'vitest';
import { ByteReader } from '../state/bytes.js';
import { readValue } from '../state/value-codec.js';
import { IngestQueue, type GroupRecord, type QueueLimits } from './ingest-queue.js';

const limits: QueueLimits = { maxPending: 4, maxBytes: 1000, maxWaiting: 3, where: 'log' };

function queueOf(more: Partial<QueueLimits> = {}): IngestQueue {
  const queue = new IngestQueue({ ...limits, ...more });
  queue.settle(0);
  return queue;
}

function valuesOf(records: readonly GroupRecord[]): unknown[] {
  return records.flatMap(({ count, values }) => {
    const reader = new ByteReader(values);
    return Array.from({ length: count }, () => readValue(reader));
  });
}

/** How each push has ended so far. */
async function states(pushes: readonly Promise<void>[]): Promise<string[]> {
  const seen = pushes.map((push, at) => {
    const state = { is: 'open', at };
    push.then(
      () => (state.is = 'done'),
      (error: { code: string }) => (state.is = error.code),
    );
    return state;
  });
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  return seen.map(({ is }) => is);
}

describe('a group', () => {
  test('holds what was pushed since the last one, in order, and tells all at once', async () => {
    const queue = queueOf();
    const pushes = ['a', 'b'].map((value) => queue.push(value));
    expect(valuesOf(queue.take())).toEqual(['a', 'b']);
    const next = queue.push('c');
    expect(await states([...pushes, next])).toEqual(['open', 'open', 'open']);
    queue.settle(0);
    expect(await states([...pushes, next])).toEqual(['done', 'done', 'open']);
    expect([queue.pending, valuesOf(queue.take())]).toEqual([1, ['c']]);
  });

  test('of many or large values is several records', () => {
    const queue = queueOf({ maxPending: 20_000, maxBytes: 10 ** 8 });
    for (let n = 0; n < 5000; n += 1) void queue.push(n);
    expect(queue.take().map(({ count }) => count)).toEqual([4096, 904]);
    queue.settle(0);
    for (let n = 0; n < 3; n += 1) void queue.push('x'.repeat(300_000));
    expect(queue.take().map(({ count }) => count)).toEqual([1, 1, 1]);
  });

  test('that cannot be written rejects all of its pushes, and those that wait', async () => {
    const queue = queueOf({ maxPending: 2 });
    const pushes = [1, 2, 3].map((value) => queue.push(value));
    queue.take();
    queue.fail({ code: 'LOST' });
    expect(await states(pushes)).toEqual(['LOST', 'LOST', 'LOST']);
    expect([queue.isFilled, queue.waiting, queue.pending]).toEqual([false, 0, 0]);
  });
});

describe('room', () => {
  test('by number: a push waits its turn, and no later one passes it', async () => {
    const queue = queueOf({ maxPending: 2 });
    const pushes = [1, 2, 3, 4].map((value) => queue.push(value));
    expect([queue.pending, queue.waiting]).toEqual([2, 2]);
    expect(valuesOf(queue.take())).toEqual([1, 2]);
    queue.settle(0);
    pushes.push(queue.push(5));
    expect(valuesOf(queue.take())).toEqual([3, 4]);
    queue.settle(0);
    expect(valuesOf(queue.take())).toEqual([5]);
    queue.settle(0);
    expect(await states(pushes)).toEqual(['done', 'done', 'done', 'done', 'done']);
  });

  test('by bytes: what is on disk counts, and trimming makes room', () => {
    const queue = queueOf();
    void queue.push('x'.repeat(400));
    queue.take();
    queue.settle(900);
    void queue.push('y');
    expect([queue.isFilled, queue.waiting]).toEqual([false, 1]);
    queue.settle(100);
    expect([queue.isFilled, queue.waiting]).toEqual([true, 0]);
  });

  test('before the log is open nothing is known of it, so pushes wait', async () => {
    const queue = new IngestQueue({ ...limits, maxWaiting: 0 });
    const pushes = [1, 2].map((value) => queue.push(value));
    expect([queue.isFilled, queue.waiting]).toEqual([false, 2]);
    queue.settle(1000 - 129);
    expect(await states(pushes)).toEqual(['open', 'INGEST_FULL']);
    expect(valuesOf(queue.take())).toEqual([1]);
  });

  test('to wait in is bounded, by number and by bytes', () => {
    const queue = queueOf({ maxPending: 1 });
    for (let n = 0; n < 4; n += 1) void queue.push(n);
    expect(() => queue.push(4)).toThrow(/INGEST_FULL.*1 values pending, 3 waiting/);
    const bytes = queueOf({ maxPending: 1, maxWaiting: 100 });
    void bytes.push(0);
    void bytes.push('x'.repeat(600));
    expect(() => bytes.push('x'.repeat(600))).toThrow(/INGEST_FULL/);
    expect(() => queueOf().push('x'.repeat(1001))).toThrow(/INGEST_FULL.*at most 1000 bytes/);
  });

  test('is not taken by a value that is refused', () => {
    const queue = queueOf({ maxPending: 2 });
    void queue.push('a');
    expect(() => queue.push([() => 1])).toThrow(/VALUE_NOT_ENCODABLE/);
    void queue.push('b');
    expect(valuesOf(queue.take())).toEqual(['a', 'b']);
  });
});
