import { Subject, of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  eventTime,
  keyBy,
  map,
  pipeline,
  reduce,
  stream,
  unchecked,
  type PipelineError,
} from '../index.js';
import { testHarness, verifyOperator } from '../testing/index.js';

interface Play {
  readonly user: string;
  readonly ms: number;
  readonly at: number;
}

const add = (a: Play, b: Play): Play => ({ ...b, ms: a.ms + b.ms });
const heard = pipeline('heard', unchecked<Play>(), (plays) =>
  plays.pipe(
    eventTime({ timestamp: (play) => play.at }),
    keyBy((play) => play.user),
    reduce(add, { uid: 'heard' }),
  ),
);
const play = (user: string, ms: number, at = 0): Play => ({ user, ms, at });

describe('reduce', () => {
  test('emits the running value of the key for every element, the first as it is', () => {
    verifyOperator(heard, {
      steps: [play('a', 1), play('b', 10), play('a', 2), play('a', 3)].map((push) => ({ push })),
      expect: [play('a', 1), play('b', 10), play('a', 3), play('a', 6)],
      keysLeft: 2,
    });
  });

  test('a result has the timestamp of its element', () => {
    const t = testHarness(heard);
    t.push(play('a', 1, 7)).push(play('a', 1, 3));
    expect(t.records().map(({ timestamp }) => timestamp)).toEqual([7, 3]);
  });

  test('values survive a crash, and count once', () => {
    const t = testHarness(heard);
    t.push(play('a', 1)).checkpoint();
    t.push(play('a', 2)).crash().push(play('a', 3));
    expect(t.output().map(({ ms }) => ms)).toEqual([1, 3, 6]);
    expect(t.counters()['heard']).toMatchObject({ received: 2, accepted: 2 });
  });

  test('an epoch that has been frozen keeps its value, also where the function changes it in place', () => {
    const source$ = new Subject<number[]>();
    const seen: string[] = [];
    source$
      .pipe(
        keyBy(() => 'all'),
        reduce(
          (a, b) => {
            a.push(...b);
            return a;
          },
          { uid: 'x' },
        ),
      )
      .subscribe((all) => seen.push(all.join()));
    for (const n of [1, 2, 3]) source$.next([n]);
    expect(seen).toEqual(['1', '1,2', '1,2,3']);
  });

  test('in tests the running value is frozen, so that changing it fails loudly', () => {
    const t = testHarness(
      pipeline('p', unchecked<number[]>(), (lists) =>
        lists.pipe(
          keyBy(() => 'all'),
          reduce(
            (a, b) => {
              a.push(...b);
              return a;
            },
            { uid: 'x' },
          ),
        ),
      ),
    );
    t.push([1]);
    expect(() => t.push([2])).toThrow('USER_FUNCTION_FAILED');
  });

  test.each([undefined, null, 0, ''])('%s is a running value like any other', (given) => {
    const calls: unknown[] = [];
    stream(of(given, given))
      .pipe(
        keyBy(() => 'all'),
        reduce(
          (a, b) => {
            calls.push([a, b]);
            return 'reduced' as never;
          },
          { uid: 'x' },
        ),
        map((value) => value),
      )
      .subscribe();
    expect(calls).toEqual([[given, given]]);
  });

  test('an undefined value survives a crash too', () => {
    const t = testHarness(
      pipeline('p', unchecked<number | undefined>(), (numbers) =>
        numbers.pipe(
          keyBy(() => 'all'),
          reduce((a, b) => (a === undefined ? a : b), { uid: 'x' }),
        ),
      ),
    );
    t.push(undefined).checkpoint();
    t.restore().push(5);
    expect([t.output(), t.stateSize()]).toEqual([[undefined, undefined], 1]);
  });

  test('what the function throws fails the step, naming key, timestamp and position', () => {
    const t = testHarness(
      pipeline('p', unchecked<Play>(), (plays) =>
        plays.pipe(
          eventTime({ timestamp: ({ at }) => at }),
          keyBy(({ user }) => user),
          reduce(
            (): Play => {
              throw new Error('deep');
            },
            { uid: 'broken' },
          ),
        ),
      ),
    );
    t.push(play('a', 1));
    let error: PipelineError | undefined;
    try {
      t.push(play('a', 2, 9));
    } catch (cause) {
      error = cause as PipelineError;
    }
    expect(error).toMatchObject({
      code: 'USER_FUNCTION_FAILED',
      operator: 'broken',
      key: 'a',
      timestamp: 9,
      position: 'input element 2',
    });
  });

  test('a promise is refused, before anything runs or when it comes', () => {
    expect(() => reduce((async () => 1) as never, { uid: 'x' })).toThrow('USER_FUNCTION_ASYNC');
    let error: unknown;
    of(1, 2)
      .pipe(
        keyBy(() => 'all'),
        reduce((() => Promise.resolve(1)) as never, { uid: 'x' }),
      )
      .subscribe({ error: (cause) => (error = cause) });
    expect(String(error)).toContain('USER_FUNCTION_ASYNC');
  });

  test('needs a key and a uid', () => {
    expect(() => of(1).pipe(reduce((a) => a, { uid: 'x' }) as never)).toThrow('KEY_MISSING');
    expect(() => reduce((a) => a, {} as never)).toThrow('UID_INVALID');
  });
});
