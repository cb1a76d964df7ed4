/**
 * All exceptions to the gates, by name and with a reason, and the doors to the outside world.
 *
 * An entry that excuses nothing any more is a finding itself, so the tables only hold what is true.
 */
import type { Exceptions } from './habits.js';
import type { Door } from './imports.js';

/** The files that may touch the real clock and real chance. */
export const clockFiles: Exceptions = {
  'src/core/clock.ts': 'It is the door to time, chance and the event loop.',
};

/** The files that may handle values of type `Date`, though not read the clock with it. */
export const dateValueFiles: Exceptions = {
  'src/state/value-codec.ts': 'A Date is one of the values that state may hold.',
};

/** Files beyond the length limit. */
export const longFiles: Exceptions = {};

/** Functions beyond the length limit, as `file#name`. */
export const longFunctions: Exceptions = {};

/** Files without a test of their own name, and the test that covers each. */
export const coveredBy: Readonly<Record<string, string>> = {};

export const doors: readonly Door[] = [
  {
    modules: ['lmdb'],
    allowed: ['src/state/lmdb-backend.ts'],
    instead: 'ask for a StateBackend (src/state/backend.ts)',
  },
  {
    modules: ['fs', 'node:fs'],
    allowed: ['src/connectors/', 'src/state/lmdb-backend.ts'],
    instead: 'use runtime.files (src/core/runtime.ts)',
  },
  {
    modules: ['rxjs'],
    allowed: ['src/dsl/', 'src/runtime/', 'src/connectors/', 'src/testing/', 'src/index.ts'],
    instead: 'operators and machines are called directly, never through an Observable',
  },
  {
    modules: ['zod'],
    allowed: [
      'src/time/',
      'src/state/',
      'src/dsl/',
      'src/checkpoint/',
      'src/runtime/',
      'src/cluster/',
      'src/connectors/',
      'src/cli/',
      'src/testing/',
      'src/index.ts',
    ],
    instead: 'core knows Standard Schema only',
  },
  { modules: ['csv-parse'], allowed: ['src/connectors/'], instead: 'read through a file source' },
  { modules: ['fast-check'], allowed: ['src/testing/'], instead: 'it is not there in production' },
  { modules: ['vitest'], allowed: [], instead: 'it is not there in production' },
  {
    modules: ['http', 'https', 'http2', 'net', 'tls', 'dgram'].flatMap((name) => [
      name,
      `node:${name}`,
    ]),
    allowed: ['src/connectors/', 'src/cluster/', 'src/console/'],
    instead: 'write a connector',
  },
];
