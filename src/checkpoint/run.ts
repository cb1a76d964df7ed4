/** One run as its store knows it, and the names and lists under which runs lie in a backend. */
import type { StateBackend } from '../state/backend.js';
import { Block } from '../state/blocks.js';
import type { ByteReader, ByteWriter } from '../state/bytes.js';
import { decodeIndex, type RunIndex } from '../state/run-index.js';
import { seal, unseal, type SealKind } from '../state/sealed.js';
import { damaged } from './job-record.js';
import type { SlabKind } from './store-slabs.js';

export const SLAB_PREFIX = 'slab/';
export const REFS_PREFIX = 'refs/';

const partKind: SealKind = { magic: 0x50, version: 1, name: 'the list of runs of a part' };

export interface PartName {
  readonly uid: string;
  readonly kind: SlabKind;
  readonly part: number;
}

export class Run {
  readonly id: string;
  readonly blocks: number;
  #index: RunIndex | undefined;
  /** A bit per block whose checksum has been looked at. */
  readonly #seen: Uint8Array;

  constructor(id: string, blocks: number, index?: RunIndex) {
    this.id = id;
    this.blocks = blocks;
    this.#index = index;
    this.#seen = new Uint8Array((blocks + 7) >> 3);
  }

  index(backend: StateBackend, where: string): RunIndex {
    if (this.#index === undefined) {
      const bytes = backend.get(SLAB_PREFIX + this.id);
      if (bytes === undefined) throw damaged(where, `no run ${this.id}`);
      this.#index = decodeIndex(bytes, where);
    }
    return this.#index;
  }

  block(bytes: Uint8Array | undefined, number: number, where: string): Block {
    if (bytes === undefined) throw damaged(where, `no block ${number} of run ${this.id}`);
    const bit = 1 << (number & 7);
    const block = new Block(bytes, where, ((this.#seen[number >> 3] ?? 0) & bit) !== 0);
    this.#seen[number >> 3] = (this.#seen[number >> 3] ?? 0) | bit;
    return block;
  }

  keys(): string[] {
    const keys = [SLAB_PREFIX + this.id];
    for (let block = 0; block < this.blocks; block += 1) keys.push(blockKey(this.id, block));
    return keys;
  }
}

export function blockKey(id: string, block: number): string {
  return `${SLAB_PREFIX}${id}/${block}`;
}

export function indexKey(id: string): string {
  return SLAB_PREFIX + id;
}

export function refsKey({ uid, kind, part }: PartName): string {
  return `${REFS_PREFIX}${kind}/${part}/${uid}`;
}

export function parseRefs(key: string): PartName {
  const [, kind, part, ...uid] = key.split('/');
  return { kind: kind as SlabKind, part: Number(part), uid: uid.join('/') };
}

export function sealRuns(runs: readonly Run[]): Uint8Array {
  return seal(partKind, (body) => writeRuns(body, runs));
}

export function writeRuns(body: ByteWriter, runs: readonly Run[]): void {
  body.varint(runs.length);
  for (const { id, blocks } of runs) {
    body.string(id);
    body.varint(blocks);
  }
}

export function decodeRuns(sealed: Uint8Array, where: string): Run[] {
  return readRuns(unseal(partKind, sealed, where));
}

export function readRuns(body: ByteReader): Run[] {
  const runs: Run[] = [];
  for (let left = body.varint(); left > 0; left -= 1)
    runs.push(new Run(body.string(), body.varint()));
  return runs;
}
