import { describe, expect, test } from 'vitest';
import type { Source } from '../core/connector.js';
import type { Runtime } from '../core/runtime.js';
import {
  collect,
  eventTime,
  iterable,
  keyBy,
  nodeRuntime,
  partFiles,
  pipeline,
  process,
  run,
  unchecked,
  valueState,
  type RunOptions,
} from '../index.js';
import { crc32 } from '../state/checksum.js';
import { memory } from '../state/memory-backend.js';
import { simulatedFiles, simulatedWorld } from '../testing/index.js';
import { openSavepoint } from './savepoint.js';
import { verifyCopy } from './snapshot-reader.js';

interface Play {
  readonly user: string;
  readonly at: number;
}

const plays: readonly Play[] = Array.from({ length: 60 }, (_, at) => ({
  user: `user ${at % 7}`,
  at: at * 1000,
}));

/** Sums per user, and plays per minute: states, timers and windows. */
const counting = ({ uid = 'sum', renamedFrom }: { uid?: string; renamedFrom?: string } = {}) =>
  pipeline('counting', unchecked<Play>(), (play$) =>
    play$.pipe(
      eventTime({ timestamp: (play) => play.at }),
      keyBy((play) => play.user),
      process({
        uid,
        ...(renamedFrom === undefined ? {} : { renamedFrom }),
        state: { times: valueState(0) },
        element(play, { state, timers }) {
          state.times.set(state.times.get() + 1);
          timers.setEventTime(play.at + 25_000);
          return [`${play.user} ${state.times.get()}`];
        },
        timer: ({ time }, { key, state }) => [`${key} after ${time}: ${state.times.get()}`],
      }),
    ),
  );

/** Gives the plays up to a number, then says so and waits for ever: a stop falls there. */
function paused(upTo: number, reached: () => void): Source<Play> {
  const source = iterable(plays, { chunk: 1 });
  return {
    ...source,
    async open(split, cursor, runtime) {
      const reader = await source.open(split, cursor, runtime);
      let read = (cursor as number | undefined) ?? 0;
      return {
        read() {
          read += 1;
          if (read <= upTo) return reader.read();
          reached();
          return new Promise<never>(() => undefined);
        },
        close: () => reader.close(),
      };
    },
  };
}

type Options = Partial<RunOptions<never, never>>;

/** Runs to play `upTo`, and leaves a savepoint there. */
async function savepointAt(upTo: number, directory: string, options: Options, drain = false) {
  const out = collect<string>({ uid: 'out' });
  let reached = (): void => undefined;
  const atPause = new Promise<void>((resolve) => (reached = resolve));
  const job = run(counting(), { ...options, from: paused(upTo, () => reached()), to: out });
  await Promise.race([atPause, job.done]);
  const summary = await job.stopWithSavepoint(directory, { drain });
  return { summary, values: out.values };
}

/** Goes on from a savepoint, to the end. */
async function resume(directory: string, options: Options, definition = counting()) {
  const out = collect<string>({ uid: 'out' });
  const summary = await run(definition, {
    state: memory(),
    ...options,
    from: iterable(plays),
    to: out,
    resumeFrom: directory,
  }).done;
  return { summary, values: out.values };
}

async function whole(): Promise<string[]> {
  const out = collect<string>({ uid: 'out' });
  await run(counting(), { from: iterable(plays), to: out }).done;
  return out.values;
}

function world(): { runtime: Runtime } {
  return { runtime: { ...nodeRuntime(), files: simulatedFiles() } };
}

/** Copies a savepoint, with one file changed on the way. */
async function copied(
  { files }: Runtime,
  [from, to]: [string, string],
  change: (name: string, bytes: Uint8Array) => Uint8Array | undefined = (_, bytes) => bytes,
): Promise<void> {
  await files.makeDirectory(to);
  for (const name of await files.list(from)) {
    const bytes = change(name, await files.read(`${from}/${name}`));
    if (bytes === undefined) continue;
    const file = await files.create(`${to}/${name}`);
    await file.write(bytes);
    await file.close();
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: { code?: string }) => error.code ?? String(error),
  );
}

