import { from, of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { eventTime, map, PipelineError, pipeline, unchecked } from '../index.js';
import { testHarness } from '../testing/index.js';

test('each element is replaced, in order, and undefined is an element', () => {
  const seen: unknown[] = [];
  from([1, 2, 3])
    .pipe(map((n) => (n === 2 ? undefined : n * 10)))
    .subscribe((n) => seen.push(n));
  expect(seen).toEqual([10, undefined, 30]);
});

test('the timestamp stays', () => {
  const t = testHarness(
    pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: (n) => n }),
        map((n) => String(n)),
      ),
    ),
  );
  t.push(7);
  expect(t.records()).toEqual([{ value: '7', timestamp: 7 }]);
});

describe('a function that throws', () => {
  test('fails a subscription, named by step, position and cause', () => {
    const cause = new Error('deep');
    let error: unknown;
    of(1, 2)
      .pipe(
        map((n) => {
          if (n === 2) throw cause;
          return n;
        }),
      )
      .subscribe({ error: (thrown: unknown) => (error = thrown) });
    expect(error).toBeInstanceOf(PipelineError);
    expect(error).toMatchObject({
      code: 'USER_FUNCTION_FAILED',
      operator: 'map',
      position: 'stream element 2',
      cause,
    });
  });

  test('makes a dead letter where those are kept, and the next element goes on', () => {
    const t = testHarness(
      pipeline('p', unchecked<number>(), (n$) =>
        n$.pipe(
          map((n) => {
            if (n < 0) throw new RangeError('negative');
            return n;
          }),
        ),
      ),
      { onFailure: 'collect' },
    );
    t.push(1).push(-2).push(3);
    expect(t.output()).toEqual([1, 3]);
    expect(t.dead()).toMatchObject([{ operator: 'map', position: 'input element 2', raw: '-2' }]);
    expect(t.dead()[0]?.reason).toContain('RangeError: negative');
    expect(t.counters()['map']).toMatchObject({ received: 3, accepted: 2, dead: 1 });
  });

  test('may throw anything', () => {
    for (const thrown of [undefined, null, 0, 'text', { a: 1 }]) {
      let error: unknown;
      of(1)
        .pipe(
          map(() => {
            // eslint-disable-next-line typescript/only-throw-error
            throw thrown;
          }),
        )
        .subscribe({ error: (given: unknown) => (error = given) });
      expect(error).toBeInstanceOf(PipelineError);
    }
  });
});

describe('promises', () => {
  test('an async function is refused when the step is made', () => {
    expect(() => map(async (n: number) => n)).toThrow('USER_FUNCTION_ASYNC');
  });

  test('a function that gives a promise is refused at the first element', () => {
    let error: unknown;
    of(1)
      .pipe(map((n) => Promise.resolve(n)))
      .subscribe({ error: (thrown: unknown) => (error = thrown) });
    expect(error).toMatchObject({ code: 'USER_FUNCTION_ASYNC', operator: 'map' });
  });

  test('so is a thenable', () => {
    let error: unknown;
    of(1)
      // eslint-disable-next-line unicorn/no-thenable
      .pipe(map(() => ({ then: () => 1 })))
      .subscribe({ error: (thrown: unknown) => (error = thrown) });
    expect(error).toMatchObject({ code: 'USER_FUNCTION_ASYNC' });
  });
});

test('what is no function is refused when the step is made', () => {
  expect(() => map('x' as never)).toThrow('OPTIONS_INVALID');
});
