import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Random } from '../core/clock.js';
import type { Guarantee, Prepared, Sink } from '../core/connector.js';
import type { Runtime } from '../core/runtime.js';
import { simulatedFiles, type SimulatedFiles } from '../testing/simulated-files.js';
import { nodeRuntime } from './node-runtime.js';
import { partFiles } from './part-files.js';

const options = { uid: 'out', directory: 'd' };

describe('partFiles', () => {
  test('a file becomes visible whole, when it is published', async () => {
    const { runtime, sink, visible } = world();
    const writer = await start(sink, runtime);
    await writer.write([{ a: 1 }, 'x'], [0, 0]);
    const prepared = await writer.prepare(1);
    expect(await visible()).toEqual([]);
    await writer.publish(prepared);
    expect(await visible()).toEqual(['{"a":1}', '"x"']);
  });

  test('publishing again is harmless, by the writer and by recovery', async () => {
    const { runtime, sink, visible } = world();
    const writer = await start(sink, runtime);
    await writer.write([1], [0]);
    const prepared = await writer.prepare(1);
    await writer.publish(prepared);
    await writer.publish(prepared);
    await writer.publish(undefined);
    await recover(sink, runtime, { prepared: [prepared, undefined], epoch: 1 });
    expect(await visible()).toEqual(['1']);
  });

  test('recovery publishes what was committed and removes what was not', async () => {
    const { files, runtime, sink, visible } = world();
    const writer = await start(sink, runtime);
    await writer.write([1], [0]);
    const committed = await writer.prepare(1);
    await writer.write([2], [0]);
    await writer.prepare(2);
    await writer.write(['z'.repeat(100_000)], [0]);
    await recover(sink, runtime, { prepared: [committed], epoch: 1 });
    expect(await visible()).toEqual(['1']);
    expect((await files.list('d')).length).toBe(1);
  });

  test('recovery syncs a rename that was already seen, since no later commit knows of it', async () => {
    const { files, runtime, sink, visible } = world();
    const writer = await start(sink, runtime);
    await writer.write([1], [0]);
    const prepared = await writer.prepare(1);
    const { pending, final } = prepared as { pending: string; final: string };
    await files.rename(`d/${pending}`, `d/${final}`);
    await recover(sink, runtime, { prepared: [prepared], epoch: 1 });
    files.crash(() => 0);
    await recover(sink, runtime, { prepared: [], epoch: 1 });
    expect(await visible()).toEqual(['1']);
  });

  test('files of other sinks, jobs and people are left alone', async () => {
    const { files, runtime, sink } = world();
    const others = [partFiles({ uid: 'other', directory: 'd' }), partFiles(options)] as const;
    const writers = [
      await start(others[0], runtime),
      await start(others[1], runtime, { job: 'job2' }),
    ];
    for (const writer of writers) {
      await writer.write([1], [0]);
      await writer.prepare(1);
      await writer.write(['z'.repeat(100_000)], [0]);
    }
    for (const name of ['.hidden.pending', 'notes.txt'])
      await (await files.create(`d/${name}`)).close();
    const before = await files.list('d');
    await recover(sink, runtime, {});
    expect(await files.list('d')).toEqual(before);
  });

  test('a committed file that is gone is damage', async () => {
    const { files, runtime, sink } = world();
    const writer = await start(sink, runtime);
    await writer.write([1], [0]);
    const prepared = await writer.prepare(1);
    await files.remove(`d/${(prepared as { pending: string }).pending}`);
    await expect(writer.publish(prepared)).rejects.toMatchObject({
      code: 'STATE_DAMAGED',
      got: 'neither',
    });
    await expect(recover(sink, runtime, { prepared: [prepared], epoch: 1 })).rejects.toThrow(
      'STATE_DAMAGED',
    );
    await expect(
      recover(sink, runtime, { prepared: [{ pending: '../x' }], epoch: 1 }),
    ).rejects.toThrow('STATE_DAMAGED');
  });

  test('a visible file is never replaced', async () => {
    const { files, runtime, sink } = world();
    const writer = await start(sink, runtime);
    await writer.write([1], [0]);
    const prepared = await writer.prepare(1);
    await (await files.create(`d/${(prepared as { final: string }).final}`)).close();
    await expect(writer.publish(prepared)).rejects.toThrow('already there');
  });

  test('outputs of epochs that the state does not know are refused before anything is touched', async () => {
    const { files, runtime, sink } = world();
    const writer = await start(sink, runtime);
    for (const epoch of [1, 2]) {
      await writer.write([epoch], [0]);
      await writer.publish(await writer.prepare(epoch));
    }
    await writer.write([3], [0]);
    await writer.prepare(3);
    const before = await files.list('d');
    await expect(recover(sink, runtime, { epoch: 1 })).rejects.toMatchObject({
      code: 'STATE_DAMAGED',
      got: expect.stringContaining('1 files, such as part-out-'),
    });
    expect(await files.list('d')).toEqual(before);
    await recover(sink, runtime, { epoch: 2 });
  });

  test('in an at-least-once job a crash before the commit repeats outputs, and nothing is refused', async () => {
    const { runtime, sink, visible } = world();
    for (let life = 0; life < 2; life += 1) {
      const writer = await start(sink, runtime, { guarantee: 'at-least-once' });
      await writer.write([1], [0]);
      await writer.prepare(1);
    }
    expect(await visible()).toEqual(['1', '1']);
  });

  test('NaN and Infinity become null in JSON, and undefined fields vanish', async () => {
    const { runtime, sink, visible } = world();
    const writer = await start(sink, runtime);
    await writer.write([{ a: Number.NaN, b: Infinity, c: undefined }], [0]);
    await writer.publish(await writer.prepare(1));
    expect(await visible()).toEqual(['{"a":null,"b":null}']);
  });

  test('an encode of its own makes the lines, and the names can be chosen', async () => {
    const { files, runtime } = world();
    const sink = partFiles<number>({
      ...options,
      encode: (n) => `n;${n}`,
      prefix: 'plays',
      extension: 'csv',
    });
    const writer = await start(sink, runtime);
    await writer.write([1, 2], [0, 0]);
    await writer.publish(await writer.prepare(1));
    const [name = ''] = await files.list('d');
    expect(name).toMatch(/^plays-out-.*\.csv$/);
    expect(new TextDecoder().decode(await files.read(`d/${name}`))).toBe('n;1\nn;2\n');
  });

  test('wrong options are refused at once', () => {
    expect(() => partFiles({ uid: 'a/b', directory: 'd' })).toThrow('UID_INVALID');
    expect(() => partFiles({ uid: 'a', directory: '', prefix: '.x', extension: 'a/b' })).toThrow(
      'directory, prefix, extension',
    );
    expect(() => partFiles({ uid: 'a' } as typeof options)).toThrow('OPTIONS_INVALID');
  });

  test('it works on the real file system', async () => {
    const directory = join(await mkdtemp(join(tmpdir(), 'tidemark-parts-')), 'made', 'deep');
    const sink = partFiles({ uid: 'out', directory });
    const runtime = nodeRuntime();
    const writer = await start(sink, runtime);
    await writer.write(['é'], [0]);
    await writer.publish(await writer.prepare(1));
    await writer.close();
    const names = await readdir(directory);
    expect(names.length).toBe(1);
    expect(await readFile(join(directory, names[0] ?? ''), 'utf8')).toBe('"é"\n');
    await rm(join(directory, '..', '..'), { recursive: true });
  });
});

