/** A program as a user would write it: one definition, run inside RxJS and as a job, with the same output. */
import { from } from 'rxjs';
import {
  collect,
  count,
  eventTime,
  filter,
  iterable,
  keyBy,
  memory,
  pipeline,
  run,
  sliding,
  topK,
  unchecked,
  window,
} from 'tidemark';
import type { TopK, WindowResult } from 'tidemark';

interface Play {
  readonly songId: string;
  readonly at: number;
  readonly ms: number;
}

type Chart = TopK<WindowResult<string, number>, number>;

const minute = 60_000;
const plays: Play[] = [
  { songId: 'a', at: 0, ms: 31_000 },
  { songId: 'b', at: minute, ms: 40_000 },
  { songId: 'a', at: 2 * minute, ms: 50_000 },
  { songId: 'b', at: 6 * minute, ms: 31_000 },
  { songId: 'b', at: 7 * minute, ms: 10_000 },
  { songId: 'c', at: 8 * minute, ms: 30_000 },
];

const trending = pipeline('trending', unchecked<Play>(), (stream) =>
  stream.pipe(
    eventTime({ timestamp: (play) => play.at, outOfOrderness: '30s' }),
    filter((play) => play.ms >= 30_000),
    keyBy((play) => play.songId),
    window(sliding({ size: '10m', slide: '5m' }), count(), { uid: 'plays-per-song' }),
    topK(2, { uid: 'top', by: (result) => result.value, per: (result) => result.window.end }),
  ),
);

const line = ({ per, top }: Chart): string =>
  `${per} ${top.map(({ key, value }) => `${key}=${value}`).join(' ')}`;

const live: string[] = [];
from(plays)
  .pipe(trending)
  .subscribe((chart) => live.push(line(chart)));
console.log(`live: ${live.join(', ')}`);

const out = collect<Chart>({ uid: 'out' });
await run(trending, { from: iterable(plays), to: out, state: memory() }).done;
console.log(`job: ${out.values.map(line).join(', ')}`);
