import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../../src/index.js';
import { limits } from './limits.js';
import { readPlays } from './plays.js';
import { Refusal } from './refusals.js';

const now = 1_800_000_000_000;

function refused(body: unknown): TidemarkError {
  try {
    readPlays(typeof body === 'string' ? body : JSON.stringify(body), now);
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  return expect.fail('it was taken');
}

describe('plays are taken', () => {
  test('one by one, now and heard unless they say otherwise', () => {
    expect(readPlays('{"song":"Monsoon"}', now)).toEqual([
      { song: 'Monsoon', at: now, seconds: 30 },
    ]);
  });

  test('as an array, in its order', () => {
    const plays = [
      { song: 'b', at: now - 1, seconds: 0 },
      { song: 'a', at: now + limits.aheadMs, seconds: 86_400 },
    ];
    expect(readPlays(JSON.stringify(plays), now)).toEqual(plays);
    expect(readPlays('[]', now)).toEqual([]);
  });

  test('with any letters, markup among them, up to 120', () => {
    for (const song of ['<img src=x onerror=alert(1)>', '夜に駆ける', '🎵', 'x'.repeat(120)])
      expect(readPlays(JSON.stringify({ song }), now)[0]?.song).toBe(song);
  });
});

describe('plays are refused', () => {
  test.each([
    [{}, 'play.song', 'nothing'],
    [{ song: 7 }, 'play.song', '7'],
    [{ song: ' ' }, 'play.song', '" "'],
    [{ song: 'a\u0000b' }, 'play.song', '"a\\u0000b"'],
    [{ song: '\ud800' }, 'play.song', '"\\ud800"'],
    [{ song: 'a', at: '12:00' }, 'play.at', '"12:00"'],
    [{ song: 'a', at: 1.5 }, 'play.at', '1.5'],
    [{ song: 'a', at: -1 }, 'play.at', '-1'],
    [{ song: 'a', at: now + limits.aheadMs + 1 }, 'play.at', String(now + limits.aheadMs + 1)],
    [{ song: 'a', seconds: -1 }, 'play.seconds', '-1'],
    [{ song: 'a', seconds: 86_401 }, 'play.seconds', '86401'],
    [{ song: 'a', sing: 'b' }, 'play', '{"song":"a","sing":"b"}'],
    ['7', 'play', '7'],
    ['null', 'play', 'null'],
    ['[[]]', 'plays[0]', '[]'],
  ])('%j', (body, where, got) => {
    const error = refused(body);
    expect([error.code, error.where, error.got]).toEqual(['RECORD_INVALID', where, got]);
    expect(error.expected).not.toMatch(/invalid|expected/i);
  });

  test('as a whole when one is bad, and the error says which', () => {
    const error = refused([{ song: 'a' }, { song: 'b' }, { song: '' }]);
    expect(error.where).toBe('plays[2].song');
    expect(error.hint).toContain('no play of this array has been taken');
  });

  test('with the first five problems in words and the rest as a number', () => {
    const error = refused(Array.from({ length: 40 }, () => ({ song: 1 })));
    expect(error.where).toMatch(/^plays\[0\]\.song, .*plays\[4\]\.song and 35 more$/);
    expect(error.message.length).toBeLessThan(500);
  });

  test('with what they hold cut short', () => {
    expect(refused({ song: 'x'.repeat(10_000) }).got).toHaveLength(80);
  });

  test.each(['', '{', 'song=a'])('when the body is no JSON: %j', (body) => {
    expect(() => readPlays(body, now)).toThrow(Refusal);
    expect(() => readPlays(body, now)).toThrow(/^BODY_UNREADABLE: expected JSON/);
  });

  test('without a way to the prototype of all objects', () => {
    expect(refused('{"song":"a","__proto__":{"at":1}}').where).toBe('play');
  });
});
