import { describe, expect, test } from 'vitest';
import {
  callback,
  collect,
  eventTime,
  keyBy,
  map,
  memory,
  pipeline,
  process,
  run,
  unchecked,
  why,
  type DataStream,
  type Pipeline,
  type Run,
  type RunSummary,
  type Source,
  type WhyReport,
} from '../index.js';

interface Play {
  readonly at: number;
  readonly key: string;
}

/** Waits 60 seconds of event time behind each element. */
function remind(uid: string): (source: DataStream<Play>) => DataStream<number> {
  return (source) =>
    source.pipe(
      keyBy(({ key }) => key),
      process({
        uid,
        element: ({ at }: Play, { timers }) => timers.setEventTime(at + 60_000),
        timer: ({ time }) => [time],
      }),
    );
}

const reminders: Pipeline<Play, number> = pipeline('reminders', unchecked<Play>(), (plays) =>
  plays.pipe(
    eventTime({ timestamp: ({ at }) => at, outOfOrderness: '10s', every: 0 }),
    remind('remind'),
  ),
);

const play = (at: number, key = 'k'): Play => ({ at, key });

describe('a job', () => {
  test.each([1, 4])('with %d shards is asked over all of its tasks', async (parallelism) => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    const source = live({ p0: keys.map((key, at) => play(5_000 + at, key)), p1: [] });
    const job = run(reminders, { from: source, to: collect({ uid: 'out' }), parallelism });
    const report = await until(job, ({ steps }) => steps[0]?.waiting === 6);
    expect(report).toMatchObject({ pipeline: 'reminders', phase: 'running', blocked: [] });
    expect(report.steps).toMatchObject([
      {
        name: 'remind',
        watermark: 'none',
        waiting: 6,
        needs: 65_000,
        keys: 6,
        counters: { received: 6, accepted: 6 },
      },
    ]);
    expect(report.steps[0]?.heldBy).toMatchObject([
      { input: 'input', split: 'p1', path: ['keyBy', 'eventTime'], highest: undefined },
      { input: 'input', split: 'p0', watermark: -4_996, highest: 5_005, needs: 75_001 },
    ]);
    expect(report.text).toContain('Input "input", split "p1", has had no element yet.');
    expect(report.text).toContain('the last one committed is 0.');
    source.push('p1', play(70_000, 'g'));
    const next = await until(
      job,
      ({ steps }) => steps[0]?.waiting === 7 && steps[0].watermark !== 'none',
    );
    expect(next.steps[0]).toMatchObject({ watermark: -4_996, behindMs: 69_996 });
    expect(next.steps[0]?.heldBy.map(({ split }) => split)).toEqual(['p0', 'p1']);
    source.end();
    await job.done;
  });

  test('is asked through two shuffles', async () => {
    const definition = pipeline('twice', unchecked<Play>(), (plays) =>
      plays.pipe(
        eventTime({ timestamp: ({ at }) => at, every: 0 }),
        keyBy(({ key }) => key),
        process({ uid: 'first', element: (value: Play) => [value] }),
        remind('second'),
      ),
    );
    const source = live({ p0: [play(5_000)] });
    const job = run(definition, { from: source, to: collect({ uid: 'out' }), parallelism: 3 });
    const report = await until(job, ({ steps }) => steps[1]?.watermark === 4_999);
    expect(report.steps[1]?.heldBy).toMatchObject([
      { input: 'input', split: undefined, path: ['keyBy-2', 'first', 'keyBy', 'eventTime'] },
    ]);
    source.end();
    await job.done;
  });

  test('says that a watermark is on its way', async () => {
    let report: WhyReport | undefined;
    const definition = pipeline('moving', unchecked<Play>(), (plays) =>
      plays.pipe(
        // Asked in the task of the sources, while the next one has not run yet.
        map((value) => {
          if (value.at === 9_000) report = why(job);
          return value;
        }),
        eventTime({ timestamp: ({ at }) => at, every: 0 }),
        remind('remind'),
      ),
    );
    const source = live({ p0: [play(1_000)] });
    const job: Run = run(definition, { from: source, to: collect({ uid: 'out' }), parallelism: 2 });
    await until(job, ({ steps }) => steps[0]?.watermark === 999);
    source.push('p0', play(8_000), play(9_000));
    await until(job, () => report !== undefined);
    expect(report?.steps[0]?.heldBy).toMatchObject([{ kind: 'channel', path: ['keyBy'] }]);
    expect(report?.text).toContain('on its way');
    source.end();
    await job.done;
  });

  test('says that an output has no room', async () => {
    let release = (): void => undefined;
    const full = new Promise<void>((resolve) => (release = resolve));
    const many = pipeline('many', unchecked<Play>(), (plays) =>
      plays.pipe(
        keyBy(() => 'k'),
        process({ uid: 'x', element: () => Array.from({ length: 10_000 }, (_, n) => n) }),
      ),
    );
    const source = live({ p0: [play(1)] });
    const to = callback(() => full, { uid: 'out', allowDuplicates: true });
    const job = run(many, { from: source, to });
    const report = await until(job, ({ blocked }) => blocked.length > 0);
    expect(report.blocked).toEqual(['all']);
    expect(report.text).toContain('an output has no room: all. Look at the sink.');
    release();
    source.end();
    await job.done;
  });
});

