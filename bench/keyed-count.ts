/** The cases `keyed-count-*`: the running count of each key, one result per event. */
import { groupBy, map as rxMap, mergeMap, scan } from 'rxjs';
import { keyBy, pipeline, process, unchecked, valueState } from '../src/index.js';
import { WARM_EVENTS, feedAlone, type BenchCase } from './case.js';
import { endlessEventsOf, eventsOf } from './events-of.js';
import { jobInMemory, jobWithEpochs, subscribed } from './engine.js';
import type { Feed } from './feed.js';
import { IntegerCounts } from './hand-table.js';
import type { Play } from './plays.js';
import { digest2, type Tally } from './tally.js';

interface Count {
  readonly user: number;
  readonly count: number;
}

/** Changed in place: one look into the map per event, where a map of numbers needs two. */
interface Counter {
  count: number;
}

type Counters = Map<number, Counter>;

function hand(feed: Feed, tally: Tally<Count>): void {
  const counters: Counters = new Map();
  for (let plays = feed.next(); plays !== undefined; plays = feed.next())
    tally.addAll(countsOf(plays, counters));
}

function countsOf(plays: readonly Play[], counters: Counters): Count[] {
  const results = new Array<Count>(plays.length);
  for (let index = 0; index < plays.length; index += 1) {
    const { user } = plays[index] as Play;
    let counter = counters.get(user);
    if (counter === undefined) {
      counter = { count: 0 };
      counters.set(user, counter);
    }
    counter.count += 1;
    results[index] = { user, count: counter.count };
  }
  return results;
}

function handIntegers(feed: Feed, tally: Tally<Count>): void {
  const counts = new IntegerCounts();
  for (let plays = feed.next(); plays !== undefined; plays = feed.next())
    tally.addAll(integerCountsOf(plays, counts));
}

function integerCountsOf(plays: readonly Play[], counts: IntegerCounts): Count[] {
  const results = new Array<Count>(plays.length);
  for (let index = 0; index < plays.length; index += 1) {
    const { user } = plays[index] as Play;
    results[index] = { user, count: counts.increment(user) };
  }
  return results;
}

interface Counting {
  readonly counts: Map<number, number>;
  user: number;
  count: number;
}

// Numbers and no counters, and the result made behind the `scan`: what an old object is given to hold costs V8 extra.
function rxjs(feed: Feed, tally: Tally<Count>): void {
  eventsOf(feed)
    .pipe(
      scan(
        (state: Counting, { user }: Play) => {
          const count = (state.counts.get(user) ?? 0) + 1;
          state.counts.set(user, count);
          state.user = user;
          state.count = count;
          return state;
        },
        { counts: new Map<number, number>(), user: 0, count: 0 },
      ),
      rxMap(({ user, count }): Count => ({ user, count })),
    )
    .subscribe((count) => tally.add(count));
}

function rxjsGroupBy(feed: Feed, tally: Tally<Count>): void {
  endlessEventsOf(feed)
    .pipe(
      groupBy(({ user }) => user),
      mergeMap((plays) =>
        plays.pipe(
          scan((count) => count + 1, 0),
          rxMap((count): Count => ({ user: plays.key, count })),
        ),
      ),
    )
    .subscribe((count) => tally.add(count));
}

const job = pipeline('keyed-count', unchecked<Play>(), (plays) =>
  plays.pipe(
    keyBy(({ user }) => user),
    process({
      uid: 'count',
      state: { count: valueState(0) },
      element({ user }, { state }): Count[] {
        const count = state.count.get() + 1;
        state.count.set(count);
        return [{ user, count }];
      },
    }),
  ),
);

interface Size {
  readonly keys: number;
  readonly name: string;
  /** So many that some epochs come to pass. */
  readonly epochEvents: number;
  /** Few, because it takes microseconds for each; undefined for none at all. */
  readonly groupByEvents?: number;
}

function keyedCount({ keys, name, epochEvents, groupByEvents }: Size): BenchCase {
  const warm = keys + WARM_EVENTS;
  const groups = { run: rxjsGroupBy, events: keys + (groupByEvents ?? 0), warm: keys };
  return {
    name: `keyed-count-${name}`,
    title: `running count per key, ${name} keys`,
    sizes: { events: warm + 4_000_000, warm, keys },
    plays: { keysFirst: true },
    digest: ({ user, count }: Count) => digest2(user, count),
    measuresMemory: true,
    variants: {
      feed: feedAlone,
      hand: { run: hand },
      'hand-integers': { run: handIntegers },
      rxjs: { run: rxjs },
      ...(groupByEvents === undefined ? {} : { 'rxjs-groupby': groups }),
      engine: { run: jobInMemory(job) },
      'engine-subscribe': { run: subscribed(job) },
      'engine-epochs': { run: jobWithEpochs(job), events: warm + epochEvents },
    },
  };
}

export const keyedCounts: readonly BenchCase[] = [
  keyedCount({ keys: 10_000, name: '10k', epochEvents: 16_000_000, groupByEvents: 200_000 }),
  keyedCount({ keys: 100_000, name: '100k', epochEvents: 8_000_000, groupByEvents: 200_000 }),
  keyedCount({ keys: 1_000_000, name: '1m', epochEvents: 5_000_000 }),
];
