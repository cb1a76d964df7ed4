/**
 * The cases `recovery` and `dirty-keys`: how long a job with a million keys takes from its start to its first event, and
 * what an epoch costs that changes all of them.
 */
import { keyBy, lmdb, pipeline, process, run, unchecked, valueState } from '../src/index.js';
import { freezeStore } from '../src/checkpoint/store-slabs.js';
import { EmbeddedCommitter } from '../src/checkpoint/embedded-committer.js';
import type { Source } from '../src/core/connector.js';
import { cellsSpec, type Cells } from '../src/state/handles.js';
import { KeyedStore } from '../src/state/slots.js';
import type { BenchCase, Measures } from './case.js';
import { feedSource, inDirectory, tallySink } from './engine.js';
import { CHUNK, type Feed } from './feed.js';
import type { Play } from './plays.js';
import { digest2, type Tally } from './tally.js';

const KEYS = 1_000_000;

interface Count {
  readonly user: number;
  readonly count: number;
}

const job = pipeline('recovery', unchecked<Play>(), (plays) =>
  plays.pipe(
    keyBy(({ user }) => user),
    process({
      uid: 'count',
      state: { count: valueState(0) },
      element({ user }, { state }): Count[] {
        state.count.set(state.count.get() + 1);
        return [{ user, count: state.count.get() }];
      },
    }),
  ),
);

/** Fills the state, stops there, and starts again: the clock runs from the call of `run` to the first event. */
function recovered(feed: Feed, tally: Tally<Count>): Promise<Measures> {
  return inDirectory(async (directory) => {
    const state = lmdb(directory);
    const source = feedSource(feed);
    let first = NaN;
    const to = tallySink(tally, () => {
      if (Number.isNaN(first)) first = performance.now();
    });
    const half: Source<Play> = feedSource(feed, () =>
      Promise.resolve(feed.position < feed.sizes.keys ? feed.next() : undefined),
    );
    // It ends where the first half of its input ends, but the job is only stopped: nothing says that it has finished.
    const filling = run(job, { from: neverEnding(half), to, state, checkpoint: '1s' });
    while (feed.position < feed.sizes.keys) await new Promise((resolve) => setTimeout(resolve, 20));
    await filling.stop();
    first = NaN;
    const started = performance.now();
    await run(job, { from: source, to, state }).done;
    return { firstEventMs: first - started };
  });
}

/** After its last chunk it waits until it is told to stop. */
function neverEnding(source: Source<Play>): Source<Play> {
  return {
    ...source,
    async open(split, cursor, runtime) {
      const reader = await source.open(split, cursor, runtime);
      return {
        async read() {
          return (await reader.read()) ?? new Promise<never>(() => undefined);
        },
        close: () => reader.close(),
      };
    },
  };
}

/** Freezes and writes an epoch that has changed all keys, in the pieces in which a job does it. */
function frozen(feed: Feed, tally: Tally<Count>): Promise<Measures> {
  return inDirectory(async (directory) => {
    const backend = await lmdb(directory).open();
    const committer = new EmbeddedCommitter(backend, { where: directory });
    const spec = cellsSpec({ count: valueState(0) });
    const store = new KeyedStore<Cells>({ spec, maxParallelism: 128, durable: true });
    for (let chunk = feed.next(); chunk !== undefined; chunk = feed.next())
      for (const { user } of chunk) {
        const slot = store.slot(user);
        store.touch(slot);
        const count = (slot.live.c0 as number | undefined) ?? 0;
        slot.live.c0 = count + 1;
        tally.add({ user, count: count + 1 });
      }
    const changed = store.dirtySlots;
    let cpuMs = 0;
    let longestPieceMs = 0;
    const drain = freezeStore(store as never, 'count');
    for (;;) {
      const before = performance.now();
      const next = drain.next();
      if (next.done !== true && next.value !== undefined) committer.write('count', next.value);
      const spent = performance.now() - before;
      cpuMs += spent;
      longestPieceMs = Math.max(longestPieceMs, spent);
      if (next.done === true) break;
    }
    await committer.flushed();
    await backend.close();
    return { perDirtyKeyUs: (cpuMs * 1000) / changed, longestPieceMs };
  });
}

const common = {
  plays: { keysFirst: true },
  digest: ({ user, count }: Count) => digest2(user, count),
  measuresMemory: false,
  measuresSpeed: false,
  keepsSizes: true,
  runsOnce: true,
} as const;

export const recovery: BenchCase = {
  ...common,
  name: 'recovery',
  title: 'from the start of a job with 1 M keys in LMDB to its first event',
  sizes: { events: KEYS + 16 * CHUNK, warm: KEYS, keys: KEYS },
  variants: { engine: { run: recovered } },
};

export const dirtyKeys: BenchCase = {
  ...common,
  name: 'dirty-keys',
  title: 'an epoch that has changed 1 M keys: work on the main thread',
  sizes: { events: KEYS + 16 * CHUNK, warm: KEYS, keys: KEYS },
  variants: { engine: { run: frozen } },
};
