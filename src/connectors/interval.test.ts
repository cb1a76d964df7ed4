import { describe, expect, test } from 'vitest';
import { collect, interval, map, partFiles, pipeline, run, unchecked } from '../index.js';
import type { SplitReader } from '../core/connector.js';
import { crashPoints, silentLogger, type Runtime } from '../core/runtime.js';
import { simulatedFiles } from '../testing/simulated-files.js';
import { simulatedWorld } from '../testing/index.js';
import { VirtualClock } from '../testing/virtual-clock.js';

const clockAt = (now: number): VirtualClock => new VirtualClock(now);

function runtimeAt(clock: VirtualClock, warnings: object[] = []): Runtime {
  return {
    clock,
    random: () => 0,
    files: simulatedFiles(),
    log: { ...silentLogger, warn: (fields) => void warnings.push(fields) },
    at: () => Promise.resolve(),
  };
}

const valuesOf = async (reader: SplitReader): Promise<readonly unknown[] | undefined> =>
  (await reader.read())?.chunk.values;

describe('interval', () => {
  test('ticks at multiples of its span, from the first start on', async () => {
    const clock = clockAt(1_050);
    const reader = await interval({ every: 100 }).open('0', undefined, runtimeAt(clock));
    const first = reader.read();
    clock.moveTo(1_099);
    clock.moveTo(1_100);
    expect(await first).toMatchObject({
      chunk: { values: [1_100], timestamps: [1_100], firstPosition: 11 },
      cursor: 1_200,
    });
    clock.moveTo(1_399);
    expect(await valuesOf(reader)).toEqual([1_200, 1_300]);
  });

  test.each([
    ['emit', [300, 400, 500, 600]],
    ['skip', [600]],
  ] as const)('what was missed over a restart: %s', async (missed, expected) => {
    const reader = await interval({ every: 100, missed }).open('0', 300, runtimeAt(clockAt(650)));
    expect(await valuesOf(reader)).toEqual(expected);
  });

  test('what is made up for is bounded, and said', async () => {
    const warnings: object[] = [];
    const runtime = runtimeAt(clockAt(1_000_000), warnings);
    const source = interval({ every: 1, missedMax: 1500 });
    const reader = await source.open('0', 300, runtime);
    const chunks = [await valuesOf(reader), await valuesOf(reader)];
    expect(chunks.map((values) => values?.length)).toEqual([1024, 476]);
    expect(chunks[1]?.at(-1)).toBe(1_000_000);
    expect(warnings).toEqual([{ source: 'interval', skipped: 998_201 }]);
  });

  test('a span that has changed takes the next multiple of the new one', async () => {
    const reader = await interval({ every: 70 }).open('0', 1_000, runtimeAt(clockAt(1_200)));
    expect(await valuesOf(reader)).toEqual([1_050, 1_120, 1_190]);
  });

  test('a clock that was set back repeats no tick: it is waited for', async () => {
    const clock = clockAt(500);
    const reader = await interval({ every: 100 }).open('0', 1_000, runtimeAt(clock));
    let isTicked = false;
    const first = valuesOf(reader).finally(() => (isTicked = true));
    clock.moveTo(999);
    await Promise.resolve();
    expect(isTicked).toBe(false);
    clock.moveTo(1_000);
    expect(await first).toEqual([1_000]);
  });

  test('ends before until, also where all is missed or skipped', async () => {
    for (const [missed, expected] of [
      ['emit', [0, 100, 200]],
      ['skip', [200]],
    ] as const) {
      const source = interval({ every: 100, start: 0, until: 250, missed });
      const reader = await source.open('0', undefined, runtimeAt(clockAt(10_000)));
      expect([await valuesOf(reader), await valuesOf(reader)]).toEqual([expected, undefined]);
    }
  });

  test('an interrupted wait leaves no timer', async () => {
    const clock = clockAt(50);
    const reader = await interval({ every: 100 }).open('0', undefined, runtimeAt(clock));
    const waiting = reader.read();
    reader.interrupt?.();
    expect(await waiting).toBeUndefined();
    expect(clock.next()).toBe(Infinity);
  });

  test('options, cursors and values are checked', async () => {
    expect(() => interval({ every: 0 })).toThrow(/OPTIONS_INVALID.*every/);
    expect(() => interval({ every: '1s', missed: 'all' as never })).toThrow(/"emit" or "skip"/);
    const runtime = runtimeAt(clockAt(500));
    await expect(interval({ every: 1 }).open('0', 'x', runtime)).rejects.toThrow(/SOURCE_CHANGED/);
    const value = (): never => {
      throw new Error('deep');
    };
    const reader = await interval({ every: 100, value }).open('0', undefined, runtime);
    await expect(reader.read()).rejects.toThrow(/SOURCE_FAILED.*tick 500.*deep/);
  });

  test('in a job: every tick once over any crash, and a stop that does not wait for a tick', async () => {
    const ticks = pipeline('ticks', unchecked<number>(), (n$) => n$.pipe(map((n) => n)));
    for (const point of crashPoints) {
      const world = simulatedWorld({ seed: 3, crashes: [{ point, visit: 2 }] });
      const live = () =>
        world.live((runtime) => {
          const from = interval({ every: 10, start: 1_000_000, until: 1_000_300 });
          const to = partFiles<number>({ uid: 'out', directory: '/out' });
          return run(ticks, { from, to, state: world.disk, checkpoint: 40, runtime }).done;
        });
      while ((await live()).crashed);
      const expected = Array.from({ length: 30 }, (_, index) => String(1_000_000 + 10 * index));
      expect(await world.lines('/out')).toEqual(expected);
    }
    const world = simulatedWorld({ seed: 1 });
    const to = collect<number>({ uid: 'out' });
    const outcome = await world.live((runtime) => {
      const job = run(ticks, { from: interval({ every: '1d' }), to, runtime });
      runtime.clock.setTimer(runtime.clock.now() + 500, () => void job.stop());
      return job.done;
    });
    expect(outcome).toMatchObject({ value: { phase: 'stopped', records: 0 } });
  });
});
