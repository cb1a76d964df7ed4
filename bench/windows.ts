/** The cases `tumbling` and `sliding`: counts per key in windows of event time. */
import {
  count,
  eventTime,
  keyBy,
  pipeline,
  sliding,
  tumbling,
  unchecked,
  window,
} from '../src/index.js';
import type { BenchCase } from './case.js';
import { jobInMemory } from './engine.js';
import type { Feed } from './feed.js';
import { HandWindows, type CountResult, type WindowSizes } from './hand-windows.js';
import { OUT_OF_ORDER_MS, type Play } from './plays.js';
import { rxWindows } from './rx-windows.js';
import { digest3, type Tally } from './tally.js';

const tumblingSizes: WindowSizes = { sizeMs: 10_000, slideMs: 10_000 };
const slidingSizes: WindowSizes = { sizeMs: 60_000, slideMs: 5_000 };

const digest = ({ key, window, value }: CountResult): number =>
  digest3(key, window.end / 1000, value);

function hand(sizes: WindowSizes) {
  return (feed: Feed, tally: Tally<CountResult>): void => {
    const windows = new HandWindows(sizes, (results) => tally.addAll(results));
    for (let plays = feed.next(); plays !== undefined; plays = feed.next()) {
      for (let index = 0; index < plays.length; index += 1) windows.add(plays[index] as Play);
    }
    windows.end();
  };
}

function rxjs(sizes: WindowSizes) {
  return (feed: Feed, tally: Tally<CountResult>): void => {
    rxWindows(feed, sizes, (results) => results).subscribe((result) => tally.add(result));
  };
}

const tumblingJob = pipeline('tumbling', unchecked<Play>(), (plays) =>
  plays.pipe(
    eventTime({ timestamp: ({ at }) => at, outOfOrderness: OUT_OF_ORDER_MS }),
    keyBy(({ user }) => user),
    window(tumbling({ size: '10s' }), count(), { uid: 'plays' }),
  ),
);

const slidingJob = pipeline('sliding', unchecked<Play>(), (plays) =>
  plays.pipe(
    eventTime({ timestamp: ({ at }) => at, outOfOrderness: OUT_OF_ORDER_MS }),
    keyBy(({ user }) => user),
    window(sliding({ size: '60s', slide: '5s' }), count(), { uid: 'plays' }),
  ),
);

export const tumblingCase: BenchCase = {
  name: 'tumbling',
  title: 'count per key, tumbling 10 s, 10 k keys',
  sizes: { events: 4_000_000, warm: 300_000, keys: 10_000 },
  plays: { keysFirst: false },
  digest,
  measuresMemory: false,
  variants: {
    hand: { run: hand(tumblingSizes) },
    rxjs: { run: rxjs(tumblingSizes) },
    engine: { run: jobInMemory(tumblingJob) },
  },
};

export const slidingCase: BenchCase = {
  name: 'sliding',
  title: 'count per key, sliding 60 s / 5 s, 10 k keys',
  // A minute of event time has passed before the clock starts, so that windows are full.
  sizes: { events: 4_000_000, warm: 700_000, keys: 10_000 },
  plays: { keysFirst: false },
  digest,
  measuresMemory: false,
  variants: {
    hand: { run: hand(slidingSizes) },
    rxjs: { run: rxjs(slidingSizes) },
    engine: { run: jobInMemory(slidingJob) },
    'hand-tumbling': { run: hand(tumblingSizes), job: 'tumbling' },
    'engine-tumbling': { run: jobInMemory(tumblingJob), job: 'tumbling' },
  },
};
