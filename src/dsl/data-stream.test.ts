import * as rxjs from 'rxjs';
import { from, Observable, of, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  count,
  DataStream,
  eventTime,
  filter,
  flatMap,
  keyBy,
  map,
  outputTag,
  pipeline,
  process,
  stream,
  topK,
  tumbling,
  unchecked,
  union,
  window,
  type Step,
} from '../index.js';

describe('a step', () => {
  test('is a genuine RxJS operator', () => {
    const seen: number[] = [];
    of(1, 2)
      .pipe(
        rxjs.map((n) => n + 1),
        map((n) => n * 10),
        rxjs.map((n) => n + 1),
      )
      .subscribe((n) => seen.push(n));
    expect(seen).toEqual([21, 31]);
  });

  test('gives a DataStream, which is an Observable', () => {
    const n$ = of(1).pipe(map((n) => n));
    expect(n$).toBeInstanceOf(DataStream);
    expect(n$).toBeInstanceOf(Observable);
  });

  test('does nothing before somebody subscribes', () => {
    let subscribed = 0;
    const source = new Observable<number>(() => void (subscribed += 1));
    const n$ = source.pipe(map((n) => n));
    expect(subscribed).toBe(0);
    n$.subscribe();
    expect(subscribed).toBe(1);
  });
});

describe('pipe', () => {
  test('without steps gives the stream itself', () => {
    const n$ = stream(of(1));
    expect(n$.pipe()).toBe(n$);
  });

  test('takes any number of steps', () => {
    const plus: Step<number, number> = map((n) => n + 1);
    const steps = Array.from({ length: 40 }, () => plus);
    const seen: unknown[] = [];
    (stream(of(0)).pipe as (...steps: unknown[]) => Observable<unknown>)
      .apply(stream(of(0)), steps)
      .subscribe((n) => seen.push(n));
    expect(seen).toEqual([40]);
  });

  test('takes stock operators too, and gives what they give', () => {
    const n$ = stream(of(1)).pipe(rxjs.map((n) => n));
    expect(n$).not.toBeInstanceOf(DataStream);
    expect(n$).toBeInstanceOf(Observable);
  });
});

describe('side', () => {
  const late = outputTag<number>('late');
  const counted = stream(from([5, 25, 3])).pipe(
    eventTime({ timestamp: (n) => n, every: 0 }),
    keyBy(() => 'k'),
    window(tumbling({ size: 10 }), count(), { uid: 'w', late }),
  );

  test('gives what the step sends there', () => {
    const seen: number[] = [];
    counted.side(late).subscribe((n) => seen.push(n));
    expect(seen).toEqual([3]);
  });

  test('of an undeclared tag is refused, with those that there are', () => {
    expect(() => counted.side(outputTag('other'))).toThrow(
      /OUTPUT_UNKNOWN: expected one of late, got "other"/,
    );
  });

  test('is read directly from its step', () => {
    for (const behind of [counted.pipe(map((r) => r)), counted.side(late), stream(of(1))])
      expect(() => (behind as DataStream<unknown>).side(late)).toThrow('OUTPUT_UNKNOWN');
  });

  test('carries no key', () => {
    const sides = stream(of('a')).pipe(
      keyBy((text) => text),
      process({ uid: 'x', sides: [late], element: () => [] }),
    );
    expect(() => sides.side(late).pipe(process({ uid: 'y', element: () => [] }) as never)).toThrow(
      'KEY_MISSING',
    );
  });
});

describe('on what a stock operator has made of a DataStream', () => {
  const lifted = (): Observable<number> =>
    stream(of(1, 2)).pipe(
      map((n) => n),
      rxjs.map((n) => n),
      rxjs.filter(() => true),
    );
  const refused: [string, (source: Observable<number>) => unknown][] = [
    ['map', map((n) => n)],
    ['filter', filter(() => true)],
    ['flatMap', flatMap((n) => [n])],
    ['keyBy', keyBy((n) => n)],
    ['union', union<number>(of(1))],
    ['topK', topK<number, string>(1, { uid: 't', by: (n) => n, per: () => 'x', key: (n) => n })],
  ];

  test.each(refused)(
    '%s is refused when it is piped, with the place and the cure',
    (name, step) => {
      expect(() => step(lifted())).toThrow(
        new RegExp(`STREAM_LIFTED.*the step "${name}".*rx\\(.*stream\\(\\)`),
      );
    },
  );

  test('a lifted stream given to union is refused too', () => {
    expect(() => of(1).pipe(union(lifted()))).toThrow('STREAM_LIFTED');
  });

  test('stream, eventTime and pipelines begin a run of their own', () => {
    const time = eventTime<number>({ timestamp: (n) => n });
    const p = pipeline('p', unchecked<number>(), (n$) => n$.pipe(map((n) => n)));
    for (const entrance of [stream, time, p]) {
      const seen: number[] = [];
      (entrance as (source: Observable<number>) => Observable<number>)(lifted()).subscribe((n) =>
        seen.push(n),
      );
      expect(seen).toEqual([1, 2]);
    }
  });

  test('asObservable and a Subject in between are seen through or forgotten, never misread', () => {
    const hidden = stream(of(1)).pipe(map((n) => n));
    expect(() => hidden.pipe(rxjs.share()).pipe(map((n: number) => n) as never)).toThrow(
      'STREAM_LIFTED',
    );
    const subject = new Subject<number>();
    expect(() => subject.asObservable().pipe(map((n) => n))).not.toThrow();
    expect(() => rxjs.merge(hidden, of(2)).pipe(map((n) => n))).not.toThrow();
  });

  test('stock operators on other Observables are none of our business', () => {
    expect(() =>
      of(1).pipe(
        rxjs.map((n) => n),
        map((n) => n),
      ),
    ).not.toThrow();
  });
});

test('a tag is its name', () => {
  expect(outputTag('late')).toEqual({ id: 'late' });
});
