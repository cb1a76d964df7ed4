import { describe, expect, test } from 'vitest';
import type { Source } from '../core/connector.js';
import { silentLogger, type Runtime } from '../core/runtime.js';
import { simulatedFiles } from '../testing/simulated-files.js';
import { VirtualClock } from '../testing/virtual-clock.js';
import { SplitFeed, type SplitFeedOptions } from './split-feed.js';

interface World {
  names: string[];
  readonly clock: VirtualClock;
  feed(options?: Partial<SplitFeedOptions> & { readonly everyMs?: number }): SplitFeed;
}

function makeWorld(...names: string[]): World {
  const clock = new VirtualClock();
  const runtime: Runtime = {
    clock,
    random: () => 0,
    files: simulatedFiles(),
    log: silentLogger,
    at: () => Promise.resolve(),
  };
  const world: World = {
    names,
    clock,
    feed({ everyMs = Infinity, ...options } = {}) {
      const source: Source<unknown> = {
        name: 'splits',
        replayable: true,
        discovery: { openMax: 1, everyMs },
        splits: () => Promise.resolve([...world.names]),
        open: () => Promise.reject(new Error('never opened')),
      };
      const { names: listed } = world;
      return new SplitFeed({
        source,
        runtime,
        listed,
        open: [],
        ended: [],
        record: undefined,
        ...options,
      });
    },
  };
  return world;
}

describe('a feed of splits', () => {
  test('hands out each once, in the order in which they are listed, then says that it is over', async () => {
    const feed = makeWorld('b', 'a').feed();
    expect([await feed.next(), await feed.next(), await feed.next()]).toEqual([
      'b',
      'a',
      undefined,
    ]);
  });

  test('looks again by the clock; several lanes that wait get what comes, one each', async () => {
    const world = makeWorld('a');
    const feed = world.feed({ everyMs: 100 });
    const lanes = [feed.next(), feed.next(), feed.next()];
    expect(await lanes[0]).toBe('a');
    world.names = ['a', 'b', 'c'];
    await settled();
    world.clock.moveTo(99);
    const early = await Promise.race([lanes[1], settled()]);
    expect(early).toBeUndefined();
    world.clock.moveTo(100);
    expect([await lanes[1], await lanes[2]]).toEqual(['b', 'c']);
  });

  test('a stop ends all waits and leaves no timer', async () => {
    const world = makeWorld();
    const feed = world.feed({ everyMs: 100 });
    const lanes = [feed.next(), feed.next()];
    await settled();
    feed.stop();
    expect(await Promise.all(lanes)).toEqual([undefined, undefined]);
    expect(world.clock.next()).toBe(Infinity);
  });

  test('a listing that fails is told to each lane, and does not block the next', async () => {
    const world = makeWorld();
    const feed = world.feed({ everyMs: 100, listed: [] });
    Object.defineProperty(world, 'names', { get: () => fail() });
    const lanes = [feed.next(), feed.next()].map((lane) =>
      lane.catch((error: Error) => error.message),
    );
    await settled();
    world.clock.moveTo(100);
    for (const lane of lanes) expect(await lane).toMatch(/SOURCE_FAILED.*gone/);
  });

  test('goes on behind what the commit knows as finished, open or ended before', async () => {
    const world = makeWorld('a', 'b', 'c', 'd');
    const first = world.feed();
    expect(await first.next()).toBe('a');
    first.finished('a', 10);
    const record = structuredClone(first.record());
    expect([record.names.length, record.bytes]).toEqual([8, 10]);
    const second = world.feed({ record, open: ['b'], ended: ['c'] });
    expect([await second.next(), await second.next()]).toEqual(['d', undefined]);
    second.finished('b', 5);
    expect(second.bytes).toBe(15);
  });

  test('remembers what is no longer listed as long as there is room, then forgets the oldest', async () => {
    const world = makeWorld('a', 'b', 'c');
    const feed = world.feed({ everyMs: 100, finishedMax: 2 });
    for (const name of ['a', 'b']) {
      await feed.next();
      feed.finished(name, 1);
    }
    world.names = ['c'];
    world.clock.moveTo(100);
    await feed.next();
    feed.finished('c', 1);
    expect(feed.record().names).toHaveLength(16);
    world.names = ['a', 'b', 'c'];
    world.clock.moveTo(200);
    // `a` was forgotten and counts as new; `b` is still remembered.
    expect(await feed.next()).toBe('a');
    expect(() => feed.finished('a', 1)).toThrow(/SOURCE_FAILED.*at most 2 splits.*got 3/);
  });
});

function fail(): never {
  throw new Error('gone');
}

/** Everything that can happen without the clock has happened. */
async function settled(): Promise<undefined> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  return undefined;
}
