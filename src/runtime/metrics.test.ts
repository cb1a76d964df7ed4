import { describe, expect, test } from 'vitest';
import { metricFamilies, timeOrNone, type RunMetrics } from './metrics.js';

const step = {
  ...{ uid: 'count', recordsIn: 10, late: 2, deadLetters: 1, filtered: 0, refused: 0 },
  ...{ watermark: 4000, stateEntries: 3, timersPending: 5 },
};
const metrics: RunMetrics = {
  ...{ job: 'plays', phase: 'running', time: 10_000, uptimeMs: 2500, busyRatio: 0.25 },
  ...{ blockedTasks: 1, records: 10, bytesRead: 100, bytesTotal: 200, watermark: 6000 },
  ...{ epoch: 7, checkpoints: 2, commitAgeMs: 500, commitEveryMs: 1000 },
  ...{
    restarts: 1,
    lastCheckpoint: { epoch: 7, time: 9500, durationMs: 40, bytes: 99, reason: 'interval' },
  },
  steps: [step],
  splits: [{ input: 'input', split: 'a.csv', bytesRead: 100, queued: 4 }],
  sinks: [{ uid: 'out', records: 8 }],
};

/** Samples as a dashboard would see them. */
function lines(given: RunMetrics): string[] {
  return metricFamilies(given).flatMap(({ name, samples }) =>
    samples.map(({ labels, value }) => `${name} ${Object.values(labels).join(' ')} ${value}`),
  );
}

test('each figure has its name, its labels and its unit', () => {
  expect(lines(metrics)).toEqual([
    'tidemark_up plays 1',
    'tidemark_uptime_seconds plays 2.5',
    'tidemark_busy_ratio plays 0.25',
    'tidemark_backpressured_tasks plays 1',
    'tidemark_source_watermark_ms plays 6000',
    'tidemark_source_watermark_lag_seconds plays 4',
    'tidemark_source_size_bytes plays 200',
    'tidemark_checkpoint_epoch plays 7',
    'tidemark_checkpoint_age_seconds plays 0.5',
    'tidemark_checkpoint_duration_seconds plays 0.04',
    'tidemark_checkpoint_size_bytes plays 99',
    'tidemark_source_records_total plays 10',
    'tidemark_source_bytes_total plays 100',
    'tidemark_restarts_total plays 1',
    'tidemark_checkpoints_total plays 2',
    'tidemark_records_in_total plays count 10',
    'tidemark_late_records_total plays count 2',
    'tidemark_dead_letters_total plays count 1',
    'tidemark_filtered_records_total plays count 0',
    'tidemark_refused_records_total plays count 0',
    'tidemark_watermark_ms plays count 4000',
    'tidemark_watermark_lag_seconds plays count 6',
    'tidemark_state_entries plays count 3',
    'tidemark_timers_pending plays count 5',
    'tidemark_split_bytes_total plays input a.csv 100',
    'tidemark_split_queued_records plays input a.csv 4',
    'tidemark_records_out_total plays out 8',
  ]);
});

describe('what is not known', () => {
  test('is left out, and never a number', () => {
    const unknown = { ...step, watermark: undefined, stateEntries: undefined };
    const left = lines({
      ...metrics,
      lastCheckpoint: undefined,
      watermark: undefined,
      bytesTotal: undefined,
      steps: [unknown],
    });
    expect(
      left.filter((line) => /source_watermark|_size_bytes|duration|watermark_|entries/.test(line)),
    ).toEqual([]);
    expect(left.join()).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('a watermark before the first and after the last is none', () => {
    expect([timeOrNone(-Infinity), timeOrNone(Infinity), timeOrNone(0)]).toEqual([
      undefined,
      undefined,
      0,
    ]);
  });
});

test('a job is up while it works', () => {
  for (const [phase, up] of [
    ['recovering', 0],
    ['finishing', 1],
    ['failed', 0],
  ] as const)
    expect(lines({ ...metrics, phase })[0]).toBe(`tidemark_up plays ${up}`);
});

test('counters end with _total, and gauges do not', () => {
  for (const { name, type } of metricFamilies(metrics))
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
});
