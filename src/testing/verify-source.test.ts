import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  directory,
  file,
  interval,
  iterable,
  splitIterable,
  type Runtime,
  type Source,
  type SourceChunk,
  type SplitReader,
} from '../index.js';
import { silentLogger } from '../core/runtime.js';
import { simulatedFiles, verifySource } from './index.js';
import { VirtualClock } from './virtual-clock.js';

const rows = Array.from({ length: 3000 }, (_, index) => ({
  id: String(index),
  song: index % 7 === 0 ? 'two\nlines, "quoted"' : `song ${index} ☃`,
}));

function textOf(format: 'csv' | 'tsv' | 'jsonl'): string {
  if (format === 'jsonl') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const delimiter = format === 'csv' ? ',' : '\t';
  const quoted = rows.map(({ id, song }) => `${id}${delimiter}"${song.replaceAll('"', '""')}"\r\n`);
  return `id${delimiter}song\r\n${quoted.join('')}`;
}

async function worldOf(files: Readonly<Record<string, string | Uint8Array>>) {
  const clock = new VirtualClock(1_000);
  const runtime: Runtime = {
    clock,
    random: () => 0,
    files: simulatedFiles(),
    log: silentLogger,
    at: () => Promise.resolve(),
  };
  await runtime.files.makeDirectory('/in');
  for (const [name, content] of Object.entries(files)) {
    const written = await runtime.files.create(`/in/${name}`);
    await written.write(Buffer.from(content));
    await written.close();
  }
  return { runtime, clock };
}

describe('our own sources keep the contract:', () => {
  test.each(['csv', 'tsv', 'jsonl'] as const)(
    'file, %s, plain, packed and followed',
    async (format) => {
      const text = textOf(format);
      const { runtime } = await worldOf({ plain: text, 'packed.gz': gzipSync(text) });
      for (const name of ['plain', 'packed.gz']) {
        const path = `/in/${name}`;
        const source = file(path, { format: format as 'jsonl' });
        const verified = await verifySource(source, { runtime, expect: { [path]: rows } });
        expect(verified).toMatchObject({ splits: 1, elements: 3000 });
        expect(verified.cursors).toBeGreaterThan(2);
      }
      const followed = file('/in/plain', { format: format as 'jsonl', follow: true });
      await verifySource(followed, { runtime, take: 3000, expect: { '/in/plain': rows } });
    },
  );

  test('a directory of many', async () => {
    const { runtime } = await worldOf({ a: textOf('jsonl'), b: '1\nbad\n\n2\n', c: '' });
    const expected = { a: rows, b: [1, 2], c: [] };
    const verified = await verifySource<unknown>(directory('/in', { format: 'jsonl' }), {
      runtime,
      expect: expected,
    });
    expect(verified).toMatchObject({ splits: 3, elements: 3003 });
  });

  test('iterables of all kinds', async () => {
    const numbers = Array.from({ length: 2000 }, (_, index) => index + 1);
    async function* from(after: unknown): AsyncGenerator<number> {
      for (const n of numbers.slice(Number(after ?? 0))) {
        if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
        yield n;
      }
    }
    const sources: readonly Source<number>[] = [
      iterable(numbers, { chunk: 17 }),
      iterable(() => new Set(numbers)),
      iterable((after) => numbers.slice(Number(after ?? 0)), { cursor: (n) => n, chunk: 100 }),
      iterable(from, { cursor: (n) => n }),
      iterable(() => from(0)),
      iterable(from(0)),
    ];
    for (const source of sources) {
      const verified = await verifySource(source, { expect: { '0': numbers } });
      expect(verified).toMatchObject({ splits: 1, elements: 2000 });
    }
    const split = splitIterable([numbers, [], [7]]);
    expect(
      await verifySource(split, { expect: { '0': numbers, '1': [], '2': [7] } }),
    ).toMatchObject({
      splits: 3,
    });
  });

  test('interval, as its clock goes on', async () => {
    const { runtime, clock } = await worldOf({});
    const ticks = Array.from({ length: 40 }, (_, index) => 1_000 + 10 * index);
    const verified = await verifySource(interval({ every: 10, start: 1_000 }), {
      runtime,
      take: 40,
      provoke: () => clock.moveTo(clock.now() + 10),
      expect: { '0': ticks },
    });
    expect(verified).toMatchObject({ elements: 40 });
  });
});

