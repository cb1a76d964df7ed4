import { from, of } from 'rxjs';
import { expect, test } from 'vitest';
import { eventTime, flatMap, pipeline, unchecked } from '../index.js';
import { testHarness } from '../testing/index.js';

test('arrays, sets, maps and generators give their elements', () => {
  const seen: unknown[] = [];
  from<Iterable<unknown>[]>([
    [1, 2],
    new Set([3]),
    new Map([[4, 5]]),
    (function* () {
      yield 6;
    })(),
    [],
    new Uint8Array([7]),
  ])
    .pipe(flatMap((list) => list))
    .subscribe((value) => seen.push(value));
  expect(seen).toEqual([1, 2, 3, [4, 5], 6, 7]);
});

test('a generator function that throws half-way has emitted nothing', () => {
  const t = testHarness(
    pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        flatMap(function* (n) {
          yield n;
          if (n === 2) throw new Error('half-way');
          yield n;
        }),
      ),
    ),
    { onFailure: 'collect' },
  );
  t.push(1).push(2).push(3);
  expect(t.output()).toEqual([1, 1, 3, 3]);
  expect(t.dead()).toMatchObject([{ operator: 'flatMap', position: 'input element 2' }]);
});

test('all results carry the timestamp of the input', () => {
  const t = testHarness(
    pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: (n) => n }),
        flatMap((n) => ['a', `b${n}`]),
      ),
    ),
  );
  t.push(5);
  expect(t.records()).toEqual([
    { value: 'a', timestamp: 5 },
    { value: 'b5', timestamp: 5 },
  ]);
});

test.each([
  ['text', 'text'],
  ['undefined', undefined],
  ['null', null],
  ['a number', 3],
  ['an object', {}],
])('%s is no list', (_name, given) => {
  let error: unknown;
  of(1)
    .pipe(flatMap(() => given as never))
    .subscribe({ error: (thrown: unknown) => (error = thrown) });
  expect(error).toMatchObject({ code: 'USER_FUNCTION_FAILED', operator: 'flatMap' });
});

test('promises and async functions are refused', () => {
  let error: unknown;
  of(1)
    .pipe(flatMap(() => Promise.resolve([1]) as never))
    .subscribe({ error: (thrown: unknown) => (error = thrown) });
  expect(error).toMatchObject({ code: 'USER_FUNCTION_ASYNC' });
  expect(() => flatMap(async function* () {} as never)).toThrow('USER_FUNCTION_ASYNC');
});

test('an array that the user changes later does not change what was emitted', () => {
  const shared = [1];
  const seen: number[] = [];
  of(1, 2)
    .pipe(
      flatMap((n) => {
        shared[0] = n;
        return shared;
      }),
    )
    .subscribe((n) => seen.push(n));
  expect(seen).toEqual([1, 2]);
});
