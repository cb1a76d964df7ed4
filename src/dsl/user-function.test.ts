import { describe, expect, test } from 'vitest';
import { asyncError, isPromise, refuseAsync } from './user-function.js';

describe('refuseAsync', () => {
  test.each<[string, unknown]>([
    ['an arrow', () => 1],
    ['a function', function named() {}],
    ['a generator function', function* () {}],
    ['a method', { method() {} }.method],
    ['a bound function', (() => 1).bind(undefined)],
    ['a class', class {}],
  ])('%s is taken', (_name, fn) => {
    expect(() => refuseAsync(fn, 'x')).not.toThrow();
  });

  test.each<[string, unknown]>([
    ['an async arrow', async () => 1],
    ['an async function', async function named() {}],
    ['an async method', { async method() {} }.method],
    ['an async generator function', async function* () {}],
  ])('%s is refused', (_name, fn) => {
    expect(() => refuseAsync(fn, 'step "x"')).toThrow(/USER_FUNCTION_ASYNC.*step "x"/);
  });

  test.each([undefined, null, 1, 'x', {}, Promise.resolve()])('%s is no function', (fn) => {
    expect(() => refuseAsync(fn, 'step "x"')).toThrow(/OPTIONS_INVALID.*step "x"/);
  });
});

test('a promise is whatever has a then', () => {
  expect(isPromise(Promise.resolve())).toBe(true);
  // eslint-disable-next-line unicorn/no-thenable
  expect(isPromise({ then: () => 1 })).toBe(true);
  // eslint-disable-next-line unicorn/no-thenable
  for (const value of [null, undefined, 1, 'then', {}, { then: 1 }, () => 1])
    expect(isPromise(value)).toBe(false);
});

test('the error names the step and the way out', () => {
  expect(asyncError('map')).toMatchObject({ code: 'USER_FUNCTION_ASYNC', where: 'map' });
});
