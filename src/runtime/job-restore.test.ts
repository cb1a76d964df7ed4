import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { oldestRecord } from '../checkpoint/snapshot-store.js';
import { copyCrashPoints, silentLogger, type Files, type Runtime } from '../core/runtime.js';
import {
  count,
  directoryStore,
  eventTime,
  iterable,
  keyBy,
  lmdb,
  nodeRuntime,
  partFiles,
  pipeline,
  process,
  run,
  tumbling,
  unchecked,
  window,
  type RunOptions,
} from '../index.js';
import type { StateBackend, StateBackendFactory } from '../state/backend.js';
import { memory } from '../state/memory-backend.js';
import { simulatedFiles, simulatedWorld } from '../testing/index.js';

const times = Array.from({ length: 600 }, (_, index) => index * 250);
const trend = pipeline('trend', unchecked<number>(), (time$) =>
  time$.pipe(
    eventTime({ timestamp: (at) => at }),
    keyBy((at) => at % 7),
    process({
      uid: 'alarms',
      element(at, { timers }) {
        timers.setEventTime(1e12 + at);
        return [at];
      },
      timer: () => [],
    }),
    keyBy((at) => at % 7),
    window(tumbling({ size: '10s' }), count(), { uid: 'counts' }),
  ),
);
const store = directoryStore('/snapshots', { keep: 2 });

/** Reads so many of the times; more of them are a later run of the same job. */
function start(upTo: number, options: Partial<RunOptions<never, never>>) {
  const job = run(trend, {
    checkpoint: { records: 50 },
    snapshots: store,
    snapshotEvery: { epochs: 4 },
    ...options,
    from: upToThen(upTo, () => void job.stop()),
    to: partFiles({ uid: 'out', directory: '/out' }),
  });
  return job;
}

/** A source that stops the job after a number of elements, without an end. */
function upToThen(upTo: number, stop: () => void): ReturnType<typeof iterable<number>> {
  const source = iterable(times, { chunk: 10 });
  return {
    ...source,
    async open(split, cursor, runtime) {
      const reader = await source.open(split, cursor, runtime);
      let read = (cursor as number | undefined) ?? 0;
      return {
        async read() {
          // Slowly, so that there are epochs on the way.
          for (let turn = 0; turn < 8; turn += 1) await runtime.clock.turn();
          if (read >= upTo && upTo < times.length) {
            stop();
            await new Promise<never>(() => undefined);
          }
          read += 10;
          return reader.read();
        },
        close: () => reader.close(),
      };
    },
  };
}

async function linesOf(files: Files): Promise<string[]> {
  const lines: string[] = [];
  for (const name of await files.list('/out'))
    lines.push(
      ...new TextDecoder()
        .decode(await files.read(`/out/${name}`))
        .trim()
        .split('\n'),
    );
  return lines.filter((line) => line !== '').toSorted();
}

const world = (): Runtime => ({ ...nodeRuntime(), files: simulatedFiles() });

async function expected(): Promise<string[]> {
  const runtime = world();
  await start(times.length, { runtime }).done;
  return linesOf(runtime.files);
}

/** Turns a bit of one value of a store that nobody has open. */
async function spoil(state: StateBackendFactory, prefix: string): Promise<void> {
  const backend: StateBackend = await state.open();
  const key = backend.keys(prefix).at(-1) ?? '';
  const value = backend.get(key) ?? new Uint8Array();
  backend.commit([
    { key, value: value.with(value.length >> 1, (value[value.length >> 1] ?? 0) ^ 1) },
  ]);
  await backend.close();
}

const homes: string[] = [];
afterEach(async () => {
  for (const home of homes.splice(0)) await rm(home, { recursive: true });
});

