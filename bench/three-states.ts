/** The case `process-three-states`: three states of each key, all read and written by each event. */
import { map as rxMap, scan } from 'rxjs';
import { keyBy, pipeline, process, unchecked, valueState } from '../src/index.js';
import { WARM_EVENTS, feedAlone, type BenchCase } from './case.js';
import { jobInMemory, subscribed } from './engine.js';
import { eventsOf } from './events-of.js';
import type { Feed } from './feed.js';
import type { Play } from './plays.js';
import { digest2, digest3, type Tally } from './tally.js';

interface Habit {
  readonly user: number;
  readonly count: number;
  /** Milliseconds of music so far. */
  readonly sum: number;
  /** From the user's play before this one, ms. */
  readonly pause: number;
}

/** The three states by hand, changed in place. */
interface Known {
  count: number;
  sum: number;
  last: number;
}

type Users = Map<number, Known>;

function knownOf(users: Users, user: number, at: number): Known {
  let known = users.get(user);
  if (known === undefined) {
    known = { count: 0, sum: 0, last: at };
    users.set(user, known);
  }
  return known;
}

/** Takes a play into account; gives the pause before it. */
function listen(known: Known, { ms, at }: Play): number {
  const pause = at - known.last;
  known.count += 1;
  known.sum += ms;
  known.last = at;
  return pause;
}

function hand(feed: Feed, tally: Tally<Habit>): void {
  const users: Users = new Map();
  for (let plays = feed.next(); plays !== undefined; plays = feed.next())
    tally.addAll(habitsOf(plays, users));
}

function habitsOf(plays: readonly Play[], users: Users): Habit[] {
  const results = new Array<Habit>(plays.length);
  for (let index = 0; index < plays.length; index += 1) {
    const play = plays[index] as Play;
    const { user, at } = play;
    const known = knownOf(users, user, at);
    const pause = listen(known, play);
    results[index] = { user, count: known.count, sum: known.sum, pause };
  }
  return results;
}

interface Scanned {
  readonly users: Users;
  user: number;
  known: Known;
  pause: number;
}

// The result is made behind the `scan`: what an old object is given to hold costs V8 extra.
function rxjs(feed: Feed, tally: Tally<Habit>): void {
  eventsOf(feed)
    .pipe(
      scan(
        (scanned: Scanned, play: Play) => {
          scanned.user = play.user;
          scanned.known = knownOf(scanned.users, play.user, play.at);
          scanned.pause = listen(scanned.known, play);
          return scanned;
        },
        { users: new Map(), user: 0, known: { count: 0, sum: 0, last: 0 }, pause: 0 },
      ),
      rxMap(({ user, known: { count, sum }, pause }): Habit => ({ user, count, sum, pause })),
    )
    .subscribe((habit) => tally.add(habit));
}

const job = pipeline('three-states', unchecked<Play>(), (plays) =>
  plays.pipe(
    keyBy(({ user }) => user),
    process({
      uid: 'habits',
      state: { count: valueState(0), sum: valueState(0), last: valueState(0) },
      element({ user, ms, at }, { state }): Habit[] {
        const last = state.last.get();
        const count = state.count.get() + 1;
        const sum = state.sum.get() + ms;
        state.count.set(count);
        state.sum.set(sum);
        state.last.set(at);
        return [{ user, count, sum, pause: last === 0 ? 0 : at - last }];
      },
    }),
  ),
);

const keys = 10_000;

export const threeStates: BenchCase = {
  name: 'process-three-states',
  title: 'count, sum and last time of each key as three states, 10 k keys',
  sizes: { events: 4_000_000 + WARM_EVENTS, warm: WARM_EVENTS, keys },
  plays: { keysFirst: true },
  digest: ({ user, count, sum, pause }: Habit) => digest3(digest2(user, count), sum, pause),
  measuresMemory: true,
  variants: {
    feed: feedAlone,
    hand: { run: hand },
    rxjs: { run: rxjs },
    engine: { run: jobInMemory(job) },
    'engine-subscribe': { run: subscribed(job) },
  },
};
