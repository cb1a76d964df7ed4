import * as rxjs from 'rxjs';
import { from, NEVER, Observable, of, Subject, type Subscriber } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  eventTime,
  flatMap,
  keyBy,
  map,
  pipeline,
  process,
  stream,
  tumbling,
  unchecked,
  union,
  valueState,
  window,
  count,
} from '../index.js';

/** Counts the elements of each key. */
const counting = pipeline('counting', unchecked<string>(), (text$) =>
  text$.pipe(
    keyBy((text) => text),
    process({
      uid: 'count',
      state: { count: valueState(0) },
      element(text: string, { state }) {
        state.count.set(state.count.get() + 1);
        return [`${text}${state.count.get()}`];
      },
    }),
  ),
);

describe('next', () => {
  test('runs through to the subscriber before it returns', () => {
    const source$ = new Subject<string>();
    const seen: string[] = [];
    source$.pipe(counting).subscribe((text) => seen.push(text));
    source$.next('a');
    seen.push('returned');
    expect(seen).toEqual(['a1', 'returned']);
  });

  test('from inside a step is queued, first in, first out', () => {
    const source$ = new Subject<number>();
    const seen: number[] = [];
    source$
      .pipe(
        flatMap((n) => {
          if (n === 1) {
            source$.next(10);
            source$.next(20);
          }
          if (n === 10) source$.next(30);
          return [n, -n];
        }),
      )
      .subscribe((n) => seen.push(n));
    source$.next(1);
    expect(seen).toEqual([1, -1, 10, -10, 20, -20, 30, -30]);
  });

  test('from the subscriber is queued too', () => {
    const source$ = new Subject<number>();
    const seen: number[] = [];
    source$.pipe(flatMap((n) => [n, -n])).subscribe((n) => {
      seen.push(n);
      if (n === 1) source$.next(2);
    });
    source$.next(1);
    expect(seen).toEqual([1, -1, 2, -2]);
  });

  test('from inside without end is an error, not a full memory', () => {
    const source$ = new Subject<number>();
    let error: unknown;
    let seen = 0;
    source$
      .pipe(
        map((n) => {
          for (let again = 0; again < 1000; again += 1) source$.next(n + 1);
          return n;
        }),
      )
      .subscribe({ next: () => (seen += 1), error: (thrown: unknown) => (error = thrown) });
    source$.next(0);
    expect(error).toMatchObject({ code: 'REENTRY_OVERFLOW' });
    expect(seen).toBeGreaterThan(50);
    expect(source$.observed).toBe(false);
  });

  test('complete from inside a step comes behind what was pushed before it', () => {
    const source$ = new Subject<number>();
    const seen: unknown[] = [];
    source$
      .pipe(
        map((n) => {
          if (n === 1) {
            source$.next(2);
            source$.complete();
          }
          return n;
        }),
      )
      .subscribe({ next: (n) => seen.push(n), complete: () => seen.push('end') });
    source$.next(1);
    expect(seen).toEqual([1, 2, 'end']);
  });
});

describe('unsubscribing', () => {
  test('take(1) stops a synchronous source', () => {
    let produced = 0;
    const endless = new Observable<number>((subscriber) => {
      while (!subscriber.closed && produced < 1000) subscriber.next((produced += 1));
    });
    const seen: number[] = [];
    endless
      .pipe(
        map((n) => n * 2),
        rxjs.take(1),
      )
      .subscribe((n) => seen.push(n));
    expect([seen, produced]).toEqual([[2], 1]);
  });

  test('take stops in the middle of what one element gave', () => {
    const seen: number[] = [];
    of([1, 2, 3], [4])
      .pipe(
        flatMap((list) => list),
        rxjs.take(2),
      )
      .subscribe({ next: (n) => seen.push(n), complete: () => seen.push(-1) });
    expect(seen).toEqual([1, 2, -1]);
  });

  test('lets the source go, and nothing comes afterwards', () => {
    const source$ = new Subject<string>();
    const seen: string[] = [];
    const subscription = source$.pipe(counting).subscribe((text) => seen.push(text));
    source$.next('a');
    subscription.unsubscribe();
    expect(source$.observed).toBe(false);
    source$.next('a');
    expect(seen).toEqual(['a1']);
  });

  test('an input that would be subscribed after the end is not', () => {
    let isSubscribed = false;
    const second = rxjs.defer(() => {
      isSubscribed = true;
      return NEVER;
    });
    of(1).pipe(union<number>(second), rxjs.take(1)).subscribe();
    expect(isSubscribed).toBe(false);
  });
});

describe('errors', () => {
  test('come once, after the teardown', () => {
    const log: string[] = [];
    let push: Subscriber<number> | undefined;
    const source = new Observable<number>((subscriber) => {
      push = subscriber;
      return () => void log.push('torn down');
    });
    source
      .pipe(
        map((n) => {
          if (n < 0) throw new Error('negative');
          return n;
        }),
      )
      .subscribe({
        next: (n) => log.push(String(n)),
        error: () => log.push('error'),
        complete: () => log.push('complete'),
      });
    for (const n of [1, -1, 2, -2]) push?.next(n);
    push?.complete();
    expect(log).toEqual(['1', 'torn down', 'error']);
  });

  test('of the source come through as they are', () => {
    const failure = new Error('source');
    const seen: unknown[] = [];
    rxjs
      .concat(
        of('a'),
        rxjs.throwError(() => failure),
      )
      .pipe(counting)
      .subscribe({ next: (text) => seen.push(text), error: (error) => seen.push(error) });
    expect(seen).toEqual(['a1', failure]);
  });

  test('of one input stop the others', () => {
    const a$ = new Subject<number>();
    const b$ = new Subject<number>();
    let error: unknown;
    a$.pipe(union(b$)).subscribe({ error: (thrown: unknown) => (error = thrown) });
    a$.error(new Error('a'));
    expect([b$.observed, String(error)]).toEqual([false, 'Error: a']);
  });

  test('retry begins with empty state', () => {
    let attempts = 0;
    const source = rxjs.defer(() => {
      attempts += 1;
      return attempts === 1
        ? rxjs.concat(
            of('a', 'a'),
            rxjs.throwError(() => new Error('first')),
          )
        : of('a');
    });
    const seen: string[] = [];
    source.pipe(counting, rxjs.retry(1)).subscribe((text) => seen.push(text));
    expect(seen).toEqual(['a1', 'a2', 'a1']);
  });

  test('at the start reach the subscriber, not the caller', () => {
    const twice = stream(of('a')).pipe(counting, counting);
    let error: unknown;
    expect(() => twice.subscribe({ error: (thrown: unknown) => (error = thrown) })).not.toThrow();
    expect(error).toMatchObject({ code: 'UID_DUPLICATE' });
  });
});

