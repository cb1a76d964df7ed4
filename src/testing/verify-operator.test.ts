import { expect, test } from 'vitest';
import { defineOperator, keyBy, map, pipeline, process, unchecked, valueState } from '../index.js';
import { verifyOperator } from './index.js';

const running = pipeline('running', unchecked<string>(), (words) =>
  words.pipe(
    keyBy((word) => word),
    process({
      uid: 'running',
      state: { times: valueState(0) },
      element(word, { state }) {
        state.times.set(state.times.get() + 1);
        return [`${word}${state.times.get()}`];
      },
    }),
  ),
);

const steps = [{ push: 'a' }, { push: 'b' }, { push: 'a' }];

test('a step that keeps its state in declared state passes all five ways', () => {
  expect(verifyOperator(running, { steps, expect: ['a1', 'b1', 'a2'], keysLeft: 2 })).toHaveLength(
    5,
  );
});

test('state that is left without being declared is named', () => {
  expect(() => verifyOperator(running, { steps, expect: ['a1', 'b1', 'a2'] })).toThrow(
    /CASE_FAILED.*"keys":0.*got \{"keys":2/,
  );
});

test('a step that keeps something outside declared state is caught by a restore', () => {
  const forgetful = pipeline('forgetful', unchecked<string>(), (words) =>
    words.pipe(
      defineOperator<string, number>({
        operator: 'forgetful',
        create({ output }) {
          let seen = 0;
          return { element: (_word, timestamp) => output.element((seen += 1), timestamp) };
        },
      }),
    ),
  );
  expect(() => verifyOperator(forgetful, { steps, expect: [1, 2, 3] })).toThrow(
    /CASE_FAILED: expected output 1 to be 2, got 1, at verifyOperator, restore each step/,
  );
});

test('order may be left open', () => {
  const same = pipeline('same', unchecked<string>(), (words) => words.pipe(map((word) => word)));
  expect(() => verifyOperator(same, { steps, expect: ['b', 'a', 'a'] })).toThrow(/CASE_FAILED/);
  expect(verifyOperator(same, { steps, expect: ['b', 'a', 'a'], anyOrder: true })).toHaveLength(5);
});
