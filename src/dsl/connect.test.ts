import { of, Subject } from 'rxjs';
import * as rxjs from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  connect,
  eventTime,
  filter,
  keyBy,
  outputTag,
  pipeline,
  stream,
  unchecked,
  valueState,
} from '../index.js';
import { testHarness, type TestHarness } from '../testing/index.js';

interface Event {
  readonly key: string;
  readonly at: number;
}

const odd = outputTag<string>('odd');

const joined = pipeline(
  'joined',
  { left: unchecked<Event>(), right: unchecked<Event>() },
  ({ left, right }) => {
    const time = eventTime<Event>({ timestamp: (event) => event.at, every: 0 });
    return left.pipe(
      time,
      keyBy((event) => event.key),
      connect(
        right.pipe(
          time,
          keyBy((event) => event.key),
        ),
        {
          uid: 'x',
          state: { lefts: valueState(0), rights: valueState(0) },
          sides: [odd],
          first(event, { key, state, timers, timestamp, watermark }) {
            state.lefts.set(state.lefts.get() + 1);
            timers.setEventTime(event.at + 10);
            return [
              `${key} L${state.lefts.get()} R${state.rights.get()} ${timestamp} ${watermark}`,
            ];
          },
          second(_event, context) {
            const { key, state } = context;
            state.rights.set(state.rights.get() + 1);
            context.side(odd, `${key} ${state.rights.get()}`);
            return [`${key} L${state.lefts.get()} R${state.rights.get()}`];
          },
          timer({ time: fired }, { key, state }) {
            state.lefts.clear();
            return [`${key} timer ${fired} R${state.rights.get()}`];
          },
        },
      ),
    );
  },
);

describe('two inputs', () => {
  test('share the state of a key', () => {
    const t = harness();
    left(t, 'a', 1);
    right(t, 'a', 2);
    right(t, 'b', 3);
    left(t, 'a', 4);
    expect(t.output()).toEqual(['a L1 R0 1 -Infinity', 'a L1 R1', 'b L0 R1', 'a L2 R1 4 0']);
  });

  test('the watermark is the minimum of both, and timers belong to both', () => {
    const t = harness();
    left(t, 'a', 1);
    left(t, 'a', 100);
    expect(t.watermarkOf('x')).toBe(-Infinity);
    right(t, 'a', 12);
    expect(t.watermarkOf('x')).toBe(11);
    expect(t.output().at(-1)).toBe('a timer 11 R1');
  });

  test('an ended input holds nothing back', () => {
    const t = harness();
    left(t, 'a', 1);
    t.end({ input: 'right' });
    left(t, 'b', 50);
    expect(t.output()).toContain('a timer 11 R0');
  });

  test('an idle input holds nothing back until it speaks, and is waited for from then on', () => {
    const t = harness();
    left(t, 'a', 1);
    t.idle({ input: 'right' });
    left(t, 'b', 50);
    expect(t.watermarkOf('x')).toBe(49);
    right(t, 'b', 5);
    left(t, 'b', 60);
    expect(t.watermarkOf('x')).toBe(49);
    right(t, 'b', 56);
    expect(t.watermarkOf('x')).toBe(55);
  });

  test('an input that has come back behind is waited for after a crash too', () => {
    const t = harness();
    left(t, 'a', 1);
    t.idle({ input: 'right' });
    left(t, 'b', 50);
    right(t, 'b', 5);
    t.checkpoint();
    t.restore();
    left(t, 'b', 60);
    expect(t.watermarkOf('x')).toBe(49);
  });

  test('side outputs and state survive a crash', () => {
    const t = harness();
    right(t, 'a', 1);
    t.checkpoint();
    left(t, 'a', 2);
    t.crash();
    right(t, 'a', 3);
    expect(t.side(odd)).toEqual(['a 1', 'a 2']);
    expect(t.output().at(-1)).toBe('a L1 R2');
  });
});

test('both sides of one keyed stream', () => {
  const source$ = new Subject<string>();
  const keyed = stream(source$).pipe(keyBy((text) => text));
  const seen: string[] = [];
  keyed
    .pipe(
      connect(keyed, {
        uid: 'self',
        state: { count: valueState(0) },
        first: (text) => [`1${text}`],
        second: (text) => [`2${text}`],
      }),
    )
    .subscribe((text) => seen.push(text));
  source$.next('a');
  source$.next('b');
  expect(seen).toEqual(['1a', '2a', '1b', '2b']);
});

test('a filter between keyBy and connect keeps the key', () => {
  const seen: string[] = [];
  of('a', 'bb')
    .pipe(
      keyBy((text) => text.length),
      filter((text) => text !== 'a'),
      connect(of('xx').pipe(keyBy((text) => text.length)), {
        uid: 'x',
        state: { last: valueState('none') },
        first: (text, { state }) => void state.last.set(text),
        second: (text, { state, key }) => [`${key} ${text} ${state.last.get()}`],
      }),
    )
    .subscribe((text) => seen.push(text));
  expect(seen).toEqual(['2 xx bb']);
});

describe('what is refused when it is piped', () => {
  const handlers = { uid: 'x', first: (): string[] => [], second: (): string[] => [] };
  const keyed = of('a').pipe(keyBy((text) => text));

  test('an input without a key, whichever it is', () => {
    expect(() => of('a').pipe(connect(keyed, handlers) as never)).toThrow('KEY_MISSING');
    expect(() => keyed.pipe(connect(of('a') as never, handlers))).toThrow('KEY_MISSING');
  });

  test('what a stock operator has made of a DataStream', () => {
    expect(() => keyed.pipe(connect(keyed.pipe(rxjs.map((x) => x)) as never, handlers))).toThrow(
      'STREAM_LIFTED',
    );
  });

  test('a missing uid and async functions', () => {
    expect(() => connect(keyed, { ...handlers, uid: undefined } as never)).toThrow('UID_INVALID');
    for (const name of ['first', 'second', 'timer'])
      expect(() => connect(keyed, { ...handlers, [name]: async () => [] } as never)).toThrow(
        'USER_FUNCTION_ASYNC',
      );
  });
});

test('errors name the side that was called by its position', () => {
  const t = testHarness(
    pipeline('p', { a: unchecked<string>(), b: unchecked<string>() }, ({ a, b }) =>
      a.pipe(
        keyBy((text) => text),
        connect(b.pipe(keyBy((text) => text)), {
          uid: 'x',
          first: () => [],
          second: () => {
            throw new Error('deep');
          },
        }),
      ),
    ),
  );
  t.push('k', { input: 'a' });
  expect(() => t.push('k', { input: 'b' })).toThrow(/operator "x", key "k", b element 1/);
});

type Joined = TestHarness<{ left: Event; right: Event }, { output: string }>;

function harness(): Joined {
  return testHarness(joined) as unknown as Joined;
}

function left(t: Joined, key: string, at: number): void {
  t.push({ key, at }, { input: 'left' });
}

function right(t: Joined, key: string, at: number): void {
  t.push({ key, at }, { input: 'right' });
}
