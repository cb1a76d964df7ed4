import { describe, expect, test } from 'vitest';
import { asyncMap, pipeline, unchecked, type AsyncMapOptions } from '../index.js';
import { PendingCalls, testHarness, type TestHarness } from '../testing/index.js';

function asked(options: Omit<AsyncMapOptions<number, number>, 'uid'>): {
  answers: PendingCalls<number>;
  t: TestHarness<{ readonly input: number }, { readonly output: number }>;
} {
  const answers = new PendingCalls<number>();
  const definition = pipeline('p', unchecked<number>(), (n$) =>
    n$.pipe(
      asyncMap<number, number>((n, call) => answers.ask(n, call), { uid: 'ask', ...options }),
    ),
  );
  return { answers, t: testHarness(definition, { onFailure: 'collect' }) };
}

describe('a call that is not answered in time', () => {
  test('fails its element, and is aborted', () => {
    const { answers, t } = asked({ timeout: 100 });
    t.push(1).advance(99);
    expect(t.dead()).toEqual([]);
    t.advance(1);
    expect(t.dead()).toMatchObject([{ operator: 'ask', raw: '1', position: 'input element 1' }]);
    expect(t.dead()[0]?.reason).toMatch(/ASYNC_TIMEOUT.*within 100 ms.*after 1 of them/);
    expect(answers.calls[0]?.signal.aborted).toBe(true);
    answers.answer(1, 10);
    expect(t.output()).toEqual([]);
    expect(t.counters()['ask']).toMatchObject({ received: 1, accepted: 0, dead: 1 });
    expect(t.stateSize()).toBe(0);
  });

  test('gives what onTimeout says, in its place', () => {
    const { answers, t } = asked({ timeout: 100, onTimeout: (n) => -n });
    t.push(1).advance(50).push(2);
    answers.answer(2, 20);
    t.advance(50);
    expect(t.output()).toEqual([-1, 20]);
  });

  test('begins anew after a restart', () => {
    const { t } = asked({ timeout: 100, onTimeout: (n) => -n });
    t.push(1).advance(60);
    t.checkpoint();
    t.crash();
    t.advance(99);
    expect(t.output()).toEqual([]);
    expect(t.advance(1).output()).toEqual([-1]);
  });

  test('an onTimeout that fails fails the element', () => {
    const { t } = asked({
      timeout: 100,
      onTimeout() {
        throw new Error('no way out');
      },
    });
    expect(t.push(1).advance(100).dead()).toMatchObject([{ raw: '1' }]);
  });

  test('calls are given up in the order in which they were made, each at its time', () => {
    const { answers, t } = asked({ timeout: 100, ordered: false, onTimeout: (n) => -n });
    for (const n of [1, 2, 3]) t.push(n).advance(10);
    answers.answer(2, 20);
    t.advance(70);
    expect(t.output()).toEqual([20, -1]);
    expect(t.advance(20).output()).toEqual([20, -1, -3]);
    expect(t.timers()).toBe(0);
  });
});

describe('a call that is tried again', () => {
  test('waits its time, counts its attempts, and keeps its idempotency key', () => {
    const { answers, t } = asked({ retry: { attempts: 3, delay: 10, multiplier: 2 } });
    t.push(7);
    answers.fail(7, new Error('once'));
    expect(answers.open()).toEqual([]);
    t.advance(10);
    answers.fail(7, new Error('twice'));
    t.advance(19);
    expect(answers.open()).toEqual([]);
    t.advance(1);
    expect(answers.calls.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(new Set(answers.calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    answers.answer(7, 70);
    expect(t.output()).toEqual([70]);
  });

  test('fails with its last error', () => {
    const { answers, t } = asked({ retry: { attempts: 2, delay: 10 } });
    t.push(7);
    answers.fail(7, new Error('once'));
    t.advance(10);
    answers.fail(7, new Error('twice'));
    expect(t.dead()[0]?.reason).toMatch(/twice/);
  });

  test('does not go on behind its time limit', () => {
    const { answers, t } = asked({ timeout: 15, retry: { attempts: 9, delay: 10 } });
    t.push(7);
    answers.fail(7, new Error('once'));
    t.advance(10);
    answers.fail(7, new Error('twice'));
    t.advance(100);
    expect(answers.calls).toHaveLength(2);
    expect(t.dead()[0]?.reason).toMatch(/ASYNC_TIMEOUT.*after 2 of them/);
  });

  test('because of its result gives that result in the end', () => {
    const { answers, t } = asked({
      retry: { attempts: 2, delay: 10, onResult: (result) => result < 0 },
    });
    t.push(1).push(2);
    answers.answer(1, -1).answer(2, 20);
    t.advance(10);
    answers.answer(1, -2);
    expect(t.output()).toEqual([-2, 20]);
  });

  test('a predicate that fails fails the element', () => {
    const { answers, t } = asked({
      retry: {
        attempts: 2,
        delay: 10,
        onError() {
          throw new Error('what now');
        },
      },
    });
    t.push(1);
    answers.fail(1, new Error('once'));
    expect(t.dead()[0]?.reason).toMatch(/what now/);
  });

  test('a function that throws, and one that gives no promise, are answered as well', () => {
    const definition = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        asyncMap(
          (n) => {
            if (n < 0) throw new Error('negative');
            return n * 10;
          },
          { uid: 'ask' },
        ),
      ),
    );
    const t = testHarness(definition, { onFailure: 'collect' }).push(1).push(-1).push(2);
    expect(t.output()).toEqual([10, 20]);
    expect(t.dead()[0]?.reason).toMatch(/negative/);
  });
});