test.each(['slab/', 'job'])(
  'damage of %s names the newest snapshot, and rewind goes back to it',
  async (prefix) => {
    const runtime = world();
    const state = memory();
    const first = await start(350, { runtime, state }).done;
    expect(first.phase).toBe('stopped');
    expect(first.snapshots).toEqual({ epoch: 5, failures: 0 });
    expect(first.epoch).toBeGreaterThan(5);
    await spoil(state, prefix);
    await expect(start(600, { runtime, state }).done).rejects.toMatchObject({
      code: 'STATE_DAMAGED',
      where: expect.stringContaining('memory') as string,
      hint: expect.stringMatching(/epoch 5,.*rewind: true.*part files are taken back/s) as string,
    });
    const again = await start(600, { runtime, state, rewind: true }).done;
    expect(again.resumedFromEpoch).toBe(5);
    expect(await linesOf(runtime.files)).toEqual(await expected());
  },
);

test('a job that has been resumed and was set back may still name its savepoint', async () => {
  const runtime = world();
  const from = start(150, { runtime });
  await from.stopWithSavepoint('/save');
  const state = memory();
  const options = { runtime, state, snapshots: directoryStore('/resumed'), resumeFrom: '/save' };
  await start(350, options).done;
  await spoil(state, 'job');
  const back = await start(500, { ...options, rewind: true }).done;
  expect(back.resumedFromEpoch).toBeGreaterThan(0);
  // A savepoint means nothing to a state that was made of it, however often it was set back.
  expect((await start(600, options).done).phase).toBe('finished');
  expect(await linesOf(runtime.files)).toEqual(await expected());
});

test('damage of any part of the state is found in time for a rewind', async () => {
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (_: object, text: string) => void warnings.push(text) };
  const runtime = { ...world(), log };
  const state = memory();
  await start(350, { runtime, state }).done;
  /** A key of each shape: the record, the generation, references, the index of a run, a block of it. */
  const keysNow = async (): Promise<Map<string, string>> => {
    const backend = await state.open();
    const keys = backend.keys('').map((key) => [key.replaceAll(/\d+/g, 'n'), key] as const);
    await backend.close();
    return new Map(keys);
  };
  const shapes = [...(await keysNow()).keys()];
  expect(shapes.length).toBeGreaterThanOrEqual(4);
  for (const [index, shape] of shapes.entries()) {
    const key = (await keysNow()).get(shape);
    if (key === undefined) continue;
    await spoil(state, key);
    await start(400 + 40 * index, { runtime, state, rewind: true }).done;
    expect([shape, warnings.splice(0).length]).toEqual([shape, 1]);
  }
  await start(600, { runtime, state }).done;
  expect(await linesOf(runtime.files)).toEqual(await expected());
});

test('state that is whole is not set back', async () => {
  const runtime = world();
  const state = memory();
  const first = await start(350, { runtime, state }).done;
  const again = await start(600, { runtime, state, rewind: true }).done;
  expect(again.resumedFromEpoch).toBe(first.epoch);
});

test('state that is gone is not begun anew in silence', async () => {
  const runtime = world();
  await start(350, { runtime }).done;
  const error = { code: 'STATE_DAMAGED', got: 'an empty state' };
  await expect(start(600, { runtime }).done).rejects.toMatchObject(error);
  const again = await start(600, { runtime, rewind: true }).done;
  expect(again.resumedFromEpoch).toBe(5);
  expect(await linesOf(runtime.files)).toEqual(await expected());
});

test('a damaged snapshot is passed over; without a whole one the damage stands', async () => {
  const runtime = world();
  const state = memory();
  const { snapshots } = await start(500, { runtime, state }).done;
  expect(snapshots?.epoch).toBe(9);
  await spoil(state, 'slab/');
  const names = (await runtime.files.list('/snapshots')).filter((name) => name.endsWith('.chunk'));
  const cut = async (name: string): Promise<void> => {
    const file = await runtime.files.create(`/snapshots/${name}`);
    await file.close();
  };
  await cut(names.at(-1) ?? '');
  const error = { hint: expect.stringMatching(/epoch 5.*9 are damaged too/) as string };
  await expect(start(600, { runtime, state }).done).rejects.toMatchObject(error);
  await cut(names[0] ?? '');
  await expect(start(600, { runtime, state, rewind: true }).done).rejects.toMatchObject({
    code: 'STATE_DAMAGED',
    hint: expect.stringContaining('No snapshot') as string,
  });
});

