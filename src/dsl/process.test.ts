import { of, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  eventTime,
  keyBy,
  mapState,
  pipeline,
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

describe('elements', () => {
  test('see their key, time, state, watermark and clock', () => {
    const t = testHarness(
      timed((_event, { key, timestamp, watermark, now, state }) => {
        state.count.set(state.count.get() + 1);
        return [`${key} ${timestamp} ${watermark} ${now} ${state.count.get()}`];
      }),
      { start: 1000 },
    );
    t.push(at('a', 5)).push(at('b', 7)).advance(10).push(at('a', 6));
    expect(t.output()).toEqual(['a 5 -Infinity 1000 1', 'b 7 4 1000 1', 'a 6 6 1010 2']);
  });

  test('are emitted with the timestamp of the element', () => {
    const t = testHarness(timed(() => ['x', 'y']));
    t.push(at('a', 5));
    expect(t.records().map(({ timestamp }) => timestamp)).toEqual([5, 5]);
  });

  test('may return an array, a set, a generator, or nothing', () => {
    const kinds: (() => Iterable<string> | undefined)[] = [
      () => ['array'],
      () => new Set(['set']),
      function* () {
        yield 'generator';
      },
      () => undefined,
      () => [],
    ];
    const t = testHarness(timed(({ at: time }) => kinds[time]?.()));
    for (const time of kinds.keys()) t.push(at('a', time));
    expect(t.output()).toEqual(['array', 'set', 'generator']);
  });

  test('without event time have no timestamp', () => {
    const seen: unknown[] = [];
    of('a')
      .pipe(
        keyBy((text) => text),
        process({ uid: 'x', element: (_text, { timestamp }) => [timestamp] }),
      )
      .subscribe((value) => seen.push(value));
    expect(seen).toEqual([undefined]);
  });

  test('a generator that throws half-way has emitted nothing', () => {
    const t = testHarness(
      timed(function* () {
        yield 'first';
        throw new Error('half-way');
      }),
    );
    expect(() => t.push(at('a', 1))).toThrow('half-way');
    expect(t.output()).toEqual([]);
  });
});

describe('state', () => {
  test('a key that holds nothing takes no memory', () => {
    const t = testHarness(
      timed((event, { state }) => {
        if (event.text === 'set') state.seen.set('x', 1);
        if (event.text === 'clear') state.seen.delete('x');
      }),
    );
    t.push(at('a', 1));
    expect(t.stateSize()).toBe(0);
    t.push(at('a', 2, 'set')).push(at('b', 3, 'set'));
    expect(t.stateSize()).toBe(2);
    t.push(at('a', 4, 'clear'));
    expect(t.stateSize()).toBe(1);
    t.checkpoint();
    expect(t.restore().stateSize()).toBe(1);
    expect(t.state('x', 'b')).toEqual({ count: undefined, seen: new Map([['x', 1]]) });
  });

  test('is what it was, after any crash', () => {
    const counting = timed((_event, { state, key }) => {
      state.count.set(state.count.get() + 1);
      return [`${key}${state.count.get()}`];
    });
    const t = testHarness(counting);
    for (let index = 0; index < 12; index += 1) {
      t.push(at(index % 3 === 0 ? 'a' : 'b', index));
      if (index % 2 === 0) t.checkpoint();
      if (index % 3 === 1) t.crash();
    }
    expect(t.output().filter((text) => text.startsWith('a'))).toEqual(['a1', 'a2', 'a3', 'a4']);
    expect(
      t
        .output()
        .filter((text) => text.startsWith('b'))
        .at(-1),
    ).toBe('b8');
  });
});

describe('event timers', () => {
  test('fire when the watermark reaches them, in time order, with their time as timestamp', () => {
    const t = testHarness(
      timed(
        (event, { timers }) => timers.setEventTime(event.at + 10),
        ({ domain, time }, { key, timestamp }) => [`${domain} ${key} ${time} ${timestamp}`],
      ),
    );
    t.push(at('b', 3)).push(at('a', 4)).push(at('a', 2));
    t.watermark(11);
    expect(t.output()).toEqual([]);
    t.watermark(13);
    expect(t.output()).toEqual(['event a 12 12', 'event b 13 13']);
    t.watermark(100);
    expect(t.records().at(-1)).toEqual({ value: 'event a 14 14', timestamp: 14 });
    expect([t.timers(), t.stateSize()]).toEqual([0, 0]);
  });

  test('see a watermark that has reached their time', () => {
    const t = testHarness(
      timed(
        (event, { timers }) => timers.setEventTime(event.at + 10),
        ({ time }, { watermark }) => [`${time} ${watermark}`],
      ),
    );
    t.push(at('a', 0)).push(at('b', 5)).watermark(50);
    expect(t.output()).toEqual(['10 50', '15 50']);
  });

  test('one per key and time, however often it is set', () => {
    const t = testHarness(
      timed(
        (_event, { timers }) => timers.setEventTime(50),
        ({ time }, { key }) => [`${key}${time}`],
      ),
    );
    t.push(at('a', 1)).push(at('a', 2)).push(at('b', 3)).watermark(50);
    expect(t.output()).toEqual(['a50', 'b50']);
  });

  test('set in a timer for a time already reached fire in the same advance, in time order', () => {
    const t = testHarness(
      timed(
        (event, { timers }) => timers.setEventTime(event.at),
        ({ time }, { timers }) => {
          if (time > 0 && time < 30) timers.setEventTime(time + 10);
          if (time === 30) timers.setEventTime(-5);
          return [String(time)];
        },
      ),
    );
    t.push(at('a', 10)).push(at('b', 25)).watermark(34);
    expect(t.output()).toEqual(['10', '20', '25', '30', '-5']);
    t.watermark(35);
    expect(t.output().at(-1)).toBe('35');
  });

  test('set in the past fire with the next advance', () => {
    const t = testHarness(
      timed(
        (_event, { timers }) => timers.setEventTime(-100),
        ({ time }) => [String(time)],
      ),
    );
    t.watermark(50).push(at('a', 10));
    expect(t.output()).toEqual([]);
    t.watermark(51);
    expect(t.output()).toEqual(['-100']);
  });

  test('deleted do not fire, and deleting a missing one is harmless', () => {
    const t = testHarness(
      timed(
        (event, { timers }) => {
          timers.setEventTime(50);
          timers.deleteEventTime(51);
          if (event.text === 'delete') timers.deleteEventTime(50);
        },
        ({ time }, { key }) => [`${key}${time}`],
      ),
    );
    t.push(at('a', 1, 'delete'))
      .push(at('b', 2))
      .watermark(60);
    expect(t.output()).toEqual(['b50']);
  });

  test('that have fired do not fire again after a crash, nor do deleted ones', () => {
    const t = testHarness(
      timed(
        (event, { timers }) => {
          timers.setEventTime(10);
          timers.setEventTime(20);
          timers.setEventTime(30);
          if (event.text === 'delete') timers.deleteEventTime(20);
        },
        ({ time }) => [String(time)],
      ),
    );
    t.push(at('a', 1, 'delete')).watermark(10);
    t.checkpoint();
    t.crash();
    expect(t.timers()).toBe(1);
    t.watermark(100);
    expect(t.output()).toEqual(['10', '30']);
  });

  test('at the end of time fire with the last watermark, and survive a checkpoint', () => {
    const t = testHarness(
      timed(
        (_event, { timers }) => timers.setEventTime(Infinity),
        () => ['end'],
      ),
    );
    t.push(at('a', 1)).checkpoint();
    t.crash().watermark(8e15);
    expect(t.output()).toEqual([]);
    t.end();
    expect(t.output()).toEqual(['end']);
  });

  test('without a function for them are set, fire and do nothing', () => {
    const t = testHarness(timed((_event, { timers }) => timers.setEventTime(10)));
    t.push(at('a', 1)).watermark(10);
    expect([t.timers(), t.stateSize()]).toEqual([0, 0]);
  });

  test.each([NaN, undefined, '5', 5n, new Date(5)])('a time of %s is refused', (time) => {
    const t = testHarness(timed((_event, { timers }) => timers.setEventTime(time as number)));
    expect(() => t.push(at('a', 1))).toThrow('TIMESTAMP_INVALID');
  });
});

describe('processing timers', () => {
  const delayed = timed(
    (event, { timers, now }) => {
      timers.setProcessingTime(now + event.at);
      if (event.text === 'delete') timers.deleteProcessingTime(now + event.at);
    },
    ({ domain, time }, { key, timestamp, now }) => [`${domain} ${key} ${time} ${timestamp} ${now}`],
  );

  test('fire when the clock reaches them, and what they emit carries no event time', () => {
    const t = testHarness(delayed, { start: 1000 });
    t.push(at('a', 20))
      .push(at('b', 10))
      .push(at('c', 5, 'delete'));
    t.advance(9);
    expect(t.output()).toEqual([]);
    t.advance(1);
    t.advance(50);
    expect(t.output()).toEqual([
      'processing b 1010 undefined 1010',
      'processing a 1020 undefined 1020',
    ]);
    expect(t.records()[0]?.timestamp).toBeUndefined();
  });

  test('are not moved by watermarks, and are dropped at the end of the input', () => {
    const t = testHarness(delayed);
    t.push(at('a', 20)).watermark(1_000_000);
    expect(t.output()).toEqual([]);
    t.end();
    expect(t.output()).toEqual([]);
  });

  test('missed during a crash fire at once', () => {
    const t = testHarness(delayed);
    t.push(at('a', 20)).checkpoint();
    t.restore().advance(100);
    expect(t.output()).toEqual(['processing a 20 undefined 20']);
  });

  test('and event timers of one time are two timers', () => {
    const t = testHarness(
      timed(
        (_event, { timers }) => {
          timers.setEventTime(10);
          timers.setProcessingTime(10);
          timers.deleteEventTime(10);
        },
        ({ domain }) => [domain],
      ),
    );
    t.push(at('a', 1)).watermark(10).advance(10);
    expect(t.output()).toEqual(['processing']);
  });
});

test('the context of one key is not that of another inside one call', () => {
  const source$ = new Subject<string>();
  const seen: string[] = [];
  source$
    .pipe(
      keyBy((text) => text),
      process({
        uid: 'outer',
        state: { count: valueState(0) },
        element(text, { key, state }) {
          state.count.set(state.count.get() + 1);
          if (text === 'a' && state.count.get() === 1) source$.next('b');
          return [`${key}${state.count.get()}`];
        },
      }),
    )
    .subscribe((text) => seen.push(text));
  source$.next('a');
  expect(seen).toEqual(['a1', 'b1']);
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
