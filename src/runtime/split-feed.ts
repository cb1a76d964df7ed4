/**
 * Hands out the splits of a source one after another, when there are more of them than may be open at a time, and finds
 * new ones while the job runs.
 *
 *     splits() ──▶ waiting ──▶ open (in a lane) ──▶ finished: 8 bytes of its name
 *        ▲ asked again by the clock
 *
 * What is finished must be remembered, or it would be read again. A set of names would grow for as long as the job
 * runs, so it is bounded: of a finished split 64 bits of a hash of its name are kept. When there are too many, those
 * whose splits are no longer listed are forgotten, the oldest first; when all are still listed the source fails.
 */
import { createHash } from 'node:crypto';
import type { Source } from '../core/connector.js';
import { TidemarkError } from '../core/errors.js';
import type { Runtime } from '../core/runtime.js';
import type { DiscoveredRecord } from '../checkpoint/job-record.js';
import { guardSource } from './source-errors.js';
import { Wake } from './wake.js';

/** 800 kB in each commit at most. */
export const FINISHED_SPLITS_MAX = 100_000;

export interface SplitFeedOptions {
  readonly source: Source<unknown>;
  readonly runtime: Runtime;
  /** What `splits` has just given. */
  readonly listed: readonly string[];
  /** Those that the last commit has in the middle; lanes have them already. */
  readonly open: readonly string[];
  /** Those that it has at their end: also of a time when the source had no discovery. */
  readonly ended: readonly string[];
  readonly record: DiscoveredRecord | undefined;
  /** Default `FINISHED_SPLITS_MAX`. */
  readonly finishedMax?: number;
}

export class SplitFeed {
  readonly #options: SplitFeedOptions;
  readonly #everyMs: number;
  readonly #open: Set<string>;
  /** Hashes of the names of finished splits, oldest first. */
  readonly #finished: Set<bigint>;
  /** Of all names that were listed last, so that they are not made again at each look. */
  #hashes = new Map<string, bigint>();
  #waiting: readonly string[] = [];
  #next = 0;
  #listAt = -Infinity;
  #bytes: number;
  #packed: Uint8Array | undefined;
  #isStopped = false;
  readonly #bell = new Wake();
  /** Lanes take turns, so that two of them do not look at the same time. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Calls of `next` that are under way. */
  #taking = 0;

  constructor(options: SplitFeedOptions) {
    this.#options = options;
    this.#everyMs = options.source.discovery?.everyMs ?? Infinity;
    this.#open = new Set(options.open);
    this.#finished = new Set(unpacked(options.record?.names));
    for (const split of options.ended) this.#finished.add(hashOf(split));
    this.#bytes = options.record?.bytes ?? 0;
    this.#listed(options.listed);
  }

  /** Bytes of all finished splits together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The next split to read; undefined when it takes a look to know. */
  nextNow(): string | undefined {
    const isDue = this.#options.runtime.clock.now() >= this.#listAt;
    return this.#isStopped || isDue || this.#taking > 0 ? undefined : this.#pick();
  }

  /** The next split to read. Waits for one; undefined when there will be none any more, or when it was stopped. */
  next(): Promise<string | undefined> {
    this.#taking += 1;
    const taken = this.#turn.then(() => this.#take()).finally(() => (this.#taking -= 1));
    this.#turn = taken.catch(() => undefined);
    return taken;
  }

  /** @throws TidemarkError SOURCE_FAILED when too many finished splits are still listed */
  finished(split: string, bytes: number): void {
    this.#open.delete(split);
    this.#finished.add(this.#hashes.get(split) ?? hashOf(split));
    this.#bytes += bytes;
    this.#packed = undefined;
    const { finishedMax = FINISHED_SPLITS_MAX } = this.#options;
    if (this.#finished.size > finishedMax) this.#forget(finishedMax);
  }

  /** What the commit has to know. */
  record(): DiscoveredRecord {
    this.#packed ??= packed(this.#finished);
    return { names: this.#packed, bytes: this.#bytes };
  }

  stop(): void {
    this.#isStopped = true;
    this.#bell.ring();
  }

  async #take(): Promise<string | undefined> {
    const { source, runtime } = this.#options;
    while (!this.#isStopped) {
      if (runtime.clock.now() >= this.#listAt)
        this.#listed(await guardSource(source.name, () => source.splits(runtime)));
      const split = this.#pick();
      if (split !== undefined) return split;
      if (this.#everyMs === Infinity) return undefined;
      const cancel = runtime.clock.setTimer(this.#listAt, () => this.#bell.ring());
      await this.#bell.wait();
      cancel();
    }
    return undefined;
  }

  #pick(): string | undefined {
    const split = this.#waiting[this.#next];
    if (split === undefined) return undefined;
    this.#next += 1;
    this.#open.add(split);
    return split;
  }

  #listed(names: readonly string[]): void {
    const before = this.#hashes;
    this.#hashes = new Map(names.map((name) => [name, before.get(name) ?? hashOf(name)]));
    this.#waiting = names.filter(
      (name) => !this.#open.has(name) && !this.#finished.has(this.#hashes.get(name) as bigint),
    );
    this.#next = 0;
    this.#listAt = this.#options.runtime.clock.now() + this.#everyMs;
  }

  #forget(finishedMax: number): void {
    const listed = new Set(this.#hashes.values());
    for (const hash of this.#finished) {
      if (listed.has(hash)) continue;
      this.#finished.delete(hash);
      if (this.#finished.size <= finishedMax) return;
    }
    const { name } = this.#options.source;
    throw new TidemarkError('SOURCE_FAILED', {
      expected: `at most ${finishedMax} splits that have been read and are still there`,
      got: `${this.#finished.size}`,
      where: `source "${name}"`,
      hint: 'The state remembers each of them. Move what has been read away, then start the job again.',
    });
  }
}

/** Two of 100,000 names share it with a chance of one to 10 to the 10th. */
function hashOf(name: string): bigint {
  return createHash('sha256').update(name).digest().readBigUInt64BE();
}

function packed(hashes: ReadonlySet<bigint>): Uint8Array {
  const bytes = new Uint8Array(8 * hashes.size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const hash of hashes) {
    view.setBigUint64(at, hash);
    at += 8;
  }
  return bytes;
}

function* unpacked(bytes: Uint8Array = new Uint8Array()): Generator<bigint> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; at += 8) yield view.getBigUint64(at);
}
