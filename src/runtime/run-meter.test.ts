import { expect, test } from 'vitest';
import {
  collect,
  count,
  eventTime,
  iterable,
  keyBy,
  pipeline,
  run,
  tumbling,
  unchecked,
  window,
  type RunMetrics,
} from '../index.js';

const perMinute = pipeline('per-minute', unchecked<{ song: string; at: number }>(), (plays) =>
  plays.pipe(
    eventTime({ timestamp: (play) => play.at }),
    keyBy((play) => play.song),
    window(tumbling({ size: '1m' }), count(), { uid: 'count' }),
  ),
);
const plays = ['a', 'b', 'a'].map((song, index) => ({ song, at: index * 1000 }));

test('a watcher hears at once and a last time, and of everything that was counted', async () => {
  const job = run(perMinute, {
    from: iterable(plays),
    to: collect({ uid: 'out' }),
    parallelism: 2,
  });
  const looks: RunMetrics[] = [];
  let isComplete = false;
  job.metrics$.subscribe({ next: (look) => looks.push(look), complete: () => (isComplete = true) });
  expect(looks.map(({ phase }) => phase)).toEqual(['recovering']);
  await job.done;
  await Promise.resolve();
  expect(isComplete).toBe(true);
  const last = looks.at(-1);
  expect(last).toMatchObject({ job: 'per-minute', phase: 'finished', records: 3, checkpoints: 1 });
  expect(last?.sinks).toEqual([{ uid: 'out', records: 2 }]);
  expect(last?.steps.find(({ uid }) => uid === 'count')).toMatchObject({
    ...{ recordsIn: 3, late: 0, stateEntries: 0, timersPending: 0, watermark: undefined },
  });
  expect(last?.busyRatio).toBeGreaterThanOrEqual(0);
  expect(last?.busyRatio).toBeLessThanOrEqual(1);
});

test('a failed run is measured to its end, and is no error of the watcher', async () => {
  const job = run(perMinute, {
    from: iterable(plays),
    to: collect({ uid: 'out' }),
    signal: AbortSignal.abort(),
  });
  const phases: string[] = [];
  job.metrics$.subscribe(({ phase }) => phases.push(phase));
  await expect(job.done).rejects.toThrow(/RUN_CANCELLED/);
  await Promise.resolve();
  expect(phases.at(-1)).toBe('failed');
});
