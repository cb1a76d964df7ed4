import { describe, expect, test } from 'vitest';
import {
  count,
  crashPoints,
  eventTime,
  iterable,
  keyBy,
  partFiles,
  pipeline,
  run,
  sliding,
  unchecked,
  window,
} from '../index.js';
import { simulatedWorld, type PlannedCrash } from './index.js';

const trend = pipeline('trend', unchecked<number>(), (times) =>
  times.pipe(
    eventTime({ timestamp: (at) => at }),
    keyBy((at) => at % 7),
    window(sliding({ size: '10s', slide: '5s' }), count(), { uid: 'counts' }),
  ),
);
const times = Array.from({ length: 400 }, (_, index) => index * 250);

/** Runs the job until it has survived all crashes. */
async function outputOf(seed: number, crashes: readonly PlannedCrash[]) {
  const world = simulatedWorld({ seed, crashes });
  const crashedAt: string[] = [];
  for (;;) {
    const outcome = await world.live(
      (runtime) =>
        run(trend, {
          from: iterable(times, { chunk: 10 }),
          to: partFiles({ uid: 'out', directory: '/out' }),
          state: world.disk,
          maxParallelism: 4,
          checkpoint: { records: 50 },
          runtime,
        }).done,
    );
    if (!outcome.crashed) return { lines: (await world.lines('/out')).sort(), crashedAt, world };
    crashedAt.push(outcome.point);
  }
}

describe('simulatedWorld', () => {
  test('the same seed gives the same bytes', async () => {
    expect((await outputOf(7, [])).lines).toEqual((await outputOf(7, [])).lines);
  });

  test.each(crashPoints)('a crash at %s changes nothing in the output', async (point) => {
    const crashes = [
      { point, visit: 1 },
      { point, visit: point.startsWith('recover') ? 1 : 2 },
    ];
    const { lines, crashedAt } = await outputOf(3, crashes);
    expect(crashedAt).toEqual([point, point]);
    expect(lines).toEqual((await outputOf(3, [])).lines);
  });

  test('a disk beside that of the job is its own, and loses what was not flushed with the rest', async () => {
    const world = simulatedWorld({ seed: 1, crashes: [{ point: 'ingest.written', visit: 1 }] });
    const [log, other] = [world.diskOf('log'), world.diskOf('other')];
    expect(world.diskOf('log')).toBe(log);
    await world.live(async ({ at }) => {
      const backend = await log.open();
      backend.commit([{ key: 'kept', value: Uint8Array.of(1) }]);
      for (let n = 0; n < 20; n += 1) backend.writeAhead(`lost-${n}`, Uint8Array.of(n));
      await at('ingest.written');
    });
    const left = (await log.open()).keys('');
    expect(left).toContain('kept');
    expect(left.length).toBeLessThan(21);
    expect((await other.open()).keys('')).toEqual([]);
  });

  test('visits of all lives are counted', async () => {
    const { world } = await outputOf(1, [{ point: 'recover.opened', visit: 1 }]);
    expect(world.visits.get('recover.opened')).toBe(2);
    expect(world.visits.get('epoch.committed')).toBeGreaterThan(1);
  });

  test('a job that fails rejects', async () => {
    const world = simulatedWorld({ seed: 1 });
    await expect(world.live(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  test('a job that waits for ever is noticed', async () => {
    const world = simulatedWorld({ seed: 1 });
    await expect(world.live(() => new Promise(() => undefined))).rejects.toThrow(/never comes/);
  });
});