describe('a savepoint', () => {
  test.each([1, 4])(
    'is gone on from with %s shards, as if nothing had been',
    async (parallelism) => {
      const { runtime } = world();
      const first = await savepointAt(31, '/save', { runtime, parallelism: 2, state: memory() });
      expect(first.summary.phase).toBe('stopped');
      const second = await resume('/save', { runtime, parallelism });
      expect(second.summary.resumedFromEpoch).toBe(first.summary.epoch);
      expect([...first.values, ...second.values].toSorted()).toEqual((await whole()).toSorted());
    },
  );

  test('becomes state like any other: epochs and restarts go on above it', async () => {
    const { runtime } = world();
    const state = memory();
    const first = await savepointAt(31, '/save', { runtime });
    const second = await savepointAt(45, '/two', { runtime, state, resumeFrom: '/save' });
    const third = await resume('/save', { runtime, state, parallelism: 3 });
    expect(third.summary.resumedFromEpoch).toBe(second.summary.epoch);
    const values = [...first.values, ...second.values, ...third.values];
    expect(values.toSorted()).toEqual((await whole()).toSorted());
  });

  test('may be copied, and lost where it was', async () => {
    const { runtime } = world();
    const first = await savepointAt(31, '/save', { runtime });
    await copied(runtime, ['/save', '/elsewhere']);
    for (const name of await runtime.files.list('/save'))
      await runtime.files.remove(`/save/${name}`);
    const second = await resume('/elsewhere', { runtime });
    expect([...first.values, ...second.values].toSorted()).toEqual((await whole()).toSorted());
  });

  test('of a drained job has fired everything, and goes on with fresh event time', async () => {
    const { runtime } = world();
    const first = await savepointAt(31, '/save', { runtime }, true);
    expect(first.summary).toMatchObject({ phase: 'stopped', watermark: Infinity });
    expect(first.values.filter((text) => text.includes('after'))).toHaveLength(31);
    const second = await resume('/save', { runtime });
    expect(second.summary).toMatchObject({ phase: 'finished', late: 0, records: plays.length });
    expect(second.values.filter((text) => text.includes('after'))).toHaveLength(29);
  });

  test.each([
    [
      'a bit turned',
      (bytes: Uint8Array) => bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 4),
    ],
    ['the end missing', (bytes: Uint8Array) => bytes.subarray(0, -1)],
    ['everything missing', () => new Uint8Array()],
    ['no file', () => undefined],
  ])('is refused with %s in any of its files, and leaves the state empty', async (_, change) => {
    const { runtime } = world();
    await savepointAt(31, '/save', { runtime });
    const names = await runtime.files.list('/save');
    expect(names.length).toBeGreaterThanOrEqual(3);
    for (const [index, name] of names.entries()) {
      await copied(runtime, ['/save', `/bad-${index}`], (other, bytes) =>
        other === name ? change(bytes) : bytes,
      );
      const state = memory();
      expect([name, await codeOf(resume(`/bad-${index}`, { runtime, state }))]).toEqual([
        name,
        'STATE_DAMAGED',
      ]);
      const backend = await state.open();
      expect(backend.keys('job')).toEqual([]);
      await backend.close();
    }
  });

  test('of a newer release is refused', async () => {
    const { runtime } = world();
    await savepointAt(31, '/save', { runtime });
    await copied(runtime, ['/save', '/newer'], (name, bytes) =>
      name === 'savepoint.manifest' ? newer(bytes) : bytes,
    );
    expect(await codeOf(resume('/newer', { runtime }))).toBe('STATE_VERSION_UNKNOWN');
  });

  test('is not taken where the state has something else; again by its own state it is passed over', async () => {
    const { runtime } = world();
    const state = memory();
    await savepointAt(31, '/save', { runtime });
    await savepointAt(20, '/other', { runtime, state });
    expect(await codeOf(resume('/save', { runtime, state }))).toBe('STATE_NOT_EMPTY');
    const mine = memory();
    await resume('/save', { runtime, state: mine });
    expect((await resume('/save', { runtime, state: mine })).summary.alreadyFinished).toBe(true);
  });

  test('is not written over another one; the job goes on', async () => {
    const { runtime } = world();
    await savepointAt(31, '/save', { runtime });
    const out = collect<string>({ uid: 'out' });
    const job = run(counting(), { from: paused(5, () => undefined), to: out, runtime });
    expect(await codeOf(job.stopWithSavepoint('/save'))).toBe('OPTIONS_INVALID');
    expect((await job.stopWithSavepoint('/another')).phase).toBe('stopped');
    expect(await codeOf(job.stopWithSavepoint('/late'))).toBe('RUN_ENDED');
  });

  test('gives its state to a renamed operator, and lets others go only when told', async () => {
    const { runtime } = world();
    const first = await savepointAt(31, '/save', { runtime });
    expect(await codeOf(resume('/save', { runtime }, counting({ uid: 'new' })))).toBe(
      'STATE_INCOMPATIBLE',
    );
    const renamed = await resume(
      '/save',
      { runtime },
      counting({ uid: 'new', renamedFrom: 'sum' }),
    );
    expect([...first.values, ...renamed.values].toSorted()).toEqual((await whole()).toSorted());
    const fresh = await resume(
      '/save',
      { runtime, allowNonRestoredState: true },
      counting({ uid: 'new' }),
    );
    expect(fresh.values).toContain('user 3 1');
  });

  test('leaves nothing of sinks to publish', async () => {
    const { runtime } = world();
    let reached = (): void => undefined;
    const atPause = new Promise<void>((resolve) => (reached = resolve));
    const to = partFiles<string>({ uid: 'files', directory: '/out' });
    const job = run(counting(), { from: paused(31, () => reached()), to, runtime });
    await atPause;
    await job.stopWithSavepoint('/save');
    const copy = await openSavepoint(runtime.files, '/save');
    expect((await verifyCopy(copy, runtime)).sinks.size).toBe(0);
    expect((await runtime.files.list('/out')).every((name) => name.startsWith('part-'))).toBe(true);
  });
});

