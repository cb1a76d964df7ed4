/** One run of one variant: feeds it, and reports time, outputs, checksum and, when asked, heap. */
import { variantOf, type BenchCase, type Measures, type VariantName } from './case.js';
import { CHUNK, Feed, type Sizes } from './feed.js';
import { Plays } from './plays.js';
import { Tally } from './tally.js';

export interface Outcome {
  /** Events that were fed in all, warm-up included. */
  readonly fed: number;
  readonly nsPerEvent: number;
  readonly cpuNsPerEvent: number;
  readonly outputs: number;
  readonly checksum: number;
  readonly heapBytesPerKey: number;
  /** What the variant has measured itself. */
  readonly measures: Measures;
}

export async function measure(
  benchCase: BenchCase,
  name: VariantName,
  sizes: Sizes,
  watchesHeap = false,
): Promise<Outcome> {
  const plays = new Plays({ ...benchCase.plays, keys: sizes.keys });
  const feed = new Feed(plays, sizes, { watchesHeap });
  const tally = new Tally<never>(benchCase.digest);
  const measures = (await variantOf(benchCase, name).run(feed, tally)) ?? {};
  tally.finish();
  const { events, elapsedMs, cpuMs, heapBytes } = feed.reading();
  return {
    fed: sizes.events,
    nsPerEvent: (elapsedMs * 1e6) / events,
    cpuNsPerEvent: (cpuMs * 1e6) / events,
    outputs: tally.count,
    checksum: tally.checksum,
    heapBytesPerKey: heapBytes / sizes.keys,
    measures,
  };
}

/** The sizes of the measured runs of a variant, or with `quick` about an eighth of them. */
export function sizesOf(benchCase: BenchCase, name: VariantName, quick: boolean): Sizes {
  const { keys, ...common } = benchCase.sizes;
  const { events = common.events, warm = common.warm } = variantOf(benchCase, name);
  const measured = Math.ceil((events - warm) / (quick && benchCase.keepsSizes !== true ? 8 : 1));
  return { warm, keys, events: warm + Math.max(measured, 4 * CHUNK) };
}
