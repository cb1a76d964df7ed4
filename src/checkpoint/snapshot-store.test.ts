import { describe, expect, test } from 'vitest';
import { copyCrashPoints, type Files, type Runtime } from '../core/runtime.js';
import {
  count,
  directoryStore,
  eventTime,
  iterable,
  keyBy,
  map,
  nodeRuntime,
  partFiles,
  pipeline,
  run,
  tumbling,
  unchecked,
  window,
} from '../index.js';
import { encodeKey } from '../state/key-codec.js';
import { encodeValue } from '../state/value-codec.js';
import { simulatedFiles, simulatedWorld, type PlannedCrash } from '../testing/index.js';
import { seededRandom } from '../testing/simulated-world.js';
import type { CommittedState } from './committed-state.js';
import type { JobRecord } from './job-record.js';
import { newestGood } from './snapshot-store.js';

const times = Array.from({ length: 1500 }, (_, index) => index * 250);
const trend = pipeline('trend', unchecked<number>(), (time$) =>
  time$.pipe(
    eventTime({ timestamp: (at) => at }),
    keyBy((at) => at % 7),
    window(tumbling({ size: '10s' }), count(), { uid: 'counts' }),
  ),
);
const store = directoryStore('/snapshots', { keep: 2 });

const job = (runtime: Runtime, state: ReturnType<typeof simulatedWorld>['disk'], rewind = false) =>
  run(trend, {
    from: iterable(times, { chunk: 10 }),
    to: partFiles({ uid: 'out', directory: '/out' }),
    state,
    maxParallelism: 4,
    checkpoint: { records: 50 },
    snapshots: store,
    snapshotEvery: { epochs: 1 },
    rewind,
    runtime,
  });

/** A runtime to look with, that takes no part in the crashes. */
const lookingAt = (files: Files): Runtime => ({ ...nodeRuntime(), files });

/** Runs the job until it has survived all crashes; after each of them what snapshots there are must be whole. */
async function lived(seed: number, crashes: readonly PlannedCrash[]) {
  const world = simulatedWorld({ seed, crashes });
  const newest: number[] = [];
  const crashedAt: string[] = [];
  for (;;) {
    const outcome = await world.live((runtime) => job(runtime, world.disk).done);
    const { good, damaged } = await newestGood(store, lookingAt(world.files));
    expect(damaged).toEqual([]);
    newest.push(good?.manifest.epoch ?? 0);
    if (outcome.crashed) crashedAt.push(outcome.point);
    else return { lines: (await world.lines('/out')).toSorted(), newest, crashedAt, world };
  }
}

const snapshotPoints = copyCrashPoints.filter((point) => point.startsWith('snapshot.'));

describe('snapshots of a job', () => {
  test('are taken after commits, and the oldest go', async () => {
    const { world, newest } = await lived(1, []);
    const epochs = (await store.list(lookingAt(world.files))).map(({ epoch }) => epoch);
    expect(epochs).toHaveLength(2);
    expect(newest[0]).toBe(epochs[0]);
    const names = await world.files.list('/snapshots');
    expect(names.every((name) => epochs.some((epoch) => name.includes(`0${epoch}`)))).toBe(true);
  });

  test.each(snapshotPoints)(
    'a crash at %s leaves the earlier ones, and the output',
    async (point) => {
      for (const seed of [1, 2, 3]) {
        const { lines, newest, crashedAt } = await lived(seed, [
          { point, visit: 2 },
          { point, visit: 1 },
        ]);
        expect(crashedAt).toEqual([point, point]);
        expect(newest[0]).toBeGreaterThan(0);
        expect(newest).toEqual(newest.toSorted((a, b) => a - b));
        expect(lines).toEqual((await lived(seed, [])).lines);
      }
    },
  );

  test('belong to one job', async () => {
    const world = simulatedWorld({ seed: 1 });
    await world.live((runtime) => job(runtime, world.disk).done);
    const other = pipeline('other', unchecked<number>(), (n$) => n$.pipe(map((n) => n)));
    await expect(
      world.live(
        (runtime) =>
          run(other, {
            from: iterable([1]),
            to: partFiles({ uid: 'out', directory: '/other' }),
            snapshots: store,
            runtime,
          }).done,
      ),
    ).rejects.toMatchObject({ code: 'STATE_OF_ANOTHER_JOB' });
  });

  test.each([{ keep: 0 }, { keep: 1.5 }, { keep: 1001 }, { keeep: 3 } as object])(
    '%j is refused',
    (options) => {
      expect(() => directoryStore('/x', options)).toThrow(/OPTIONS_INVALID/);
    },
  );
});

