/** An example that the law of modes has found: the end of the input stood behind another watermark in an asynchronous step. */
import { expect, test } from 'vitest';
import { inJob } from './modes.js';
import { oracleOf } from './oracle.js';
import { multisetOf } from './text.js';

type Description = Parameters<typeof inJob>[0];

const description: Description = {
  inputs: 1,
  time: { generator: 'bounded', bound: 21, every: 10 },
  sides: false,
  steps: [
    { step: 'asyncMap', add: 2, by: 'key', ordered: false, capacity: 2 },
    { step: 'process', by: 'all', behaviour: 'quiet', gap: 52 },
    { step: 'asyncMap', add: -1, by: undefined, ordered: true, capacity: 100 },
    { step: 'union', branch: [{ step: 'map', add: 1 }] },
  ],
};

const items = [0, 4, 4, 8, 12, 13, 13, 17, 27, 37].map((at, index) => ({
  key: ['', 'a', '', 'c', 'a', 'c', '', '', 'a', 'c'][index] ?? '',
  n: index === 7 || index === 9 ? -1 : 0,
  at,
  ids: [index],
}));

test('a job does not end before all watermarks have come out of its asynchronous steps', async () => {
  const job = await inJob(description, [[items]], { chunk: 3 });
  expect(job.items.length).toBe(2);
  expect(multisetOf(job.items)).toEqual(multisetOf(oracleOf(description, items).items));
});
