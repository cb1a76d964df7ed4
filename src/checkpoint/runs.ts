/**
 * The runs of keyed state in a backend: which run belongs to which part, and where its blocks are.
 *
 *     slab/7/3/0, slab/7/3/1 …  blocks of run 3 of generation 7: the changes of one epoch to one part, or a merge
 *     slab/7/3                  the index of that run
 *     refs/slots/40/plays       the runs that make up a part, oldest first, of the uid "plays"
 *     runs                      the last generation that was committed, and runs that it has made superfluous
 *
 * A generation is one try at a commit. So what a crash has left behind is found by name: everything of the generation
 * that was not committed, and what the committed one says is superfluous.
 */
import { murmur3 } from '../core/murmur3.js';
import { keyGroupOf, type GroupRange } from '../core/key-group.js';
import type { BatchEntry, StateBackend } from '../state/backend.js';
import type { Block } from '../state/blocks.js';
import { mergeRuns, type Blocks, type MergedRecord } from '../state/merge-runs.js';
import { PARTS, partOf, partStart, placesOf } from '../state/places.js';
import { blockAt, blockFor, type RunIndex } from '../state/run-index.js';
import { seal, unseal, type SealKind } from '../state/sealed.js';
import {
  REFS_PREFIX,
  SLAB_PREFIX,
  blockKey,
  decodeRuns,
  parseRefs,
  readRuns,
  refsKey,
  sealRuns,
  writeRuns,
  type PartName,
  type Run,
} from './run.js';
import type { SlabKind } from './store-slabs.js';

const generationKind: SealKind = { magic: 0x47, version: 1, name: 'the record of a generation' };
const GENERATION_KEY = 'runs';
/** Bytes of a record of timers before the key: its time. */
const TIME_BYTES = 8;

/** Parts by refs key: those of the last commit, or of a commit that somebody holds. */
export type Parts = ReadonlyMap<string, readonly Run[]>;

export class RunStore {
  readonly #backend: StateBackend;
  readonly #where: string;
  readonly #parts = new Map<string, readonly Run[]>();
  /** Runs that the last commit has made superfluous, and that are not removed yet. */
  #superfluous: Run[] = [];
  #generation = 0;
  #holders = 0;
  /** Lists of runs that the next commit removes unread. */
  #forgotten: readonly string[] = [];
  /** Whether slabs may be left that no list of superfluous runs names. */
  #sweeps = false;

  /**
   * @param options.forget begins as if nothing had been committed, whatever state the rest is in; the next commit replaces
   *   all of it
   */
  constructor(backend: StateBackend, where: string, { forget = false } = {}) {
    this.#backend = backend;
    this.#where = where;
    if (forget) {
      this.#sweeps = true;
      this.#forgotten = backend.keys(REFS_PREFIX);
      for (const key of backend.keys(SLAB_PREFIX))
        this.#generation = Math.max(this.#generation, Number(key.split('/')[1]));
      return;
    }
    for (const key of backend.keys(REFS_PREFIX)) {
      const sealed = backend.get(key);
      if (sealed !== undefined) this.#parts.set(key, decodeRuns(sealed, `${where}, ${key}`));
    }
    const sealed = backend.get(GENERATION_KEY);
    if (sealed === undefined) return;
    const body = unseal(generationKind, sealed, `${where}, ${GENERATION_KEY}`);
    this.#generation = body.varint();
    this.#sweeps = body.u8() === 1;
    this.#superfluous = readRuns(body);
  }

  get isEmpty(): boolean {
    return this.#parts.size === 0;
  }

  get parts(): Parts {
    return this.#parts;
  }

  /** The generation under way. */
  get next(): number {
    return this.#generation + 1;
  }