describe('runs', () => {
  test('two subscriptions are two runs with state of their own', () => {
    const source$ = new Subject<string>();
    const text$ = source$.pipe(counting);
    const seen: string[] = [];
    text$.subscribe((text) => seen.push(`one ${text}`));
    source$.next('a');
    text$.subscribe((text) => seen.push(`two ${text}`));
    source$.next('a');
    expect(seen).toEqual(['one a1', 'one a2', 'two a1']);
  });

  test('in a diamond each node executes once per element, and the source is subscribed once', () => {
    let subscribed = 0;
    let executed = 0;
    const source = rxjs.defer(() => {
      subscribed += 1;
      return of(1, 2);
    });
    const shared = stream(source).pipe(
      map((n) => {
        executed += 1;
        return n;
      }),
    );
    const seen: number[] = [];
    shared
      .pipe(
        map((n) => n * 10),
        union(shared.pipe(map((n) => n * 100)), shared.pipe(map((n) => n * 1000))),
      )
      .subscribe((n) => seen.push(n));
    expect([subscribed, executed]).toEqual([1, 2]);
    expect(seen).toEqual([10, 100, 1000, 20, 200, 2000]);
  });

  test('complete fires what is waiting for the end of time, then completes', () => {
    const seen: unknown[] = [];
    from([1, 2])
      .pipe(
        eventTime({ timestamp: (n) => n }),
        keyBy(() => 'k'),
        window(tumbling({ size: 10 }), count(), { uid: 'w' }),
      )
      .subscribe({ next: ({ value }) => seen.push(value), complete: () => seen.push('end') });
    expect(seen).toEqual([2, 'end']);
  });

  test('an empty source completes', () => {
    let isComplete = false;
    rxjs.EMPTY.pipe(counting).subscribe({ complete: () => (isComplete = true) });
    expect(isComplete).toBe(true);
  });

  test('an output that nobody listens to any more does not stop the others of a connection', () => {
    const p = pipeline('p', unchecked<number>(), (n$) => ({
      one: n$.pipe(map((n) => n)),
      two: n$.pipe(map((n) => -n)),
    }));
    const run = p.connect({ input: of(1, 2) });
    const seen: number[] = [];
    run.outputs.one.pipe(rxjs.take(1)).subscribe((n) => seen.push(n));
    run.outputs.two.subscribe((n) => seen.push(n));
    run.start();
    expect(seen).toEqual([1, -1, -2]);
  });
});

describe('processing time in a subscription', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 0 }));
  afterEach(() => void vi.useRealTimers());

  const alarm = process<string, string, string>({
    uid: 'alarm',
    element: (_text, { timers, now }) => timers.setProcessingTime(now + 50),
    timer: ({ time }) => [`timer ${time}`],
  });

  test('timers fire by the clock', () => {
    const source$ = new Subject<string>();
    const seen: string[] = [];
    stream(source$)
      .pipe(
        keyBy((text) => text),
        alarm,
      )
      .subscribe((text) => seen.push(text));
    source$.next('a');
    vi.advanceTimersByTime(49);
    expect(seen).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(seen).toEqual(['timer 50']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('unsubscribing and completing let the clock go', () => {
    const source$ = new Subject<string>();
    const seen: unknown[] = [];
    const run = stream(source$)
      .pipe(
        keyBy((text) => text),
        alarm,
      )
      .subscribe({ next: (text) => seen.push(text), complete: () => seen.push('end') });
    source$.next('a');
    expect(vi.getTimerCount()).toBe(1);
    run.unsubscribe();
    expect(vi.getTimerCount()).toBe(0);
    stream(of('a'))
      .pipe(
        keyBy((text) => text),
        alarm,
      )
      .subscribe({ next: (text) => seen.push(text), complete: () => seen.push('end') });
    vi.advanceTimersByTime(1000);
    expect([seen, vi.getTimerCount()]).toEqual([['end'], 0]);
  });

  test('a timer that fails is an error of the stream', () => {
    const source$ = new Subject<string>();
    let error: unknown;
    stream(source$)
      .pipe(
        keyBy((text) => text),
        process<string, string, string>({
          uid: 'x',
          element: (_text, { timers, now }) => timers.setProcessingTime(now + 1),
          timer: () => {
            throw new Error('deep');
          },
        }),
      )
      .subscribe({ error: (thrown: unknown) => (error = thrown) });
    source$.next('a');
    vi.advanceTimersByTime(1);
    expect(error).toMatchObject({ code: 'USER_FUNCTION_FAILED', operator: 'x', key: 'a' });
    expect(source$.observed).toBe(false);
  });
});
