/** The job that is tortured: trends and silences of songs, with windows, timers and two shards, file to part files. */
import {
  count,
  eventTime,
  file,
  keyBy,
  lmdb,
  map,
  nodeRuntime,
  partFiles,
  pipeline,
  process,
  run,
  sliding,
  topK,
  unchecked,
  valueState,
  window,
  type CrashPoint,
  type Guarantee,
  type Run,
  type Runtime,
} from '../../src/index.js';

export interface Row {
  readonly song: string;
  readonly at: string;
}

interface Play {
  readonly song: string;
  readonly at: number;
}

/** Both outputs hold plain values whose text does not depend on the run, so that lines can be compared. */
export const tortured = pipeline('tortured', unchecked<Row>(), (rows) => {
  const plays = rows.pipe(
    map((row): Play => ({ song: row.song, at: Number(row.at) })),
    eventTime({ timestamp: (play) => play.at, outOfOrderness: '20s' }),
    keyBy((play) => play.song, { uid: 'by-song' }),
  );
  return {
    charts: plays.pipe(
      window(sliding({ size: '10m', slide: '1m' }), count(), { uid: 'plays' }),
      topK(5, { uid: 'chart', by: (result) => result.value, per: (result) => result.window.end }),
      map(({ per, top }) => ({ end: per, top: top.map(({ key, value }) => [key, value]) })),
    ),
    silences: plays.pipe(
      process({
        uid: 'silence',
        state: { last: valueState(0), plays: valueState(0) },
        element(play, { state, timers }) {
          timers.deleteEventTime(state.last.get() + 120_000);
          const last = Math.max(state.last.get(), play.at);
          timers.setEventTime(last + 120_000);
          state.last.set(last);
          state.plays.set(state.plays.get() + 1);
        },
        timer({ time }, { key, state }) {
          const plays = state.plays.get();
          state.last.clear();
          state.plays.clear();
          return [{ song: key, silentAt: time, plays }];
        },
      }),
    ),
  };
});

export interface TorturedOptions {
  readonly input: string;
  /** Holds `state`, `charts` and `silences`. */
  readonly directory: string;
  readonly guarantee: Guarantee;
  /** Dies by SIGKILL when this point is met for the nth time. */
  readonly dieAt?: { readonly point: CrashPoint; readonly visit: number };
}

/** Starts the job in this process. */
export function startTortured({ input, directory, guarantee, dieAt }: TorturedOptions): Run {
  return run(tortured, {
    from: file(input, { format: 'csv', columns: ['song', 'at'] }),
    to: {
      charts: partFiles({ uid: 'charts', directory: `${directory}/charts` }),
      silences: partFiles({ uid: 'silences', directory: `${directory}/silences` }),
    },
    state: lmdb(`${directory}/state`),
    parallelism: 2,
    checkpoint: { records: 4000, every: '50ms' },
    guarantee,
    runtime: mortalRuntime(dieAt),
  });
}

/** The real outside world, but for one named await at which the process is killed as hard as can be. */
function mortalRuntime(dieAt: TorturedOptions['dieAt']): Runtime {
  let visits = 0;
  return {
    ...nodeRuntime(),
    async at(point) {
      if (point !== dieAt?.point) return;
      visits += 1;
      if (visits < dieAt.visit) return;
      globalThis.process.kill(globalThis.process.pid, 'SIGKILL');
      await new Promise(() => undefined);
    },
  };
}
