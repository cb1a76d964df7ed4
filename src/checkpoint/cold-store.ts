/** The last commit as one store of one shard sees it: point reads, and walks a page at a time. */
import { placesOf, partOf, partStart, PARTS, PLACES, type PlaceRange } from '../state/places.js';
import { readKey } from '../state/key-codec.js';
import type { ColdKeys, ColdPage } from '../state/cold-keys.js';
import type { KeyedStateSpec } from '../core/operator.js';
import type { GroupRange } from '../core/key-group.js';
import type { Run } from './run.js';
import type { RunStore } from './runs.js';
import { unpack } from './store-slabs.js';

/** Keys of a page, or some more where places are shared. */
const PAGE_KEYS = 64;

export interface ColdStoreOptions {
  readonly uid: string;
  readonly spec: KeyedStateSpec;
  readonly groups: GroupRange;
  readonly maxParallelism: number;
  /** Names the state in errors. */
  readonly where: string;
}

export class ColdStore implements ColdKeys {
  readonly #runs: RunStore;
  readonly #options: ColdStoreOptions;
  readonly #range: PlaceRange;
  readonly #parts: (readonly Run[])[] = [];
  /** The generation that `#parts` is of. */
  #seen = 0;

  constructor(runs: RunStore, options: ColdStoreOptions) {
    this.#runs = runs;
    this.#options = options;
    this.#range = placesOf(options.groups, options.maxParallelism);
  }

  read(place: number, key: Uint8Array): object | undefined {
    const { spec, where } = this.#options;
    const found = this.#runs.find(this.#runsOf(partOf(place)), place, key);
    return found === undefined ? undefined : unpack(spec, found[0].valueOf(found[1]), where);
  }

  page(after: number): ColdPage<object> {
    const { uid, spec, where } = this.#options;
    const from = Math.max(after, this.#range.from);
    if (from >= this.#range.to) return { found: [], next: PLACES };
    const part = partOf(from);
    const end = Math.min(partStart(part + 1), this.#range.to);
    const found: { key: ReturnType<typeof readKey>; place: number; live: object }[] = [];
    const records = this.#runs.merged({ uid, kind: 'slots', part }, { from });
    for (const { block, index, place } of records) {
      if (place >= end) break;
      if (found.length >= PAGE_KEYS && place !== found.at(-1)?.place) return { found, next: place };
      if (block.isTombstone(index)) continue;
      const key = readKey(block.keyOf(index));
      found.push({ key, place, live: unpack(spec, block.valueOf(index), where) });
    }
    return { found, next: end };
  }

  /** The runs of a part, found by name once for each commit. */
  #runsOf(part: number): readonly Run[] {
    if (this.#seen !== this.#runs.next) this.#parts.length = 0;
    this.#seen = this.#runs.next;
    return (this.#parts[part] ??= this.#runs.runsOf({
      uid: this.#options.uid,
      kind: 'slots',
      part,
    }));
  }

  /** How many keys there are. */
  count(): number {
    const { uid } = this.#options;
    const { from, to } = this.#range;
    let count = 0;
    for (let part = partOf(from); part < PARTS && partStart(part) < to; part += 1) {
      const name = { uid, kind: 'slots', part } as const;
      if (from <= partStart(part) && to >= partStart(part + 1)) count += this.#runs.countOf(name);
      // Shared with another shard: counted key by key, twice per shard at most.
      else
        for (const { place, block, index } of this.#runs.merged(name))
          if (place >= from && place < to && !block.isTombstone(index)) count += 1;
    }
    return count;
  }

  /** Whether a kind of timers has any; then slots must be there before elements come. */
  hasTimers(): boolean {
    const { uid } = this.#options;
    for (const kind of ['event', 'processing'] as const)
      for (
        let part = partOf(this.#range.from);
        part < PARTS && partStart(part) < this.#range.to;
        part += 1
      )
        if (this.#runs.runsOf({ uid, kind, part }).length > 0) return true;
    return false;
  }
}
