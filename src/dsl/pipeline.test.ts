import { from, NEVER, of, Subject, type Observable } from 'rxjs';
import * as rxjs from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  connect,
  count,
  DataStream,
  eventTime,
  filter,
  keyBy,
  map,
  outputTag,
  pipeline,
  process,
  stream,
  tumbling,
  unchecked,
  union,
  valueState,
  window,
  type Pipeline,
} from '../index.js';
import { nodesInOrder, uidOf } from '../core/graph.js';
import { testHarness } from '../testing/index.js';

/** Numbers the elements of each key. */
const numbered = pipeline('numbered', unchecked<string>(), (text$) =>
  text$.pipe(
    keyBy((text) => text),
    process({
      uid: 'count',
      state: { count: valueState(0) },
      element(text, { state }) {
        state.count.set(state.count.get() + 1);
        return [`${text}${state.count.get()}`];
      },
    }),
  ),
);

describe('a pipeline as an operator', () => {
  test('runs on any Observable, a run of its own per subscription', () => {
    const text$ = of('a', 'b', 'a').pipe(numbered);
    expect(collect(text$)).toEqual(['a1', 'b1', 'a2']);
    expect(collect(text$)).toEqual(['a1', 'b1', 'a2']);
  });

  test('builds once, when it is defined', () => {
    let built = 0;
    const p = pipeline('p', unchecked<number>(), (n$) => {
      built += 1;
      return n$;
    });
    collect(of(1).pipe(p));
    collect(of(1).pipe(p));
    expect(built).toBe(1);
  });

  test('may stand on what a stock operator has made of a DataStream', () => {
    const text$ = of('a', 'a').pipe(
      numbered,
      rxjs.map((text) => text[0] ?? ''),
      numbered,
    );
    expect(collect(text$)).toEqual(['a1', 'a2']);
  });

  test('that gives its input back is the input', () => {
    const same = pipeline('same', unchecked<number>(), (n$) => n$);
    expect(collect(of(1, 2).pipe(same))).toEqual([1, 2]);
    const n$ = stream(of(1));
    expect(n$.pipe(same).edge).toEqual(n$.edge);
  });

  test('checks its records at the edge of the graph', () => {
    expect(collect(of('a').pipe(numbered, rxjs.take(1)))).toEqual(['a1']);
  });

  test('is found by its name', () => {
    expect([numbered.name, [...numbered.inputs.keys()], Object.keys(numbered.outputs)]).toEqual([
      'numbered',
      ['input'],
      ['output'],
    ]);
  });
});

describe('splicing onto a DataStream', () => {
  test('puts uids in the scope of the name, nested ones too', () => {
    const outer = pipeline('outer', unchecked<string>(), (text$) => text$.pipe(numbered));
    const twice = stream(of('a')).pipe(
      map((text) => text),
      outer,
    );
    expect(uids(twice)).toEqual(['outer/numbered/count']);
    expect(uids(stream(of('a')).pipe(numbered))).toEqual(['numbered/count']);
    expect(uids(of('a').pipe(numbered))).toEqual(['count']);
  });

  test('changes nothing for the definition or another use of it', () => {
    const before = nodesInOrder(numbered.outputs).map(uidOf);
    stream(of('a')).pipe(numbered);
    expect(nodesInOrder(numbered.outputs).map(uidOf)).toEqual(before);
  });

  test('gives what the same steps give in one piece', () => {
    const input = ['a', 'b', 'a', 'c', 'a'];
    const spliced = stream(from(input)).pipe(
      filter((text) => text !== 'c'),
      numbered,
    );
    expect(collect(spliced)).toEqual(['a1', 'b1', 'a2', 'a3']);
  });

  test('used twice in one graph through pipelines of two names keeps state apart', () => {
    const left = pipeline('left', unchecked<string>(), (text$) => text$.pipe(numbered));
    const right = pipeline('right', unchecked<string>(), (text$) => text$.pipe(numbered));
    const text$ = stream(of('a', 'a'));
    const both = text$.pipe(left, union(text$.pipe(right)));
    expect(uids(both)).toEqual(['left/numbered/count', 'right/numbered/count']);
    expect(collect(both).toSorted()).toEqual(['a1', 'a1', 'a2', 'a2']);
  });

  test('used twice in a row under one name is refused by the uid that collides', () => {
    let error: unknown;
    stream(of('a'))
      .pipe(numbered, numbered)
      .subscribe({ error: (thrown: unknown) => (error = thrown) });
    expect(error).toMatchObject({ code: 'UID_DUPLICATE', where: 'uid "numbered/count"' });
  });

  test('keyed streams behind the splice are keyed by the copy, so that uses do not mix', () => {
    const p = pipeline('p', unchecked<string>(), (text$) =>
      text$.pipe(
        keyBy((text) => text[0] ?? ''),
        filter((text) => text !== 'ax'),
        process({ uid: 'keys', element: (text, { key }) => [`${key}:${text}`] }),
      ),
    );
    const a$ = stream(of('ab', 'ax', 'cd'));
    const one = pipeline('one', unchecked<string>(), (text$) => text$.pipe(p));
    expect(collect(a$.pipe(p, union(a$.pipe(one)))).toSorted()).toEqual([
      'a:ab',
      'a:ab',
      'c:cd',
      'c:cd',
    ]);
  });

  test('an input that goes to a side output reads that side output', () => {
    const odd = outputTag<string>('odd');
    const steps = stream(of('a')).pipe(
      keyBy((text) => text),
      process({
        uid: 'x',
        sides: [odd],
        element: (text, context) => context.side(odd, `side ${text}`),
      }),
    );
    expect(collect(steps.side(odd).pipe(numbered))).toEqual(['side a1']);
  });
});

