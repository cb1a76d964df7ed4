/** What a client may post: one play or an array of them, checked with zod, and refused as a whole when one is bad. */
import { z } from 'zod';
import { TidemarkError } from '../../src/index.js';
import { limits } from './limits.js';
import { heardSeconds } from './pipeline.js';
import type { Play } from './pipeline.js';
import { Refusal, shown } from './refusals.js';

/** The rest is counted. */
const problemsTold = 5;

function schemaAt(now: number) {
  const song = z
    .string(`text of 1 to ${limits.songLength} characters`)
    // Half a surrogate pair is no text: two of them would be one song in the state.
    .refine(
      (text) =>
        text.length <= limits.songLength && text.trim() !== '' && !/[\p{Cc}\p{Cs}]/u.test(text),
      `text of 1 to ${limits.songLength} characters, not blank, without control characters`,
    );
  const at = z
    .int('whole epoch milliseconds')
    .min(0, 'whole epoch milliseconds, not before 1970')
    .max(now + limits.aheadMs, `a time at most ${limits.aheadMs / 1000} s ahead of this service`);
  const seconds = z
    .number('a number of seconds')
    .min(0, 'a number of seconds from 0 to 86400')
    .max(86_400, 'a number of seconds from 0 to 86400');
  return z.strictObject(
    { song, at: at.default(now), seconds: seconds.default(heardSeconds) },
    { error: 'an object with song, and maybe at and seconds; nothing else' },
  );
}

/**
 * The plays of a body. `at` is optional, and then it is now; so is `seconds`, and then the play counts.
 *
 * @throws Refusal BODY_UNREADABLE
 * @throws TidemarkError RECORD_INVALID, with the first problems in one text
 */
export function readPlays(body: string, now: number): Play[] {
  const given = parse(body);
  const isOne = !Array.isArray(given);
  const records: readonly unknown[] = isOne ? [given] : given;
  const result = z.array(schemaAt(now)).safeParse(records);
  if (result.success) return result.data;
  const { issues } = result.error;
  const told = issues.slice(0, problemsTold).map(({ path, message }) => ({
    where: placeOf(isOne, path),
    expected: message,
    got: shown(valueAt(records, path)),
  }));
  const rest = issues.length - told.length;
  throw new TidemarkError('RECORD_INVALID', {
    expected: told.map(({ expected }) => expected).join('; '),
    got: told.map(({ got }) => got).join('; '),
    where: told.map(({ where }) => where).join(', ') + (rest > 0 ? ` and ${rest} more` : ''),
    hint: isOne ? 'Correct the play.' : 'Correct them; no play of this array has been taken.',
  });
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (cause) {
    throw new Refusal('BODY_UNREADABLE', {
      expected: 'JSON: a play or an array of plays',
      got: body === '' ? 'an empty body' : (cause as Error).message.slice(0, 120),
      where: 'the body of POST /plays',
      hint: 'Send something like {"song":"Monsoon"}.',
    });
  }
}

/** `play.song`, or `plays[3].song`. */
function placeOf(isOne: boolean, [index, ...rest]: readonly PropertyKey[]): string {
  const start = isOne ? 'play' : `plays[${String(index)}]`;
  return [start, ...rest.map(String)].join('.');
}

function valueAt(records: readonly unknown[], path: readonly PropertyKey[]): unknown {
  let value: unknown = records;
  for (const step of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[step];
  return value;
}
