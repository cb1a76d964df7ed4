import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../src/core/errors.js';
import { OffEnd, hasOffEnd, parseCases, type Case, type Check, type Fields } from './case.js';
import { Mismatch, NotApplicable, drive, type Subject } from './drive.js';
import { judge } from './families.js';
import { jsonLines, sumsOf, tableOf } from './report.js';

const refused = new TidemarkError('OPTIONS_INVALID', {
  expected: 'one thing',
  got: 'another',
  where: 'here',
  hint: 'Do it.',
});

/** Says the numbers of its steps; throws what stands in one. */
class Numbers implements Subject {
  #out: unknown[] = [];

  step({ n, throws }: Fields): void {
    if (throws !== undefined) throw throws as Error;
    if (n !== undefined) this.#out.push(n);
  }

  check({ out = [] }: Check): void {
    const got = this.#out;
    this.#out = [];
    if (JSON.stringify(out) !== JSON.stringify(got)) throw new Mismatch(`got ${String(got)}`);
  }
}

function run(input: readonly Fields[], expected: readonly unknown[], exhaustive = false): void {
  const testCase = { id: 'x', given: {}, input, expect: expected as Check[] };
  drive(testCase, () => new Numbers(), { exhaustive });
}

describe('a case', () => {
  test('is checked after so many steps, against what came out since the last check', () => {
    run(
      [{ n: 1 }, { n: 2 }, { n: 3 }],
      [
        { at: 2, out: [1, 2] },
        { at: 3, out: [3] },
      ],
    );
    expect(() => run([{ n: 1 }], [{ at: 1, out: [2] }])).toThrow('check at 1: got 1');
  });

  test('that says everything wants silence from steps without a check', () => {
    run([{ n: 1 }, {}], [{ at: 2, out: [1] }]);
    expect(() => run([{ n: 1 }, {}], [{ at: 2, out: [1] }], true)).toThrow('step 1');
  });

  test('with an error ends there, and without one fails', () => {
    run(
      [{ n: 1 }, { throws: refused }],
      [
        { at: 1, out: [1] },
        { at: 2, error: 'any' },
      ],
    );
    expect(() => run([{ n: 1 }], [{ at: 1, error: 'any' }])).toThrow('expected an error');
    expect(() => run([{ throws: refused }], [{ at: 1 }])).toThrow('OPTIONS_INVALID');
  });

  test('that says everything wants its error at the very step', () => {
    const early = [{ throws: refused }, {}];
    run(early, [{ at: 2, error: 'any' }]);
    expect(() => run(early, [{ at: 2, error: 'any' }], true)).toThrow('step 1');
  });

  test('takes an error at build for one at run time', () => {
    const build = (): Subject => {
      throw refused;
    };
    const testCase: Case = { id: 'x', given: {}, input: [{}], expect: [{ at: 1, error: 'any' }] };
    drive(testCase, build, { exhaustive: true });
    const harmless = { ...testCase, expect: [{ at: 1 }] };
    expect(() => drive(harmless, build, { exhaustive: true })).toThrow(Mismatch);
  });

  test('does not take a bug for an expected error', () => {
    const bug = new TypeError('no such function');
    expect(() => run([{ throws: bug }], [{ at: 1, error: 'any' }])).toThrow('no such function');
  });

  test('that cannot apply says so through the errors that wrap it', () => {
    const wrapped = new Error('outer', { cause: new NotApplicable('why') });
    expect(() => run([{ throws: wrapped }], [{ at: 1 }])).toThrow(NotApplicable);
  });
});

test('MIN and MAX are infinities, and times beside them have no place in a double', () => {
  const [first] = parseCases('[{"id":"x","given":{"a":"MIN","b":["MAX-5"],"c":"MINUTE"}}]');
  expect(first?.given).toEqual({ a: -Infinity, b: [new OffEnd('MAX', 5)], c: 'MINUTE' });
  expect(hasOffEnd(first)).toBe(true);
  expect(parseCases('{"id":"x"}\n{"id":"y"}\n').map(({ id }) => id)).toEqual(['x', 'y']);
});

test('a case with a time that a double cannot hold cannot apply', () => {
  const testCase = { id: 'x', given: { t: new OffEnd('MIN', 1) }, input: [], expect: [] };
  expect(judge(testCase, { file: 'x', run: () => undefined }).result).toBe('n/a');
  expect(judge(testCase, { file: 'x', run: () => undefined, takesOffEnd: true }).result).toBe(
    'pass',
  );
});

test('a case that the runner cannot read fails', () => {
  const testCase = { id: 'x', given: {}, input: [], expect: [] };
  const run = (): void => {
    throw new TypeError('given has no assigner');
  };
  expect(judge(testCase, { file: 'x', run })).toEqual({
    id: 'x',
    result: 'fail',
    reason: 'the runner failed: TypeError: given has no assigner',
  });
});

test('a report counts, names reasons and failures, and leaves out what is not run yet', () => {
  const verdicts = [
    { id: '1', result: 'pass', reason: '' },
    { id: '2', result: 'n/a', reason: 'because' },
    { id: '3', result: 'fail', reason: 'wrong' },
  ] as const;
  const reports = [
    { name: 'one.json', verdicts },
    { name: 'two.json', verdicts: 'not run yet' },
  ] as const;
  expect(sumsOf(verdicts)).toEqual({ passed: 1, failed: 1, notApplicable: 1 });
  expect(jsonLines(reports).split('\n').length).toBe(3);
  expect(tableOf(reports).split('\n')).toEqual([
    'family    passed  failed  n/a',
    'one.json       1       1    1',
    'two.json                       not run yet',
    'all            1       1    1',
    '',
    'not applicable:',
    '  1 of one.json: because',
    '',
    'failed:',
    '  3: wrong',
  ]);
});
