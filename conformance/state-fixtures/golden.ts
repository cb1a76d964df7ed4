/** Keys, values and a record whose bytes of format 1 are kept in `format-1/golden.json`. Append only. */
import type { Key } from '../../src/core/key.js';
import type { JobRecord } from '../../src/checkpoint/job-record.js';

export const goldenKeys: readonly Key[] = [
  ...[true, false, 0, -0, 1, -1, 1.5, NaN, Infinity, -Infinity, 2 ** 53, 5e-324],
  ...[0n, 1n, -1n, 2n ** 64n, -(2n ** 64n)],
  ...['', 'a', 'ä', '\0', '\u{1F41D}', 'a\0b', '10'],
  ...[[], ['a'], ['a', 1, 2n, true], ['a\0']],
  ...[{}, { b: 1, a: 'x' }, { __proto__: null, constructor: 1 } as unknown as Key],
];

export const goldenValues: readonly unknown[] = [
  ...[
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    63,
    64,
    127,
    128,
    300,
    2 ** 31,
    -(2 ** 31),
    2 ** 53,
  ],
  ...[1.5, -1.5, NaN, Infinity, -Infinity, 5e-324, 0n, 10n, -10n, 2n ** 100n, -(2n ** 100n)],
  ...['', 'é', '\0', '\ud800', 'x'.repeat(200), new Date(0), new Date(-1), new Date(NaN)],
  ...[
    [],
    [1, 'a', [undefined]],
    {},
    { a: 1, b: { c: [] } },
    Object.assign(Object.create(null), { a: 1 }),
  ],
  ...[
    new Map<unknown, unknown>([
      ['k', 1],
      [{ o: 1 }, new Set([1])],
    ]),
    new Set(['a', 1n]),
  ],
  ...[
    new Int8Array([1, -1]),
    new Uint8Array([1, 255]),
    new Uint8ClampedArray([7]),
    new Int16Array([-2]),
  ],
  ...[new Uint16Array([2]), new Int32Array([-3]), new Uint32Array([3]), new Float32Array([1.5])],
  ...[new Float64Array([-0, NaN]), new BigInt64Array([-4n]), new BigUint64Array([4n])],
  ...[new Uint8Array([1, 2, 3]).buffer, new DataView(new Uint8Array([9, 8]).buffer)],
];

export const goldenRecord: JobRecord = {
  job: 'golden',
  epoch: 42,
  maxParallelism: 128,
  isFinished: false,
  splits: [
    {
      input: 'input',
      split: '0',
      cursor: { offset: 7n, line: 3 },
      hasEnded: false,
      bytesRead: 1234,
      generators: new Map([['eventTime', { highest: 99, sent: -Infinity }]]),
    },
  ],
  marks: new Map([['per-minute', { input: 99, output: -Infinity }]]),
  sinks: new Map([['out', [{ epoch: 42, pending: '.x', final: 'x' }]]]),
  operators: new Map([['per-minute', 'window slices 60000']]),
  counters: new Map([
    ['per-minute', { received: 5, accepted: 3, late: 1, dead: 1, filtered: 0, refused: 0 }],
  ]),
  records: 5,
};
