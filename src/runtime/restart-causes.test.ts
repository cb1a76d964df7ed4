import { describe, expect, test } from 'vitest';
import { PipelineError, TidemarkError, errorTable, type ErrorCode } from '../core/errors.js';
import { FailedPositions, mayBeMended, sentenceOf } from './restart-causes.js';

const details = { expected: 'e', got: 'g', where: 'w', hint: 'h' };

describe('what a restart may mend', () => {
  test.each<ErrorCode>([
    'SOURCE_FAILED',
    'SINK_FAILED',
    'STATE_WRITE_FAILED',
    'STATE_IN_USE',
    'USER_FUNCTION_FAILED',
  ])('%s', (code) => {
    expect(mayBeMended(new TidemarkError(code, details))).toBe(true);
  });

  test.each<ErrorCode>([
    'OPTIONS_INVALID',
    'UID_DUPLICATE',
    'STATE_DAMAGED',
    'STATE_INCOMPATIBLE',
    'STATE_VERSION_UNKNOWN',
    'STATE_OF_ANOTHER_JOB',
    'MAX_PARALLELISM_CHANGED',
    'SOURCE_CHANGED',
    'SOURCE_NOT_REPLAYABLE',
    'DEAD_LETTERS_EXCEEDED',
    'VALUE_NOT_ENCODABLE',
    'JOB_FAILED_TWICE',
    'RUN_CANCELLED',
  ])('not %s', (code) => {
    expect(mayBeMended(new TidemarkError(code, details))).toBe(false);
  });

  test('every code is one or the other by its retryable flag, but for functions', () => {
    const others = Object.entries(errorTable).filter(
      ([code, { retryable }]) =>
        mayBeMended(new TidemarkError(code as ErrorCode, details)) !== retryable,
    );
    expect(others.map(([code]) => code)).toEqual(['USER_FUNCTION_FAILED']);
  });

  test('an unknown error, but not a bug of ours', () => {
    expect(mayBeMended(new Error('EIO'))).toBe(true);
    expect(mayBeMended('thrown text')).toBe(true);
    expect(mayBeMended(new Error('Tidemark bug: a law'))).toBe(false);
  });
});

describe('a position that fails', () => {
  const failure = (position: string | undefined, operator = 'sum'): PipelineError =>
    new PipelineError('USER_FUNCTION_FAILED', details, {
      operator,
      key: 'k',
      timestamp: 5,
      position,
    });

  test('twice is named, with the cause', () => {
    const positions = new FailedPositions();
    const first = failure('in element 3');
    expect(positions.judge(first)).toBe(first);
    const again = failure('in element 3');
    expect(positions.judge(again)).toMatchObject({
      code: 'JOB_FAILED_TWICE',
      operator: 'sum',
      key: 'k',
      timestamp: 5,
      position: 'in element 3',
      cause: again,
    });
  });

  test('elsewhere, or in another step, or nowhere, is a first failure', () => {
    const positions = new FailedPositions();
    for (const error of [
      failure('in element 3'),
      failure('in element 4'),
      failure('in element 3', 'other'),
      failure(undefined),
      failure(undefined),
      new Error('in element 3'),
    ])
      expect(positions.judge(error)).toBe(error);
  });

  test('is forgotten behind a thousand others', () => {
    const positions = new FailedPositions();
    for (let n = 0; n <= 1000; n += 1) positions.judge(failure(`in element ${n}`));
    expect(positions.judge(failure('in element 0'))).toMatchObject({
      code: 'USER_FUNCTION_FAILED',
    });
    expect(positions.judge(failure('in element 1000'))).toMatchObject({ code: 'JOB_FAILED_TWICE' });
  });
});

test('a failure is said in one line', () => {
  expect(sentenceOf(new TidemarkError('SINK_FAILED', details))).toBe(
    'SINK_FAILED: expected e, got g, at w. h',
  );
  expect(sentenceOf(new Error('EIO'))).toBe('Error: EIO');
});
