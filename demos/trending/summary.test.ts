import { expect, test } from 'vitest';
import { summaryLines } from './summary.js';
import type { SummaryFacts } from './summary.js';

const at = Date.UTC(2026, 2, 6, 16, 35);
const facts: SummaryFacts = {
  phase: 'finished',
  noun: 'plays',
  records: 600_000,
  recordsBefore: 0,
  resumedFromEpoch: 0,
  filtered: 131_000,
  late: 0,
  deadLetters: 0,
  lateSamples: [],
  deadSamples: [],
  charts: 324,
  elapsedMs: 31_250,
  rise: undefined,
  label: (key) => ({ title: key === 's1' ? 'Lemonade Thunder' : key, artist: 'Pia Quillfeather' }),
  sizeMs: 3_600_000,
};

test('a run without surprises is summed up in four lines', () => {
  expect(summaryLines(facts)).toEqual([
    'Finished: 600,000 plays in 31 s, 19,200/s, 324 charts.',
    '  left out       131,000  by the filter',
    '  late                 0',
    '  dead letters         0',
  ]);
});

test('late and dead records are named, five of each, and the rest is counted', () => {
  const sample = {
    operator: 'plays',
    timestamp: 15_000,
    watermark: 1_511_664_600_000,
    key: '543546',
  };
  const lines = summaryLines({
    ...facts,
    late: 7,
    lateSamples: [96168, 2, 3, 4, 5, 6, 7].map((line) => ({
      ...sample,
      position: `plays.csv line ${line}`,
    })),
    deadLetters: 1,
    deadSamples: [
      {
        operator: 'eventTime',
        position: 'plays.csv line 9',
        reason: 'TIMESTAMP_INVALID: a\nb, at operator "eventTime", plays.csv line 9. Mend it.',
        raw: 'x'.repeat(200),
        timestamp: undefined,
      },
    ],
  });
  expect(lines).toContain(
    '      plays.csv line 96168: 1970-01-01 00:00:15, 17,496 days behind, key "543546"',
  );
  expect(lines).toContain('      and 2 more');
  expect(lines.filter((line) => line.includes('plays.csv line'))).toHaveLength(6);
  expect(lines.at(-1)).toMatch(/plays.csv line 9: TIMESTAMP_INVALID: a·b: x{59}…$/);
});

test('the rise of the day is told', () => {
  const rise = {
    key: 's1',
    enteredAt: at - 1_500_000,
    enteredCount: 180,
    firstAt: at,
    peakAt: at + 7_200_000,
    peakCount: 1497,
  };
  expect(summaryLines({ ...facts, rise }).slice(-2)).toEqual([
    '  Lemonade Thunder by Pia Quillfeather went from nowhere to #1 at 16:35,',
    '  25 min after it entered the chart; its peak: 1,497 plays in 1 h until 18:35.',
  ]);
});

test('without a measurable time there is no rate to boast of', () => {
  expect(summaryLines({ ...facts, elapsedMs: 0 })[0]).toContain('0/s');
});

test('a resumed run boasts of its own records only', () => {
  const resumed = { ...facts, recordsBefore: 400_000, resumedFromEpoch: 7, elapsedMs: 10_000 };
  expect(summaryLines(resumed).slice(0, 2)).toEqual([
    'Finished: 200,000 plays in 10 s, 20,000/s, 324 charts.',
    '  resumed after epoch 7; 600,000 plays over all runs',
  ]);
});
