import { describe, expect, test } from 'vitest';
import {
  count,
  countWindow,
  defineTrigger,
  elements,
  eventTime,
  globalWindow,
  keyBy,
  map,
  outputTag,
  pipeline,
  process,
  session,
  sliding,
  stream,
  triggers,
  tumbling,
  unchecked,
  window,
  type WindowResult,
  type WindowSpec,
} from '../index.js';
import { testHarness, verifyOperator, type TestHarness } from '../testing/index.js';

type Harness = TestHarness<{ input: number }, { output: WindowResult<string, number[]> }>;

const late = outputTag<number>('late');

describe('windows of so many elements', () => {
  const counted = (size: number, slide?: number): string[] => {
    const t = harness(countWindow({ size, ...(slide === undefined ? {} : { slide }) }));
    for (let n = 1; n <= 8; n += 1) t.push(n);
    return values(t);
  };

  test('side by side fire when they are full, and forget', () => {
    expect(counted(3)).toEqual(['1 2 3', '4 5 6']);
  });

  test('with a slide fire every so many elements on the last of them, from the first slide on', () => {
    expect(counted(3, 2)).toEqual(['1 2', '2 3 4', '4 5 6', '6 7 8']);
  });

  test('with gaps leave out what lies between two of them', () => {
    expect(counted(2, 3)).toEqual(['2 3', '5 6']);
  });

  test('go by the elements of a key, in arrival order, whatever their times', () => {
    const t = harness(countWindow({ size: 2 }), { key: (n) => (n > 10 ? 'b' : 'a') });
    for (const n of [5, 20, 3, 1, 12]) t.push(n);
    expect(results(t)).toEqual(['a [-Infinity,Infinity) 5 3', 'b [-Infinity,Infinity) 20 12']);
    expect(t.records().map(({ timestamp }) => timestamp)).toEqual([Infinity, Infinity]);
  });

  test('keep nothing of a key whose last window is full', () => {
    const t = harness(countWindow({ size: 2 }));
    t.push(1).push(2);
    expect(t.stateSize()).toBe(0);
    t.push(3);
    expect([t.stateSize(), t.timers()]).toEqual([1, 0]);
  });

  test('give the same after any crash', () => {
    for (const spec of [countWindow({ size: 3 }), countWindow({ size: 3, slide: 2 })]) {
      const expected = spec.slide === 3 ? ['1 2 3', '4 5 6'] : ['1 2', '2 3 4', '4 5 6'];
      verifyOperator(texts(spec), {
        steps: [1, 2, 3, 4, 5, 6].map((push) => ({ push })),
        expect: expected,
        keysLeft: spec.slide === 3 ? 0 : 1,
      });
    }
  });
});

describe('the global window', () => {
  test('never says anything by itself, not even at the end of the input', () => {
    const t = harness(globalWindow(), { unbounded: true });
    t.push(1).end();
    expect([t.output(), t.stateSize()]).toEqual([[], 1]);
  });

  test('takes elements without event time', () => {
    const t = testHarness(
      pipeline('p', unchecked<number>(), (n$) =>
        stream(n$).pipe(
          keyBy(() => 'k'),
          window(globalWindow(), count(), { uid: 'w', trigger: triggers.count(2) }),
        ),
      ),
    );
    t.push(1).push(2);
    expect(t.output().map(({ value }) => value)).toEqual([2]);
  });

  test('keeps what it has said, until it is purged', () => {
    const kept = harness(globalWindow(), { trigger: triggers.count(2) });
    const purged = harness(globalWindow(), { trigger: triggers.purging(triggers.count(2)) });
    for (let n = 1; n <= 4; n += 1) [kept, purged].map((t) => t.push(n));
    expect([values(kept), values(purged)]).toEqual([
      ['1 2', '1 2 3 4'],
      ['1 2', '3 4'],
    ]);
    expect([kept.stateSize(), purged.stateSize()]).toEqual([1, 0]);
  });

  test('that is empty stays while its trigger remembers something or waits', () => {
    const remembers = defineTrigger<number, number>({
      name: 'remembers',
      create: () => 0,
      element(_n, context) {
        context.state += 1;
        if (context.state < 3) return 'purge';
        context.state = 0;
        return 'fireAndPurge';
      },
    });
    const t = harness(globalWindow(), { trigger: remembers });
    t.push(1).push(2);
    expect(t.stateSize()).toBe(1);
    t.push(3);
    expect([values(t), t.stateSize()]).toEqual([['3'], 0]);

    const waits = defineTrigger<number>({
      name: 'waits',
      element(_n, context) {
        context.setProcessingTime(50);
        return 'purge';
      },
    });
    const u = harness(globalWindow(), { trigger: waits });
    u.push(1);
    expect([u.stateSize(), u.timers()]).toEqual([1, 1]);
    u.advance(50);
    expect([u.stateSize(), u.timers()]).toEqual([0, 0]);
  });
});