const sound = iterable([1, 2, 3, 4], { chunk: 2, name: 'numbers' });

/** The same source with other readers. */
function withReader(change: (reader: SplitReader) => Partial<SplitReader>): Source<number> {
  return {
    ...sound,
    async open(...args) {
      const reader = await sound.open(...args);
      return { close: () => reader.close(), read: () => reader.read(), ...change(reader) };
    },
  };
}

function withChunk(change: (chunk: SourceChunk) => object): Source<number> {
  return withReader((reader) => ({
    async read() {
      const next = await reader.read();
      return next === undefined ? undefined : ({ ...next, ...change(next) } as SourceChunk);
    },
  }));
}

const columns = (change: (chunk: SourceChunk['chunk']) => object): Source<number> =>
  withChunk(({ chunk }) => ({ chunk: { ...chunk, ...change(chunk) } }));

describe('verifySource notices a source', () => {
  let asked = 0;
  let bytes = 10;

  test.each<[string, Source<number>, RegExp]>([
    [
      'whose cursors are ignored',
      { ...sound, open: (split, _cursor, runtime) => sound.open(split, undefined, runtime) },
      /element 0 to be.*3.*got.*1.*from the cursor behind 2 elements, 2/,
    ],
    [
      'whose cursors lag behind',
      withChunk(({ cursor }) => ({ cursor: Number(cursor) - 1 })),
      /cursor behind 2/,
    ],
    ['whose cursors cannot be stored', withChunk(() => ({ cursor: () => 1 })), /a commit can hold/],
    ['without cursors', withChunk(() => ({ cursor: undefined })), /a cursor behind each chunk/],
    [
      'with columns of other lengths',
      columns(() => ({ positions: [1], firstPosition: undefined })),
      /columns of equal length/,
    ],
    [
      'with an empty chunk',
      columns(() => ({ values: [], positions: [], timestamps: [] })),
      /1 to 1024/,
    ],
    [
      'with positions that stand still',
      columns(() => ({ positions: [5, 5], firstPosition: undefined })),
      /a position behind 5/,
    ],
    ['whose bytes go back', withChunk(() => ({ bytesRead: (bytes -= 1) })), /at least 9 bytes/],
    [
      'whose splits differ',
      { ...sound, splits: async () => [String((asked += 1))] },
      /the same different ids/,
    ],
    ['with a split twice', { ...sound, splits: async () => ['0', '0'] }, /the same different ids/],
    [
      'that is not the same again',
      columns(({ values }) => ({ values: values.map(() => (asked += 1)) })),
      /read again/,
    ],
  ])('%s', async (_, source, message) => {
    const verifying = verifySource(source);
    await expect(verifying).rejects.toThrow(message);
    await expect(verifying).rejects.toMatchObject({ code: 'CASE_FAILED' });
  });

  test('with other values than expected, or a split that is not there', async () => {
    await expect(verifySource(sound, { expect: { '0': [1, 2, 3] } })).rejects.toThrow(
      /the end, got 4/,
    );
    await expect(verifySource(sound, { expect: { '1': [] } })).rejects.toThrow(/a split "1"/);
  });

  test('whose waiting reads cannot be interrupted', async () => {
    const deaf = withReader((reader) => {
      let reads = 0;
      const read = (): Promise<SourceChunk | undefined> =>
        (reads += 1) === 1 ? reader.read() : new Promise(() => undefined);
      return { read };
    });
    await expect(verifySource(deaf, { take: 2 })).rejects.toThrow(/settles when it is interrupted/);
  });
});