describe('several inputs and outputs', () => {
  const late = outputTag<number>('late');
  const busy = pipeline('busy', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) => {
    const all = b.pipe(
      union(a),
      eventTime({ timestamp: (n) => n, every: 0 }),
      keyBy(() => 'k'),
    );
    const windows = all.pipe(window(tumbling({ size: 10 }), count(), { uid: 'w', late }));
    return { windows: windows.pipe(map(({ value }) => value)), late: windows.side(late) };
  });

  test('connect runs all outputs in one run, once it is started', () => {
    const a$ = new Subject<number>();
    const b$ = new Subject<number>();
    const run = busy.connect({ a: a$, b: b$ });
    const seen: string[] = [];
    run.outputs.windows.subscribe({
      next: (n) => seen.push(`windows ${n}`),
      complete: () => seen.push('windows end'),
    });
    run.outputs.late.subscribe({
      next: (n) => seen.push(`late ${n}`),
      complete: () => seen.push('late end'),
    });
    expect([a$.observed, b$.observed]).toEqual([false, false]);
    run.start();
    run.start();
    a$.next(5);
    b$.next(15);
    a$.next(25);
    b$.next(3);
    expect(seen).toEqual(['windows 1', 'late 3']);
    a$.complete();
    b$.complete();
    expect(seen).toEqual([
      'windows 1',
      'late 3',
      'windows 1',
      'windows 1',
      'windows end',
      'late end',
    ]);
  });

  test('inputs are subscribed in the order of their declaration', () => {
    const order: string[] = [];
    const named = (name: string): Observable<number> =>
      rxjs.defer(() => {
        order.push(name);
        return NEVER;
      });
    const run = busy.connect({ b: named('b'), a: named('a') });
    run.start();
    expect(order).toEqual(['a', 'b']);
    run.stop();
  });

  test('stop unsubscribes, and the outputs neither complete nor fail', () => {
    const a$ = new Subject<number>();
    const b$ = new Subject<number>();
    const run = busy.connect({ a: a$, b: b$ });
    const seen: unknown[] = [];
    run.outputs.windows.subscribe({
      next: (n) => seen.push(n),
      error: (error) => seen.push(error),
      complete: () => seen.push('end'),
    });
    run.start();
    a$.next(5);
    run.stop();
    a$.next(25);
    b$.next(25);
    expect([seen, a$.observed, b$.observed]).toEqual([[], false, false]);
  });

  test('an error reaches all outputs, once', () => {
    const a$ = new Subject<number>();
    const run = busy.connect({ a: a$, b: NEVER });
    const errors: unknown[] = [];
    run.outputs.windows.subscribe({ error: (error: { code: string }) => errors.push(error.code) });
    run.outputs.late.subscribe({ error: (error: { code: string }) => errors.push(error.code) });
    run.start();
    a$.next(NaN);
    a$.next(NaN);
    expect(errors).toEqual(['TIMESTAMP_INVALID', 'TIMESTAMP_INVALID']);
    expect(a$.observed).toBe(false);
  });

  test('an output that nobody reads changes nothing for the others', () => {
    const run = busy.connect({ a: of(5, 25), b: of(3, 26) });
    const seen: number[] = [];
    run.outputs.windows.subscribe((n) => seen.push(n));
    run.start();
    expect(seen.length).toBeGreaterThan(0);
  });

  test('inputs that are missing or unknown are refused by name', () => {
    expect(() => busy.connect({ a: of(1) } as never)).toThrow(/OPTIONS_INVALID.*Look at b/);
    expect(() => busy.connect({ a: of(1), b: of(1), c: of(1) } as never)).toThrow(/Look at c/);
  });

  test('such a pipeline is no operator', () => {
    expect(typeof busy).toBe('object');
  });

  test('an input that no output needs is allowed, and taken', () => {
    const p = pipeline('p', { a: unchecked<number>(), b: unchecked<number>() }, ({ a }) => a);
    const run = p.connect({ a: of(1), b: of(2) });
    const seen: number[] = [];
    run.outputs.output.subscribe({ next: (n) => seen.push(n), complete: () => seen.push(-1) });
    run.start();
    expect(seen).toEqual([1, -1]);
  });

  test('two keyed inputs meet in connect', () => {
    const p = pipeline('p', { a: unchecked<string>(), b: unchecked<string>() }, ({ a, b }) =>
      a.pipe(
        keyBy((text) => text),
        connect(b.pipe(keyBy((text) => text)), {
          uid: 'x',
          state: { firsts: valueState(0) },
          first: (_text, { state }) => void state.firsts.set(state.firsts.get() + 1),
          second: (text, { state }) => [`${text} ${state.firsts.get()}`],
        }),
      ),
    );
    const t = testHarness(p);
    t.push('k', { input: 'a' }).push('k', { input: 'b' }).push('l', { input: 'b' });
    expect(t.output()).toEqual(['k 1', 'l 0']);
  });
});

