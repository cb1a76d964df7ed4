import { Subject, of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  broadcast,
  connectAll,
  eventTime,
  keyBy,
  mapState,
  pipeline,
  stream,
  unchecked,
  valueState,
} from '../index.js';
import { planOf } from '../runtime/plan.js';
import { testHarness } from '../testing/index.js';

describe('two streams without a key', () => {
  const pairs = pipeline(
    'pairs',
    { left: unchecked<number>(), right: unchecked<number>() },
    ({ left, right }) => {
      const time = eventTime<number>({ timestamp: (n) => n, every: 0 });
      return left.pipe(
        time,
        connectAll(right.pipe(time), {
          uid: 'pairs',
          state: { left: valueState(0), right: valueState(0) },
          first(n, { state, timers }) {
            state.left.set(n);
            timers.setEventTime(n + 10);
            return [`${n} ${state.right.get()}`];
          },
          second(n, { state }) {
            state.right.set(n);
            return [`${state.left.get()} ${n}`];
          },
          timer: ({ time: fired }, { state }) => [`${fired}: ${state.left.get()}`],
        }),
      );
    },
  );

  test('share one state, and timers of one watermark', () => {
    const t = testHarness(pairs);
    t.push(1, { input: 'left' }).push(2, { input: 'right' }).push(3, { input: 'left' });
    t.checkpoint();
    t.push(30, { input: 'left' }).crash();
    t.push(12, { input: 'right' });
    expect(t.output()).toEqual(['1 0', '1 2', '3 2', '30 2', '30 12', '11: 30']);
  });

  test('take one shard out of many', () => {
    const { stages } = planOf(pairs.outputs, 3);
    expect(stages.map(({ name }) => name)).toEqual(['sources', 'pairs']);
  });

  test('a key that a stream has is not seen', () => {
    const seen: string[] = [];
    stream(of('a', 'b'))
      .pipe(
        keyBy((text) => text),
        connectAll(of('c'), {
          uid: 'x',
          state: { all: valueState('') },
          first: (text, { state }) => state.all.set(state.all.get() + text),
          second: (text, { state }) => [state.all.get() + text],
        }),
      )
      .subscribe((text) => seen.push(text));
    expect(seen).toEqual(['abc']);
  });
});

test('with a broadcast stream, which is read first', () => {
  const words$ = new Subject<string>();
  const seen: string[] = [];
  stream(words$)
    .pipe(
      connectAll(broadcast(of('spam', 'ham')), {
        uid: 'x',
        state: { count: valueState(0) },
        broadcastState: { blocked: mapState<string, true>() },
        first(word, { state, broadcastState: { blocked } }) {
          if (blocked.has(word)) return [];
          state.count.set(state.count.get() + 1);
          return [`${state.count.get()} ${word}`];
        },
        second: (word, { broadcastState: { blocked } }) => blocked.set(word, true),
      }),
    )
    .subscribe((word) => seen.push(word));
  for (const word of ['a', 'spam', 'b']) words$.next(word);
  expect(seen).toEqual(['1 a', '2 b']);
});

test('a missing uid and async functions are refused, and are named', () => {
  const handlers = { uid: 'x', first: (): string[] => [], second: (): string[] => [] };
  expect(() => of('a').pipe(connectAll(of('b'), { ...handlers, uid: undefined } as never))).toThrow(
    /UID_INVALID.*connectAll/,
  );
  expect(() => connectAll(of('b'), { ...handlers, second: async () => [] } as never)).toThrow(
    /USER_FUNCTION_ASYNC.*connectAll "x".second/,
  );
});
