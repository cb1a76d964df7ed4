/** The sources of a job: a pump for each split, or a bounded number of lanes where a source finds its splits on the way. */
import type { JobRecord, SplitRecord } from '../checkpoint/job-record.js';
import type { Source } from '../core/connector.js';
import { TidemarkError } from '../core/errors.js';
import type { SplitPump } from './epoch-parts.js';
import type { JobOptions } from './job-options.js';
import { guardSource } from './source-errors.js';
import { SourcePump, type PumpPosition } from './source-pump.js';
import { SplitFeed } from './split-feed.js';
import type { Wake } from './wake.js';

export interface SourcesOptions {
  readonly options: JobOptions;
  readonly record: JobRecord | undefined;
  readonly wake: Wake;
  readonly failed: (error: unknown) => void;
  readonly queued: (records: number) => void;
}

export interface JobSources {
  readonly splits: readonly SplitPump[];
  /** By input, for sources with discovery. */
  readonly feeds: ReadonlyMap<string, SplitFeed>;
}

const UNREAD = { cursor: undefined, hasEnded: false, bytesRead: 0 };
const VACANT: PumpPosition = { split: '', cursor: undefined, hasEnded: true, bytesRead: 0 };

/** @throws TidemarkError SOURCE_CHANGED when a split is gone that has not been read to its end; what a source reports */
export async function makePumps(sources: SourcesOptions): Promise<JobSources> {
  const { options, record, wake, failed, queued } = sources;
  const { runtime } = options;
  const splits: SplitPump[] = [];
  const feeds = new Map<string, SplitFeed>();
  for (const [input, source] of options.from) {
    const listed = await guardSource(source.name, () => source.splits(runtime));
    const known = record?.splits.filter((split) => split.input === input) ?? [];
    const gone = known.find(({ split, hasEnded }) => !hasEnded && !listed.includes(split));
    if (gone !== undefined) throw splitGone(source.name, gone.split);
    const feed = feedOf(source, { sources, input, listed, known });
    if (feed !== undefined) feeds.set(input, feed);
    const positions =
      feed === undefined
        ? listed.map((split) => known.find((at) => at.split === split) ?? { ...UNREAD, split })
        : lanesOf(source, known);
    for (const position of positions) {
      const shared = { input, source, runtime, wake, failed, queued };
      const pump = new SourcePump({
        ...shared,
        ...position,
        ...(feed === undefined ? {} : { feed }),
      });
      const taskInput = splits.length;
      splits.push({
        input,
        pump,
        taskInput,
        get split() {
          return pump.split;
        },
      });
    }
  }
  return { splits, feeds };
}

function feedOf(
  source: Source<unknown>,
  at: {
    readonly sources: SourcesOptions;
    readonly input: string;
    readonly listed: readonly string[];
    readonly known: readonly SplitRecord[];
  },
): SplitFeed | undefined {
  if (source.discovery === undefined) return undefined;
  const namesOf = (records: readonly SplitRecord[]): string[] =>
    records.map(({ split }) => split).filter((split) => split !== '');
  return new SplitFeed({
    source,
    runtime: at.sources.options.runtime,
    listed: at.listed,
    open: namesOf(at.known.filter(({ hasEnded }) => !hasEnded)),
    ended: namesOf(at.known.filter(({ hasEnded }) => hasEnded)),
    record: at.sources.record?.discovered?.get(at.input),
  });
}

/**
 * Splits in the middle first. Lanes without one take over what a lane has read last, because the watermark that all had
 * reached is in the state of its generator.
 */
function lanesOf(source: Source<unknown>, known: readonly SplitRecord[]): PumpPosition[] {
  const lanes = known.toSorted((one, other) => Number(one.hasEnded) - Number(other.hasEnded));
  const open = lanes.filter(({ hasEnded }) => !hasEnded).length;
  const count = Math.max(open, source.discovery?.openMax ?? 1);
  return Array.from({ length: count }, (_, lane) => lanes[lane] ?? VACANT);
}

function splitGone(source: string, split: string): TidemarkError {
  return new TidemarkError('SOURCE_CHANGED', {
    expected: `the split "${split}", which has not been read to its end`,
    got: 'a source without it',
    where: `source "${source}"`,
    hint: 'Put it back, or begin again with an empty state.',
  });
}
