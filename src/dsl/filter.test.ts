import { from, of } from 'rxjs';
import { expect, test } from 'vitest';
import {
  eventTime,
  filter,
  keyBy,
  map,
  pipeline,
  process,
  unchecked,
  type KeyByOptions,
} from '../index.js';
import { testHarness } from '../testing/index.js';

test('elements pass for which the answer is truthy', () => {
  const seen: unknown[] = [];
  from([0, 1, '', 'a', null, NaN, []])
    .pipe(filter((value) => value))
    .subscribe((value) => seen.push(value));
  expect(seen).toEqual([1, 'a', []]);
});

test('timestamps stay, and what was left out is counted', () => {
  const t = testHarness(
    pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: (n) => n }),
        filter((n) => n % 2 === 0),
      ),
    ),
  );
  t.push(1).push(2).push(4);
  expect(t.records()).toEqual([
    { value: 2, timestamp: 2 },
    { value: 4, timestamp: 4 },
  ]);
  expect(t.counters()['filter']).toMatchObject({ received: 3, accepted: 2, filtered: 1 });
});

test('elements keep their key', () => {
  const seen: string[] = [];
  of('a1', 'b1', 'a2', 'a3')
    .pipe(
      keyBy((text) => text[0] ?? ''),
      filter((text) => text !== 'a2'),
      process({ uid: 'keys', element: (text, { key }) => [`${key}:${text}`] }),
    )
    .subscribe((text) => seen.push(text));
  expect(seen).toEqual(['a:a1', 'b:b1', 'a:a3']);
});

test('a key is not given to elements that have none', () => {
  const options: KeyByOptions = {};
  expect(() =>
    of(1).pipe(
      keyBy((n) => n, options),
      map((n) => n),
      filter(() => true),
      process({ uid: 'x', element: () => [] }) as never,
    ),
  ).toThrow('KEY_MISSING');
});

test('a promise is not taken for yes', () => {
  let error: unknown;
  of(1)
    .pipe(filter(() => Promise.resolve(false)))
    .subscribe({ error: (thrown: unknown) => (error = thrown) });
  expect(error).toMatchObject({ code: 'USER_FUNCTION_ASYNC', operator: 'filter' });
  expect(() => filter(async () => false)).toThrow('USER_FUNCTION_ASYNC');
});

test('a function that throws makes its input a dead letter', () => {
  const t = testHarness(
    pipeline('p', unchecked<{ n?: { m: boolean } }>(), (n$) =>
      n$.pipe(filter((value) => (value.n as { m: boolean }).m)),
    ),
    { onFailure: 'collect' },
  );
  t.push({ n: { m: true } }).push({});
  expect(t.output().length).toBe(1);
  expect(t.dead().length).toBe(1);
  expect(t.counters()['filter']).toMatchObject({ received: 2, accepted: 1, dead: 1, filtered: 0 });
});
