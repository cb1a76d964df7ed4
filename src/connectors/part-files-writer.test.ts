import { describe, expect, test } from 'vitest';
import type { Files } from '../core/runtime.js';
import { simulatedFiles } from '../testing/simulated-files.js';
import { partNames, partWriter, type PartWriterOptions } from './part-files-writer.js';

const names = partNames({ job: 'job', uid: 'out', prefix: 'part', extension: 'jsonl' });

describe('partNames', () => {
  test('visible names sort by epoch and tell it, also under another prefix', () => {
    expect(names.final(7, 1)).toMatch(/^part-out-[0-9a-f]{8}-00000007-1\.jsonl$/);
    expect(names.final(9, 0) < names.final(10, 0)).toBe(true);
    const other = partNames({ job: 'job', uid: 'out', prefix: 'x', extension: 'csv' });
    expect(other.epochOf(names.final(7, 1))).toBe(7);
    expect(other.epochOf(names.final(7, 1, 3))).toBe(7);
  });

  test('names of other jobs, uids and people are not taken for own ones', () => {
    const foreign = [
      partNames({ job: 'job2', uid: 'out', prefix: 'part', extension: 'jsonl' }),
      partNames({ job: 'job', uid: 'out2', prefix: 'part', extension: 'jsonl' }),
    ];
    for (const { inProgress, pending, final } of foreign) {
      expect(names.isHidden(inProgress(0, 1))).toBe(false);
      expect(names.isHidden(pending(1, 0))).toBe(false);
      expect(names.epochOf(final(1, 0))).toBeUndefined();
    }
    for (const name of ['part-1.jsonl', '.tidemark', 'notes.txt', '']) {
      expect(names.isHidden(name)).toBe(false);
      expect(names.epochOf(name)).toBeUndefined();
    }
  });

  test('hidden names begin with a dot and are known again', () => {
    for (const name of [names.inProgress(0, 1), names.pending(1, 0)]) {
      expect(name.startsWith('.')).toBe(true);
      expect(names.isHidden(name)).toBe(true);
      expect(names.epochOf(name)).toBeUndefined();
    }
    expect(names.isHidden(names.final(1, 0))).toBe(false);
  });
});

describe('a part writer', () => {
  test('opens no file before there is something to write', async () => {
    const { writer, list } = await opened();
    await writer.write([], []);
    expect(await writer.prepare(1)).toBeUndefined();
    expect(await list()).toEqual([]);
  });

  test('gathers lines to blocks before they go to the file', async () => {
    let writes = 0;
    const files = counting(simulatedFiles(), () => (writes += 1));
    const { writer } = await opened({}, files);
    const line = 'x'.repeat(1000);
    for (let count = 0; count < 200; count += 1) await writer.write([line], [0]);
    expect(writes).toBe(3);
    await writer.prepare(1);
    expect(writes).toBe(4);
  });

  test('leaves a pending file that is safe, and begins another one', async () => {
    const { files, writer, list } = await opened();
    await writer.write([1], [0]);
    const prepared = await writer.prepare(5);
    expect(prepared).toEqual({
      epoch: 5,
      instance: 2,
      pending: names.pending(5, 2),
      final: names.final(5, 2),
    });
    await writer.write(['y'.repeat(70_000)], [0]);
    expect(await list()).toEqual([names.pending(5, 2), names.inProgress(2, 2)].toSorted());
    files.crash(() => 0);
    expect(await list()).toEqual([names.pending(5, 2)]);
    expect(await content(files, names.pending(5, 2))).toBe('1\n');
  });

  test('makes the file visible at once in an at-least-once job, and never replaces one', async () => {
    const first = await opened({ guarantee: 'at-least-once' });
    await first.writer.write([1], [0]);
    expect(await first.writer.prepare(1)).toBeUndefined();
    const second = await opened({ guarantee: 'at-least-once' }, first.files);
    await second.writer.write([2], [0]);
    await second.writer.prepare(1);
    expect(await second.list()).toEqual([names.final(1, 2, 1), names.final(1, 2)].toSorted());
    expect(await content(first.files, names.final(1, 2))).toBe('1\n');
    expect(await content(first.files, names.final(1, 2, 1))).toBe('2\n');
  });

  test('a value that cannot be encoded fails the sink and is named', async () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const cases = [
      [undefined, 'undefined, which gave undefined'],
      [10n, '10n, which failed with TypeError'],
      [() => 1, 'which gave undefined'],
      [cycle, 'circular'],
    ] as const;
    for (const [value, got] of cases) {
      const { writer } = await opened();
      expect(() => writer.write([value], [0])).toThrow(
        expect.objectContaining({ code: 'SINK_FAILED', got: expect.stringContaining(got) }),
      );
    }
  });

  test('after a failure nothing more can be prepared', async () => {
    const { writer, list } = await opened();
    await writer.write([1], [0]);
    expect(() => writer.write([undefined], [0])).toThrow('SINK_FAILED');
    await expect(writer.prepare(1)).rejects.toThrow('SINK_FAILED');
    expect(() => writer.write([2], [0])).toThrow('SINK_FAILED');
    expect(await list()).toEqual([]);
  });

  test('what the file system refuses fails the sink and keeps the cause', async () => {
    const cause = new Error('ENOSPC: no space left');
    const files = counting(simulatedFiles(), () => {
      throw cause;
    });
    const { writer } = await opened({}, files);
    await writer.write([1], [0]);
    await expect(writer.prepare(1)).rejects.toMatchObject({ code: 'SINK_FAILED', cause });
    await expect(writer.prepare(2)).rejects.toMatchObject({ cause });
  });

  test('closing leaves the hidden file to the next recovery, and ends the writer', async () => {
    const { writer, list } = await opened();
    await writer.write(['y'.repeat(70_000)], [0]);
    await writer.close();
    await writer.close();
    expect(await list()).toEqual([names.inProgress(2, 1)]);
    expect(() => writer.write([1], [0])).toThrow('closed');
  });
});

async function opened(changes: Partial<PartWriterOptions> = {}, files = simulatedFiles()) {
  await files.makeDirectory('d');
  const writer = partWriter({
    header: undefined,
    lineEnd: '\n',
    files,
    directory: 'd',
    names,
    instance: 2,
    guarantee: 'exactly-once',
    where: 'sink "out"',
    encode: (value) => JSON.stringify(value),
    publish: () => Promise.resolve(),
    ...changes,
  });
  return { files, writer, list: () => files.list('d') };
}

/** The same files, with a call before each write. */
function counting<Inner extends Files>(inner: Inner, before: () => void): Inner {
  const create: Files['create'] = async (path) => {
    const file = await inner.create(path);
    return {
      write: async (bytes) => {
        before();
        await file.write(bytes);
      },
      sync: () => file.sync(),
      close: () => file.close(),
    };
  };
  return new Proxy(inner, {
    get(target, name) {
      if (name === 'create') return create;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

async function content(files: Files, name: string): Promise<string> {
  return new TextDecoder().decode(await files.read(`d/${name}`));
}