describe('partFiles over crashes', () => {
  /** A job in small: it writes numbers, commits to a variable, and dies wherever `crashAt` says. */
  async function life(world: World, committed: Commit, crashAt: number): Promise<Commit> {
    let steps = 0;
    const mayDie = (): boolean => (steps += 1) > crashAt;
    await recover(world.sink, world.runtime, {
      prepared: committed.prepared,
      epoch: committed.epoch,
    });
    let state = committed;
    const writers = [await open(world, 0), await open(world, 1)];
    for (let epoch = state.epoch + 1; epoch <= state.epoch + 3; epoch += 1) {
      const values = [epoch * 10, epoch * 10 + 1];
      for (const [index, writer] of writers.entries()) await writer.write([values[index]], [0]);
      if (mayDie()) return state;
      const prepared: Prepared[] = [];
      for (const writer of writers) {
        prepared.push(await writer.prepare(epoch));
        if (mayDie()) return state;
      }
      state = { prepared, epoch };
      if (mayDie()) return state;
      for (const [index, writer] of writers.entries()) {
        await writer.publish(prepared[index]);
        if (mayDie()) return state;
      }
    }
    return state;
  }

  test('every committed output is visible exactly once, wherever the crashes fall', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(20), fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }))), {
          maxLength: 6,
        }),
        async (lives) => {
          const under = world();
          let commit: Commit = { prepared: [], epoch: 0 };
          for (const [crashAt, chances] of lives) {
            commit = await life(under, commit, crashAt);
            let turn = 0;
            const random: Random = () => chances[turn++ % Math.max(1, chances.length)] ?? 0.5;
            under.files.crash(random);
          }
          await recover(under.sink, under.runtime, commit);
          const expected = Array.from({ length: commit.epoch }, (_, n) => [
            `${n + 1}0`,
            `${n + 1}1`,
          ]).flat();
          expect((await under.visible()).toSorted()).toEqual(expected.toSorted());
          expect((await under.files.list('d')).length).toBe(2 * commit.epoch);
        },
      ),
      { numRuns: 300 },
    );
  });
});

interface Commit {
  readonly prepared: readonly Prepared[];
  readonly epoch: number;
}

interface World {
  readonly files: SimulatedFiles;
  readonly runtime: Runtime;
  readonly sink: Sink<unknown>;
  /** All lines of all visible files, in the order of their names. */
  visible(): Promise<string[]>;
}

function world(): World {
  const files = simulatedFiles();
  return {
    files,
    runtime: { ...nodeRuntime(), files },
    sink: partFiles(options),
    async visible() {
      const lines: string[] = [];
      for (const name of await files.list('d')) {
        if (name.startsWith('.')) continue;
        const text = new TextDecoder().decode(await files.read(`d/${name}`));
        lines.push(...text.split('\n').slice(0, -1));
      }
      return lines;
    },
  };
}

interface Run {
  readonly job?: string;
  readonly guarantee?: Guarantee;
  readonly prepared?: readonly Prepared[];
  readonly epoch?: number;
}

function recover(sink: Sink<never>, runtime: Runtime, run: Run): Promise<void> {
  const { job = 'job', guarantee = 'exactly-once', prepared = [], epoch = 0 } = run;
  return sink.recover(prepared, { job, uid: sink.uid, guarantee, epoch }, runtime);
}

async function start(sink: Sink<never>, runtime: Runtime, run: Run = {}) {
  await recover(sink, runtime, run);
  const { job = 'job', guarantee = 'exactly-once' } = run;
  return sink.open({ job, uid: sink.uid, instance: 0, guarantee }, runtime);
}

function open({ sink, runtime }: World, instance: number) {
  return sink.open({ job: 'job', uid: sink.uid, instance, guarantee: 'exactly-once' }, runtime);
}