describe('windows of processing time', () => {
  test('go by the clock at arrival, not by the timestamp', () => {
    const t = harness(tumbling({ size: 10, time: 'processing' }));
    t.push(1_000).advance(8).push(5).advance(2).push(7).advance(8);
    expect(results(t)).toEqual(['k [0,10) 1000 5']);
    t.advance(1);
    expect(results(t).slice(1)).toEqual(['k [10,20) 7']);
    expect(t.records().map(({ timestamp }) => timestamp)).toEqual([9, 19]);
  });

  test('fire when the clock reaches their last millisecond, also for what comes in it', () => {
    const t = harness(tumbling({ size: 10, time: 'processing' }));
    t.push(1).advance(8);
    expect(values(t)).toEqual([]);
    t.advance(1);
    expect(values(t)).toEqual(['1']);
    t.push(2).advance(0).advance(1);
    expect(results(t).slice(1)).toEqual(['k [0,10) 2']);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('nothing is late for them, however far the watermark is', () => {
    const t = harness(tumbling({ size: 10, time: 'processing' }));
    t.watermark(5_000).push(1).advance(10);
    expect([values(t), t.late()]).toEqual([['1'], []]);
    expect(t.counters()['w']).toMatchObject({ received: 1, accepted: 1, late: 0, filtered: 0 });
  });

  test('do not fire at the end of the input', () => {
    const t = harness(tumbling({ size: 10, time: 'processing' }));
    t.push(1).end();
    expect(values(t)).toEqual([]);
  });

  test('overlap when they slide, and leave gaps when they slide further than they are long', () => {
    const t = harness(sliding({ size: 10, slide: 5, time: 'processing' }));
    t.advance(7).push(1).advance(20);
    expect(results(t)).toEqual(['k [0,10) 1', 'k [5,15) 1']);
    const u = harness(sliding({ size: 2, slide: 5, time: 'processing' }));
    u.push(1).advance(3).push(2).advance(20);
    expect(results(u)).toEqual(['k [0,2) 1']);
    expect(u.counters()['w']).toMatchObject({ received: 2, accepted: 1, filtered: 1, late: 0 });
  });

  test('are shifted by their offset', () => {
    const t = harness(tumbling({ size: 10, offset: 3, time: 'processing' }));
    t.push(1).advance(3).push(2).advance(20);
    expect(results(t)).toEqual(['k [-7,3) 1', 'k [3,13) 2']);
  });

  test('of sessions end when nothing has come for so long', () => {
    const t = harness(session({ gap: 10, time: 'processing' }));
    t.push(1).advance(8).push(2).advance(9).push(3).advance(30);
    expect(results(t)).toEqual(['k [0,18) 1 2', 'k [17,27) 3']);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('give the same after any crash, and leave nothing', () => {
    verifyOperator(texts(sliding({ size: 10, slide: 5, time: 'processing' })), {
      steps: [
        { push: 1 },
        { advance: 6 },
        { push: 2 },
        { push: 3 },
        { advance: 3 },
        { advance: 9 },
      ],
      expect: ['1', '1 2 3', '2 3'],
    });
  });
});

describe('a window that has fired', () => {
  const spec = tumbling({ size: 10 });

  test('says all of it again for each late element', () => {
    const t = harness(spec, { allowedLateness: 10, trigger: triggers.eventTime() });
    t.push(1).push(2).watermark(9).push(3).push(4);
    expect(values(t)).toEqual(['1 2', '1 2 3', '1 2 3 4']);
  });

  test('and been purged says only what is new, and stays to its clean-up', () => {
    const t = harness(spec, {
      allowedLateness: 10,
      trigger: triggers.purging(triggers.eventTime()),
    });
    t.push(1).push(2).watermark(9);
    expect(t.stateSize()).toBe(1);
    t.push(3).push(4).watermark(18);
    expect(t.stateSize()).toBe(1);
    t.watermark(19);
    expect([values(t), t.stateSize(), t.timers()]).toEqual([['1 2', '3', '4'], 0, 0]);
  });

  test('is purged without a word by a trigger that says so, and silent at its end', () => {
    const drops = defineTrigger<number>({
      name: 'drops',
      element(n, context) {
        context.setEventTime(context.maxTimestamp);
        return n === 5 ? 'purge' : 'continue';
      },
      eventTime: () => 'fire',
    });
    const t = harness(spec, { trigger: drops });
    t.push(1).push(5).push(15).push(11).watermark(9);
    expect(values(t)).toEqual([]);
    t.push(12).watermark(19);
    expect([values(t), t.stateSize(), t.timers()]).toEqual([['15 11 12'], 0, 0]);
  });

  test('never, goes without a word at its end', () => {
    const t = harness(spec, { trigger: triggers.never() });
    t.push(1).watermark(8);
    expect(t.stateSize()).toBe(1);
    t.watermark(9);
    expect([values(t), t.stateSize(), t.timers()]).toEqual([[], 0, 0]);
  });
});

describe('too late an element', () => {
  const slides = sliding({ size: 10, slide: 5 });
  const trigger = triggers.eventTime();

  test('for all of its windows is counted, named and sent aside; for some it counts in the others', () => {
    const t = harness(slides, { trigger, late, allowedLateness: 2 });
    t.push(7).watermark(11).push(8);
    expect(results(t)).toEqual(['k [0,10) 7']);
    t.watermark(16).push(9);
    expect(t.side(late)).toEqual([9]);
    expect(t.late()).toMatchObject([{ operator: 'w', timestamp: 9, watermark: 16, key: 'k' }]);
    expect(t.counters()['w']).toMatchObject({ received: 3, accepted: 2, late: 1, filtered: 0 });
    expect(results(t).slice(1)).toEqual(['k [5,15) 7 8']);
  });

  test('is so from the watermark end - 1 + lateness on', () => {
    const at = (watermark: number): number[] => {
      const t = harness(tumbling({ size: 10 }), { trigger, late, allowedLateness: 5 });
      return t.watermark(watermark).push(3).side(late);
    };
    expect([at(13), at(14)]).toEqual([[], [3]]);
  });

  test('between two windows is filtered, or late where an element of a window would be', () => {
    const t = harness(sliding({ size: 2, slide: 10 }), { trigger, late, allowedLateness: 5 });
    t.watermark(8).push(4).push(3);
    expect(t.side(late)).toEqual([3]);
    expect(t.counters()['w']).toMatchObject({ received: 2, accepted: 0, late: 1, filtered: 1 });
  });

  test('leaves no state, and never comes where lateness has no end', () => {
    const t = harness(slides, { trigger });
    expect(t.watermark(100).push(7).stateSize()).toBe(0);
    const u = harness(slides, { late, allowedLateness: Infinity, unbounded: true });
    u.watermark(1_000_000).push(7);
    expect([results(u), u.side(late)]).toEqual([['k [5,15) 7', 'k [0,10) 7'], []]);
    expect([u.stateSize(), u.timers()]).toEqual([1, 0]);
  });

  test('without end of lateness a purged window is dropped at once', () => {
    const t = harness(tumbling({ size: 10 }), {
      allowedLateness: Infinity,
      unbounded: true,
      trigger: triggers.purging(triggers.count(2)),
    });
    for (const n of [1, 2, 11, 12, 3]) t.push(n);
    expect([values(t), t.state('w', 'k')]).toEqual([['1 2', '11 12'], expect.anything()]);
    expect(t.push(4).stateSize()).toBe(0);
  });
});

describe('an element without event time', () => {
  test('is a dead letter of windows of event time, and the others go on', () => {
    const p = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: (n) => n, outOfOrderness: '1d' }),
        keyBy(() => 'k'),
        process({
          uid: 'delay',
          element: (n: number, { timers }) => {
            timers.setProcessingTime(10);
            return [n];
          },
          timer: () => [-1],
        }),
        keyBy(() => 'k'),
        window(tumbling({ size: 10 }), elements<number>(), {
          uid: 'w',
          trigger: triggers.eventTime(),
        }),
        map(({ value }) => value.join(' ')),
      ),
    );
    const t = testHarness(p, { onFailure: 'collect' });
    t.push(1).advance(10).push(2).watermark(9);
    expect(t.output()).toEqual(['1 2']);
    expect(t.dead()).toMatchObject([
      { operator: 'w', reason: expect.stringContaining('TIMESTAMP_INVALID') },
    ]);
    expect(t.counters()['w']).toMatchObject({ received: 3, accepted: 2, dead: 1 });
  });
});

