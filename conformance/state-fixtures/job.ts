/**
 * The job whose state the fixtures hold: states of all kinds, timers, windows of all engines. It must not
 * be changed; what a later format can do beyond it gets a job of its own.
 */
import { z } from 'zod';
import {
  aggregatingState,
  collect,
  count,
  dedupe,
  directoryStore,
  elements,
  eventTime,
  iterable,
  keyBy,
  listState,
  map,
  mapState,
  nodeRuntime,
  pipeline,
  process,
  reduce,
  reducingState,
  run,
  session,
  sliding,
  sum,
  topK,
  tumbling,
  unchecked,
  valueState,
  window,
  type RunOptions,
  type RunSummary,
} from '../../src/index.js';
import { memory } from '../../src/state/memory-backend.js';
import type { Files, Runtime } from '../../src/core/runtime.js';

export interface Play {
  readonly id: string;
  readonly user: string;
  readonly song: number;
  readonly ms: number;
  readonly at: number;
}

export const plays: readonly Play[] = Array.from({ length: 120 }, (_, index) => ({
  id: `id-${index - (index % 10 === 9 ? 1 : 0)}`,
  user: ['ann', 'bob', 'çem', '\u{1F41D}'][index % 4] as string,
  song: index % 7,
  ms: (index * 37) % 300,
  at: index * 1000,
}));

/** Where the fixtures stop. */
export const STOP_AT = 70;

const lastPlay = z.object({ song: z.int(), at: z.number() });

const job = pipeline('fixture', unchecked<Play>(), (play$) => {
  const timed$ = play$.pipe(eventTime({ timestamp: (play) => play.at, outOfOrderness: '2s' }));
  const byUser$ = timed$.pipe(keyBy((play) => play.user));
  const states$ = byUser$.pipe(
    process({
      uid: 'states',
      state: {
        last: valueState<z.output<typeof lastPlay> | undefined>(undefined, { schema: lastPlay }),
        songs: listState<number>(),
        times: mapState<number, bigint>(),
        longest: reducingState<number>(Math.max),
        heard: aggregatingState(sum((play: Play) => play.ms)),
        recent: valueState(0, { ttl: { after: '20s' } }),
      },
      element(play, { state, timers }) {
        state.last.set({ song: play.song, at: play.at });
        if (state.songs.size >= 3) state.songs.clear();
        state.songs.add(play.song);
        state.times.set(play.song, (state.times.get(play.song) ?? 0n) + 1n);
        state.longest.add(play.ms);
        state.heard.add(play);
        state.recent.set(state.recent.get() + 1);
        timers.setEventTime(play.at + 9_500);
        return [];
      },
      timer({ time }, { key, state }) {
        const songs = [...state.songs.get()].join('+');
        const times = [...state.times.entries()].map(([song, n]) => `${song}x${n}`).join('+');
        return [
          `${key} ${time} ${JSON.stringify(state.last.get())} ${songs} ${times} ${state.longest.get()} ${state.heard.get()} ${state.recent.get()}`,
        ];
      },
    }),
  );
  const text = <T>(name: string) => map((value: T) => `${name} ${JSON.stringify(value)}`);
  const minutes$ = timed$.pipe(
    keyBy((play) => [play.user, play.song] as const),
    window(tumbling({ size: '30s' }), count(), { uid: 'minutes' }),
  );
  return {
    states: states$,
    minutes: minutes$.pipe(text('minutes')),
    slides: byUser$.pipe(
      window(
        sliding({ size: '20s', slide: '5s' }),
        sum((play) => play.ms),
        { uid: 'slides' },
      ),
      text('slides'),
    ),
    sessions: byUser$.pipe(
      window(session({ gap: '6s' }), count(), { uid: 'sessions' }),
      text('sessions'),
    ),
    records: byUser$.pipe(
      window(tumbling({ size: '15s' }), elements<Play>(), { uid: 'records' }),
      map(({ value }) => `records ${value.map(({ id }) => id).join('+')}`),
    ),
    running: byUser$.pipe(
      reduce((a, b) => ({ ...b, ms: a.ms + b.ms }), { uid: 'running' }),
      map(({ user, ms }) => `running ${user} ${ms}`),
    ),
    once: timed$.pipe(
      dedupe({ uid: 'once', by: (play) => play.id, within: '10s' }),
      map(({ id }) => `once ${id}`),
    ),
    chart: minutes$.pipe(
      topK(2, {
        uid: 'chart',
        by: ({ value }) => value,
        per: ({ window: { end } }) => end,
        key: ({ key }) => key,
      }),
      text('chart'),
    ),
  };
});

const outputs = [
  'states',
  'minutes',
  'slides',
  'sessions',
  'records',
  'running',
  'once',
  'chart',
] as const;

/** Runs the job from where its state is, to a number of plays or to the end. */
export async function play(
  files: Files,
  options: Partial<RunOptions<never, never>> & {
    readonly upTo?: number;
    readonly savepoint?: string;
  },
): Promise<{ summary: RunSummary; lines: string[] }> {
  const { upTo = plays.length, savepoint, ...rest } = options;
  const sinks = outputs.map((name) => [name, collect<string>({ uid: `out-${name}` })] as const);
  const source = iterable(plays, { chunk: 10 });
  let read = 0;
  let reached = (): void => undefined;
  const atPause = new Promise<void>((resolve) => (reached = resolve));
  const running = run(job, {
    state: memory(),
    runtime: fixedRuntime(files),
    maxParallelism: 16,
    ...rest,
    to: Object.fromEntries(sinks),
    from: {
      ...source,
      async open(split, cursor, runtime) {
        const reader = await source.open(split, cursor, runtime);
        read = (cursor as number | undefined) ?? 0;
        return {
          read() {
            if (read >= upTo && upTo < plays.length) {
              reached();
              return new Promise<never>(() => undefined);
            }
            read += 10;
            return reader.read();
          },
          close: () => reader.close(),
        };
      },
    },
  });
  await Promise.race([atPause, running.done]);
  const summary =
    savepoint === undefined
      ? await (upTo < plays.length ? running.stop() : running.done)
      : await running.stopWithSavepoint(savepoint);
  return { summary, lines: sinks.flatMap(([, sink]) => sink.values).toSorted() };
}

export const snapshots = (directory: string) => directoryStore(directory, { keep: 1 });

/** A clock that stands still, so that the same bytes come out at every generation. */
function fixedRuntime(files: Files): Runtime {
  const runtime = nodeRuntime();
  const now = Date.UTC(2026, 0, 1);
  return { ...runtime, files, clock: { ...runtime.clock, now: () => now } };
}
