import * as rxjs from 'rxjs';
import { of, Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { DataStream, map, stream } from '../index.js';

test('any Observable becomes a DataStream with the same elements', () => {
  const seen: unknown[] = [];
  const n$ = stream(of(1, undefined, null));
  expect(n$).toBeInstanceOf(DataStream);
  n$.subscribe({ next: (n) => seen.push(n), complete: () => seen.push('end') });
  expect(seen).toEqual([1, undefined, null, 'end']);
});

test('a stream of a DataStream is the same place in the graph', () => {
  const n$ = stream(of(1));
  expect(stream(n$).edge).toBe(n$.edge);
});

test('on what a stock operator has made it begins a run of its own', () => {
  const source$ = new Subject<number>();
  const seen: number[] = [];
  const doubled$ = source$.pipe(map((n) => n * 2));
  stream(doubled$.pipe(rxjs.map((n) => n + 1)))
    .pipe(map((n) => n * 10))
    .subscribe((n) => seen.push(n));
  source$.next(1);
  expect(seen).toEqual([30]);
});

test('errors of the source come through as they are', () => {
  const failure = new Error('source');
  let error: unknown;
  stream(rxjs.throwError(() => failure)).subscribe({
    error: (thrown: unknown) => (error = thrown),
  });
  expect(error).toBe(failure);
});
