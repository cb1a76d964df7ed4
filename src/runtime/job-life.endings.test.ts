/** How a run is brought to its end where something is in the way: it waits for a restart, hangs, or stops already. */
import { describe, expect, test } from 'vitest';
import {
  collect,
  interval,
  map,
  memory,
  pipeline,
  restarts,
  run,
  unchecked,
  type Run,
  type RunOptions,
  type Runtime,
  type Sink,
  type Source,
} from '../index.js';
import { simulatedWorld } from '../testing/index.js';

const ticks = pipeline('ticks', unchecked<number>(), (n$) => n$.pipe(map((n) => n)));
const never = (): Promise<never> => new Promise(() => undefined);

/** What `until` gives, of a run in a world of its own. */
async function live<T>(
  change: Partial<RunOptions<{ input: number }, { output: number }>>,
  until: (running: Run, runtime: Runtime) => Promise<T>,
  world = simulatedWorld({ seed: 1 }),
): Promise<T> {
  const outcome = await world.live((runtime) => {
    const running = run(ticks, {
      from: interval({ every: 10, start: 0 }),
      to: collect<number>({ uid: 'out' }),
      state: world.disk,
      runtime,
      ...change,
    });
    return until(running, runtime);
  });
  if (outcome.crashed) throw new Error('no crash was planned');
  return outcome.value;
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'none',
    (error: unknown) => (error as { code?: unknown }).code,
  );
const after = (ms: number, { clock }: Runtime): Promise<void> =>
  new Promise((resolve) => void clock.setTimer(clock.now() + ms, resolve));
const hasSavepoint = ({ files }: Runtime, directory: string): Promise<boolean> =>
  files.exists(`${directory}/savepoint.manifest`);

/** A source that cannot be opened at first, for a run that then waits an hour. */
function restarting(): { from: Source<number>; restart: ReturnType<typeof restarts.fixedDelay> } {
  const source = interval({ every: 10, start: 0 });
  let failures = 1;
  const open: typeof source.open = (...at) => {
    failures -= 1;
    return failures < 0 ? source.open(...at) : Promise.reject(new Error('away'));
  };
  return { from: { ...source, open }, restart: restarts.fixedDelay({ attempts: 1, delay: '1h' }) };
}

describe('a savepoint', () => {
  test('that is asked for between two attempts is left by the next one, at once', async () => {
    await live(restarting(), async (running, runtime) => {
      await after(1000, runtime);
      const begun = runtime.clock.now();
      const summary = await running.stopWithSavepoint('/save', { drain: true });
      expect(summary).toMatchObject({ phase: 'stopped', restarts: 1 });
      expect(runtime.clock.now() - begun).toBeLessThan(60_000);
      expect(await hasSavepoint(runtime, '/save')).toBe(true);
    });
  });

  test('beside another one, or drained after a stop, is refused: a run stops once', async () => {
    await live({}, async (running, runtime) => {
      await after(100, runtime);
      const ends = await Promise.all([
        codeOf(running.stopWithSavepoint('/a')),
        codeOf(running.stopWithSavepoint('/b')),
        codeOf(running.stopWithSavepoint('/a', { drain: true })),
        codeOf(running.stopWithSavepoint('/a')),
        codeOf(running.stop()),
      ]);
      expect(ends).toEqual(['none', 'RUN_ENDED', 'RUN_ENDED', 'none', 'none']);
      expect(await hasSavepoint(runtime, '/a')).toBe(true);
      expect(await hasSavepoint(runtime, '/b')).toBe(false);
    });
  });

  test('of a run that has failed is refused', async () => {
    const { from } = restarting();
    await live({ from }, async (running) => {
      expect(await codeOf(running.done)).toBe('SOURCE_FAILED');
      expect(await codeOf(running.stopWithSavepoint('/save'))).toBe('RUN_ENDED');
    });
  });

  test('with options that are none stops nothing', async () => {
    await live({}, async (running, runtime) => {
      expect(await codeOf(running.stopWithSavepoint(undefined as never))).toBe('OPTIONS_INVALID');
      await after(100, runtime);
      expect((await running.stop()).records).toBeGreaterThan(5);
    });
  });
});

describe('an abort', () => {
  test('before the start touches nothing', async () => {
    let opened = 0;
    const state = memory();
    const open = (): ReturnType<typeof state.open> => {
      opened += 1;
      return state.open();
    };
    const options = { state: { ...state, open }, signal: AbortSignal.abort() };
    expect(await live(options, (running) => codeOf(running.done))).toBe('RUN_CANCELLED');
    expect(opened).toBe(0);
  });

  test.each<[string, (hold: () => Promise<void>) => { from?: Source<number>; to?: Sink<number> }]>([
    [
      'splits',
      (hold) => {
        const from = interval({ every: 10, start: 0 });
        return { from: { ...from, splits: (at) => hold().then(() => from.splits(at)) } };
      },
    ],
    [
      'recover',
      (hold) => {
        const to = collect<number>({ uid: 'out' });
        return { to: { ...to, recover: (...at) => hold().then(() => to.recover(...at)) } };
      },
    ],
  ])('ends a recovery that hangs in %s, and the state is free', async (_name, hanging) => {
    const world = simulatedWorld({ seed: 1 });
    let letGo = (): void => undefined;
    const hold = (): Promise<void> => new Promise((resolve) => (letGo = resolve));
    const controller = new AbortController();
    const options = { ...hanging(hold), signal: controller.signal };
    const open: string[] = [];
    const from = options.from ?? interval({ every: 10, start: 0 });
    const to = options.to ?? collect<number>({ uid: 'out' });
    const counted: Sink<number> = {
      ...to,
      async open(...at) {
        const writer = await to.open(...at);
        open.push('open');
        return { ...writer, close: async () => void open.push('closed') };
      },
    };
    await live(
      { ...options, from, to: counted },
      async (running, runtime) => {
        await after(1000, runtime);
        controller.abort();
        const begun = runtime.clock.now();
        expect(await codeOf(running.done)).toBe('RUN_CANCELLED');
        expect(runtime.clock.now() - begun).toBeLessThan(5000);
        // What comes late must not write any more, and leaves nothing open.
        letGo();
        await after(5000, runtime);
        expect(open.filter((one) => one === 'open')).toHaveLength(
          open.filter((one) => one === 'closed').length,
        );
      },
      world,
    );
    await live({}, (running) => running.stop(), world);
  });

  test('ends a savepoint that hangs; what is committed stays', async () => {
    const world = simulatedWorld({ seed: 1 });
    const controller = new AbortController();
    const summary = await live(
      { signal: controller.signal },
      async (running, runtime) => {
        const { create } = runtime.files;
        runtime.files.create = (path) => (path.startsWith('/save') ? never() : create(path));
        await after(100, runtime);
        const saved = codeOf(running.stopWithSavepoint('/save'));
        await after(1000, runtime);
        controller.abort();
        expect(await saved).toBe('RUN_CANCELLED');
        runtime.files.create = create;
        return running.checkpoints();
      },
      world,
    );
    expect(summary).toHaveLength(1);
    const next = await live({}, (running) => running.stop(), world);
    expect(next.resumedFromEpoch).toBe(1);
  });
});
