/** The case `spill`: state ten times as large as its budget, few keys of which have most of the events. */
import { readFileSync } from 'node:fs';
import { keyBy, pipeline, process, unchecked, valueState } from '../src/index.js';
import type { BenchCase, Measures, Variant } from './case.js';
import { jobInMemory, jobWithEpochs } from './engine.js';
import type { Play } from './plays.js';
import { digest2 } from './tally.js';

const KEYS = 2_000_000;
const BYTES_PER_KEY = 100;
const BUDGET = (KEYS * BYTES_PER_KEY) / 10;

const job = pipeline('spill', unchecked<Play>(), (plays) =>
  plays.pipe(
    keyBy(({ user }) => user),
    process({
      uid: 'padded',
      // With its key about a hundred bytes.
      state: { padded: valueState('0') },
      element({ user }, { state }) {
        const count = Number.parseInt(state.padded.get(), 10) + 1;
        state.padded.set(String(count).padEnd(BYTES_PER_KEY - 12, ' '));
        return [{ user, count }];
      },
    }),
  ),
);

/** Looks how much memory of its own the process has at most, while the clock runs. */
function weighed(run: Variant['run']): Variant {
  return {
    async run(feed, tally): Promise<Measures> {
      let rssAnonMb = 0;
      const look = (): void => {
        rssAnonMb = Math.max(rssAnonMb, rssAnon() / 2 ** 20);
      };
      let timer: NodeJS.Timeout | undefined;
      feed.whenStarted = () => (timer = setInterval(look, 50));
      feed.whenStopped = () => clearInterval(timer);
      await run(feed, tally);
      const budgetMb = BUDGET / 2 ** 20;
      return { rssAnonMb, rssBeyondBudgetMb: rssAnonMb - budgetMb };
    },
  };
}

/** Bytes that belong to no file; NaN where the system does not say. */
function rssAnon(): number {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}

export const spill: BenchCase = {
  name: 'spill',
  title: 'running count in states of 100 B, 2 M keys by Zipf; a tenth of the state in the heap',
  sizes: { events: KEYS + 8_000_000, warm: KEYS + 1_000_000, keys: KEYS },
  plays: { keysFirst: true, zipf: true },
  digest: ({ user, count }: { user: number; count: number }) => digest2(user, count),
  measuresMemory: false,
  runsOnce: true,
  conditions: ['clean'],
  variants: {
    engine: weighed(jobInMemory(job)),
    'engine-spill': weighed(jobWithEpochs(job, BUDGET)),
  },
};
