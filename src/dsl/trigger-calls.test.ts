import { describe, expect, test } from 'vitest';
import {
  count,
  defineTrigger,
  eventTime,
  keyBy,
  pipeline,
  sliding,
  triggers,
  tumbling,
  unchecked,
  window,
  type Pipeline,
  type Trigger,
  type TriggerContext,
  type WindowSpec,
} from '../index.js';
import { testHarness, type TestHarness } from '../testing/index.js';
import { checkResult } from './trigger-calls.js';

type Harness = TestHarness<{ input: number }, { output: { value: number } }>;
type Context = TriggerContext<undefined>;

const both = sliding({ size: 10, slide: 5 });

describe('timers of the windows of a key', () => {
  test('set twice at one time by one window are one, which fires once', () => {
    const fired: number[] = [];
    const t = harness(tumbling({ size: 10 }), {
      element(_n, context) {
        context.setEventTime(4);
        context.setEventTime(4);
        return 'continue';
      },
      eventTime(time) {
        fired.push(time);
        return 'continue';
      },
    });
    t.push(1).push(2);
    expect(t.timers()).toBe(2);
    t.watermark(8);
    expect([fired, t.timers()]).toEqual([[4], 1]);
  });

  test('set twice and deleted once are gone', () => {
    const t = harness(tumbling({ size: 10 }), {
      element(n, context) {
        if (n < 3) context.setProcessingTime(50);
        else context.deleteProcessingTime(50);
        return 'continue';
      },
    });
    t.push(1).push(2).push(3);
    expect(t.timers()).toBe(1);
  });

  test('at one time fire for each window that has set it, the earlier window first', () => {
    const fired: number[] = [];
    const t = harness(both, {
      element(_n, context) {
        context.setEventTime(7);
        return 'continue';
      },
      eventTime(time, { window: { start } }) {
        if (time === 7) fired.push(start);
        return 'continue';
      },
    });
    t.push(6).watermark(7);
    expect(fired).toEqual([0, 5]);
  });

  test('deleted by one window stay for another that waits for the same time', () => {
    const fired: number[] = [];
    const t = harness(both, {
      element(n, context) {
        if (n === 6) context.setEventTime(8);
        else if (context.window.start === 0) context.deleteEventTime(8);
        return 'continue';
      },
      eventTime(time, { window: { start } }) {
        if (time === 8) fired.push(start);
        return 'continue';
      },
    });
    t.push(6).push(7).watermark(8);
    expect(fired).toEqual([5]);
  });

  test('deleted by the last window that waits are gone', () => {
    const t = harness(tumbling({ size: 10 }), {
      element(n, context) {
        if (n === 1) context.setProcessingTime(50);
        else context.deleteProcessingTime(50);
        return 'continue';
      },
    });
    expect(t.push(1).timers()).toBe(2);
    expect(t.push(2).timers()).toBe(1);
  });

  test('that nobody has set can be deleted without harm', () => {
    const t = harness(both, {
      element(_n, context) {
        context.deleteEventTime(3);
        context.deleteProcessingTime(3);
        return 'continue';
      },
    });
    expect(t.push(6).timers()).toBe(2);
  });

  test('of event time and of the clock are apart', () => {
    const fired: string[] = [];
    const t = harness(tumbling({ size: 10 }), {
      element(_n, context) {
        context.setEventTime(5);
        context.setProcessingTime(5);
        context.deleteEventTime(5);
        return 'continue';
      },
      eventTime: (time) => (time === 5 ? (fired.push('event'), 'continue') : 'continue'),
      processingTime: () => (fired.push('processing'), 'continue'),
    });
    t.push(1).watermark(6).advance(6);
    expect(fired).toEqual(['processing']);
  });

  test('go with their window, both kinds, and those of other windows stay', () => {
    const t = harness(both, {
      element(_n, context) {
        context.setProcessingTime(100);
        context.setEventTime(1_000);
        return 'continue';
      },
    });
    t.push(6);
    // Two clean-ups, one time that both windows wait for in event time, and one by the clock.
    expect(t.timers()).toBe(4);
    expect(t.watermark(9).timers()).toBe(3);
    expect(t.watermark(14).timers()).toBe(0);
    expect(t.stateSize()).toBe(0);
  });

  test('set behind the watermark fire with its next step, behind the clock with its next tick', () => {
    const fired: string[] = [];
    const t = harness(tumbling({ size: 100 }), {
      element(_n, context) {
        context.setEventTime(10);
        context.setProcessingTime(10);
        return 'continue';
      },
      eventTime: (time) => (fired.push(`event ${time}`), 'continue'),
      processingTime: (time) => (fired.push(`clock ${time}`), 'continue'),
    });
    t.watermark(50).advance(50).push(60);
    expect(fired).toEqual([]);
    t.watermark(51).advance(0);
    expect(fired.toSorted()).toEqual(['clock 10', 'event 10']);
  });

  test('are there again after a crash, and fire once', () => {
    const fired: number[] = [];
    const t = harness(both, {
      element(_n, context) {
        context.setProcessingTime(30);
        return 'continue';
      },
      processingTime(time, { window: { start } }) {
        fired.push(time, start);
        return 'continue';
      },
    });
    t.push(6).checkpoint();
    t.restore().advance(30).checkpoint();
    t.crash().advance(30);
    expect(fired).toEqual([30, 0, 30, 5]);
    expect([t.watermark(14).stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test.each([NaN, undefined, '5', null])('cannot be set at %s', (time) => {
    for (const name of ['setEventTime', 'setProcessingTime'] as const) {
      const t = harness(both, {
        element(_n, context) {
          context[name](time as never);
          return 'continue';
        },
      });
      expect(() => t.push(6)).toThrow(/TIMESTAMP_INVALID.*timer.*operator "w", key "k"/);
    }
  });
});

describe('the clean-up of a window', () => {
  test.each([
    ['of event time', tumbling({ size: 10 }), triggers.eventTime()],
    ['of the clock', tumbling({ size: 100, time: 'processing' }), triggers.processingTime()],
  ] as const)('outlives a time-out that clears the trigger inside: %s', (_name, spec, inner) => {
    const t = testHarness(windowed(spec, triggers.timeout(inner, { after: 50 })));
    t.push(1).advance(50);
    expect(t.output().map(({ value }) => value)).toEqual([1]);
    t.watermark(9).advance(50);
    // As in Flink the trigger does not hear of the time that it has deleted.
    expect(t.output().map(({ value }) => value)).toEqual([1]);
    expect([t.stateSize(), t.timers()]).toEqual([0, 0]);
  });

  test('outlives a trigger that deletes its time, at whichever call', () => {
    for (const part of ['element', 'eventTime', 'processingTime'] as const) {
      const t = harness(tumbling({ size: 10 }), {
        element(_n, context) {
          context.setEventTime(5);
          context.setProcessingTime(5);
          if (part === 'element') context.deleteEventTime(context.maxTimestamp);
          return 'continue';
        },
        [part === 'element' ? 'create' : part]: (_time: number, context: Context) => {
          context?.deleteEventTime(context.maxTimestamp);
          return part === 'element' ? undefined : 'continue';
        },
      });
      t.push(1).push(2).watermark(5).advance(5).checkpoint();
      t.crash().watermark(9);
      expect([part, t.stateSize(), t.timers()]).toEqual([part, 0, 0]);
    }
  });

  test('calls the trigger again once that has set the time anew', () => {
    const fired: number[] = [];
    const t = harness(tumbling({ size: 10 }), {
      element(_n, context) {
        context.setProcessingTime(5);
        context.setProcessingTime(10);
        return 'continue';
      },
      processingTime(time, context) {
        if (time === 5) context.deleteEventTime(9);
        else context.setEventTime(9);
        return 'continue';
      },
      eventTime(time) {
        fired.push(time);
        return 'fire';
      },
    });
    t.push(1).advance(5).advance(5).watermark(9);
    expect([fired, t.output().length]).toEqual([[9], 1]);
  });
});

describe('checkResult', () => {
  test.each(['continue', 'fire', 'purge', 'fireAndPurge'])('takes %s', (result) => {
    expect(checkResult(result, 'mine')).toBe(result);
  });

  test.each([undefined, null, '', 'FIRE', 0, true, ['fire']])('refuses %j', (result) => {
    expect(() => checkResult(result, 'mine')).toThrow(
      /USER_FUNCTION_FAILED.*'continue', 'fire', 'purge' or 'fireAndPurge'.*trigger "mine"/,
    );
  });

  test('refuses a promise as such', () => {
    expect(() => checkResult(Promise.resolve('fire'), 'mine')).toThrow(
      /USER_FUNCTION_ASYNC.*trigger "mine"/,
    );
  });
});

type Parts = Partial<Omit<Trigger<number, undefined>, 'name'>>;

/** A window under a trigger of these parts. */
function harness(spec: WindowSpec<number>, parts: Parts): Harness {
  return testHarness(windowed(spec, defineTrigger<number>({ name: 'mine', ...parts }))) as never;
}

function windowed<State>(
  spec: WindowSpec<number>,
  trigger: Trigger<number, State>,
): Pipeline<number, { readonly value: number }> {
  return pipeline('p', unchecked<number>(), (n$) =>
    n$.pipe(
      eventTime({ timestamp: (n) => n, outOfOrderness: '1d' }),
      keyBy(() => 'k'),
      window(spec, count(), { uid: 'w', trigger }),
    ),
  );
}
