import { expect, test } from 'vitest';
import { collect, defineJob, iterable, map, pipeline, unchecked } from '../index.js';
import { isJob } from './define-job.js';

const doubled = pipeline('doubled', unchecked<number>(), (numbers) =>
  numbers.pipe(map((n) => n * 2)),
);

test('a job runs with its options, and with changes of them', async () => {
  const [out, other] = [collect<number>({ uid: 'out' }), collect<number>({ uid: 'out' })];
  const job = defineJob(doubled, { from: iterable([1, 2]), to: out });
  await job.run().done;
  await job.run({ to: other, from: iterable([5]) }).done;
  expect([out.values, other.values]).toEqual([[2, 4], [10]]);
});

test('options as a function are asked when it starts, and not when it is explained', () => {
  let asked = 0;
  const job = defineJob(doubled, () => {
    asked += 1;
    return { from: iterable([1]), to: collect<number>({ uid: 'out' }) };
  });
  expect(String(job.explain())).toContain('pipeline "doubled"');
  expect(asked).toBe(0);
  const run = job.run();
  expect(asked).toBe(1);
  expect(job.why(run).pipeline).toBe('doubled');
});

test('a job is known by its mark, whichever copy of the package made it', () => {
  const job = defineJob(doubled, { from: iterable([1]), to: collect<number>({ uid: 'out' }) });
  expect(isJob(job)).toBe(true);
  expect(isJob({ [Symbol.for('tidemark.job')]: true })).toBe(true);
  for (const other of [undefined, null, 5, {}, doubled]) expect(isJob(other)).toBe(false);
});
