import { describe, expect, test } from 'vitest';
import { TidemarkError, type ErrorCode } from '../core/errors.js';
import { crc32 } from '../state/checksum.js';
import { encodeValue } from '../state/value-codec.js';
import { openRecord, RECORD_FORMAT, sealRecord, type JobRecord } from './job-record.js';

const record: JobRecord = {
  job: 'plays',
  epoch: 7,
  maxParallelism: 128,
  isFinished: false,
  splits: [
    {
      input: 'input',
      split: '0',
      cursor: { byte: 12, line: 3n },
      hasEnded: false,
      bytesRead: 12,
      generators: new Map([['eventTime', { highest: -Infinity, sent: -Infinity, idle: false }]]),
    },
    {
      input: 'input',
      split: '1',
      cursor: undefined,
      hasEnded: true,
      bytesRead: 0,
      generators: new Map(),
    },
  ],
  marks: new Map([['top', { input: -Infinity, output: Infinity }]]),
  sinks: new Map([['out', [{ staged: 'plays/0/7' }]]]),
  operators: new Map([['top', 'topK']]),
  counters: new Map([
    ['top', { received: 6, accepted: 1, late: 1, dead: 1, filtered: 1, refused: 2 }],
  ]),
  records: 6,
};

test('what is sealed is opened again, infinities and cursors included', () => {
  expect(openRecord(sealRecord(record), 'x')).toEqual({ format: RECORD_FORMAT, ...record });
});

test('a sealed record is found inside a larger buffer', () => {
  const sealed = sealRecord(record);
  const larger = new Uint8Array(sealed.length + 20);
  larger.set(sealed, 10);
  expect(openRecord(larger.subarray(10, 10 + sealed.length), 'x').epoch).toBe(7);
});

describe('damage', () => {
  const sealed = sealRecord(record);

  test('of any bit is noticed', () => {
    for (let at = 0; at < sealed.length; at += 1)
      for (const bit of [1, 128]) {
        const broken = sealed.slice();
        broken[at] = (broken[at] ?? 0) ^ bit;
        expect(code(() => openRecord(broken, 'x'))).toBe('STATE_DAMAGED');
      }
  });

  test('by truncation to any length is noticed', () => {
    for (let length = 0; length < sealed.length; length += 1)
      expect(code(() => openRecord(sealed.slice(0, length), 'x'))).toBe('STATE_DAMAGED');
  });

  test('is told with its place and without a suggestion to mend it by hand', () => {
    const error = refusal(() => openRecord(new Uint8Array(), 'memory, job record'));
    expect(error.where).toBe('memory, job record');
    expect(error.hint).toContain('backup');
  });
});

test('a record of format 1, which knows less of the steps, is read', () => {
  expect(openRecord(seal({ ...record, format: 1 }), 'x')).toEqual({ format: 1, ...record });
});

test.each([0, RECORD_FORMAT + 1, 1.5, 99, undefined])(
  'format %s is refused by its number',
  (format) => {
    const error = refusal(() => openRecord(seal({ ...record, format }), 'x'));
    expect(error.code).toBe('STATE_VERSION_UNKNOWN');
    expect(error.got).toBe(`format ${String(format)}`);
  },
);

function seal(value: unknown): Uint8Array {
  const body = encodeValue(value);
  const sealed = new Uint8Array(body.length + 4);
  sealed.set(body);
  new DataView(sealed.buffer).setUint32(body.length, crc32(body));
  return sealed;
}

function refusal(act: () => unknown): TidemarkError {
  try {
    act();
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function code(act: () => unknown): ErrorCode {
  return refusal(act).code;
}
