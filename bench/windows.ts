/** The cases `tumbling`, `sliding` and `session`: counts per key in windows of event time. */
import {
  count,
  eventTime,
  keyBy,
  pipeline,
  session,
  sliding,
  tumbling,
  unchecked,
  window,
  type WindowSpec,
} from '../src/index.js';
import { WARM_EVENTS, feedAlone, type BenchCase, type Variant } from './case.js';
import { jobInMemory, subscribed } from './engine.js';
import type { Feed } from './feed.js';
import { HandSessions } from './hand-sessions.js';
import { HandSliding, HandTumbling, type CountResult, type HandWindows } from './hand-windows.js';
import { OUT_OF_ORDER_MS, type Play } from './plays.js';
import { rxWindows } from './rx-windows.js';
import { digest2, digest3, type Tally } from './tally.js';

type WindowsOf = (fire: (results: CountResult[]) => void) => HandWindows;

export const tumblingByHand: WindowsOf = (fire) =>
  new HandTumbling({ sizeMs: 10_000, slideMs: 10_000 }, fire);
const slidingByHand: WindowsOf = (fire) =>
  new HandSliding({ sizeMs: 60_000, slideMs: 5_000 }, fire);
const sessionsByHand: WindowsOf = (fire) => new HandSessions(10_000, fire);

export const windowDigest = ({ key, window: { end }, value }: CountResult): number =>
  digest3(key, end / 1000, value);

export function handWindows(windowsOf: WindowsOf): Variant['run'] {
  return (feed: Feed, tally: Tally<CountResult>): void => {
    const windows = windowsOf((results) => tally.addAll(results));
    for (let plays = feed.next(); plays !== undefined; plays = feed.next()) windows.addAll(plays);
    windows.end();
  };
}

export function rxjsWindows(windowsOf: WindowsOf): Variant['run'] {
  return (feed: Feed, tally: Tally<CountResult>): void => {
    rxWindows(feed, windowsOf).subscribe((result) => tally.add(result));
  };
}

/** The job: how often each key came in each window. */
export function countsPer(name: string, spec: WindowSpec<Play>) {
  return pipeline(name, unchecked<Play>(), (plays) =>
    plays.pipe(
      eventTime({ timestamp: ({ at }) => at, outOfOrderness: OUT_OF_ORDER_MS }),
      keyBy(({ user }) => user),
      window(spec, count(), { uid: 'plays' }),
    ),
  );
}

export const tumblingJob = countsPer('tumbling', tumbling({ size: '10s' }));
const slidingJob = countsPer('sliding', sliding({ size: '60s', slide: '5s' }));
const sessionJob = countsPer('session', session({ gap: '10s' }));

export const tumblingCase: BenchCase = {
  name: 'tumbling',
  title: 'count per key, tumbling 10 s, 10 k keys',
  sizes: { events: 5_000_000, warm: WARM_EVENTS, keys: 10_000 },
  plays: { keysFirst: false },
  digest: windowDigest,
  measuresMemory: false,
  variants: {
    feed: feedAlone,
    hand: { run: handWindows(tumblingByHand) },
    rxjs: { run: rxjsWindows(tumblingByHand) },
    engine: { run: jobInMemory(tumblingJob) },
    'engine-subscribe': { run: subscribed(tumblingJob) },
  },
};

export const slidingCase: BenchCase = {
  name: 'sliding',
  title: 'count per key, sliding 60 s / 5 s, 10 k keys',
  // A minute of event time has passed before the clock starts, so that windows are full.
  sizes: { events: 5_000_000, warm: WARM_EVENTS, keys: 10_000 },
  plays: { keysFirst: false },
  digest: windowDigest,
  measuresMemory: false,
  variants: {
    feed: feedAlone,
    hand: { run: handWindows(slidingByHand) },
    rxjs: { run: rxjsWindows(slidingByHand) },
    engine: { run: jobInMemory(slidingJob) },
    'engine-subscribe': { run: subscribed(slidingJob) },
    'hand-tumbling': { run: handWindows(tumblingByHand), job: 'tumbling' },
    'engine-tumbling': { run: jobInMemory(tumblingJob), job: 'tumbling' },
    'engine-subscribe-tumbling': { run: subscribed(tumblingJob), job: 'tumbling' },
  },
};

export const sessionCase: BenchCase = {
  name: 'session',
  // The busiest keys come many times a second and never fall silent, the others every few seconds.
  title:
    'count per key, sessions with a gap of 10 s, 40 k keys, skewed: about one event in nine begins a session',
  sizes: { events: 5_000_000, warm: WARM_EVENTS, keys: 40_000 },
  plays: { keysFirst: false, skewed: true },
  digest: ({ key, window: { start, end }, value }: CountResult) =>
    digest2(digest3(key, end, end - start), value),
  measuresMemory: false,
  variants: {
    feed: feedAlone,
    hand: { run: handWindows(sessionsByHand) },
    rxjs: { run: rxjsWindows(sessionsByHand) },
    engine: { run: jobInMemory(sessionJob) },
    'engine-subscribe': { run: subscribed(sessionJob) },
  },
};
