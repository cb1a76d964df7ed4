import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { map, pipeline, unchecked, type StandardSchema } from '../index.js';
import { testHarness } from '../testing/index.js';
import { isInputType, parserOf } from './schema.js';

const Play = z.object({ song: z.string(), at: z.coerce.number() });
const songs = pipeline('songs', Play, (play$) =>
  play$.pipe(map(({ song, at }) => `${song}@${at}`)),
);

describe('an input with a schema', () => {
  test('gives what the schema makes of a record', () => {
    const t = testHarness(songs);
    t.push({ song: 'a', at: '5' as never });
    expect(t.output()).toEqual(['a@5']);
  });

  test('names every issue by its path, and the input', () => {
    const t = testHarness(songs, { onFailure: 'collect' });
    t.push({ song: 7, at: 'x' } as never);
    const [dead] = t.dead();
    expect(dead).toMatchObject({ operator: 'input', position: 'input element 1' });
    for (const text of ['RECORD_INVALID', 'song:', 'at:']) expect(dead?.reason).toContain(text);
    expect(t.counters()['input']).toMatchObject({ received: 1, dead: 1, accepted: 0 });
  });

  test('fails a subscription with its code', () => {
    let error: unknown;
    of({ song: 7 } as unknown as z.infer<typeof Play>)
      .pipe(songs)
      .subscribe({ error: (thrown: unknown) => (error = thrown) });
    expect(error).toMatchObject({ code: 'RECORD_INVALID', position: 'input element 1' });
  });

  test('an issue without a path is about the value', () => {
    const t = testHarness(
      pipeline('n', z.number(), (n$) => n$),
      { onFailure: 'collect' },
    );
    t.push('x' as never);
    expect(t.dead()[0]?.reason).toContain('value: ');
  });
});

describe('any Standard Schema', () => {
  const schemaOf = (validate: (value: unknown) => unknown): StandardSchema<unknown> =>
    ({ '~standard': { version: 1, vendor: 'test', validate } }) as StandardSchema<unknown>;

  test('may name paths by objects with a key', () => {
    const parse = parserOf(
      schemaOf(() => ({ issues: [{ message: 'bad', path: [{ key: 'a' }, 'b', 0] }] })),
      'w',
    );
    expect(() => parse?.(1)).toThrow('a.b.0: bad');
  });

  test('that checks asynchronously is refused', () => {
    const parse = parserOf(
      schemaOf(() => Promise.resolve({ value: 1 })),
      'w',
    );
    expect(() => parse?.(1)).toThrow('a schema that checks synchronously');
  });

  test('that is a function with the property is one too, as in arktype', () => {
    const schema = Object.assign(
      () => undefined,
      schemaOf((value) => ({ value })),
    );
    expect(isInputType(schema)).toBe(true);
    const t = testHarness(pipeline('p', schema as never, (value$) => value$ as never));
    t.push(5 as never);
    expect(t.output()).toEqual([5]);
  });

  test('that throws makes a dead letter', () => {
    const broken = schemaOf(() => {
      throw new Error('broken schema');
    });
    const t = testHarness(
      pipeline('p', broken, (value$) => value$),
      { onFailure: 'collect' },
    );
    t.push(1);
    expect(t.dead()[0]?.reason).toContain('broken schema');
  });
});

test('unchecked takes everything as it is', () => {
  expect(parserOf(unchecked(), 'w')).toBeUndefined();
  const given = { a: 1 };
  const t = testHarness(pipeline('p', unchecked<object>(), (value$) => value$));
  t.push(given);
  expect(t.output()[0]).toBe(given);
});
