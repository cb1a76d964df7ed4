import { describe, expect, test } from 'vitest';
import { coloured, widthOf } from '../shared/text.js';
import type { Chart, Entry } from './chart.js';
import { progressText, renderChart } from './view.js';
import type { Progress } from './view.js';

const end = Date.UTC(2026, 2, 6, 16, 35);
const entry = (rank: number, key: string, count: number, change: Entry['change']): Entry => ({
  rank,
  key,
  count,
  change,
});
const chart: Chart = {
  window: { start: end - 3_600_000, end },
  entries: [
    entry(1, 'Lemonade Thunder', 1234, 2),
    entry(2, 'b', 617, -1),
    entry(3, 'c', 1, 'new'),
    entry(4, 'd', 1, 0),
  ],
};
const progress: Progress = {
  phase: 'running',
  records: 372_811,
  perSecond: 19_204,
  eventTime: end + 125_000,
  watermark: end + 5000,
  late: 3,
  deadLetters: 1,
  resumedFrom: 0,
  share: 0.62,
};
const label = (key: string): { title: string; artist?: string } =>
  key.length > 1 ? { title: key, artist: 'Pia Quillfeather' } : { title: key };
const colours = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');

test('a chart on eighty columns', () => {
  expect(
    renderChart(chart, progress, 80, { label, noun: 'plays' }).map((line) => line.trimEnd()),
  ).toEqual([
    '',
    ' TRENDING   Fri 6 Mar  15:35 – 16:35 UTC',
    '',
    '  1 ▲ 2   Lemonade Thunder  Pia Quillfeather         ████████████████████ 1,234',
    '  2 ▼ 1   b                                          ██████████             617',
    '  3 ● new c                                          ▏                        1',
    '  4 ·     d                                          ▏                        1',
    '',
    ' ████████████████████████████████████████████▋╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌  62 %',
    ' 372,811 plays, 19,204/s, 3 late, 1 dead letter',
    ' event time Fri 6 Mar 16:37:05, watermark 2 min behind',
  ]);
});

describe('whatever the width', () => {
  const widths = [26, 40, 60, 79, 80, 100, 200];

  test.each(widths)('no line is wider than %i columns', (width) => {
    const names = { label: (key: string) => ({ title: `${key} 東京`, artist: 'A'.repeat(50) }) };
    for (const line of renderChart(chart, progress, width, names))
      expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  test('on sixty columns titles, movement, bars and counts are all there', () => {
    const text = renderChart(chart, progress, 60, { label }).join('\n');
    for (const part of ['Lemonade Thunder', '▲ 2', '▼ 1', '● new', '███', '1,234'])
      expect(text).toContain(part);
  });
});

test('the caption stands on the right, where there is room for it', () => {
  const caption = 'plays per 1h, every 5m';
  expect(renderChart(chart, progress, 80, { caption })[1]).toBe(
    ` TRENDING   Fri 6 Mar  15:35 – 16:35 UTC${caption.padStart(39)}`,
  );
  expect(renderChart(chart, progress, 60, { caption })[1]).not.toContain('plays per');
});

test('bars are in proportion, and the smallest count has one', () => {
  const [first = '', second = '', third = ''] = renderChart(chart, progress, 80).slice(3);
  const length = (line: string): number => line.match(/[█▏▎▍▌▋▊▉]/g)?.length ?? 0;
  expect(length(second)).toBe(Math.ceil(length(first) / 2));
  expect(length(third)).toBe(1);
});

test('with colours the text is the same', () => {
  const bare = renderChart(chart, progress, 80, { label });
  const painted = renderChart(chart, progress, 80, { label, paint: coloured });
  expect(painted.map((line) => line.replaceAll(colours, ''))).toEqual(bare);
  expect(painted).not.toEqual(bare);
});

test('before the first chart it says what it waits for', () => {
  const text = renderChart(
    undefined,
    { ...progress, eventTime: -Infinity, watermark: -Infinity },
    80,
  ).join('\n');
  expect(text).toContain('waiting for the first window to end');
  expect(text).toContain('no event time yet');
});

test('places that the terminal has no rows for are left out', () => {
  const lines = renderChart(chart, progress, 100, { rows: 8 });
  expect(lines.length).toBeLessThanOrEqual(8);
  expect(lines.join('\n')).toContain('Lemonade Thunder');
});

test('an unknown amount of input has no bar of progress', () => {
  expect(renderChart(chart, { ...progress, share: undefined }, 80).join('\n')).not.toContain('%');
});

test('a resumed run says so', () => {
  const text = renderChart(chart, { ...progress, resumedFrom: 7 }, 80).join('\n');
  expect(text).toContain('resumed after epoch 7');
});

test('keys from a file cannot steer the terminal', () => {
  const evil = { ...chart, entries: [entry(1, '\u001B[2Jx', 1, 'new')] };
  expect(renderChart(evil, progress, 80).join('')).not.toContain('\u001B');
});

test('progress in one line', () => {
  expect(progressText(progress, 'plays')).toBe(
    'running: 62 %, 372,811 plays, 19,204/s, 3 late, 1 dead letter, ' +
      'event time Fri 6 Mar 16:37:05, watermark 2 min behind',
  );
  expect(progressText({ ...progress, watermark: Infinity }, 'plays')).toContain(
    'all windows closed',
  );
});
