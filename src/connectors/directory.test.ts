import { beforeEach, describe, expect, test } from 'vitest';
import {
  count,
  collect,
  directory,
  eventTime,
  keyBy,
  map,
  partFiles,
  pipeline,
  run,
  tumbling,
  unchecked,
  union,
  window,
  type Files,
  type Run,
  type RunSummary,
  type Runtime,
} from '../index.js';
import { crashPoints } from '../core/runtime.js';
import { simulatedWorld, type SimulatedWorld } from '../testing/index.js';

const path = '/in';
const options = { format: 'jsonl', follow: { every: '50ms' } } as const;
const same = pipeline('same', unchecked<unknown>(), (n$) => n$.pipe(map((n) => n)));
let world: SimulatedWorld & { lines(directory: string): Promise<string[]> };

beforeEach(async () => {
  world = simulatedWorld({ seed: 1 });
  await world.files.makeDirectory(path);
});

async function put(files: Files, name: string, ...values: unknown[]): Promise<void> {
  const file = await files.create(`${path}/.${name}`);
  await file.write(Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join('')));
  await file.sync();
  await file.close();
  await files.rename(`${path}/.${name}`, `${path}/${name}`);
  await files.syncDirectory(path);
}

/** Does things at times after the start, in ms, and then stops the run. */
async function script(
  { clock }: Runtime,
  job: Run,
  steps: Readonly<Record<number, () => Promise<void>>>,
): Promise<RunSummary> {
  const begin = clock.now();
  for (const [ms, step] of Object.entries(steps)) {
    await new Promise<void>((resolve) => clock.setTimer(begin + Number(ms), resolve));
    await step();
  }
  return job.stop();
}

const nothing = (): Promise<void> => Promise.resolve();

describe('directory', () => {
  test('reads files in the order of their names, and new ones as they appear', async () => {
    await put(world.files, 'b', 2);
    await put(world.files, 'a', 1);
    const sink = collect<unknown>({ uid: 'out' });
    const outcome = await world.live((runtime) => {
      const job = run(same, { from: directory(path, options), to: sink, runtime });
      return script(runtime, job, {
        200: () => put(world.files, 'd', 4),
        400: () => put(world.files, 'c', 3),
        600: nothing,
      });
    });
    expect(outcome).toMatchObject({ value: { phase: 'stopped', records: 4 } });
    expect(sink.values).toEqual([1, 2, 4, 3]);
  });

  test('reads what fits the pattern, with an order of its own, and ends without follow', async () => {
    for (const name of ['p10', 'p9', 'q1', 'p1.bak', '.p3']) await put(world.files, name, name);
    const read = async (more: object): Promise<unknown> => {
      const sink = collect<unknown>({ uid: 'out' });
      const from = directory(path, { format: 'jsonl', ...more });
      await world.live((runtime) => run(same, { from, to: sink, runtime }).done);
      return sink.values;
    };
    const byNumber = (one: string, other: string): number =>
      Number(one.slice(1)) - Number(other.slice(1));
    expect(await read({ pattern: /^p\d+$/g, order: byNumber })).toEqual(['p9', 'p10']);
    expect(await read({ pattern: 'p?' })).toEqual(['p9']);
    expect(await read({ pattern: 'p*.bak' })).toEqual(['p1.bak']);
    expect(await read({})).toEqual(['p1.bak', 'p10', 'p9', 'q1']);
  });

  test('an empty directory is an end, or something to wait for', async () => {
    const sink = collect<unknown>({ uid: 'out' });
    const bounded = directory(path, { format: 'csv' });
    const ended = await world.live(
      (runtime) => run(same, { from: bounded, to: sink, runtime }).done,
    );
    expect(ended).toMatchObject({ value: { phase: 'finished', records: 0 } });
    const waited = await world.live((runtime) =>
      script(runtime, run(same, { from: directory(path, options), to: sink, runtime }), {
        300: nothing,
      }),
    );
    expect(waited).toMatchObject({ value: { phase: 'stopped', records: 0 } });
  });

  test.each([1, 4])('never holds more than %i of many files open', async (open) => {
    for (let file = 0; file < 30; file += 1) await put(world.files, `f${100 + file}`, file);
    let now = 0;
    let most = 0;
    const counted = (runtime: Runtime): Runtime => ({
      ...runtime,
      files: new Proxy(runtime.files, {
        get: (files, name) => {
          if (name !== 'open') return files[name as 'read'].bind(files);
          return async (place: string) => {
            const file = await files.open(place);
            most = Math.max(most, (now += 1));
            return { ...file, close: () => file.close().then(() => void (now -= 1)) };
          };
        },
      }),
    });
    const sink = collect<unknown>({ uid: 'out' });
    const from = directory(path, { format: 'jsonl', open });
    const outcome = await world.live(
      (runtime) => run(same, { from, to: sink, runtime: counted(runtime) }).done,
    );
    expect(outcome).toMatchObject({ value: { phase: 'finished', bytesRead: 80, bytesTotal: 80 } });
    expect([...sink.values].toSorted((a, b) => Number(a) - Number(b))).toEqual([
      ...Array(30).keys(),
    ]);
    expect([now, most]).toEqual([0, open]);
  });
});

