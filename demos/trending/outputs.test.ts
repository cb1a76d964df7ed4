import { describe, expect, test } from 'vitest';
import { movement } from './chart.js';
import type { Chart } from './chart.js';
import { Recorder, brokenPipe } from './demo.testing.js';
import { LiveOutput, ProgressLines, jsonOutput, lineOutput, write } from './outputs.js';
import type { Progress } from './view.js';

const hour = 3_600_000;
const chart = (end: number, key: string): Chart => ({
  window: { start: end - hour, end },
  entries: movement([{ key, count: 5 }], []),
});
const progress: Progress = {
  phase: 'running',
  records: 1000,
  perSecond: 100,
  eventTime: 1000,
  watermark: 0,
  late: 0,
  deadLetters: 0,
  resumedFrom: 0,
  share: 0.5,
};
const silent = (): ProgressLines =>
  new ProgressLines(new Recorder(), { noun: 'plays', now: () => 0 });

test('one JSON line per place, with these fields in this order', async () => {
  const out = new Recorder();
  const entries = movement(
    [
      { key: '812879', count: 5 },
      { key: 'a"b', count: 4 },
    ],
    [],
  );
  await jsonOutput(out, silent()).chart({ window: { start: 0, end: hour }, entries });
  expect(out.lines).toEqual([
    '{"window":{"start":0,"end":3600000},"rank":1,"key":"812879","count":5}',
    '{"window":{"start":0,"end":3600000},"rank":2,"key":"a\\"b","count":4}',
  ]);
});

test('one line per hour, beginning with the first full one, and none for a chart that is mended', async () => {
  const out = new Recorder();
  const lines = lineOutput(out, silent(), (key) => ({ title: `Song ${key}` }));
  for (const end of [0.5, 1, 1.5, 2, 1, 2.5, 4, 4.5]) await lines.chart(chart(end * hour, 'a'));
  expect(out.lines).toEqual([
    'Thu 1 Jan 00:00–01:00  1. Song a (5)',
    'Thu 1 Jan 01:00–02:00  1. Song a (5)',
    'Thu 1 Jan 03:00–04:00  1. Song a (5)',
  ]);
});

test('progress is told every two seconds, not more often', () => {
  const err = new Recorder();
  let now = 0;
  const lines = new ProgressLines(err, { noun: 'plays', now: () => now });
  for (now = 0; now < 10_000; now += 100) lines.on(progress);
  expect(err.lines).toHaveLength(4);
});

test('a reader who has left is noticed by whoever writes', async () => {
  const out = new Recorder();
  out.onWrite = () => brokenPipe();
  await expect(write(out, 'x')).rejects.toThrow('EPIPE');
});

describe('the live table', () => {
  function live(): { out: Recorder; table: LiveOutput; pass: (ms: number) => void } {
    const out = new Recorder(true);
    let now = 0;
    const table = new LiveOutput(out, {
      look: { paint: (text) => text, label: (key) => ({ title: key }), noun: 'plays', caption: '' },
      newest: () => 1000,
      now: () => now,
      sleep: async (ms) => void (now += ms),
    });
    return { out, table, pass: (ms) => (now += ms) };
  }

  test('is drawn at most ten times per second', () => {
    const { out, table, pass } = live();
    for (let step = 0; step < 100; step += 1) {
      table.progress(progress);
      pass(10);
    }
    expect(out.text.split('TRENDING')).toHaveLength(11);
  });

  test('shows each chart for a frame', async () => {
    const { out, table } = live();
    table.progress(progress);
    await table.chart(chart(hour, 'first song'));
    await table.chart(chart(2 * hour, 'second song'));
    expect(out.text).toMatch(/first song[^]*second song/);
  });

  test('does not go back to a chart that is mended', async () => {
    const { out, table } = live();
    table.progress(progress);
    await table.chart(chart(2 * hour, 'second song'));
    await table.chart(chart(hour, 'first song'));
    expect(out.text).not.toContain('first song');
  });
});
