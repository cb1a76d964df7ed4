/** Feeds pipelines the ways that users run them: as a subscription, and as a job with a source of chunks. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lmdb, memory, run, type Pipeline, type RunSummary } from '../src/index.js';
import type { Bytes } from '../src/core/byte-size.js';
import type { Sink, SinkWriter, Source, SourceChunk } from '../src/core/connector.js';
import { NO_TIMESTAMP, type Origin } from '../src/core/flow.js';
import { eventsOf } from './events-of.js';
import { CHUNK, type Feed } from './feed.js';
import type { Play } from './plays.js';
import type { Tally } from './tally.js';

type Run<Out> = (feed: Feed, tally: Tally<Out>) => Promise<void>;

/** A subscription: an event runs through to the tally before the next one comes. */
export function subscribed<Out>(job: Pipeline<Play, Out>): Run<Out> {
  return (feed, tally) =>
    new Promise((resolve, reject) => {
      eventsOf(feed)
        .pipe(job)
        .subscribe({ next: (value) => tally.add(value), error: reject, complete: resolve });
    });
}

/** A job with state in memory and no epochs but the last one. */
export function jobInMemory<Out>(job: Pipeline<Play, Out>): Run<Out> {
  return async (feed, tally) => {
    await runInMemory(job, feedSource(feed), tallySink(tally));
  };
}

export function runInMemory<Out>(
  job: Pipeline<Play, Out>,
  from: Source<Play>,
  to: Sink<Out>,
): Promise<RunSummary> {
  const checkpoint = { records: Number.MAX_SAFE_INTEGER };
  return run(job, { from, to, state: memory(), checkpoint }).done;
}

/**
 * A job with state in LMDB, in a directory of its own, and an epoch every second.
 *
 * @param memory the budget for state
 */
export function jobWithEpochs<Out>(job: Pipeline<Play, Out>, memory?: Bytes): Run<Out> {
  return (feed, tally) =>
    inDirectory(async (directory) => {
      const state = lmdb(directory);
      const budget = memory === undefined ? {} : { memory };
      const to = tallySink(tally);
      await run(job, { from: feedSource(feed), to, state, checkpoint: '1s', ...budget }).done;
    });
}

/** Hands out a directory that is gone afterwards. */
export async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-bench-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const noTimestamps: readonly number[] = new Array<number>(CHUNK).fill(NO_TIMESTAMP);
const none: readonly never[] = [];

/**
 * The feed as a source of one split, a chunk at a time.
 *
 * @param next gives the next chunk of the feed; default: at once
 */
export function feedSource(
  feed: Feed,
  next: () => Promise<Play[] | undefined> = () => Promise.resolve(feed.next()),
): Source<Play> {
  const origin: Origin = { name: 'feed', unit: 'element' };
  const read = async (): Promise<SourceChunk | undefined> => {
    const values = await next();
    if (values === undefined) return undefined;
    const { length } = values;
    const timestamps = length === CHUNK ? noTimestamps : noTimestamps.slice(0, length);
    const firstPosition = feed.position - length + 1;
    const columns = { values, timestamps, positions: none, keys: none, derivedKeys: none };
    return { chunk: { kind: 'chunk', origin, firstPosition, ...columns }, cursor: feed.position };
  };
  return {
    name: 'feed',
    replayable: true,
    splits: () => Promise.resolve(['0']),
    open: () => Promise.resolve({ read, close: () => Promise.resolve() }),
  };
}

/**
 * Counts, and keeps nothing: repeats after a crash would be its only sin, and nothing crashes here.
 *
 * @param written called with each batch behind the tally
 */
export function tallySink<Out>(
  tally: Tally<Out>,
  written?: (values: readonly Out[]) => void,
): Sink<Out> {
  const writer: SinkWriter = {
    write(values) {
      tally.addAll(values as readonly Out[]);
      written?.(values as readonly Out[]);
    },
    prepare: () => Promise.resolve(undefined),
    publish: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return {
    uid: 'tally',
    guarantee: 'idempotent',
    allowDuplicates: false,
    recover: () => Promise.resolve(),
    open: () => Promise.resolve(writer),
  };
}
