import { describe, expect, test } from 'vitest';
import { inWords } from './state-words.js';

describe('packed state has the names that users know', () => {
  test('declared states stand by name', () => {
    const packed = new Map<unknown, unknown>([
      ['total', 3],
      ['seen', new Map([['a', 1]])],
    ]);
    expect(inWords('process', packed)).toEqual({ total: 3, seen: new Map([['a', 1]]) });
  });

  test('a state with a time to live says when it was touched', () => {
    const packed = new Map<unknown, unknown>([
      [['total'], [1000, 3]],
      ['plain', 1],
    ]);
    expect(inWords('process', packed)).toEqual({
      total: 3,
      plain: 1,
      '(touched)': { total: 1000 },
    });
  });

  test('a state with a schema that has changed stands by its name, too', () => {
    const packed = new Map<unknown, unknown>([
      [
        ['total', 2, true],
        [1000, 3],
      ],
      [['plain', 2, false], 1],
    ]);
    expect(inWords('process', packed)).toEqual({
      ...{ total: 3, plain: 1, '(touched)': { total: 1000 } },
    });
  });

  test('slices, sessions and records of windows', () => {
    expect(inWords('window slices 60000', [[0, 5]])).toEqual([{ start: 0, value: 5 }]);
    expect(inWords('window sessions x', [[0, 9, 5]])).toEqual([{ start: 0, end: 9, value: 5 }]);
    const record = [0, 10, true, 7, undefined, [9], [], new Map([['n', 1]]), false];
    expect(inWords('window records x', [new Map(), [record]])).toEqual({
      windows: [{ start: 0, end: 10, contents: 7, eventTimers: [9], state: { n: 1 } }],
    });
  });

  test('a ranking', () => {
    expect(inWords('topK', [99, [['a', 3, { key: 'a' }]]])).toEqual({
      time: 99,
      entries: [{ key: 'a', rank: 3, element: { key: 'a' } }],
    });
  });
});

test('what does not look as expected is given back as it is', () => {
  for (const packed of [5, [[1, 2, 3]], [[1], 2], new Map([[5, 1]]), { a: 1 }, undefined])
    for (const kind of ['process', 'window slices', 'window records', 'topK', 'of a stranger'])
      expect(inWords(kind, packed)).toBe(packed);
});
