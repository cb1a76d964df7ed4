import { describe, expect, test } from 'vitest';
import {
  asyncMap,
  collect,
  connect,
  count,
  eventTime,
  flatMap,
  iterable,
  keyBy,
  pipeline,
  run,
  tumbling,
  unchecked,
  window,
  type AsyncCall,
  type DataStream,
} from '../index.js';
import type { InHand } from '../core/in-hand.js';
import { Identities, idempotencyKey } from './async-identity.js';

const element: InHand = {
  origin: { name: 'plays.csv', unit: 'line' },
  position: 17,
  derivedKey: undefined,
  key: undefined,
  hasSeveralKeys: false,
};
const first = { index: 0, digest: undefined };

/** The idempotency keys of all calls of a job, with what was asked. */
async function keysOf(
  build: (
    numbers: DataStream<number>,
    asked: (value: unknown, call: AsyncCall) => unknown,
  ) => DataStream<unknown>,
  parallelism: number,
): Promise<Map<string, string>> {
  const keys = new Map<string, string>();
  const asked = (value: unknown, { idempotencyKey: key }: AsyncCall): unknown => {
    const text = JSON.stringify(value);
    expect(keys.get(key) ?? text, 'one key, one value').toBe(text);
    keys.set(key, text);
    return value;
  };
  const job = pipeline('job', unchecked<number>(), (numbers) => build(numbers, asked));
  await run(job, {
    from: iterable(Array.from({ length: 40 }, (_, n) => n)),
    to: collect({ uid: 'out' }),
    parallelism,
  }).done;
  return keys;
}

const builds: Record<string, Parameters<typeof keysOf>[0]> = {
  'one element of one record': (numbers, asked) => numbers.pipe(asyncMap(asked, { uid: 'ask' })),
  'copies of a record': (numbers, asked) =>
    numbers.pipe(
      flatMap((n) => [n, n, n].map((value, copy) => [value, copy])),
      asyncMap(asked, { uid: 'ask' }),
    ),
  'copies of a record under several keys': (numbers, asked) =>
    numbers.pipe(
      flatMap((n) => [0, 1, 2, 3, 4, 5].map((copy) => ({ n, copy, key: copy % 3 }))),
      keyBy(({ key }) => key),
      asyncMap(asked, { uid: 'ask' }),
    ),
  'windows of several keys': (numbers, asked) =>
    numbers.pipe(
      eventTime({ timestamp: (n) => n }),
      keyBy((n) => n % 5),
      window(tumbling({ size: 10 }), count(), { uid: 'counts' }),
      asyncMap(asked, { uid: 'ask' }),
    ),
  'where two keyed streams meet': (numbers, asked) =>
    numbers.pipe(
      keyBy((n) => n % 5),
      connect(numbers.pipe(keyBy((n) => n % 5)), {
        uid: 'both',
        first: (n) => [{ n, side: 'first' }],
        second: (n) => [{ n, side: 'second' }],
      }),
      asyncMap(asked, { uid: 'ask' }),
    ),
};

describe('the idempotency key', () => {
  test('is frozen: outside systems remember it', () => {
    expect(idempotencyKey('enrich', element, first)).toBe(
      'enrich-17-0-22c862d38a187cc5867d7d6d0f54aad1',
    );
  });

  test('differs by each of its parts', () => {
    const others: [string, InHand, { index: number; digest: string | undefined }][] = [
      ['enrich', element, first],
      ['other', element, first],
      ['enrich', { ...element, position: 18 }, first],
      ['enrich', { ...element, origin: { name: 'b.csv', unit: 'line' } }, first],
      ['enrich', { ...element, origin: { name: 'plays.csv', unit: 'time' } }, first],
      ['enrich', { ...element, derivedKey: 'a' }, first],
      ['enrich', { ...element, key: 'a' }, first],
      ['enrich', { ...element, key: 1 }, first],
      ['enrich', { ...element, key: '1' }, first],
      ['enrich', { ...element, key: ['1'] }, first],
      ['enrich', element, { index: 1, digest: undefined }],
      ['enrich', element, { index: 0, digest: 'x' }],
    ];
    const keys = others.map((parts) => idempotencyKey(...parts));
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toMatch(/^[\w.-]{1,140}$/);
  });

  test('counts what one record has become, in each input of the task for itself', () => {
    const identities = new Identities();
    const next = (one: InHand, input: number): number => identities.next(one, input, 'x').index;
    const other = { ...element, position: 18 };
    expect([next(element, 0), next(element, 0), next(other, 1), next(element, 0)]).toEqual([
      0, 1, 0, 2,
    ]);
    expect([next(other, 0), next({ ...other, key: 'b' }, 0), next(other, 0)]).toEqual([0, 0, 1]);
  });

  test.each(Object.entries(builds))(
    'is different for different elements, and the same with another parallelism: %s',
    async (_name, build) => {
      const one = await keysOf(build, 1);
      expect(one.size).toBeGreaterThan(0);
      expect(new Set(one.values()).size).toBe(one.size);
      expect(await keysOf(build, 4)).toEqual(one);
      expect(await keysOf(build, 3)).toEqual(one);
    },
  );
});
