import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  collect,
  count,
  eventTime,
  iterable,
  keyBy,
  lmdb,
  pipeline,
  process,
  reduce,
  run,
  session,
  sliding,
  topK,
  triggers,
  tumbling,
  unchecked,
  valueState,
  window,
} from '../index.js';
import { readLmdb, type LmdbView } from '../state/lmdb-view.js';
import { StateReader } from './state-reader.js';

interface Play {
  readonly song: string;
  readonly at: number;
}

const everything = pipeline('everything', unchecked<Play>(), (plays) => {
  const keyed = plays.pipe(
    eventTime({ timestamp: (play) => play.at }),
    keyBy((play) => play.song),
  );
  const slices = keyed.pipe(
    window(sliding({ size: '2m', slide: '1m' }), count(), {
      uid: 'slices',
      allowedLateness: '1h',
    }),
  );
  return {
    chart: slices.pipe(
      topK(2, { uid: 'chart', by: (result) => result.value, per: (result) => result.window.end }),
    ),
    sessions: keyed.pipe(window(session({ gap: '1m' }), count(), { uid: 'sessions' })),
    records: keyed.pipe(
      window(tumbling({ size: '1h' }), count(), {
        uid: 'records',
        trigger: triggers.count(1000),
      }),
    ),
    reduced: keyed.pipe(reduce((a, b) => (a.at > b.at ? a : b), { uid: 'reduced' })),
    named: keyed.pipe(
      process({
        uid: 'named',
        state: { plain: valueState(0), aging: valueState(0, { ttl: { after: '1d' } }) },
        element(play, { state }) {
          state.plain.set(play.at);
          state.aging.set(1);
        },
      }),
    ),
  };
});

let directory = '';
let view: LmdbView;
let reader: StateReader;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-words-'));
  let stop = (): void => {};
  const plays = function* (): Generator<Play> {
    yield { song: 'a', at: 1000 };
    yield { song: 'a', at: 70_000 };
    yield { song: 'a', at: 80_000 };
    // What has been read when it stops is thrown away, so that comes a few chunks later.
    for (let n = 0; ; n += 1) {
      if (n === 5000) stop();
      yield { song: 'b', at: 81_000 };
    }
  };
  const out = (): ReturnType<typeof collect> => collect({ uid: `out-${Math.floor(++outs)}` });
  const job = run(everything, {
    from: iterable(plays),
    to: { chart: out(), sessions: out(), records: out(), reduced: out(), named: out() },
    state: lmdb(directory),
  });
  stop = () => void job.stop();
  await job.done;
  view = await readLmdb(directory);
  reader = new StateReader(view.backend, { where: directory });
});
let outs = 0;
afterAll(async () => {
  await view.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The value of key `a`, as the operators of this release have packed it. */
const valueOf = (uid: string): unknown =>
  reader.of(uid, 'a').flatMap((entry) => (entry.kind === 'slot' ? [entry.value] : []))[0];

test('each operator keeps what its words are made for', () => {
  expect(valueOf('slices')).toEqual([
    { start: 0, value: 1 },
    { start: 60_000, value: 2 },
  ]);
  expect(valueOf('sessions')).toEqual([{ start: 70_000, end: 140_000, value: 2 }]);
  expect(valueOf('records')).toMatchObject({
    windows: [{ start: 0, end: 3_600_000, contents: 3 }],
  });
  expect(valueOf('reduced')).toEqual({ song: 'a', at: 80_000 });
  expect(valueOf('named')).toEqual({ plain: 80_000, aging: 1, '(touched)': { aging: 80_000 } });
});

test('a chart keeps its places while late plays may change them', () => {
  const [chart] = reader.entries('chart');
  expect(chart?.kind === 'slot' && chart.value).toMatchObject({
    time: 59_999,
    entries: [{ key: 'a', rank: 1, element: { key: 'a', value: 1 } }],
  });
});