describe('a job over a directory', () => {
  test.each(crashPoints.map((point) => [point]))(
    'loses and repeats nothing over a crash at %s',
    async (point) => {
      for (const visit of [1, 2, 3]) {
        const planned = simulatedWorld({ seed: visit, crashes: [{ point, visit }] });
        await planned.files.makeDirectory(path);
        for (const name of ['a', 'b', 'c']) await put(planned.files, name, `${name}1`, `${name}2`);
        const live = () =>
          planned.live((runtime) => {
            const job = run(same, {
              from: directory(path, { ...options, open: 2 }),
              to: partFiles({ uid: 'out', directory: '/out' }),
              state: planned.disk,
              checkpoint: '100ms',
              runtime,
            });
            return script(runtime, job, {
              150: () => put(planned.files, 'aa', 'aa1', 'aa2'),
              300: () => put(planned.files, 'd', 'd1'),
              700: nothing,
            });
          });
        let lives = 1;
        while ((await live()).crashed) lives += 1;
        const lines = (await planned.lines('/out')).toSorted();
        const all = ['a1', 'a2', 'aa1', 'aa2', 'b1', 'b2', 'c1', 'c2', 'd1'];
        expect([lives <= 2, lines]).toEqual([true, all.map((value) => JSON.stringify(value))]);
      }
    },
  );

  test('finished files may be moved away, and a later run does not read them again', async () => {
    await put(world.files, 'a', 1);
    const to = partFiles({ uid: 'out', directory: '/out' });
    const live = (steps: Readonly<Record<number, () => Promise<void>>>) =>
      world.live((runtime) =>
        script(
          runtime,
          run(same, { from: directory(path, options), to, state: world.disk, runtime }),
          steps,
        ),
      );
    await live({ 100: () => put(world.files, 'b', 2), 200: nothing });
    await world.files.remove(`${path}/a`);
    await live({ 100: nothing });
    await put(world.files, 'a', 'the old name');
    await put(world.files, 'c', 3);
    await live({ 200: nothing });
    expect(await world.lines('/out')).toEqual(['1', '2', '3']);
  });

  test.each([false, true])(
    'a savepoint between two files goes on behind them, drained: %s',
    async (drain) => {
      await put(world.files, 'a', 1);
      const from = directory(path, options);
      const to = partFiles({ uid: 'out', directory: '/out' });
      const first = await world.live((runtime) => {
        const job = run(same, { from, to, state: world.disk, runtime });
        const { clock } = runtime;
        clock.setTimer(clock.now() + 300, () => void job.stopWithSavepoint('/save', { drain }));
        return job.done;
      });
      expect(first).toMatchObject({ value: { phase: 'stopped', records: 1 } });
      await put(world.files, 'b', 2);
      const state = simulatedWorld({ seed: 2 }).disk;
      const again = await world.live((runtime) => {
        const job = run(same, { from, to, state, resumeFrom: '/save', runtime });
        return script(runtime, job, { 300: nothing });
      });
      expect(again).toMatchObject({
        value: { phase: 'stopped', records: 2, alreadyFinished: false },
      });
      expect(await world.lines('/out')).toEqual(['1', '2']);
    },
  );

  test('a file that holds older elements does not set time back: they are late, and counted', async () => {
    const perMinute = pipeline('per-minute', unchecked<{ at: number }>(), (play$) =>
      play$.pipe(
        eventTime({ timestamp: (play) => play.at, every: 0 }),
        keyBy(() => 'all'),
        window(tumbling({ size: '1m' }), count(), { uid: 'counts' }),
      ),
    );
    await put(world.files, 'a', { at: 0 }, { at: 70_000 });
    await put(world.files, 'b', { at: 10_000 }, { at: 65_000 }, { at: 130_000 });
    const sink = collect<{ value: number }>({ uid: 'out' });
    const from = directory(path, { format: 'jsonl' });
    const outcome = await world.live((runtime) => run(perMinute, { from, to: sink, runtime }).done);
    expect(sink.values.map(({ value }) => value)).toEqual([1, 2, 1]);
    expect(outcome).toMatchObject({ value: { records: 5, late: 1 } });
  });

  test('while there is no file, an idle directory does not hold another input back', async () => {
    const timed = (idleness: number) =>
      eventTime<{ at: number }>({ timestamp: ({ at }) => at, idleness, every: 0 });
    const inputs = { a: unchecked<{ at: number }>(), b: unchecked<{ at: number }>() };
    const both = pipeline('both', inputs, ({ a, b }) => ({
      n: a.pipe(
        timed(100),
        union(b.pipe(timed(100))),
        keyBy(() => 'all'),
        window(tumbling({ size: 10 }), count(), { uid: 'n' }),
      ),
    }));
    await put(world.files, 'a', { at: 1 }, { at: 15 });
    await world.files.makeDirectory('/other');
    const n = collect<{ value: number }>({ uid: 'out' });
    const seen: number[][] = [];
    const look = async (): Promise<void> => void seen.push(n.values.map(({ value }) => value));
    const outcome = await world.live((runtime) => {
      const from = { a: directory(path, options), b: directory('/other', options) };
      const job = run(both, { from, to: { n }, checkpoint: 50, runtime });
      return script(runtime, job, {
        400: look,
        500: () => put(world.files, 'b', { at: 16 }, { at: 31 }),
        900: look,
      });
    });
    expect(outcome).toMatchObject({ value: { phase: 'stopped', records: 4, late: 0 } });
    expect(seen).toEqual([[1], [1, 2]]);
  });
});

