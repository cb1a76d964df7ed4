/** What a case is: one job, written several ways, that must all come to the same results. */
import type { Feed, Sizes } from './feed.js';
import type { PlaysOptions } from './plays.js';
import type { Tally } from './tally.js';

/** The ways a job is written. All but `hand` and `rxjs` are compared with these two. */
export type VariantName =
  /** The loop over chunks that a performance engineer would sign. */
  | 'hand'
  /** Per event through RxJS, state in a `scan`. */
  | 'rxjs'
  /** Per event through RxJS, a group per key. */
  | 'rxjs-groupby'
  /** `run`, with state in memory and no epochs. */
  | 'engine'
  /** `run`, with state in LMDB and an epoch every second. */
  | 'engine-epochs'
  /** A subscription, per event. */
  | 'engine-subscribe'
  /** The same events in tumbling windows; a job of its own, for comparison. */
  | 'hand-tumbling'
  | 'engine-tumbling';

export interface Variant {
  /** Feeds all events through the job and what comes out into the tally. */
  run(feed: Feed, tally: Tally<never>): void | Promise<void>;
  /** Fewer or more events than the case has, for a variant that is much slower or must last long. */
  readonly events?: number;
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
  readonly variants: Readonly<Partial<Record<VariantName, Variant>>>;
}

export function variantOf(benchCase: BenchCase, name: VariantName): Variant {
  const variant = benchCase.variants[name];
  if (variant === undefined) throw new Error(`case "${benchCase.name}" has no variant "${name}"`);
  return variant;
}

export function variantNames(benchCase: BenchCase): VariantName[] {
  return Object.keys(benchCase.variants) as VariantName[];
}
