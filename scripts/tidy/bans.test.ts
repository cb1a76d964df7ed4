import { describe, expect, test } from 'vitest';
import { checkBans } from './bans.js';
import type { BanOptions } from './bans.js';
import { parseSource } from './source.js';

/** The names that are found to be banned in some code. */
function banned(code: string, options?: BanOptions): string[] {
  const findings = checkBans(parseSource('src/time/example.ts', code), options);
  return findings.map(({ message }) => message.slice(0, message.indexOf(':')));
}

describe('a ban finds', () => {
  test.each([
    ['const now = Date.now();', 'Date'],
    ['const today = new Date();', 'Date'],
    ['const text = Date();', 'Date'],
    ['const { now } = Date;', 'Date'],
    ['const wall = { Date };', 'Date'],
    ['const isDate = value instanceof Date;', 'Date'],
    ['setTimeout(next, 10);', 'setTimeout'],
    ['const later = setInterval;', 'setInterval'],
    ['setImmediate(next);', 'setImmediate'],
    ['queueMicrotask(next);', 'queueMicrotask'],
    ['const start = performance\n  .now();', 'performance'],
    ['process.nextTick(next);', 'process.nextTick'],
    ['process.hrtime.bigint();', 'process.hrtime'],
    ['const { nextTick } = process;', 'process.nextTick'],
    [`import { nextTick } from 'node:process';`, 'nextTick of process'],
    ['const dice = Math.random();', 'Math.random'],
    [`const dice = Math['random']();`, 'Math.random'],
    ['const { random } = Math;', 'Math.random'],
    ['globalThis.setTimeout(next, 1);', 'globalThis.setTimeout'],
    [`globalThis['Date'].now();`, 'globalThis.Date'],
    ['crypto.randomUUID();', 'crypto.randomUUID'],
    [`import { randomBytes } from 'node:crypto';`, 'randomBytes of crypto'],
    [`import { setTimeout as sleep } from 'node:timers/promises';`, 'timers/promises'],
    [`import { performance } from 'node:perf_hooks';`, 'perf_hooks'],
    [`import { map, debounceTime } from 'rxjs';`, 'debounceTime of rxjs'],
  ])('%s', (code, name) => {
    expect(banned(code)).toContain(name);
  });

  test('nothing in comments, strings, types and properties', () => {
    const innocent = `
      // Date.now() and setTimeout are banned.
      const text = 'setTimeout(Math.random)' + \`Date.now \${1} setInterval\`;
      type Times = Map<string, Date>;
      interface Row { Date: number; setTimeout(ms: number): void }
      const cell = row.Date + row.performance;
      row.setTimeout(5);
      const dice = runtime.random();
      const wait = timers.nextTick(5);
      const pair = { Date: 1, performance: 2 };
      import { createHash } from 'node:crypto';
      import { map } from 'rxjs';
    `;
    expect(banned(innocent)).toEqual([]);
  });
});

describe('a file that handles dates as values', () => {
  const options = { allowDateValues: true };

  test('may test for them and make them of milliseconds', () => {
    expect(banned('const same = value instanceof Date && new Date(ms);', options)).toEqual([]);
  });

  test('still may not read the clock', () => {
    expect(banned('const now = [Date.now(), new Date(), Date()];', options)).toHaveLength(3);
  });
});

test('a file that may use timers still may not use chance', () => {
  const code = 'setTimeout(next, performance.now()); Math.random(); Date.now();';
  expect(banned(code, { allowTimers: true })).toEqual(['Math.random', 'Date']);
});

test('a finding names its line and its replacement', () => {
  expect(checkBans(parseSource('src/a.ts', 'const a = 1;\nsetTimeout(a);\n'))).toEqual([
    {
      file: 'src/a.ts',
      line: 2,
      message: 'setTimeout: use runtime.clock.setTimer (src/core/clock.ts)',
    },
  ]);
});
