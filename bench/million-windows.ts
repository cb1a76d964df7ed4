/**
 * The case `million-windows`: one watermark ends the windows of a million keys at once. What counts is not how long all
 * of them take, but for how long nothing else gets its turn.
 */
import { tumbling } from '../src/index.js';
import type { BenchCase, Measures, Variant } from './case.js';
import { jobInMemory, subscribed } from './engine.js';
import { LoopWatch } from './loop-watch.js';
import { countsPer, handWindows, rxjsWindows, tumblingByHand, windowDigest } from './windows.js';

const KEYS = 1_000_000;

const job = countsPer('million-windows', tumbling({ size: '10s' }));

/** Watches the loop from the moment when all keys have come until there are no more events: the windows end between. */
function watched(run: Variant['run']): Variant {
  return {
    async run(feed, tally): Promise<Measures> {
      const watch = new LoopWatch();
      feed.whenStarted = () => watch.start();
      feed.whenStopped = () => watch.stop();
      await run(feed, tally);
      const { elapsedMs } = feed.reading();
      return { longestBlockMs: watch.longestMs, allMs: elapsedMs };
    },
  };
}

export const millionWindows: BenchCase = {
  name: 'million-windows',
  title: 'a watermark that ends the windows of 1 M keys; the longest block of the event loop',
  // All keys come once in the first 9.1 s of a window of 10 s; the rest passes its end by 0.2 s.
  sizes: { events: KEYS + 135_000, warm: KEYS, keys: KEYS },
  plays: { keysFirst: true, eventsPerMs: 110, inOrder: true },
  digest: windowDigest,
  measuresMemory: false,
  measuresSpeed: false,
  keepsSizes: true,
  variants: {
    hand: watched(handWindows(tumblingByHand)),
    rxjs: watched(rxjsWindows(tumblingByHand)),
    engine: watched(jobInMemory(job)),
    'engine-subscribe': watched(subscribed(job)),
  },
};
