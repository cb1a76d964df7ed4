import * as rxjs from 'rxjs';
import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { eventTime, keyBy, map, pipeline, process, rx, stream, unchecked } from '../index.js';
import { testHarness } from '../testing/index.js';

test('stock operators run on each element alone', () => {
  const seen: number[] = [];
  stream(of([3, 1], [2], []))
    .pipe(
      rx(
        rxjs.concatAll(),
        rxjs.filter((n: number) => n !== 1),
        rxjs.map((n: number) => n * 2),
      ),
    )
    .subscribe((n) => seen.push(n));
  expect(seen).toEqual([6, 4]);
});

test('they hold nothing from one element to the next', () => {
  const seen: number[] = [];
  of(1, 1, 2)
    .pipe(
      rx(
        rxjs.scan((sum: number, n: number) => sum + n, 0),
        rxjs.distinct(),
      ),
    )
    .subscribe((n) => seen.push(n));
  expect(seen).toEqual([1, 1, 2]);
});

test('what is emitted on completion counts, if it comes at once', () => {
  const seen: unknown[] = [];
  of(1, 2)
    .pipe(rx(rxjs.endWith('end'), rxjs.toArray()))
    .subscribe((value) => seen.push(value));
  expect(seen).toEqual([
    [1, 'end'],
    [2, 'end'],
  ]);
});

test('timestamps stay and keys do not', () => {
  const t = testHarness(
    pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(eventTime({ timestamp: (n) => n }), rx(rxjs.map((n: number) => -n))),
    ),
  );
  t.push(4);
  expect(t.records()).toEqual([{ value: -4, timestamp: 4 }]);
  expect(() =>
    of(1).pipe(
      keyBy((n) => n),
      rx(rxjs.map((n: number) => n)),
      process({ uid: 'x', element: () => [] }) as never,
    ),
  ).toThrow('KEY_MISSING');
});

describe('is refused at the first element:', () => {
  test.each([
    ['an operator that emits later', rxjs.delay(0)],
    ['one that never completes', rxjs.concatWith(rxjs.NEVER)],
    ['one that completes early', rxjs.take(1)],
    ['first', rxjs.first()],
  ] as [string, rxjs.OperatorFunction<number, number>][])('%s', (_name, operator) => {
    const seen: number[] = [];
    let error: unknown;
    of(1)
      .pipe(rx(operator))
      .subscribe({ next: (n) => seen.push(n), error: (thrown: unknown) => (error = thrown) });
    expect(error).toMatchObject({ code: 'RX_NOT_SYNCHRONOUS', operator: 'rx' });
    expect(seen).toEqual([]);
  });
});

test('an error of an operator is that of its element, and nothing of it is emitted', () => {
  const t = testHarness(
    pipeline('p', unchecked<number[]>(), (n$) =>
      n$.pipe(
        rx(
          rxjs.concatAll(),
          rxjs.map((n: number) => {
            if (n < 0) throw new RangeError('negative');
            return n;
          }),
        ),
      ),
    ),
    { onFailure: 'collect' },
  );
  t.push([1]).push([2, -3]).push([4]);
  expect(t.output()).toEqual([1, 4]);
  expect(t.dead()).toMatchObject([{ operator: 'rx', position: 'input element 2' }]);
});

test('a failed element leaves the operators usable for the next one', () => {
  const t = testHarness(
    pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(rx(rxjs.mergeMap((n: number) => (n > 1 ? rxjs.throwError(() => 'x') : of(n, n))))),
    ),
    { onFailure: 'collect' },
  );
  t.push(2).push(1);
  expect(t.output()).toEqual([1, 1]);
});

test('no subscription is left behind', () => {
  let open = 0;
  const counting = <T>(source: rxjs.Observable<T>): rxjs.Observable<T> =>
    new rxjs.Observable((subscriber) => {
      open += 1;
      const subscription = source.subscribe(subscriber);
      return () => {
        open -= 1;
        subscription.unsubscribe();
      };
    });
  of(1, 2, 3)
    .pipe(
      rx(counting),
      map((n) => n),
    )
    .subscribe();
  expect(open).toBe(0);
});
