import { describe, expect, test } from 'vitest';
import {
  collect,
  count,
  directory,
  eventTime,
  file,
  keyBy,
  map,
  partFiles,
  pipeline,
  run,
  tumbling,
  unchecked,
  window,
  type Run,
  type RunSummary,
  type Runtime,
  type Source,
} from '../index.js';
import { crashPoints } from '../core/runtime.js';
import { simulatedWorld, type SimulatedWorld } from '../testing/index.js';

const same = pipeline('same', unchecked<unknown>(), (n$) => n$.pipe(map((n) => n)));
const perTen = pipeline('per-ten', unchecked<{ at: number }>(), (play$) =>
  play$.pipe(
    eventTime({ timestamp: (play) => play.at, every: 0 }),
    keyBy(() => 'all'),
    window(tumbling({ size: 10 }), count(), { uid: 'counts' }),
    map(({ window: { start }, value }) => ({ start, value })),
  ),
);

/** Adds to a file outside of the job: what is there stays, also over a crash. */
async function append({ files }: SimulatedWorld, path: string, text: string): Promise<void> {
  const before = (await files.exists(path)) ? await files.read(path) : new Uint8Array();
  // The same file goes on, as with a writer that holds it open: in one turn, so that nobody sees it empty.
  const file = await files.create(path);
  await file.write(Buffer.concat([before, Buffer.from(text)]));
  await file.sync();
  await file.close();
  await files.syncDirectory(path.slice(0, path.lastIndexOf('/')));
}

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

describe('a job that follows a file', () => {
  const path = '/in/log';

  test('stops without waiting, leaves an unfinished line, and reads it in the next run', async () => {
    const world = simulatedWorld({ seed: 1 });
    await world.files.makeDirectory('/in');
    await append(world, path, '1\n{"half":');
    const live = (steps: Readonly<Record<number, () => Promise<void>>>) =>
      world.live((runtime) => {
        const from = file(path, { format: 'jsonl', follow: { every: 20 } });
        const to = partFiles({ uid: 'out', directory: '/out' });
        return script(runtime, run(same, { from, to, state: world.disk, runtime }), steps);
      });
    const first = await live({
      100: () => append(world, path, '"line"'),
      200: async () => undefined,
    });
    expect(first).toMatchObject({ value: { phase: 'stopped', records: 1, bytesTotal: undefined } });
    await append(world, path, '}\n2\n');
    const second = await live({
      100: () => append(world, path, '3\n'),
      300: async () => undefined,
    });
    expect(second).toMatchObject({ value: { phase: 'stopped', records: 4 } });
    expect(await world.lines('/out')).toEqual(['1', '{"half":"line"}', '2', '3']);
  });

  test.each(crashPoints.map((point) => [point]))('reads on after a crash at %s', async (point) => {
    const world = simulatedWorld({ seed: 2, crashes: [{ point, visit: 3 }] });
    await world.files.makeDirectory('/in');
    let written = 0;
    const more = async (): Promise<void> => {
      const text = Array.from({ length: 50 }, () => `${(written += 1)}\n`).join('');
      await append(world, path, text);
    };
    await more();
    const live = () =>
      world.live((runtime) => {
        const from = file(path, { format: 'jsonl', follow: { every: 20 } });
        const to = partFiles({ uid: 'out', directory: '/out' });
        const job = run(same, { from, to, state: world.disk, checkpoint: 60, runtime });
        return script(runtime, job, { 50: more, 120: more, 190: more, 500: async () => undefined });
      });
    while ((await live()).crashed);
    const expected = Array.from({ length: written }, (_, index) => String(index + 1));
    expect(await world.lines('/out')).toEqual(expected);
  });

  test('a file that is replaced ends it with SOURCE_CHANGED', async () => {
    const world = simulatedWorld({ seed: 1 });
    await world.files.makeDirectory('/in');
    await append(world, path, '1\n');
    await append(world, '/in/new', '1\n2\n');
    const ended = world.live((runtime) => {
      const from = file(path, { format: 'jsonl', follow: { every: 20 } });
      const job = run(same, { from, to: collect({ uid: 'out' }), runtime });
      void script(runtime, job, {
        100: () => world.files.rename('/in/new', path),
        300: async () => undefined,
      }).catch(() => undefined);
      return job.done;
    });
    await expect(ended).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });
});

describe('windows over the files of a directory', () => {
  const texts = ['0 4 12', '15 23 31', '33 38 45', '47 50 61', '66 70 90'];

  /** All windows that come out when the files appear one by one, with a crash or without. */
  async function windowsOver(
    options: { readonly open: number },
    crash?: { readonly point: (typeof crashPoints)[number]; readonly visit: number },
  ): Promise<{ lines: string[]; summary: Partial<RunSummary>; lives: number }> {
    const world = simulatedWorld({ seed: 7, ...(crash === undefined ? {} : { crashes: [crash] }) });
    await world.files.makeDirectory('/in');
    let put = 0;
    const next = async (): Promise<void> => {
      const text = texts[put];
      if (text === undefined) return;
      const lines = text.split(' ').map((at) => `{"at":${at}}\n`);
      put += 1;
      await append(world, `/in/.f${put}`, lines.join(''));
      await world.files.rename(`/in/.f${put}`, `/in/f${put}`);
      await world.files.syncDirectory('/in');
    };
    for (let lives = 1; ; lives += 1) {
      const outcome = await world.live((runtime) => {
        const from = directory('/in', { format: 'jsonl', follow: { every: 20 }, ...options });
        const job = run(perTen, {
          from: from as Source<{ at: number }>,
          to: partFiles({ uid: 'out', directory: '/out' }),
          state: world.disk,
          checkpoint: 35,
          runtime,
        });
        return script(runtime, job, {
          30: next,
          80: next,
          130: next,
          180: next,
          230: next,
          400: next,
        });
      });
      if (!outcome.crashed)
        return { lines: await world.lines('/out'), summary: outcome.value, lives };
    }
  }

  test.each([1, 3])('are the same over any crash, with %i files at a time', async (open) => {
    const sound = await windowsOver({ open });
    // All but what the last watermark, 89, leaves open.
    const counts = [
      [0, 2],
      [10, 2],
      [20, 1],
      [30, 3],
      [40, 2],
      [50, 1],
      [60, 2],
      [70, 1],
    ];
    const expected = counts.map(([start, value]) => JSON.stringify({ start, value }));
    expect(sound).toMatchObject({ lines: expected, lives: 1, summary: { late: 0, records: 15 } });
    let crashes = 0;
    for (const point of crashPoints)
      for (const visit of [1, 2, 4, 6]) {
        const crashed = await windowsOver({ open }, { point, visit });
        crashes += crashed.lives - 1;
        expect(crashed).toMatchObject({ lines: expected, summary: { late: 0, records: 15 } });
      }
    expect(crashes).toBeGreaterThan(20);
  });
});