describe('what is refused when it is defined', () => {
  const identity = (n$: DataStream<number>): DataStream<number> => n$;

  test.each(['', 'a b', 'a/b', 'x'.repeat(65)])('the name %j', (name) => {
    expect(() => pipeline(name, unchecked<number>(), identity)).toThrow('UID_INVALID');
  });

  test('wrong names of inputs and outputs', () => {
    expect(() =>
      pipeline('p', { 'a b': unchecked<number>() }, (streams) => streams['a b']),
    ).toThrow(/UID_INVALID.*input of pipeline "p"/);
    expect(() => pipeline('p', unchecked<number>(), (n$) => ({ 'a/b': n$ }))).toThrow(
      /UID_INVALID.*output of pipeline "p"/,
    );
  });

  test('two steps of one uid', () => {
    expect(() =>
      pipeline('p', unchecked<number>(), (n$) =>
        n$.pipe(
          keyBy((n) => n),
          process({ uid: 'x', element: (n: number) => [n] }),
          keyBy((n) => n),
          process({ uid: 'x', element: () => [] }),
        ),
      ),
    ).toThrow('UID_DUPLICATE');
  });

  test('a stream that is made of something else than the inputs', () => {
    for (const foreign of [of(1), stream(of(1))])
      expect(() => pipeline('p', unchecked<number>(), (n$) => n$.pipe(union(foreign)))).toThrow(
        'STREAM_FOREIGN',
      );
  });

  test('an output that is no DataStream, or none at all', () => {
    const build = (given: unknown) => (): never => given as never;
    for (const given of [undefined, null, {}, of(1), { a: of(1) }, 5])
      expect(() => pipeline('p', unchecked<number>(), build(given))).toThrow('STREAM_FOREIGN');
    expect(() =>
      pipeline('p', unchecked<number>(), (n$) => n$.pipe(rxjs.map((n) => n)) as never),
    ).toThrow('STREAM_FOREIGN');
  });
});

test('a stream of a declared input cannot be subscribed without a source', () => {
  let inner: DataStream<number> | undefined;
  pipeline('p', unchecked<number>(), (n$) => {
    inner = n$.pipe(map((n) => n));
    return inner;
  });
  let error: unknown;
  inner?.subscribe({ error: (thrown: unknown) => (error = thrown) });
  expect(error).toMatchObject({ code: 'STREAM_FOREIGN', where: 'input "input"' });
});

function collect<T>(source: Observable<T>): T[] {
  const seen: T[] = [];
  source.subscribe({
    next: (value) => seen.push(value),
    error: (error: unknown) => {
      throw error;
    },
  });
  return seen;
}

function uids(source: Observable<unknown>): string[] {
  const nodes = nodesInOrder({ output: (source as DataStream<unknown>).edge });
  return nodes.map(uidOf).filter((uid) => uid !== undefined);
}

const typed: Pipeline<string, string> = numbered;
test('the type of a pipeline says what goes in and what comes out', () => {
  expect(typed).toBe(numbered);
});
