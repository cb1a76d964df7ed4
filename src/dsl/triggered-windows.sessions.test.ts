import { describe, expect, test } from 'vitest';
import {
  defineTrigger,
  elements,
  eventTime,
  evictors,
  keyBy,
  map,
  outputTag,
  pipeline,
  session,
  triggers,
  unchecked,
  window,
  type WindowResult,
} from '../index.js';
import { testHarness, verifyOperator, type TestHarness } from '../testing/index.js';

type Harness = TestHarness<{ input: number }, { output: WindowResult<string, number[]> }>;

const late = outputTag<number>('late');
const spec = session({ gap: 10 });

describe('sessions', () => {
  test('grow with each element that comes before their end, or at it', () => {
    const t = harness();
    t.push(0).push(10).push(20).push(31).watermark(40);
    expect(results(t)).toEqual(['[0,30) 0 10 20', '[31,41) 31']);
  });

  test('become one through an element between them, those with the earlier start first', () => {
    const t = harness();
    t.push(20).push(0).push(10);
    expect(results(t.watermark(100))).toEqual(['[0,30) 0 20 10']);
    const u = harness();
    u.push(20).push(0).push(11);
    expect(results(u.watermark(100))).toEqual(['[0,10) 0', '[11,30) 20 11']);
    const v = harness();
    v.push(20).push(0).push(9);
    expect(results(v.watermark(100))).toEqual(['[0,19) 0 9', '[20,30) 20']);
  });

  test('of one key are not those of another', () => {
    const t = harness({ key: (n) => `k${n % 2}` });
    t.push(1).push(2).push(3).watermark(100);
    expect(t.output().map(({ key, value }) => `${key}: ${value.join(' ')}`)).toEqual([
      'k0: 2',
      'k1: 1 3',
    ]);
  });

  test('say at once what a late element makes of them, while their lateness lasts', () => {
    const t = harness({ allowedLateness: 20 });
    t.push(0).watermark(9).push(5).watermark(33);
    expect(results(t)).toEqual(['[0,10) 0', '[0,15) 0 5']);
    t.push(3).watermark(34).push(4);
    expect(results(t).slice(2)).toEqual(['[0,15) 0 5 3']);
    expect(t.side(late)).toEqual([4]);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('two that have fired become one, which fires with all of it', () => {
    const t = harness({ allowedLateness: 50 });
    t.push(0).push(15).watermark(30).push(8);
    expect(results(t)).toEqual(['[0,10) 0', '[15,25) 15', '[0,25) 0 15 8']);
    expect([t.watermark(74).stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('take an element whose own window is over by way of a live one', () => {
    const t = harness();
    t.push(15).watermark(20).push(6);
    expect(t.late()).toEqual([]);
    expect(results(t.watermark(100))).toEqual(['[6,25) 15 6']);
  });

  test('do not take one that only meets what has gone', () => {
    const t = harness();
    t.push(0).watermark(9).push(5);
    expect(results(t)).toEqual(['[0,10) 0']);
    t.watermark(14).push(4);
    expect(t.side(late)).toEqual([4]);
    expect(t.counters()['w']).toMatchObject({ received: 3, accepted: 2, late: 1 });
  });

  test('with a gap of their own per element end when the latest gap is over', () => {
    const t = harness({ spec: session<number>({ gap: (n) => (n === 1 ? 100 : 10) }) });
    t.push(1).push(50).push(200).watermark(109);
    expect(results(t)).toEqual(['[1,101) 1 50']);
  });

  test('of lateness without end are kept, and still become one', () => {
    const t = harness({ allowedLateness: Infinity, unbounded: true });
    t.push(0).push(20).watermark(1_000).push(10);
    expect(results(t)).toEqual(['[0,10) 0', '[20,30) 20', '[0,30) 0 20 10']);
    expect([t.stateSize(), t.timers()]).toEqual([1, 0]);
  });

  test('give the same after any crash, and leave nothing', () => {
    verifyOperator(texts({ trigger: triggers.eventTime(), allowedLateness: 20 }), {
      steps: [
        ...[20, 0, 10, 45, 60].map((push) => ({ push })),
        { watermark: 30 },
        { push: 25 },
        { watermark: 69 },
        { push: 52 },
        { end: true },
      ],
      expect: ['0 20 10', '0 20 10 25', '45', '60', '45 60 52'],
    });
  });
});

describe('a trigger on sessions', () => {
  test('counts on where they become one', () => {
    const t = harness({ trigger: triggers.count(4) });
    t.push(0).push(1).push(30).push(15);
    expect(results(t)).toEqual([]);
    t.push(5);
    expect(results(t)).toEqual(['[0,25) 0 1 15 5']);
    const u = harness({ trigger: triggers.purging(triggers.count(4)) });
    u.push(0).push(20).push(21).push(10);
    expect(results(u)).toEqual(['[0,31) 0 20 21 10']);
    expect([u.watermark(30).stateSize(), u.timers()]).toEqual([0, 0]);
  });

  test('that purges leaves the rest of the session to be said on its own', () => {
    const t = harness({ trigger: triggers.purging(triggers.eventTime()), allowedLateness: 30 });
    t.push(0).push(15).watermark(30).push(8).push(9);
    expect(results(t)).toEqual(['[0,10) 0', '[15,25) 15', '[0,25) 8', '[0,25) 9']);
    expect([t.watermark(54).stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('hears of a merge: what the old sessions remembered, with a state and timers afresh', () => {
    const heard: unknown[] = [];
    const trigger = defineTrigger<number, string[]>({
      name: 'mine',
      create: () => ['new'],
      element(n, context) {
        context.state = [...context.state, `${n}`];
        context.setEventTime(context.maxTimestamp);
        context.setProcessingTime(500 + n);
        return 'continue';
      },
      eventTime: () => 'fire',
      processingTime: (time) => {
        heard.push(time);
        return 'continue';
      },
      merge(context, merged) {
        heard.push({ window: context.window, state: context.state, merged: [...merged] });
        context.state = merged.flat();
        context.setProcessingTime(600);
      },
      clear(context) {
        heard.push(['clear', context.window.start]);
      },
    });
    const t = harness({ trigger });
    t.push(20).push(0);
    expect(t.timers()).toBe(4);
    t.push(10);
    expect(heard).toEqual([
      {
        window: { start: 0, end: 30 },
        state: ['new'],
        merged: [
          ['new', '0'],
          ['new', '20'],
        ],
      },
      ['clear', 0],
      ['clear', 20],
    ]);
    heard.length = 0;
    t.checkpoint();
    t.crash().advance(700);
    expect(heard).toEqual([510, 600]);
    t.watermark(29);
    expect(results(t)).toEqual(['[0,30) 0 20 10']);
    expect(heard.at(-1)).toEqual(['clear', 0]);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('does not hear of an element that lies inside of its session', () => {
    let merges = 0;
    const trigger = { ...triggers.eventTime(), merge: () => void (merges += 1) };
    const t = harness({ trigger, spec: session<number>({ gap: (n) => (n === 0 ? 30 : 5) }) });
    t.push(0).push(10).push(25);
    expect(merges).toBe(0);
    t.push(26);
    expect(merges).toBe(1);
  });

  test('what it throws in `merge` is named by operator and key', () => {
    const trigger = {
      ...triggers.eventTime(),
      merge() {
        throw new Error('deep');
      },
    };
    const t = harness({ trigger });
    expect(() => t.push(0).push(5)).toThrow(/USER_FUNCTION_FAILED.*deep.*operator "w", key "k"/);
  });
});

describe('an evictor on sessions', () => {
  test('sees the elements of all that have become one', () => {
    const t = harness({ evictor: evictors.count(3) });
    t.push(20).push(0).push(1).push(10).watermark(100);
    expect(results(t)).toEqual(['[0,30) 1 20 10']);
  });

  test('has thrown out for good what a merge brings together', () => {
    const t = harness({ evictor: evictors.count(1, { after: true }), allowedLateness: 100 });
    t.push(0).push(1).push(20).push(21).watermark(50).push(10);
    expect(results(t)).toEqual(['[0,11) 0 1', '[20,31) 20 21', '[0,31) 1 21 10']);
    expect([t.watermark(130).stateSize(), t.timers()]).toEqual([0, 0]);
  });
});

interface Chosen {
  readonly spec?: ReturnType<typeof session<number>>;
  readonly key?: (n: number) => string;
  readonly [option: string]: unknown;
}

/** Sessions in the operator that can do everything. */
function harness({ spec: chosen = spec, key = () => 'k', ...options }: Chosen = {}): Harness {
  return testHarness(
    pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: (n) => n, outOfOrderness: '1d', allowNegative: true }),
        keyBy(key),
        window(chosen, elements<number>(), {
          trigger: triggers.eventTime(),
          late,
          ...(options as object),
          uid: 'w',
        }),
      ),
    ),
  );
}

/** For cases that are run five ways. */
function texts(options: object): Parameters<typeof verifyOperator<number, string>>[0] {
  return pipeline('p', unchecked<number>(), (n$) =>
    n$.pipe(
      eventTime({ timestamp: (n) => n, outOfOrderness: '1d', allowNegative: true }),
      keyBy(() => 'k'),
      window(spec, elements<number>(), { ...options, uid: 'w' }),
      map(({ value }) => value.join(' ')),
    ),
  );
}

function results(t: Harness): string[] {
  return t
    .output()
    .map(({ window: { start, end }, value }) => `[${start},${end}) ${value.join(' ')}`);
}
