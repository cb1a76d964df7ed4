import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openInput } from './input.js';
import type { DemoInput } from './input.js';
import { parseOptions } from './options.js';

let path = '';
beforeAll(() => {
  path = join(mkdtempSync(join(tmpdir(), 'tidemark-input-')), 'plays.jsonl');
  writeFileSync(path, '{"song":"a","at":1,"mood":"blue","loud":true}\n{"song":2,"at":2}\n');
});
afterAll(() => rmSync(join(path, '..'), { recursive: true, force: true }));

function open(...argv: string[]): Promise<DemoInput> {
  const options = parseOptions(argv);
  if (options === 'help') throw new Error('help was not asked for');
  return openInput(options);
}
const opened = (...more: string[]): Promise<DemoInput> =>
  open('--input', path, '--time', 'at', '--key', 'song', ...more);

describe('event time', () => {
  const times: [unit: string, value: unknown, ms: number | undefined][] = [
    ['s', '1511658000', 1_511_658_000_000],
    ['s', '15', 15_000],
    ['s', '1.5', 1500],
    ['s', 1_511_658_000.25, 1_511_658_000_250],
    ['ms', '1511658000123', 1_511_658_000_123],
    ['ms', -5, -5],
    ['iso', '2017-11-26T01:00:00Z', 1_511_658_000_000],
    ['iso', '2017-11-26 01:00:00', 1_511_658_000_000],
    ['iso', '2017-11-26T02:00:00.5+01:00', 1_511_658_000_500],
    ['iso', '2017-11-26T02:00+0100', 1_511_658_000_000],
    ['iso', '2017-11-26', 1_511_654_400_000],
    ['s', '', undefined],
    ['s', '0x10', undefined],
    ['s', '12 apples', undefined],
    ['ms', null, undefined],
    ['ms', undefined, undefined],
    ['iso', '26.11.2017', undefined],
    ['iso', '2017-13-01', undefined],
    ['iso', 1_511_658_000, undefined],
  ];

  test.each(times)('in %s: %j is %j', async (unit, value, ms) => {
    const { timestamp } = await opened('--time-unit', unit);
    if (ms === undefined) expect(() => timestamp({ at: value })).toThrow(/TIMESTAMP_INVALID.*"at"/);
    else expect(timestamp({ at: value })).toBe(ms);
  });
});

test('a key is text, or a number taken as text', async () => {
  const { key } = await opened();
  expect([key({ song: 'a' }), key({ song: 7 }), key({ song: '' })]).toEqual(['a', '7', '']);
  for (const record of [{}, { song: null }, { song: {} }, 'text', null])
    expect(() => key(record)).toThrow(/KEY_INVALID.*"song"/);
});

test('conditions compare what a record would show', async () => {
  const { where } = await opened(
    '--where',
    'mood=blue',
    '--where',
    'mood=red',
    '--where',
    'loud=true',
  );
  expect(where({ mood: 'blue', loud: true })).toBe(true);
  expect(where({ mood: 'red', loud: 'true' })).toBe(true);
  expect(where({ mood: 'green', loud: true })).toBe(false);
  expect(where({ mood: 'blue' })).toBe(false);
  expect(where({ mood: 'blue', loud: null })).toBe(false);
});

test('a field that only some of the first records have is a field', async () => {
  await expect(opened('--where', 'mood=blue')).resolves.toBeDefined();
  await expect(opened('--where', 'tempo=fast')).rejects.toThrow(
    /OPTIONS_INVALID.*song, at, mood, loud/,
  );
});

test('skips of the invented day are never counted', async () => {
  const { where, label, key } = await open('--where', 'country=SE');
  const play = { songId: 's1001', country: 'SE', ms: 30_000 };
  expect([where(play), where({ ...play, ms: 29_999 }), where({ ...play, country: 'DE' })]).toEqual([
    true,
    false,
    false,
  ]);
  expect(label(key(play)).title).toBe('Lemonade Thunder');
});