test.each(['savepoint.written', 'savepoint.published'] as const)(
  'a crash at %s leaves a whole savepoint or none, and the state',
  async (point) => {
    for (const seed of [1, 2, 3]) {
      const world = simulatedWorld({ seed, crashes: [{ point, visit: 1 }] });
      const to = partFiles<string>({ uid: 'out', directory: '/out' });
      const crashed = await world.live(async (runtime) => {
        let reached = (): void => undefined;
        const atPause = new Promise<void>((resolve) => (reached = resolve));
        const from = paused(31, () => reached());
        const job = run(counting(), { from, to, state: world.disk, runtime });
        await atPause;
        return job.stopWithSavepoint('/save');
      });
      expect(crashed).toEqual({ crashed: true, point });
      const looking: Runtime = { ...nodeRuntime(), files: world.files };
      const code = await codeOf(
        openSavepoint(world.files, '/save').then((copy) => verifyCopy(copy, looking)),
      );
      expect(code).toBe(point === 'savepoint.written' ? 'STATE_DAMAGED' : 'none');
      await world.live(
        (runtime) =>
          run(counting(), { from: iterable(plays), to, state: world.disk, runtime }).done,
      );
      const lines = (await world.lines('/out')).map((line) => JSON.parse(line) as string);
      expect(lines.toSorted()).toEqual((await whole()).toSorted());
    }
  },
);

/** The manifest as a later release would write it: a format that is not known, and a right checksum. */
function newer(bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(bytes).replace('format 1', 'format 2');
  const body = text.slice(0, text.lastIndexOf('crc32 '));
  const sum = crc32(new TextEncoder().encode(body)).toString(16).padStart(8, '0');
  return new TextEncoder().encode(`${body}crc32 ${sum}\n`);
}
