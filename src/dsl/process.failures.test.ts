import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  eventTime,
  keyBy,
  mapState,
  outputTag,
  pipeline,
  PipelineError,
  process,
  unchecked,
  valueState,
  type Pipeline,
  type ProcessContext,
  type ProcessOptions,
} from '../index.js';
import { testHarness } from '../testing/index.js';

interface Event {
  readonly key: string;
  readonly at: number;
  readonly text?: string;
}

const states = { count: valueState(0), seen: mapState<string, number>() };
type Context = ProcessContext<string, typeof states>;

describe('side outputs', () => {
  const odd = outputTag<string>('odd');

  test('get what is sent to them, with the time in hand', () => {
    const t = testHarness(
      timed(
        (event, context) => {
          context.timers.setEventTime(50);
          context.side(odd, `element ${event.at}`);
        },
        (_timer, context) => context.side(odd, 'timer'),
        [odd],
      ),
    );
    t.push(at('a', 5)).watermark(60);
    expect(t.side(odd)).toEqual(['element 5', 'timer']);
    expect(t.output()).toEqual([]);
  });

  test('that are not declared are an error at the first use, named by the step', () => {
    const t = testHarness(timed((_event, context) => context.side(odd, 'x')));
    expect(() => t.push(at('a', 5))).toThrow(/OUTPUT_UNKNOWN.*"x"/);
  });
});

describe('errors of user functions', () => {
  test('name operator, key, timestamp, position and cause', () => {
    const cause = new Error('deep');
    const t = testHarness(
      timed((event) => {
        if (event.text === 'bad') throw cause;
      }),
    );
    t.push(at('a', 1));
    const error = thrownBy(() => t.push(at('b', 17, 'bad')));
    expect(error).toBeInstanceOf(PipelineError);
    expect(error).toMatchObject({
      code: 'USER_FUNCTION_FAILED',
      operator: 'x',
      key: 'b',
      timestamp: 17,
      position: 'input element 2',
      cause,
    });
  });

  test('in a timer name the timer', () => {
    const t = testHarness(
      timed(
        (_event, { timers }) => timers.setEventTime(50),
        () => {
          throw new Error('deep');
        },
      ),
    );
    t.push(at('a', 1));
    expect(thrownBy(() => t.watermark(50))).toMatchObject({
      operator: 'x',
      key: 'a',
      timestamp: 50,
      position: 'process "x" key "a" time 50',
    });
  });

  test('stop the step also where dead letters are kept, because state may be half changed', () => {
    const t = testHarness(
      timed(() => {
        throw new Error('deep');
      }),
      { onFailure: 'collect' },
    );
    expect(() => t.push(at('a', 1))).toThrow('deep');
    expect(t.dead()).toEqual([]);
  });

  test.each([
    ['a promise', Promise.resolve([])],
    ['text', 'text'],
    ['a number', 3],
    ['null', null],
  ])('%s as a result is refused with the place', (_name, result) => {
    const t = testHarness(timed(() => result as never));
    expect(thrownBy(() => t.push(at('a', 1)))).toMatchObject({ operator: 'x', key: 'a' });
  });
});

describe('what is refused when it is piped', () => {
  test('a stream without a key', () => {
    const step = process({ uid: 'x', element: () => [] });
    expect(() => of(1).pipe(step as never)).toThrow(/KEY_MISSING.*process "x"/);
  });

  test('a missing or wrong uid, and async functions', () => {
    const element = (): never[] => [];
    expect(() => process({ element } as never)).toThrow('UID_INVALID');
    expect(() => process({ uid: 'a/b', element })).toThrow('UID_INVALID');
    expect(() => process({ uid: 'x', element: (async () => []) as never })).toThrow(
      'USER_FUNCTION_ASYNC',
    );
    expect(() => process({ uid: 'x', element, timer: (async () => []) as never })).toThrow(
      'USER_FUNCTION_ASYNC',
    );
  });
});

type Options = ProcessOptions<string, Event, typeof states, string>;

function timed(
  element: (event: Event, context: Context) => ReturnType<Options['element']>,
  timer?: NonNullable<Options['timer']>,
  sides: NonNullable<Options['sides']> = [],
): Pipeline<Event, string> {
  return pipeline('p', unchecked<Event>(), (events) =>
    events.pipe(
      eventTime({ timestamp: (event) => event.at, every: 0 }),
      keyBy((event) => event.key),
      process<string, Event, string, typeof states>({
        uid: 'x',
        state: states,
        sides,
        element,
        ...(timer === undefined ? {} : { timer }),
      }),
    ),
  );
}

function at(key: string, time: number, text?: string): Event {
  return text === undefined ? { key, at: time } : { key, at: time, text };
}

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
