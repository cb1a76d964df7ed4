import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  collect,
  count,
  countWindow,
  elements,
  eventTime,
  evictors,
  globalWindow,
  iterable,
  keyBy,
  map,
  memory,
  outputTag,
  pipeline,
  process,
  run,
  session,
  sliding,
  stream,
  sum,
  triggers,
  tumbling,
  unchecked,
  valueState,
  window,
  windowAll,
  type Pipeline,
  type WindowSpec,
} from '../index.js';
import { testHarness, verifyOperator } from '../testing/index.js';

interface Play {
  readonly key: string;
  readonly at: number;
}

describe('windowAll', () => {
  test('puts the elements of all keys into one window, and its result has no key', () => {
    const t = testHarness(all(tumbling({ size: 10 })));
    t.push(play('a', 1)).push(play('b', 2)).push(play('a', 12)).watermark(9);
    expect(t.records()).toEqual([
      { value: { window: { start: 0, end: 10 }, value: 2 }, timestamp: 9 },
    ]);
  });

  test.each([
    ['tumbling', tumbling({ size: 10 }), ['0-10: 2', '10-20: 1']],
    ['sliding', sliding({ size: 10, slide: 5 }), ['-5-5: 2', '0-10: 2', '5-15: 1', '10-20: 1']],
    ['session', session({ gap: 5 }), ['1-7: 2', '12-17: 1']],
    ['of processing time', tumbling({ size: 10, time: 'processing' }), ['0-10: 3']],
    ['count', countWindow({ size: 2 }), ['-Infinity-Infinity: 2']],
  ] as const)('takes windows of each kind: %s', (name, spec, expected) => {
    const p = pipeline('p', unchecked<Play>(), (plays) =>
      all(spec)(plays).pipe(map((result) => text(result))),
    );
    verifyOperator(p, {
      steps: [
        { push: play('a', 1) },
        { push: play('b', 2) },
        { push: play('a', 12) },
        { watermark: 30 },
        { advance: 30 },
      ],
      expect: expected,
      keysLeft: name === 'count' ? 1 : 0,
    });
  });

  test('takes triggers, evictors and a function, as window does', () => {
    const p = pipeline('p', unchecked<Play>(), (plays) =>
      stream(plays).pipe(
        windowAll(globalWindow(), elements<Play>(), {
          uid: 'w',
          trigger: triggers.count(2),
          evictor: evictors.count(3),
          keyState: { calls: valueState(0) },
          process(value, { window: { end }, keyState: { calls } }) {
            calls.set(calls.get() + 1);
            return [`${calls.get()} ${value.map(({ key }) => key).join('')} ${end}`];
          },
        }),
      ),
    );
    const t = testHarness(p);
    for (const key of 'abcdef') t.push(play(key, 0));
    expect(t.output()).toEqual(['1 ab Infinity', '2 bcd Infinity', '3 def Infinity']);
  });

  test('does not see the key of a keyed stream, and what it gives has none', () => {
    const p = pipeline('p', unchecked<Play>(), (plays) =>
      plays.pipe(
        eventTime({ timestamp: ({ at }) => at, outOfOrderness: '1d' }),
        keyBy(({ key }) => key),
        windowAll(tumbling({ size: 10 }), count(), { uid: 'w' }),
      ),
    );
    const t = testHarness(p);
    t.push(play('a', 1)).push(play('b', 2)).watermark(9);
    expect(t.output()).toEqual([{ window: { start: 0, end: 10 }, value: 2 }]);
    const unkeyed = of(1).pipe(
      keyBy((n) => n),
      windowAll(countWindow({ size: 1 }), count(), { uid: 'w' }),
    );
    expect(() => unkeyed.pipe(process({ uid: 'x', element: () => [1] }) as never)).toThrow(
      'KEY_MISSING',
    );
  });

  test('gives its function no key', () => {
    const keys: unknown[] = [];
    const look = (_value: number, { key }: { readonly key: undefined }): void =>
      void keys.push(key);
    for (const options of [{ process: look }, { process: look, trigger: triggers.eventTime() }]) {
      const t = testHarness(all(tumbling({ size: 10 }), options));
      t.push(play('a', 1)).watermark(9);
    }
    expect(keys).toEqual([undefined, undefined]);
  });

  test('what is late is counted, named and sent aside', () => {
    const late = outputTag<Play>('late');
    const t = testHarness(all(tumbling({ size: 10 }), { late }));
    t.watermark(9).push(play('a', 3)).push(play('b', 10));
    expect(t.side(late)).toEqual([play('a', 3)]);
    expect(t.counters()['w']).toMatchObject({ received: 2, accepted: 1, late: 1 });
  });

  test('counts per key put together give what one window over everything gives', () => {
    const spec = tumbling({ size: 10 });
    const p = pipeline('p', unchecked<Play>(), (plays) => {
      const timed = plays.pipe(eventTime({ timestamp: ({ at }) => at, outOfOrderness: '1d' }));
      const total = sum(({ value }: { readonly value: number }) => value);
      return {
        once: timed.pipe(windowAll(spec, count(), { uid: 'once' })),
        twice: timed.pipe(
          keyBy(({ key }) => key),
          window(spec, count(), { uid: 'per-key' }),
          windowAll(spec, total, { uid: 'twice' }),
        ),
      };
    });
    const t = testHarness(p);
    for (let at = 0; at < 40; at += 1) t.push(play(`k${at % 7}`, at));
    t.watermark(100);
    expect(t.output('twice')).toEqual(t.output('once'));
    expect(t.output('once').map(({ value }) => value)).toEqual([10, 10, 10, 10]);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('runs in one shard, whatever the parallelism', async () => {
    const out = collect<unknown>({ uid: 'out' });
    const plays = Array.from({ length: 50 }, (_, at) => play(`${at % 7}`, at));
    await run(all(tumbling({ size: 25 })), {
      from: iterable(plays),
      to: out,
      state: memory(),
      parallelism: 4,
    }).done;
    expect(out.values.map((result) => text(result as never))).toEqual(['0-25: 25', '25-50: 25']);
  });

  test('needs a uid, and event time where its windows go by it', () => {
    expect(() => windowAll(tumbling({ size: 1 }), count(), {} as never)).toThrow('UID_INVALID');
    expect(() => of(1).pipe(windowAll(tumbling({ size: 1 }), count(), { uid: 'w' }))).toThrow(
      /TIME_MISSING.*windowAll "w"/,
    );
    expect(() =>
      of(1).pipe(windowAll(countWindow({ size: 1 }), count(), { uid: 'w' })),
    ).not.toThrow();
  });

  test('what its function throws names the step and the position', () => {
    const broken = of(5).pipe(
      windowAll(countWindow({ size: 1 }), count(), {
        uid: 'broken',
        process: () => {
          throw new Error('deep');
        },
      }),
    );
    let error: unknown;
    broken.subscribe({ error: (cause) => (error = cause) });
    expect(String(error)).toMatch(/USER_FUNCTION_FAILED.*deep.*operator "broken".*element 1/);
  });
});

function all(
  spec: WindowSpec<Play>,
  options: object = {},
): Pipeline<Play, { readonly window: { start: number; end: number }; readonly value: number }> {
  return pipeline('p', unchecked<Play>(), (plays) =>
    plays.pipe(
      eventTime({ timestamp: ({ at }) => at, outOfOrderness: '1d' }),
      windowAll(spec, count(), { ...options, uid: 'w' }),
    ),
  );
}

function text({
  window: { start, end },
  value,
}: {
  readonly window: { readonly start: number; readonly end: number };
  readonly value: number;
}): string {
  return `${start}-${end}: ${value}`;
}

function play(key: string, at: number): Play {
  return { key, at };
}