test.each(copyCrashPoints.filter((point) => point.startsWith('restore.')))(
  'a crash at %s during a rewind is gone on from',
  async (point) => {
    for (const seed of [1, 2, 3]) {
      const world = simulatedWorld({
        seed,
        crashes: [
          { point: 'epoch.cleaned', visit: 7 },
          { point, visit: 1 },
        ],
      });
      const live = (rewind: boolean) =>
        world.live((runtime) => start(600, { runtime, state: world.disk, rewind }).done);
      expect((await live(false)).crashed).toBe(true);
      await spoil(world.disk, 'slab/');
      expect(await live(true)).toEqual({ crashed: true, point });
      const last = await live(true);
      expect(last).toMatchObject({ crashed: false, value: { resumedFromEpoch: 5 } });
      expect(await linesOf(world.files)).toEqual(await expected());
    }
  },
);

test('files of LMDB that cannot even be opened are set aside', async () => {
  const home = await mkdtemp(join(tmpdir(), 'tidemark-rewind-'));
  homes.push(home);
  const runtime = world();
  const state = lmdb(home);
  const { snapshots } = await start(350, { runtime, state }).done;
  // The disk says how many epochs there are on the way.
  const epoch = snapshots?.epoch ?? 0;
  expect(epoch).toBeGreaterThan(0);
  const file = await open(join(home, 'data.mdb'), 'r+');
  await file.truncate(5000);
  await file.close();
  await expect(start(600, { runtime, state }).done).rejects.toMatchObject({
    code: 'STATE_DAMAGED',
    hint: expect.stringContaining(`epoch ${epoch},`) as string,
  });
  const again = await start(600, { runtime, state, rewind: true }).done;
  expect(again).toMatchObject({ phase: 'finished', resumedFromEpoch: epoch });
  expect(await linesOf(runtime.files)).toEqual(await expected());
});

test('sources are let go up to the oldest snapshot, or the last commit where there is none', async () => {
  for (const withStore of [true, false]) {
    const runtime = world();
    const released: number[] = [];
    const source = upToThen(times.length, () => undefined);
    const { epoch } = await run(trend, {
      checkpoint: { records: 50 },
      ...(withStore ? { snapshots: store, snapshotEvery: { epochs: 1 } } : {}),
      to: partFiles({ uid: 'out', directory: '/out' }),
      runtime,
      from: {
        ...source,
        async open(split, cursor, itsRuntime) {
          const reader = await source.open(split, cursor, itsRuntime);
          return { ...reader, committed: (upTo: unknown) => void released.push(upTo as number) };
        },
      },
    }).done;
    expect(released).toEqual(released.toSorted((a, b) => a - b));
    const oldest = withStore ? await oldestRecord(store, runtime) : undefined;
    const last = released.at(-1) ?? 0;
    if (withStore) expect(last).toBeLessThanOrEqual(oldest?.splits[0]?.cursor as number);
    else expect(last).toBe(times.length);
    expect(released.length).toBeGreaterThan(3);
    expect(epoch).toBeGreaterThan(5);
  }
});

test('rewind and snapshotEvery need a store', () => {
  const options = {
    from: iterable([1]),
    to: partFiles<unknown>({ uid: 'out', directory: '/out' }),
  };
  expect(() => run(trend, { ...options, rewind: true })).toThrow(/OPTIONS_INVALID/);
  expect(() => run(trend, { ...options, snapshotEvery: '1m' })).toThrow(/OPTIONS_INVALID/);
});
