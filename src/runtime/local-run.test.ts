import { describe, expect, test } from 'vitest';
import {
  eventTime,
  keyBy,
  map,
  pipeline,
  process,
  unchecked,
  type PipelineDefinition,
} from '../index.js';
import { VirtualClock } from '../testing/index.js';
import { LocalRun, type LocalRunOptions } from './local-run.js';

const doubled = pipeline('doubled', unchecked<number>(), (n$) => n$.pipe(map((n) => n * 2)));

const delayed = pipeline('delayed', unchecked<number>(), (n$) =>
  n$.pipe(
    eventTime({ timestamp: (n) => n, every: 0, idleness: '1s' }),
    keyBy(() => 'k'),
    process({
      uid: 'x',
      element(n: number, { timers, now }) {
        if (n < 0) throw new Error('negative');
        timers.setProcessingTime(now + n);
      },
      timer({ time }) {
        if (time === 666) throw new Error('timer');
        return [`timer ${time}`];
      },
    }),
  ),
);

describe('next', () => {
  test('runs through to the outputs before it returns', () => {
    const { run, emitted } = start(doubled);
    run.next(0, 1);
    expect(emitted).toEqual([2]);
  });

  test('from inside a step is queued, first in, first out', () => {
    const { run, emitted, onEmit } = start(doubled);
    onEmit((value) => {
      if (value === 2) for (const n of [10, 20]) run.next(0, n);
      if (value === 20) run.next(0, 30);
    });
    run.next(0, 1);
    expect(emitted).toEqual([2, 20, 40, 60]);
  });

  test('from inside a step has a bound, and what was queued is dropped with the failure', () => {
    const { run, onEmit, emitted } = start(doubled);
    onEmit((value) => {
      if (value === 2) for (let n = 0; n <= 65_536; n += 1) run.next(0, 5);
    });
    expect(() => run.next(0, 1)).toThrow(/REENTRY_OVERFLOW.*at most 65536/);
    expect(emitted).toEqual([2]);
    run.next(0, 3);
    expect(emitted).toEqual([2, 6]);
  });

  test('up to the bound is taken', () => {
    const { run, onEmit, emitted } = start(doubled);
    onEmit((value) => {
      if (value === 2) for (let n = 0; n < 65_536; n += 1) run.next(0, 5);
    });
    run.next(0, 1);
    expect(emitted.length).toBe(65_537);
  });

  test('after close does nothing', () => {
    const { run, emitted } = start(doubled);
    run.close();
    run.close();
    run.next(0, 1);
    run.signal(0, { kind: 'end' });
    expect(emitted).toEqual([]);
  });

  test('close from inside a step drops what was queued', () => {
    const { run, onEmit, emitted } = start(doubled);
    onEmit(() => {
      run.next(0, 7);
      run.close();
    });
    run.next(0, 1);
    expect(emitted).toEqual([2]);
  });

  test('that fails leaves the run usable', () => {
    const { run, emitted, clock } = start(delayed);
    expect(() => run.next(0, -1)).toThrow();
    run.next(0, 5);
    clock.moveTo(5);
    expect(emitted).toEqual(['timer 5']);
  });
});

describe('the clock', () => {
  test('has one timer for the whole run, at whatever comes first', () => {
    const { run, clock, emitted } = start(delayed);
    run.next(0, 500);
    run.next(0, 300);
    expect(clock.next()).toBe(300);
    clock.moveTo(300);
    expect(emitted).toEqual(['timer 300']);
    expect(clock.next()).toBe(500);
    clock.moveTo(500);
    expect(emitted).toEqual(['timer 300', 'timer 500']);
  });

  test('wakes the run for idleness, and is left alone when nothing is awaited', () => {
    const { run, clock } = start(delayed);
    run.next(0, 5);
    clock.moveTo(2000);
    expect(clock.next()).toBe(Infinity);
    run.next(0, 5000);
    expect(clock.next()).toBe(3000);
  });

  test('is set from the start: a split that gets nothing at all becomes idle too', () => {
    const { clock, run } = start(delayed);
    expect(clock.next()).toBe(1000);
    clock.moveTo(1000);
    expect(clock.next()).toBe(Infinity);
    run.close();
  });

  test('is let go by close', () => {
    const { run, clock, emitted } = start(delayed);
    run.next(0, 5);
    run.close();
    expect(clock.next()).toBe(Infinity);
    clock.moveTo(1e6);
    expect(emitted).toEqual([]);
  });

  test('reports a timer that failed to the one who started the run', () => {
    const { run, clock, failures } = start(delayed);
    run.next(0, 666);
    clock.moveTo(666);
    expect(failures).toMatchObject([{ operator: 'x', key: 'k', timestamp: 666 }]);
  });

  test('is not asked for by a pipeline without processing time or idleness', () => {
    const { run, clock } = start(doubled);
    run.next(0, 1);
    expect(clock.next()).toBe(Infinity);
  });
});

test('a chunk gives what its elements give one by one', () => {
  const one = start(doubled);
  const whole = start(doubled);
  for (const n of [1, 2, 3]) one.run.next(0, n);
  whole.run.nextChunk(0, [1, 2, 3]);
  expect(whole.emitted).toEqual(one.emitted);
  expect(whole.run.position).toEqual(one.run.position);
});

interface Started {
  readonly run: LocalRun;
  readonly clock: VirtualClock;
  readonly emitted: unknown[];
  readonly failures: unknown[];
  onEmit(listener: (value: unknown) => void): void;
}

function start(definition: Pick<PipelineDefinition<unknown, unknown>, 'outputs'>): Started {
  const clock = new VirtualClock();
  const emitted: unknown[] = [];
  const failures: unknown[] = [];
  let listen: (value: unknown) => void = () => undefined;
  const options: LocalRunOptions = {
    outputs: definition.outputs,
    clock,
    emit(_output, value) {
      emitted.push(value);
      listen(value);
    },
    failed: (error) => failures.push(error),
  };
  const run = new LocalRun(options);
  return { run, clock, emitted, failures, onEmit: (listener) => void (listen = listener) };
}
