import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { commands, readArguments } from './arguments.js';

const read = (line: string): unknown => readArguments(line.split(' ').filter(Boolean));

describe('a command line', () => {
  test('names a command, its operands and its options', () => {
    const asked = readArguments(['state', 'get', './s', 'total', '"a b"', '--json']);
    expect(asked).toMatchObject({
      command: { name: 'state get' },
      operands: ['./s', 'total', '"a b"'],
      values: { json: true },
    });
    expect(read('run job.ts --metrics 9100 --parallelism=4')).toMatchObject({
      values: { metrics: '9100', parallelism: '4' },
    });
  });

  test('operands in brackets may be left out', () => {
    expect(read('state export ./s')).toMatchObject({ operands: ['./s'] });
    expect(read('state export ./s total')).toMatchObject({ operands: ['./s', 'total'] });
  });

  test('asks for help or for the version', () => {
    expect(read('--version')).toBe('version');
    for (const line of ['', '--help', 'help', 'state --help', 'help state'])
      expect(read(line)).toMatchObject({ help: expect.stringContaining('state export DIR [UID]') });
    for (const line of ['run --help', 'help run'])
      expect(read(line)).toMatchObject({ help: expect.stringContaining('--metrics PORT') });
  });

  test('that is wrong is refused, with what would be right', () => {
    const cases: [string, RegExp][] = [
      ['fly', /expected one of run, savepoint.*got fly/],
      ['state', /expected one of state list, .*got state/],
      ['state burn', /expected one of state list, .*got state burn/],
      ['run', /expected FILE, got nothing, at tidemark run/],
      ['run a b', /expected FILE, got a b/],
      ['state get ./s total', /expected DIR UID KEY/],
      ['run a --fast', /unknown option '--fast'/],
      ['run a --metrics http', /expected a port.*got "http".*--metrics/],
      ['run a --parallelism 0', /a whole number >= 1/],
      ['run a --metrics', /--metrics/],
    ];
    for (const [line, message] of cases) {
      expect(() => read(line), line).toThrow(message);
      expect(() => read(line), line).toThrow(/^OPTIONS_INVALID/);
    }
  });
});

test('each command says in one line what it does', () => {
  for (const { name, summary } of commands) expect(summary, name).toMatch(/^[A-Z][^\n]{10,110}\.$/);
});

test('docs/cli.md names each command as the help does, and each option', () => {
  const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  for (const { name, operands, options } of commands) {
    expect(page).toContain(`tidemark ${[name, ...operands].join(' ')} `);
    for (const option of Object.keys(options)) expect(page, name).toContain(`\`--${option}`);
  }
});
