import { describe, expect, test } from 'vitest';
import { helpText, parseCommand } from './options.js';

const line = (text: string): ReturnType<typeof parseCommand> => parseCommand(text.split(' '));

describe('the command line', () => {
  test('without options is this machine only, with an audience', () => {
    expect(parseCommand([])).toEqual({
      host: '127.0.0.1',
      port: 8787,
      rate: 60,
      seed: 1,
      lingerMs: 0,
    });
  });

  test('is read', () => {
    expect(line('--host 0.0.0.0 --port 0 --rate 500 --seed 7 --linger 1.5s')).toEqual({
      host: '0.0.0.0',
      port: 0,
      rate: 500,
      seed: 7,
      lingerMs: 1_500,
    });
    expect(line('--no-audience')).toMatchObject({ rate: undefined });
    expect(line('-h')).toBe('help');
  });

  test.each([
    ['--port 65536', '--port: a whole number from 0 to 65535, got "65536"'],
    ['--port=-1', 'got "-1"'],
    ['--port 8e3', 'got "8e3"'],
    ['--rate 0', '--rate: a whole number from 1 to 2000'],
    ['--rate 2001', 'got "2001"'],
    ['--seed x', '--seed: a whole number'],
    ['--linger 2m', '--linger: a duration such as 500ms or 5s, at most 60s, got "2m"'],
    ['--linger soon', 'got "soon"'],
    ['--host=', '--host: an address'],
    ['--no-audience --rate 5', '--rate: no --no-audience beside it, got both'],
    ['--prot 1', "unknown option '--prot'"],
    ['8080', "unexpected argument '8080'"],
    ['--no-audience=yes', "option '--no-audience' does not take an argument"],
  ])('%s is refused', (text, part) => {
    expect(() => line(text)).toThrow(/^OPTIONS_INVALID: /);
    expect(() => line(text)).toThrow(part);
    expect(() => line(text)).toThrow('--help');
  });

  test('is refused with all its problems at once', () => {
    expect(() => line('--port x --rate y')).toThrow(/--port: .*; --rate: .* at --port, --rate\./);
  });

  test('has its options in the help, and the help has no others', () => {
    const known = ['--port', '--host', '--rate', '--seed', '--no-audience', '--linger', '--help'];
    const told = [...helpText.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option);
    expect(told.toSorted()).toEqual(known.toSorted());
  });
});
