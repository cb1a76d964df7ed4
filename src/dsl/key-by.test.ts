import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  keyBy,
  pipeline,
  process,
  stream,
  unchecked,
  union,
  valueState,
  type Key,
} from '../index.js';
import { testHarness } from '../testing/index.js';

const counted = pipeline('p', unchecked<Key>(), (keys) =>
  keys.pipe(
    keyBy((key) => key),
    process({
      uid: 'count',
      state: { count: valueState(0) },
      element(_key, { state, key }) {
        state.count.set(state.count.get() + 1);
        return [[key, state.count.get()] as const];
      },
    }),
  ),
);

describe('keys are equal by value', () => {
  test('numbers, text and bigints of one spelling are three keys', () => {
    const t = testHarness(counted);
    for (const key of [10, '10', 10n, 10, '10', 10n]) t.push(key);
    expect(t.output().map(([, count]) => count)).toEqual([1, 1, 1, 2, 2, 2]);
    expect(t.stateSize()).toBe(3);
  });

  test('composites are equal field by field, in any order', () => {
    const t = testHarness(counted);
    for (const key of [[1, 'a'], [1, 'a'], ['a', 1], { a: 1, b: 2 }, { b: 2, a: 1 }] as Key[])
      t.push(key);
    expect(t.output().map(([, count]) => count)).toEqual([1, 2, 1, 1, 2]);
  });

  test('-0 is 0, and names of Object.prototype are ordinary keys', () => {
    const t = testHarness(counted);
    for (const key of [0, -0, '__proto__', 'constructor', '__proto__']) t.push(key);
    expect(t.output().map(([, count]) => count)).toEqual([1, 2, 1, 1, 2]);
  });
});

describe('what is no key', () => {
  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a symbol', Symbol('s')],
    ['a function', () => 1],
    ['a date', new Date(0)],
    ['a nested array', [[1]]],
    ['a nested object', { a: { b: 1 } }],
    ['an array with a hole', [undefined]],
    ['a promise', Promise.resolve('a')],
  ])('%s becomes a dead letter', (_name, key) => {
    const t = testHarness(counted, { onFailure: 'collect' });
    t.push(key as unknown as Key).push('good');
    expect(t.dead()).toMatchObject([{ operator: 'keyBy', position: 'input element 1' }]);
    expect(t.dead()[0]?.reason).toContain('KEY_INVALID');
    expect(t.output()).toEqual([['good', 1]]);
  });

  test('fails a subscription with its code', () => {
    let error: unknown;
    of(null as unknown as string)
      .pipe(keyBy((key) => key))
      .subscribe({ error: (thrown: unknown) => (error = thrown) });
    expect(error).toMatchObject({ code: 'KEY_INVALID', position: 'stream element 1' });
  });
});

test('a key function that throws makes its element a dead letter', () => {
  const t = testHarness(
    pipeline('p', unchecked<{ user?: { id: string } }>(), (plays) =>
      plays.pipe(keyBy((play) => (play.user as { id: string }).id, { uid: 'by-user' })),
    ),
    { onFailure: 'collect' },
  );
  t.push({}).push({ user: { id: 'a' } });
  expect(t.dead()).toMatchObject([{ operator: 'by-user' }]);
  expect(t.output()).toEqual([{ user: { id: 'a' } }]);
  expect(t.counters()['by-user']).toMatchObject({ received: 2, accepted: 1, dead: 1 });
});

test('the last keyBy counts', () => {
  const seen: string[] = [];
  of('ab', 'ac')
    .pipe(
      keyBy((text) => text[0] ?? ''),
      keyBy((text) => text[1] ?? ''),
      process({ uid: 'x', element: (_text, { key }) => [key] }),
    )
    .subscribe((key) => seen.push(key));
  expect(seen).toEqual(['b', 'c']);
});

test('keys do not mix where a keyed stream fans out into another keyBy', () => {
  const seen: string[] = [];
  const outer = stream(of('ab', 'cd', 'ae')).pipe(keyBy((text) => text[0] ?? ''));
  const inner = outer.pipe(
    keyBy((text) => text[1] ?? ''),
    process({ uid: 'inner', element: (text, { key }) => [`inner ${key} ${text}`] }),
  );
  const direct = outer.pipe(
    process({ uid: 'direct', element: (text, { key }) => [`outer ${key} ${text}`] }),
  );
  inner.pipe(union(direct)).subscribe((text) => seen.push(text));
  expect(seen.toSorted()).toEqual([
    'inner b ab',
    'inner d cd',
    'inner e ae',
    'outer a ab',
    'outer a ae',
    'outer c cd',
  ]);
});

test('async key functions and wrong uids are refused when the step is made', () => {
  expect(() => keyBy((async (key: string) => key) as never)).toThrow('USER_FUNCTION_ASYNC');
  expect(() => keyBy((key: string) => key, { uid: 'a b' })).toThrow('UID_INVALID');
});
