/** The classes of error codes, where a mistake would lose or repeat records; names as kafkajs has them. */
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { brokerError, decidingError } from './error-codes.js';

const { errorCodes } = createRequire(import.meta.url)('kafkajs/src/protocol/error') as {
  errorCodes: readonly { code: number; type: string }[];
};
/** kafkajs keeps names that Kafka has changed since. */
const renamed: Readonly<Record<string, string>> = {
  UNKNOWN: 'UNKNOWN_SERVER_ERROR',
  NOT_LEADER_FOR_PARTITION: 'NOT_LEADER_OR_FOLLOWER',
  GROUP_LOAD_IN_PROGRESS: 'COORDINATOR_LOAD_IN_PROGRESS',
  GROUP_COORDINATOR_NOT_AVAILABLE: 'COORDINATOR_NOT_AVAILABLE',
  NOT_COORDINATOR_FOR_GROUP: 'NOT_COORDINATOR',
  INVALID_TOPIC: 'INVALID_TOPIC_EXCEPTION',
};

function codesOf(kind: string): number[] {
  return Array.from({ length: 202 }, (_, index) => index - 1).filter(
    (code) => brokerError(code).class === kind && !brokerError(code).name.startsWith('UNLISTED'),
  );
}

test('what was not done for certain may be sent again', () => {
  expect(codesOf('retry')).toEqual([3, 5, 6, 9, 14, 15, 16, 19, 51, 74, 75, 78, 88, 89, 103]);
});

test('what may have been done is never sent again in the same epoch', () => {
  expect(codesOf('unknown')).toEqual([-1, 7, 13, 20, 45, 46, 56, 59]);
});

test('a producer that somebody has replaced lets go', () => {
  expect(codesOf('fenced')).toEqual([22, 25, 47, 49, 52, 82, 90]);
});

test('a number of a later Kafka counts as fenced, and is named by itself', () => {
  expect(brokerError(4711)).toEqual({
    code: 4711,
    name: 'UNLISTED_4711',
    class: 'fenced',
    moved: false,
  });
});

test('only a lookup helps against an answer of the wrong broker', () => {
  expect([6, 16, 51].map((code) => brokerError(code).moved)).toEqual([true, true, false]);
});

test('numbers and names are those of Kafka', () => {
  const known = errorCodes.filter(
    ({ code }) => !brokerError(code).name.startsWith('UNLISTED') && code !== 0,
  );
  expect(known.length).toBeGreaterThan(40);
  for (const { code, type } of known)
    expect([code, brokerError(code).name]).toEqual([code, renamed[type] ?? type]);
});

test('of several codes the one decides that leaves least known', () => {
  expect(decidingError([]).name).toBe('NONE');
  expect(decidingError([0, 0]).name).toBe('NONE');
  expect(decidingError([55, 3, 55]).name).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  expect(decidingError([6, 29]).name).toBe('TOPIC_AUTHORIZATION_FAILED');
  expect(decidingError([29, 7, 0]).name).toBe('REQUEST_TIMED_OUT');
  expect(decidingError([7, 90, 29]).name).toBe('PRODUCER_FENCED');
});