/** State of as many keys as there are records, of epoch `epoch`. */
function stateOf(epoch: number): CommittedState {
  const key = (n: number): Uint8Array => encodeKey(n);
  return {
    record: { ...emptyRecord, epoch },
    uids: ['a', 'b'],
    *records(uid) {
      for (let n = 0; n < 20; n += 1)
        yield {
          kind: 'slots',
          group: n,
          key: key(n),
          value: encodeValue(`${uid} ${epoch} ${n}`),
        } as const;
    },
    release: () => undefined,
  };
}

const emptyRecord: JobRecord = {
  job: 'trend',
  epoch: 0,
  maxParallelism: 128,
  isFinished: false,
  splits: [],
  marks: new Map(),
  sinks: new Map(),
  operators: new Map(),
  counters: new Map(),
  records: 0,
};

/** Files that die at the nth call, and count the calls. */
function dying(
  files: Files,
  at: number,
): { files: Files; calls: () => number; died: Promise<void> } {
  let calls = 0;
  let die = (): void => undefined;
  const died = new Promise<void>((resolve) => (die = resolve));
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const member = Reflect.get(object, name) as unknown;
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]) => {
          calls += 1;
          if (calls >= at) {
            die();
            await new Promise(() => undefined);
          }
          const result: unknown = await Reflect.apply(member, object, args);
          return name === 'create' ? guard(result as object) : result;
        };
      },
    });
  return { files: guard(files), calls: () => calls, died };
}

test('a crash at any call of the file system leaves a whole snapshot, and the next run mends the rest', async () => {
  let calls = Infinity;
  for (let at = 1; at <= calls; at += 1)
    for (const seed of [1, 2, 3, 4]) {
      const files = simulatedFiles();
      const safe = lookingAt(files);
      for (const epoch of [1, 2]) await store.write(stateOf(epoch), safe, () => true);
      const mortal = dying(files, at);
      const written = store.write(stateOf(3), lookingAt(mortal.files), () => true);
      const survived = await Promise.race([
        mortal.died.then(() => false),
        written.then(() => true),
      ]);
      if (survived) calls = mortal.calls();
      files.crash(seededRandom(seed * 1000 + at));
      const { good, damaged } = await newestGood(store, safe);
      expect(damaged).toEqual([]);
      expect([2, 3]).toContain(good?.manifest.epoch);
      if (survived) expect(good?.manifest.epoch).toBe(3);
      await store.clean(safe, { newestEpoch: good?.manifest.epoch ?? 0 });
      const epochs = (await store.list(safe)).map(({ epoch }) => epoch);
      const leftovers = (await files.list('/snapshots')).filter(
        (name) => !epochs.some((epoch) => name.startsWith(`snapshot-00000000000${epoch}`)),
      );
      expect(leftovers).toEqual([]);
      await store.write(stateOf(4), safe, () => true);
      expect((await newestGood(store, safe)).good?.manifest.epoch).toBe(4);
    }
  expect(calls).toBeGreaterThan(20);
});

test('a damaged snapshot is passed over, and pushes no whole one out', async () => {
  const files = simulatedFiles();
  const safe = lookingAt(files);
  for (const epoch of [1, 2]) await store.write(stateOf(epoch), safe, () => true);
  await spoil(files, '/snapshots/snapshot-000000000002-000001.chunk');
  expect(await newestGood(store, safe)).toMatchObject({
    good: { manifest: { epoch: 1 } },
    damaged: [2],
  });
  await spoil(files, '/snapshots/snapshot-000000000002.manifest');
  expect(await newestGood(store, safe)).toMatchObject({
    good: { manifest: { epoch: 1 } },
    damaged: [2],
  });
  await store.write(stateOf(3), safe, () => true);
  const entries = await store.list(safe);
  expect(entries.filter(({ copy }) => copy !== undefined).map(({ epoch }) => epoch)).toEqual([
    3, 1,
  ]);
});

async function spoil(files: Files, path: string): Promise<void> {
  const bytes = await files.read(path);
  const file = await files.create(path);
  await file.write(bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 1));
  await file.close();
}
