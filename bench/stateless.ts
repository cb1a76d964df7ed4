/** The case `stateless`: map, filter, map; what an engine costs when there is nothing to remember. */
import { filter as rxFilter, map as rxMap } from 'rxjs';
import { filter, map, pipeline, unchecked } from '../src/index.js';
import { WARM_EVENTS, feedAlone, type BenchCase } from './case.js';
import { eventsOf } from './events-of.js';
import { jobInMemory, subscribed } from './engine.js';
import type { Feed } from './feed.js';
import type { Play } from './plays.js';
import { digest2, type Tally } from './tally.js';

interface Listen {
  readonly user: number;
  readonly song: string;
  readonly seconds: number;
}

interface Points {
  readonly user: number;
  readonly points: number;
}

// The user's code, the same in all variants.
const toListen = (play: Play): Listen => ({
  user: play.user,
  song: play.song,
  seconds: Math.floor(play.ms / 1000),
});
const isHeard = (listen: Listen): boolean => listen.seconds >= 30;
const toPoints = (listen: Listen): Points => ({
  user: listen.user,
  points: listen.seconds + listen.song.length,
});

function hand(feed: Feed, tally: Tally<Points>): void {
  for (let plays = feed.next(); plays !== undefined; plays = feed.next())
    tally.addAll(pointsOf(plays));
}

// A function per chunk, in this and all other loops by hand: V8 optimizes it as a whole, and need not replace a loop
// that is under way.
function pointsOf(plays: readonly Play[]): Points[] {
  const results = new Array<Points>(plays.length);
  let count = 0;
  for (let index = 0; index < plays.length; index += 1) {
    const listen = toListen(plays[index] as Play);
    if (isHeard(listen)) results[count++] = toPoints(listen);
  }
  results.length = count;
  return results;
}

function rxjs(feed: Feed, tally: Tally<Points>): void {
  eventsOf(feed)
    .pipe(rxMap(toListen), rxFilter(isHeard), rxMap(toPoints))
    .subscribe((points) => tally.add(points));
}

const job = pipeline('stateless', unchecked<Play>(), (plays) =>
  plays.pipe(map(toListen), filter(isHeard), map(toPoints)),
);

export const stateless: BenchCase = {
  name: 'stateless',
  title: 'map, filter, map',
  sizes: { events: 10_000_000, warm: 2 * WARM_EVENTS, keys: 10_000 },
  plays: { keysFirst: false },
  digest: ({ user, points }: Points) => digest2(user, points),
  measuresMemory: false,
  variants: {
    feed: feedAlone,
    hand: { run: hand },
    rxjs: { run: rxjs },
    engine: { run: jobInMemory(job) },
    'engine-subscribe': { run: subscribed(job) },
  },
};
