/** What a case is: one job, written several ways, that must all come to the same results. */
import type { Feed, Sizes } from './feed.js';
import type { PlaysOptions } from './plays.js';
import type { Condition } from './protocol.js';
import type { Tally } from './tally.js';

/** The ways a job is written. All others are compared with `hand` and `rxjs`. */
export type VariantName =
  /** No job at all: what making the events costs, which is in all figures. */
  | 'feed'
  /** The loop over chunks that a performance engineer would sign. */
  | 'hand'
  /** The same with a table of 32-bit integers: what a loop gets that may rely on such keys. */
  | 'hand-integers'
  /** Per event through RxJS, state in a `scan`. */
  | 'rxjs'
  /** Per event through RxJS, a group per key. */
  | 'rxjs-groupby'
  /** `run`, with state in memory and no epochs. */
  | 'engine'
  /** `run`, with state in LMDB and an epoch every second. */
  | 'engine-epochs'
  /** The same with a budget for state that is a tenth of it. */
  | 'engine-spill'
  /** A subscription, per event. */
  | 'engine-subscribe'
  /** The same events in tumbling windows; a job of its own, for comparison. */
  | 'hand-tumbling'
  | 'engine-tumbling'
  | 'engine-subscribe-tumbling';

/** What a variant has measured itself, by name; a name ends in its unit, `Ms`, or is a count. */
export type Measures = Readonly<Record<string, number>>;

export interface Variant {
  /** Feeds all events through the job and what comes out into the tally. */
  run(feed: Feed, tally: Tally<never>): void | Promise<void> | Promise<Measures> | Measures;
  /** Fewer or more events than the case has, for a variant that is much slower or must last long. */
  readonly events?: number;
  /** How many of them pass before the clock starts. Default: as many as in the case. */
  readonly warm?: number;
  /** Variants of one job must have equal checksums. Default: the job of the case. */
  readonly job?: string;
}

export interface BenchCase {
  readonly name: string;
  /** What the job does, in a few words. */
  readonly title: string;
  readonly sizes: Sizes;
  readonly plays: Omit<PlaysOptions, 'keys'>;
  digest(this: void, value: never): number;
  /** Whether bytes per key say something. */
  readonly measuresMemory: boolean;
  /** False where time per event says nothing; the variants then have measures of their own. Default true. */
  readonly measuresSpeed?: boolean;
  /** Whether a quick run has as many events as any other. Default false. */
  readonly keepsSizes?: boolean;
  /** One run of each variant is enough, and long; it warms up by itself. Default false. */
  readonly runsOnce?: boolean;
  /** Default: both. */
  readonly conditions?: readonly Condition[];
  readonly variants: Readonly<Partial<Record<VariantName, Variant>>>;
}

/**
 * For so many events the clock stands still, lest it measures V8 at compiling: an engine may make code for each run, and
 * what it is worth shows only when V8 has optimized it.
 */
export const WARM_EVENTS = 1_000_000;

/** The events alone. */
export const feedAlone: Variant = {
  job: 'feed',
  run(feed) {
    for (let plays = feed.next(); plays !== undefined; plays = feed.next());
  },
};

export function variantOf(benchCase: BenchCase, name: VariantName): Variant {
  const variant = benchCase.variants[name];
  if (variant === undefined) throw new Error(`case "${benchCase.name}" has no variant "${name}"`);
  return variant;
}

export function variantNames(benchCase: BenchCase): VariantName[] {
  return Object.keys(benchCase.variants) as VariantName[];
}

/** What must agree with what: variants of one job. */
export function jobOf(benchCase: BenchCase, name: VariantName): string {
  return variantOf(benchCase, name).job ?? benchCase.name;
}
