import { from } from 'rxjs';
import { expect, test } from 'vitest';
import { eventTime, keyBy, map, pipeline, process, unchecked, valueState } from '../index.js';
import { testHarness } from '../testing/index.js';
import { freezeDeep } from './guard.js';

test('plain objects and arrays are frozen all the way down, others are left alone', () => {
  const date = new Date(0);
  const value = freezeDeep({ list: [{ n: 1 }], date });
  expect(Object.isFrozen(value.list[0])).toBe(true);
  expect(Object.isFrozen(date)).toBe(false);
  expect(freezeDeep('text')).toBe('text');
});

test('state that is changed in place without set fails in the harness', () => {
  const careless = pipeline('careless', unchecked<string>(), (words) =>
    words.pipe(
      keyBy((word) => word),
      process({
        uid: 'careless',
        state: { seen: valueState<string[]>(() => []) },
        element(word, { state }) {
          state.seen.get().push(word);
        },
      }),
    ),
  );
  expect(() => testHarness(careless).push('a')).toThrow(/USER_FUNCTION_FAILED.*not extensible/);
});

test('an element that one branch of a fan-out changes fails in the harness', () => {
  const shared = pipeline('shared', unchecked<{ n: number }>(), (input) => {
    const timed = input.pipe(eventTime({ timestamp: () => 0 }));
    const changed = timed.pipe(
      map((element) => {
        element.n += 1;
        return element.n;
      }),
    );
    return { changed, same: timed.pipe(map((element) => element.n)) };
  });
  expect(() => testHarness(shared).push({ n: 1 })).toThrow(/USER_FUNCTION_FAILED.*read only/);
});

test('a subscription freezes nothing: the objects belong to the host', () => {
  const element = { n: 1 };
  from([element])
    .pipe(map((given) => given.n))
    .subscribe();
  expect(Object.isFrozen(element)).toBe(false);
});