describe('at any time', () => {
  test('before a job has opened its state there is nothing to say', async () => {
    const source = live({ p0: [] });
    const job = run(reminders, { from: source, to: collect({ uid: 'out' }) });
    expect(why(job)).toMatchObject({ phase: 'recovering', steps: [], blocked: [] });
    expect(why(job).text).toBe('reminders is opening its state. Ask again once it runs.');
    source.end();
    await job.done;
  });

  test('after its end everything has fired', async () => {
    const source = live({ p0: [play(5_000)] });
    const job = run(reminders, { from: source, to: collect({ uid: 'out' }) });
    source.end();
    await job.done;
    expect(why(job).steps).toMatchObject([{ watermark: 'end', waiting: 0 }]);
    expect(why(job).text).toBe(
      [
        'Nothing waits.',
        '  process "remind" has had 1 element: 1 accepted.',
        'reminders has finished: its inputs are at their end.',
      ].join('\n'),
    );
  });

  test('after a stop what waits is kept, and a job that finished before says so', async () => {
    const state = memory();
    const source = live({ p0: [play(5_000)] });
    const options = { from: source, to: collect<number>({ uid: 'out' }), state };
    const stopped = run(reminders, options);
    await until(stopped, ({ steps }) => steps[0]?.waiting === 1);
    await stopped.stop();
    expect(why(stopped)).toMatchObject({ phase: 'stopped', steps: [{ waiting: 1 }] });
    expect(why(stopped).text).toContain('what waits is kept');
    source.end();
    const second = run(reminders, options);
    await second.done;
    const third = run(reminders, options);
    const summary: RunSummary = await third.done;
    expect(summary.alreadyFinished).toBe(true);
    expect(why(third).text).toBe('reminders has finished: its inputs are at their end.');
  });

  test('after a failure the last epoch counts', async () => {
    const failing = pipeline('failing', unchecked<Play>(), (plays) =>
      plays.pipe(
        keyBy(() => 'k'),
        process({
          uid: 'x',
          element: (): [] => {
            throw new Error('deep');
          },
        }),
      ),
    );
    const job = run(failing, { from: live({ p0: [play(1)] }), to: collect({ uid: 'out' }) });
    await expect(job.done).rejects.toThrow('deep');
    expect(why(job)).toMatchObject({ phase: 'failed' });
    expect(why(job).text).toContain('goes on from the last epoch');
  });
});

test('something that is not a run is refused', () => {
  for (const other of [undefined, null, 5, {}, Promise.resolve(), reminders])
    expect(() => why(other as never)).toThrow(/OPTIONS_INVALID.*why\(\)/);
});

interface Live extends Source<Play> {
  push(split: string, ...values: Play[]): void;
  /** Lets all splits end behind what they hold. */
  end(): void;
}

/** A source that says what it is told to say, and waits for more. */
function live(begin: Readonly<Record<string, readonly Play[]>>): Live {
  const logs = new Map(Object.entries(begin).map(([split, values]) => [split, [...values]]));
  const sleepers: (() => void)[] = [];
  const state = { isOver: false };
  const wake = (): void => sleepers.splice(0).forEach((resume) => resume());
  return {
    name: 'live',
    replayable: true,
    splits: async () => [...logs.keys()],
    push(split, ...values) {
      logs.get(split)?.push(...values);
      wake();
    },
    end() {
      state.isOver = true;
      wake();
    },
    async open(split, cursor) {
      let at = typeof cursor === 'number' ? cursor : 0;
      const log = logs.get(split) ?? [];
      return {
        async read() {
          while (at >= log.length && !state.isOver)
            await new Promise<void>((resume) => void sleepers.push(resume));
          const values = log.slice(at);
          if (values.length === 0) return undefined;
          const positions = values.map((_, index) => at + index + 1);
          at = log.length;
          return {
            cursor: at,
            chunk: {
              kind: 'chunk',
              values,
              timestamps: values.map(() => NaN),
              keys: [],
              positions,
              derivedKeys: [],
              origin: { name: `live ${split}`, unit: 'element' },
            },
          };
        },
        async close() {},
      };
    },
  };
}

/** Asks again and again until the report is as wanted. */
async function until(job: Run, isWanted: (report: WhyReport) => boolean): Promise<WhyReport> {
  for (let turn = 0; turn < 10_000; turn += 1) {
    const report = why(job);
    if (isWanted(report)) return report;
    await new Promise((resolve) => void setImmediate(resolve));
  }
  throw new Error(`never: ${why(job).text}`);
}