  uids(): Set<string> {
    return new Set([...this.#parts.keys()].map((key) => parseRefs(key).uid));
  }

  runsOf(name: PartName, parts: Parts = this.#parts): readonly Run[] {
    return parts.get(refsKey(name)) ?? [];
  }

  indexOf(run: Run): RunIndex {
    return run.index(this.#backend, this.#where);
  }

  /** Keys, or timers, of a part as of the last commit. */
  countOf(name: PartName): number {
    return this.runsOf(name).reduce((sum, run) => sum + this.indexOf(run).net, 0);
  }

  write(key: string, value: Uint8Array): void {
    this.#backend.writeAhead(key, value);
  }

  /**
   * The newest record of a key, good until the next read; undefined where there is none, or a tombstone.
   *
   * @param runs of the part that the place lies in
   */
  find(runs: readonly Run[], place: number, key: Uint8Array): [Block, number] | undefined {
    for (let at = runs.length - 1; at >= 0; at -= 1) {
      const run = runs[at] as Run;
      const number = blockFor(this.indexOf(run), place);
      if (number < 0) continue;
      const stored = blockKey(run.id, number);
      const bytes = this.#backend.peek?.(stored) ?? this.#backend.get(stored);
      const block = run.block(bytes, number, this.#where);
      const index = block.find(place, key);
      if (index >= 0) return block.isTombstone(index) ? undefined : [block, index];
    }
    return undefined;
  }

  /** Merged records of a part from a place on, tombstones included. */
  merged(
    name: PartName,
    { runs = this.runsOf(name), from = 0 }: { runs?: readonly Run[]; from?: number } = {},
  ): Generator<MergedRecord, void, void> {
    return mergeRuns(
      runs.map((run) => this.#blocksOf(run, from, this.#nameOf(name))),
      from,
    );
  }

  /** All records of some key groups, as they stand in `parts`: slots by place, timers by part and time. */
  *records(
    uid: string,
    kind: SlabKind,
    { groups, maxParallelism, parts = this.#parts }: RecordsOptions,
  ): Generator<MergedRecord, void, void> {
    const { from, to } = placesOf(groups, maxParallelism);
    const bytes = kind === 'slots' ? 0 : TIME_BYTES;
    for (let part = partOf(from); part < PARTS && partStart(part) < to; part += 1) {
      const name = { uid, kind, part };
      const runs = this.runsOf(name, parts);
      if (runs.length === 0) continue;
      const isWhole = from <= partStart(part) && to >= partStart(part + 1);
      // Slots lie by group, so those of others are not even read.
      const seeks = kind === 'slots' && !isWhole ? Math.max(from, partStart(part)) : 0;
      for (const record of this.merged(name, { runs, from: seeks })) {
        const { block, index, place } = record;
        if (kind === 'slots' && place >= to) break;
        if (block.isTombstone(index)) continue;
        if (!isWhole && kind !== 'slots') {
          const key = block.bytes.subarray(block.startOf(index) + bytes, block.keyEndOf(index));
          const group = keyGroupOf(murmur3(key), maxParallelism);
          if (group < groups.from || group >= groups.to) continue;
        }
        yield record;
      }
    }
  }

  /** What the commit of this generation consists of, given the parts that it changes. */
  batch(changes: Parts, superfluous: readonly Run[]): BatchEntry[] {
    const entries = [...changes].map(([key, runs]): BatchEntry => ({
      key,
      value: runs.length === 0 ? undefined : sealRuns(runs),
    }));
    const forgotten = this.#forgotten
      .filter((key) => !changes.has(key))
      .map((key): BatchEntry => ({ key, value: undefined }));
    const all = [...this.#superfluous, ...superfluous];
    const value = seal(generationKind, (body) => {
      body.varint(this.next);
      body.u8(this.#sweeps ? 1 : 0);
      writeRuns(body, all);
    });
    return [...forgotten, ...entries, { key: GENERATION_KEY, value }];
  }

  /** The batch has been committed. */
  committed(changes: Parts, superfluous: readonly Run[]): void {
    for (const [key, runs] of changes)
      if (runs.length === 0) this.#parts.delete(key);
      else this.#parts.set(key, runs);
    this.#superfluous.push(...superfluous);
    this.#forgotten = [];
    this.#generation += 1;
  }

  /** Keeps all runs of the last commit, until the function given is called. */
  hold(): { readonly parts: Parts; release(): void } {
    this.#holders += 1;
    let isHeld = true;
    return {
      parts: new Map(this.#parts),
      release: () => {
        if (isHeld) this.#holders -= 1;
        isHeld = false;
      },
    };
  }

  /** Removes runs that the last commit does not refer to. */
  clean(): void {
    if (this.#holders > 0) return;
    this.#backend.discard(this.#superfluous.flatMap((run) => run.keys()));
    this.#superfluous = [];
  }

  /** Removes everything that a crash has left unreferenced; once, at open, before anything is written. */
  cleanAll(): void {
    this.clean();
    const prefix = this.#sweeps ? SLAB_PREFIX : `${SLAB_PREFIX}${this.next}/`;
    const referred = new Set([...this.#parts.values()].flat().map(({ id }) => id));
    const isReferred = (key: string): boolean => referred.has(key.split('/').slice(1, 3).join('/'));
    this.#backend.discard(this.#backend.keys(prefix).filter((key) => !isReferred(key)));
    this.#sweeps = false;
  }

  *#blocksOf(run: Run, from: number, where: string): Blocks & Generator<Block, void, void> {
    const first = from === 0 ? 0 : Math.max(0, blockAt(this.indexOf(run).firsts, from));
    for (let number = first; number < run.blocks; number += 1)
      yield run.block(this.#backend.get(blockKey(run.id, number)), number, where);
  }

  #nameOf({ uid, kind, part }: PartName): string {
    return `${this.#where}, ${kind} of "${uid}", part ${part}`;
  }
}

export interface RecordsOptions {
  readonly groups: GroupRange;
  readonly maxParallelism: number;
  /** Default: those of the last commit. */
  readonly parts?: Parts;
}
