/**
 * The case `ingest`: a thousand pushes in flight into a log on disk, each awaited; beside the log that one would write by
 * hand: lines of JSON in a file, a group at a time, one flush per group.
 */
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ingest as ingestLog, unchecked } from '../src/index.js';
import { feedAlone, type BenchCase, type Measures } from './case.js';
import type { Feed } from './feed.js';
import type { Play } from './plays.js';
import { digest2, type Tally } from './tally.js';

const IN_FLIGHT = 1000;

type Push = (play: Play) => Promise<void>;

/** Workers take the events one by one, and each awaits its push before it takes the next. */
async function pushAll(feed: Feed, tally: Tally<Play>, push: Push): Promise<Measures> {
  const time = { startMs: 0, stopMs: 0 };
  feed.whenStarted = () => void (time.startMs = performance.now());
  feed.whenStopped = () => void (time.stopMs = performance.now());
  let plays: Play[] | undefined = [];
  let at = 0;
  const take = (): Play | undefined => {
    if (plays !== undefined && at === plays.length) {
      plays = feed.next();
      at = 0;
    }
    return plays?.[at++];
  };
  const worker = async (): Promise<void> => {
    for (let play = take(); play !== undefined; play = take()) {
      await push(play);
      tally.add(play);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  const { events } = feed.reading();
  return { pushesPerSecond: (events / (time.stopMs - time.startMs)) * 1000 };
}

async function inDirectory<Out>(use: (directory: string) => Promise<Out>): Promise<Out> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-bench-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function engine(feed: Feed, tally: Tally<Play>): Promise<Measures> {
  return inDirectory(async (directory) => {
    // Nobody reads it here, so it is given room for everything.
    const log = ingestLog(unchecked<Play>(), { directory, maxBytes: 2 ** 33 });
    const measures = await pushAll(feed, tally, (play) => log.push(play));
    await log.close();
    return measures;
  });
}

/** What is pushed while a flush is under way makes up the next group: the same rule as that of the library. */
class HandLog {
  readonly #file: FileHandle;
  #lines: string[] = [];
  #group = group();
  #isFlushing = false;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  push(play: Play): Promise<void> {
    this.#lines.push(JSON.stringify(play));
    const { promise } = this.#group;
    if (!this.#isFlushing) void this.#flush();
    return promise;
  }

  async #flush(): Promise<void> {
    this.#isFlushing = true;
    await new Promise((turn) => void setImmediate(turn));
    while (this.#lines.length > 0) {
      const { resolve } = this.#group;
      const text = `${this.#lines.join('\n')}\n`;
      this.#lines = [];
      this.#group = group();
      await this.#file.appendFile(text);
      await this.#file.datasync();
      resolve();
      // Those who were told push again before the loop looks.
      await new Promise((turn) => void setImmediate(turn));
    }
    this.#isFlushing = false;
  }
}

function group(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

function hand(feed: Feed, tally: Tally<Play>): Promise<Measures> {
  return inDirectory(async (directory) => {
    const file = await open(join(directory, 'log.jsonl'), 'a');
    const log = new HandLog(file);
    const measures = await pushAll(feed, tally, (play) => log.push(play));
    await file.close();
    return measures;
  });
}

export const ingest: BenchCase = {
  name: 'ingest',
  title: 'pushes acknowledged from disk, 1,000 in flight',
  sizes: { events: 2_000_000, warm: 500_000, keys: 10_000 },
  plays: { keysFirst: false },
  digest: ({ user, at }: Play) => digest2(user, at),
  measuresMemory: false,
  variants: { feed: feedAlone, hand: { run: hand }, engine: { run: engine } },
};
