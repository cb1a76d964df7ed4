/**
 * The case `latency`: a million events per second offered, whoever is ready or not; ten thousand keys, windows of 10 s
 * that end every 20 ms, so half a million results per second. How long after its end is a window out?
 */
import { count, eventTime, keyBy, pipeline, sliding, unchecked, window } from '../src/index.js';
import { Subject } from 'rxjs';
import type { BenchCase, Measures, Variant } from './case.js';
import { feedSource, runInMemory, tallySink } from './engine.js';
import type { Feed } from './feed.js';
import { HandSliding, type CountResult } from './hand-windows.js';
import { Latencies } from './latencies.js';
import { FIRST_MS, type Play } from './plays.js';
import { Schedule } from './schedule.js';
import { digest3, type Tally } from './tally.js';

const EVENTS_PER_MS = 1000;
const SIZE_MS = 10_000;
const SLIDE_MS = 20;
/** Until windows are full, and code is compiled, nothing is measured. */
const WARM_MS = SIZE_MS + 1000;

const job = pipeline('latency', unchecked<Play>(), (plays) =>
  plays.pipe(
    eventTime({ timestamp: ({ at }) => at, every: SLIDE_MS }),
    keyBy(({ user }) => user),
    window(sliding({ size: SIZE_MS, slide: SLIDE_MS }), count(), { uid: 'plays' }),
  ),
);

interface Probe {
  readonly feed: Feed;
  readonly tally: Tally<CountResult>;
  readonly schedule: Schedule;
  readonly latencies: Latencies;
}

function probed(play: (probe: Probe) => Promise<unknown>): Variant {
  return {
    async run(feed: Feed, tally: Tally<CountResult>): Promise<Measures> {
      const schedule = new Schedule(feed, EVENTS_PER_MS);
      const latencies = new Latencies((end) => schedule.sinceMs(end));
      await play({ feed, tally, schedule, latencies });
      const lastMs = FIRST_MS + Math.floor((feed.sizes.events - 1) / EVENTS_PER_MS);
      return latencies.measures({ after: FIRST_MS + WARM_MS, upTo: lastMs });
    },
  };
}

async function hand({ tally, schedule, latencies }: Probe): Promise<void> {
  const sizes = { sizeMs: SIZE_MS, slideMs: SLIDE_MS, boundMs: 0, everyMs: SLIDE_MS };
  const windows = new HandSliding(sizes, (results) => {
    tally.addAll(results);
    latencies.addAll(results);
  });
  for (;;) {
    const plays = await schedule.next();
    if (plays === undefined) break;
    windows.addAll(plays);
  }
  windows.end();
}

function engine({ feed, tally, schedule, latencies }: Probe): Promise<unknown> {
  const from = feedSource(feed, () => schedule.next());
  const to = tallySink(tally, (results) => latencies.addAll(results));
  return runInMemory(job, from, to);
}

/** The time is that of the chunk's end: up to an eighth of a millisecond of events too late. */
async function subscription({ tally, schedule, latencies }: Probe): Promise<void> {
  const source = new Subject<Play>();
  const failed = new Promise<never>((_, reject) => {
    const next = (result: CountResult): void => {
      tally.add(result);
      latencies.add(result);
    };
    source.pipe(job).subscribe({ next, error: reject });
  });
  const fed = async (): Promise<void> => {
    for (;;) {
      const plays = await schedule.next();
      if (plays === undefined) break;
      for (const play of plays) source.next(play);
      latencies.out();
    }
    source.complete();
  };
  await Promise.race([fed(), failed]);
}

export const latency: BenchCase = {
  name: 'latency',
  title: 'end of window to its last result, 1 M events/s, 10 k keys, sliding 10 s / 20 ms',
  sizes: { events: 75_000_000, warm: WARM_MS * EVENTS_PER_MS, keys: 10_000 },
  plays: { keysFirst: false, eventsPerMs: EVENTS_PER_MS, inOrder: true },
  digest: ({ key, window: { end }, value }: CountResult) => digest3(key, end / SLIDE_MS, value),
  measuresMemory: false,
  measuresSpeed: false,
  runsOnce: true,
  conditions: ['polluted'],
  variants: {
    hand: probed(hand),
    engine: probed(engine),
    'engine-subscribe': probed(subscription),
  },
};
