import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../../src/index.js';
import { parseOptions } from './options.js';
import type { DemoOptions } from './options.js';

const parse = (text: string): DemoOptions => {
  const options = parseOptions(text.split(' ').filter((word) => word !== ''));
  if (options === 'help') throw new Error('help was not asked for');
  return options;
};

function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof TidemarkError) return error.message;
    throw error;
  }
  throw new Error(`${text} was taken`);
}

const fileCall = '--input plays.csv --time at --key song';

test('without options there is the invented day', () => {
  expect(parse('')).toEqual({
    input: { kind: 'generated', seed: 1, events: 600_000 },
    key: 'songId',
    where: new Map(),
    sizeMs: 3_600_000,
    slideMs: 300_000,
    top: 10,
    outOfOrdernessMs: 120_000,
    latenessMs: 0,
    json: false,
    parallelism: 1,
  });
});

test('the call that the documentation shows', () => {
  const options = parse(
    '--input ../shared/data/user-behavior.csv --format csv ' +
      '--columns userId,itemId,categoryId,behavior,timestamp --time timestamp --time-unit s ' +
      '--key itemId --where behavior=pv --size 1h --slide 5m --top 10 --json',
  );
  expect(options).toMatchObject({
    input: { kind: 'file', format: 'csv', time: 'timestamp', timeUnit: 's' },
    key: 'itemId',
    where: new Map([['behavior', ['pv']]]),
    sizeMs: 3_600_000,
    slideMs: 300_000,
    outOfOrdernessMs: 60_000,
    json: true,
  });
});

describe('a file', () => {
  test('tells its format by its name, also when it is packed', () => {
    for (const name of ['a.csv', 'a.tsv', 'a.jsonl', 'a.JSONL.gz', 'a.csv.gz'])
      expect(parse(`--input ${name} --time t --key k`).input).toMatchObject({
        format: name.toLowerCase().split('.')[1],
      });
  });

  test('needs a format that is said or seen', () => {
    expect(refusal('--input a.txt --time t --key k')).toContain('--format: csv or tsv or jsonl');
  });

  test('needs time and key, and both are missed at once', () => {
    expect(refusal('--input a.csv')).toMatch(/--time: .*; --key: .*got nothing; nothing/);
  });

  test('has only the columns that are named', () => {
    const message = refusal(`${fileCall} --columns at,title --where mood=blue`);
    expect(message).toContain('got song; mood, at --key, --where');
  });

  test('of jsonl has no columns', () => {
    expect(refusal('--input a.jsonl --time t --key k --columns t,k')).toContain('--columns: none');
  });

  test('is not invented', () => {
    expect(refusal(`${fileCall} --seed 3`)).toContain('--seed: no --input beside it');
  });
});

describe('what is refused', () => {
  test('an unknown option, with the way to the known ones', () => {
    const message = refusal('--colums a,b');
    expect(message).toMatch(/^OPTIONS_INVALID: .*'--colums'.*--help/);
    expect(message).not.toContain('\n');
  });

  test('a stray word', () => {
    expect(refusal('plays.csv')).toContain('OPTIONS_INVALID');
  });

  test('an option without its value', () => {
    expect(refusal('--size')).toContain('OPTIONS_INVALID');
  });

  test('wrong values, all of them at once', () => {
    const message = refusal('--size 1hour --top ten --slide 0s --where mood --parallelism 0');
    for (const option of ['--size', '--top', '--slide', '--where', '--parallelism'])
      expect(message).toContain(option);
    expect(message).toContain('"1hour"');
    expect(message).toContain('FIELD=VALUE');
  });

  test('file options without a file', () => {
    expect(refusal('--time-unit s')).toContain('--time-unit: an --input beside it');
  });

  test('fields that the invented day does not have', () => {
    expect(refusal('--key mood')).toContain('songId, userId, country');
  });

  test.each(['--format xml', '--time-unit h', '--columns a,,b', '--columns a,a'])(
    '%s',
    (option) => {
      expect(refusal(`${fileCall} ${option}`)).toContain('OPTIONS_INVALID');
    },
  );
});

test('conditions on one field are alternatives, on several all must hold', () => {
  const { where } = parse(`${fileCall} --where mood=blue --where mood=a=b --where country=`);
  expect(where).toEqual(
    new Map([
      ['mood', ['blue', 'a=b']],
      ['country', ['']],
    ]),
  );
});

test('help wins over everything that is right', () => {
  expect(parseOptions(['--help'])).toBe('help');
  expect(parseOptions(['-h', '--json'])).toBe('help');
});