describe('a file that does not stay as it is', () => {
  const from = directory(path, { format: 'jsonl' });

  test.each<[string, () => Promise<void>, RegExp]>([
    ['goes away', () => world.files.remove(`${path}/a`), /got no file/],
    ['is replaced', () => put(world.files, 'a', 1, 2), /got another file of that name/],
    ['grows', () => append(`${path}/a`, '3\n'), /got 6 bytes/],
    ['shrinks', async () => void (await world.files.create(`${path}/a`)), /got 0 bytes/],
  ])('one that %s in the middle is refused', async (_, change, message) => {
    await put(world.files, 'a', 1, 2);
    const runtime = runtimeOf(world.files);
    const reader = await from.open('a', undefined, runtime);
    expect((await reader.read())?.chunk.values).toEqual([1, 2]);
    await change();
    const end = reader.read().then(() => reader.read());
    await expect(end).rejects.toThrow(message);
    await expect(end).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    await reader.close();
  });

  test('a directory that is missing or is a file, and a name that is no file, are errors', async () => {
    const runtime = runtimeOf(world.files);
    await put(world.files, 'a', 1);
    await world.files.makeDirectory(`${path}/sub`);
    await expect(directory('/none', options).splits(runtime)).rejects.toThrow(
      /SOURCE_FAILED.*nothing of that name/,
    );
    await expect(directory(`${path}/a`, options).splits(runtime)).rejects.toThrow(
      /SOURCE_FAILED.*something else/,
    );
    await expect(from.open('sub', undefined, runtime)).rejects.toThrow(
      /SOURCE_FAILED.*a directory/,
    );
  });

  test('options are checked at once', () => {
    expect(() => directory('', { format: 'csv' })).toThrow(/OPTIONS_INVALID/);
    expect(() => directory('a', { format: 'csv', open: 65 })).toThrow(/OPTIONS_INVALID.*open/);
    expect(() => directory('a', { format: 'csv', follow: { every: 1 } })).toThrow(/at least 10 ms/);
    expect(() => directory('a', { format: 'xml' } as never)).toThrow(/OPTIONS_INVALID.*format/);
  });
});

async function append(name: string, text: string): Promise<void> {
  const before = await world.files.read(name);
  const file = await world.files.create(name);
  await file.write(before);
  await file.write(Buffer.from(text));
}

function runtimeOf(files: Files): Runtime {
  return { files } as Runtime;
}