describe('why', () => {
  test('names the watermark that the first window waits for, or the clock', () => {
    const t = harness(tumbling({ size: 10 }), { trigger: triggers.eventTime() });
    t.push(12).push(3);
    expect(t.why().steps[0]).toMatchObject({ name: 'w', kind: 'window', waiting: 2, needs: 9 });
    const u = harness(tumbling({ size: 10, time: 'processing' }));
    u.push(12).advance(4);
    expect(u.why().steps[0]).toMatchObject({ name: 'w', clockTimers: 1, clockDueInMs: 5 });
  });
});

interface Chosen {
  readonly trigger?: unknown;
  readonly key?: (n: number) => string;
  readonly [option: string]: unknown;
}

function harness(spec: WindowSpec<number>, { key = () => 'k', ...options }: Chosen = {}): Harness {
  return testHarness(
    pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: (n) => n, outOfOrderness: '1d', allowNegative: true }),
        keyBy(key),
        window(spec, elements<number>(), { ...(options as object), uid: 'w' }),
      ),
    ),
  );
}

/** The results as text, for cases that are run five ways. */
function texts(spec: WindowSpec<number>): Parameters<typeof verifyOperator<number, string>>[0] {
  return pipeline('p', unchecked<number>(), (n$) =>
    n$.pipe(
      eventTime({ timestamp: (n) => n, outOfOrderness: '1d', allowNegative: true }),
      keyBy(() => 'k'),
      window(spec, elements<number>(), { uid: 'w' }),
      map(({ value }) => value.join(' ')),
    ),
  );
}

function results(t: Harness): string[] {
  return t
    .output()
    .map(({ key, window: { start, end }, value }) => `${key} [${start},${end}) ${value.join(' ')}`);
}

function values(t: Harness): string[] {
  return t.output().map(({ value }) => value.join(' '));
}
