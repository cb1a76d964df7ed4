import { describe, expect, test } from 'vitest';
import type { RunStatus } from '../runtime/job-options.js';
import { ProgressMeter, progressText } from './progress.js';

const status = (change: Partial<RunStatus>): RunStatus => ({
  ...{ phase: 'running', records: 0, late: 0, deadLetters: 0, filtered: 0, watermark: -Infinity },
  ...{ restarts: 0, lastFailure: undefined },
  ...{ epoch: 0, bytesRead: 0, bytesTotal: 1000, ...change },
});

describe('the meter', () => {
  test('tells rate, share and what is left', () => {
    const meter = new ProgressMeter();
    meter.look(status({}), 0);
    const facts = meter.look(status({ records: 50, bytesRead: 250, watermark: 5000 }), 1000);
    expect(facts).toMatchObject({
      recordsPerSecond: 50,
      percent: 25,
      etaMs: 3000,
      eventTime: 5000,
    });
  });

  test('what an earlier run has read is no speed of this one', () => {
    const meter = new ProgressMeter();
    meter.look(status({ phase: 'recovering' }), 0);
    meter.look(status({ records: 1000, bytesRead: 500 }), 1000);
    const facts = meter.look(status({ records: 1010, bytesRead: 600 }), 2000);
    expect(facts).toMatchObject({ recordsPerSecond: 10, percent: 60, etaMs: 4000 });
  });

  test('follows a job that becomes slower', () => {
    const meter = new ProgressMeter();
    let records = 0;
    for (let second = 0; second <= 60; second += 1)
      meter.look(status({ records: (records += second < 30 ? 1000 : 10) }), second * 1000);
    expect(meter.look(status({ records: records + 10 }), 61_000).recordsPerSecond).toBe(10);
  });

  test('says nothing that nobody knows', () => {
    const meter = new ProgressMeter();
    const facts = meter.look(status({ bytesTotal: undefined }), 0);
    expect(facts).toMatchObject({ percent: undefined, etaMs: undefined, eventTime: undefined });
    expect(meter.look(status({ bytesTotal: 0, watermark: Infinity }), 1)).toMatchObject({
      percent: undefined,
      eventTime: undefined,
    });
  });

  test('two looks at the same time, and a clock that stands, give no infinite rate', () => {
    const meter = new ProgressMeter();
    meter.look(status({}), 5);
    expect(meter.look(status({ records: 9, bytesRead: 9 }), 5)).toMatchObject({
      recordsPerSecond: 0,
      etaMs: undefined,
    });
  });
});

test('the line', () => {
  const meter = new ProgressMeter();
  meter.look(status({}), 0);
  const now = { records: 1_234_567, bytesRead: 493, watermark: 1_772_815_141_000, epoch: 12 };
  expect(progressText(meter.look(status({ ...now, late: 9, deadLetters: 1 }), 1000))).toBe(
    '49.3 %  1,234,567 records  1,234,567/s  event time 2026-03-06 16:39:01  1s left  epoch 12  9 late  1 dead letters',
  );
  expect(progressText(meter.look(status({ phase: 'recovering' }), 2000))).toBe('reading state');
  expect(progressText(meter.look(status({ phase: 'restarting' }), 3000))).toContain('begins again');
});
