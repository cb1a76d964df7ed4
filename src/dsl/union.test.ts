import { of, Subject } from 'rxjs';
import { expect, test } from 'vitest';
import {
  count,
  eventTime,
  keyBy,
  map,
  pipeline,
  process,
  stream,
  tumbling,
  unchecked,
  union,
  window,
} from '../index.js';
import { testHarness } from '../testing/index.js';

test('elements of all streams come out, each stream in its order', () => {
  const a$ = new Subject<string>();
  const b$ = new Subject<string>();
  const seen: string[] = [];
  a$.pipe(union(b$)).subscribe((text) => seen.push(text));
  a$.next('a1');
  b$.next('b1');
  a$.next('a2');
  expect(seen).toEqual(['a1', 'b1', 'a2']);
});

test('it completes with the last of its streams', () => {
  const a$ = new Subject<string>();
  const b$ = new Subject<string>();
  let isComplete = false;
  a$.pipe(union(b$)).subscribe({ complete: () => (isComplete = true) });
  a$.complete();
  expect(isComplete).toBe(false);
  b$.complete();
  expect(isComplete).toBe(true);
});

test('the watermark is the minimum over the streams', () => {
  const t = testHarness(
    pipeline('p', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) => {
      const time = eventTime<number>({ timestamp: (n) => n, every: 0 });
      return a.pipe(
        time,
        union(b.pipe(time)),
        keyBy(() => 'all'),
        window(tumbling({ size: 10 }), count(), { uid: 'w' }),
      );
    }),
  );
  t.push(5, { input: 'a' }).push(50, { input: 'a' });
  expect(t.watermarkOf('w')).toBe(-Infinity);
  t.push(7, { input: 'b' });
  expect(t.watermarkOf('w')).toBe(6);
  t.push(20, { input: 'b' });
  expect(t.output()).toMatchObject([{ window: { start: 0, end: 10 }, value: 2 }]);
});

test('a stream without event time takes no part in the minimum', () => {
  const t = testHarness(
    pipeline('p', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) =>
      a.pipe(
        eventTime({ timestamp: (n) => n, every: 0 }),
        union(b),
        keyBy(() => 'all'),
        process({ uid: 'x', element: (n, { timestamp }) => [[n, timestamp]] }),
      ),
    ),
  );
  t.push(5, { input: 'a' }).push(1, { input: 'b' });
  expect(t.watermarkOf('x')).toBe(4);
  expect(t.output()).toEqual([
    [5, 5],
    [1, undefined],
  ]);
});

test('the result carries no key', () => {
  expect(() =>
    of(1).pipe(
      keyBy((n) => n),
      union(of(2).pipe(keyBy((n) => n))),
      process({ uid: 'x', element: () => [] }) as never,
    ),
  ).toThrow('KEY_MISSING');
});

test('a stream united with itself brings each element twice', () => {
  const n$ = stream(of(1, 2));
  const seen: number[] = [];
  n$.pipe(union(n$)).subscribe((n) => seen.push(n));
  expect(seen).toEqual([1, 1, 2, 2]);
});

test('a union of one stream is that stream', () => {
  const seen: number[] = [];
  of(1, 2)
    .pipe(
      map((n) => n),
      union(),
    )
    .subscribe((n) => seen.push(n));
  expect(seen).toEqual([1, 2]);
});
