/** The case `trend`: the ten most played of each sliding window, with a few keys that have most of the events. */
import {
  count,
  eventTime,
  keyBy,
  pipeline,
  sliding,
  topK,
  unchecked,
  window,
} from '../src/index.js';
import { WARM_EVENTS, feedAlone, type BenchCase } from './case.js';
import { jobInMemory, jobWithEpochs, subscribed } from './engine.js';
import type { Feed } from './feed.js';
import { HandSliding, type CountResult } from './hand-windows.js';
import { OUT_OF_ORDER_MS, type Play } from './plays.js';
import { rxWindows } from './rx-windows.js';
import { digest3, type Tally } from './tally.js';

const BEST = 10;
const sizes = { sizeMs: 60_000, slideMs: 5_000 };

/** Of the same shape as what `topK` emits. */
interface Top {
  /** The end of the window, epoch ms. */
  readonly per: number;
  readonly top: readonly CountResult[];
}

/** The best of one window: more plays first, then the lower key. */
function best(results: readonly CountResult[], per: number): Top {
  const top: CountResult[] = [];
  for (const result of results) {
    const worst = top[BEST - 1];
    if (worst !== undefined && !ranksBefore(result, worst)) continue;
    let at = Math.min(top.length, BEST - 1);
    for (; at > 0 && ranksBefore(result, top[at - 1] as CountResult); at -= 1) {
      top[at] = top[at - 1] as CountResult;
    }
    top[at] = result;
  }
  return { per, top };
}

function ranksBefore(a: CountResult, b: CountResult): boolean {
  return a.value > b.value || (a.value === b.value && a.key < b.key);
}

function topsByHand(fire: (tops: Top[]) => void): HandSliding {
  return new HandSliding(sizes, (results, { end }) => fire([best(results, end)]));
}

function hand(feed: Feed, tally: Tally<Top>): void {
  const windows = topsByHand((tops) => tally.addAll(tops));
  for (let plays = feed.next(); plays !== undefined; plays = feed.next()) windows.addAll(plays);
  windows.end();
}

function rxjs(feed: Feed, tally: Tally<Top>): void {
  rxWindows(feed, topsByHand).subscribe((top) => tally.add(top));
}

const job = pipeline('trend', unchecked<Play>(), (plays) =>
  plays.pipe(
    eventTime({ timestamp: ({ at }) => at, outOfOrderness: OUT_OF_ORDER_MS }),
    keyBy(({ user }) => user),
    window(sliding({ size: '60s', slide: '5s' }), count(), { uid: 'plays' }),
    topK(BEST, { uid: 'top', by: ({ value }) => value, per: (result) => result.window.end }),
  ),
);

function digest({ per, top }: Top): number {
  let sum = 0;
  for (let rank = 0; rank < top.length; rank += 1) {
    const { key, value } = top[rank] as CountResult;
    sum = Math.imul(sum, 31) + digest3(per / 1000, key, value);
  }
  return sum | 0;
}

export const trend: BenchCase = {
  name: 'trend',
  title: 'ten most played, sliding 60 s / 5 s, 10 k keys, skewed',
  sizes: { events: 5_000_000, warm: WARM_EVENTS, keys: 10_000 },
  plays: { keysFirst: false, skewed: true },
  digest,
  measuresMemory: false,
  variants: {
    feed: feedAlone,
    hand: { run: hand },
    rxjs: { run: rxjs },
    engine: { run: jobInMemory(job) },
    'engine-subscribe': { run: subscribed(job) },
    'engine-epochs': { run: jobWithEpochs(job), events: 12_000_000 },
  },
};
