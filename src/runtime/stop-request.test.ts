import { describe, expect, test } from 'vitest';
import { runIsOver, savepointRequest, stopBoth, type StopRequest } from './stop-request.js';

test('a savepoint is drained only when told', () => {
  expect(savepointRequest('./save', {})).toEqual({ savepointTo: './save', drain: false });
  expect(savepointRequest('./save', { drain: true }).drain).toBe(true);
});

test.each<[unknown, unknown]>([
  [undefined, {}],
  ['', {}],
  [3, {}],
  ['./save', null],
  ['./save', { drain: 'yes' }],
  ['./save', { drian: true }],
])('a savepoint in %j with %j is refused', (directory, options) => {
  expect(() => savepointRequest(directory, options)).toThrow('OPTIONS_INVALID');
});

describe('a stop after another one', () => {
  const a: StopRequest = { savepointTo: 'a', drain: false };
  const drained: StopRequest = { savepointTo: 'a', drain: true };

  test.each<[StopRequest | undefined, StopRequest, StopRequest]>([
    [undefined, drained, drained],
    [{}, {}, {}],
    [drained, {}, drained],
    [{}, a, { savepointTo: 'a' }],
    [a, a, a],
  ])('%j, then %j: %j', (asked, request, both) => {
    expect(stopBoth(asked, request)).toEqual(both);
  });

  test.each<[StopRequest, StopRequest, string]>([
    [{}, drained, 'without a savepoint, without a drain'],
    [a, { savepointTo: 'b' }, 'with a savepoint in "a", without a drain'],
    [drained, a, 'with a savepoint in "a", drained'],
  ])('%j, then %j: refused, because it stops %s', (asked, request, words) => {
    expect(() => stopBoth(asked, request)).toThrow(words);
    expect(() => stopBoth(asked, request)).toThrow('RUN_ENDED');
  });
});

test('a savepoint of a run that is over names its directory', () => {
  expect(runIsOver('./save').message).toContain('stopWithSavepoint("./save")');
});
