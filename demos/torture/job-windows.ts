/** Trends and silences of songs: sliding windows, a ranking, timers; part files, a table and a callback. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  callback,
  count,
  eventTime,
  file,
  keyBy,
  lmdb,
  map,
  partFiles,
  pipeline,
  process,
  run,
  sliding,
  table,
  topK,
  unchecked,
  valueState,
  window,
} from '../../src/index.js';
import { writeLines } from './input.js';
import { commonOptions, unlucky, type TorturedJob } from './job.js';

interface Row {
  readonly song: string;
  readonly at: string;
}

interface Play {
  readonly song: string;
  readonly at: number;
}

interface Chart {
  readonly end: number;
  readonly top: readonly (readonly unknown[])[];
}

const trends = pipeline('trends', unchecked<Row>(), (rows) => {
  const plays = rows.pipe(
    map((row): Play => ({ song: row.song, at: Number(row.at) })),
    eventTime({ timestamp: (play) => play.at, outOfOrderness: '20s' }),
    keyBy((play) => play.song, { uid: 'by-song' }),
  );
  return {
    charts: plays.pipe(
      window(sliding({ size: '10m', slide: '1m' }), count(), { uid: 'plays' }),
      topK(5, { uid: 'chart', by: (result) => result.value, per: (result) => result.window.end }),
      map(({ per, top }): Chart => ({ end: per, top: top.map(({ key, value }) => [key, value]) })),
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

export const windowsJob: TorturedJob = {
  name: 'windows',
  points: ['table.opened', 'table.staged', 'table.flushed', 'table.published'],
  shards: [1, 4],
  outputs: [
    { name: 'charts', kind: 'part files' },
    { name: 'silences', kind: 'part files' },
    { name: 'board', kind: 'table' },
    { name: 'calls', kind: 'calls' },
  ],

  /** An hour or more, mostly in order; none is late for an out-of-orderness of 20 s. */
  writeInputs: (directory, { records, random }) =>
    writeLines(join(directory, 'plays.csv'), records, (index) => {
      const song = `song-${Math.floor(random() ** 3 * 500)}`;
      const at = 1_700_000_000_000 + index * Math.max(100, 3_600_000 / records) + random() * 15_000;
      return `${song},${Math.floor(at)}`;
    }),

  start(life) {
    const { inputs, directory } = life;
    const calls = join(directory, 'calls');
    return run(trends, {
      from: file(join(inputs, 'plays.csv'), { format: 'csv', columns: ['song', 'at'] }),
      to: {
        charts: [
          unlucky(partFiles<Chart>({ uid: 'charts', directory: join(directory, 'charts') }), life),
          table<Chart>({
            uid: 'board',
            directory: join(directory, 'board'),
            key: ({ end }) => end,
            value: ({ top }) => top,
          }),
          callback<Chart>((chart) => appendFileSync(calls, `${JSON.stringify(chart)}\n`), {
            uid: 'calls',
            allowDuplicates: true,
          }),
        ],
        silences: partFiles({ uid: 'silences', directory: join(directory, 'silences') }),
      },
      state: lmdb(join(directory, 'state')),
      ...commonOptions(life),
    }).done;
  },
};
