/**
 * What is known of a run without a look at its blocks: where each block begins, which keys are surely not in it, and how
 * much it holds. It is kept in the heap and, sealed, in the store: some bytes per block and ten bits per key.
 */
import { damagedSeal, seal, unseal, type SealKind } from './sealed.js';
import { mayHold } from './key-filter.js';

const indexKind: SealKind = { magic: 0x49, version: 1, name: 'the index of a run' };

export interface RunIndex {
  /** The place of the first record of each block. */
  readonly firsts: Uint32Array;
  /** Empty for runs of timers, which nobody looks up by key. */
  readonly filter: Uint8Array;
  /** Records, tombstones included. */
  readonly records: number;
  /** Keys that came minus keys that went; over all runs of a part it is the number of its keys. */
  readonly net: number;
  /** Bytes of all blocks. */
  readonly bytes: number;
}

export function encodeIndex(index: RunIndex): Uint8Array {
  return seal(indexKind, (body) => {
    body.varint(index.records);
    body.f64(index.net);
    body.varint(index.bytes);
    body.varint(index.firsts.length);
    for (const first of index.firsts) body.u32(first);
    body.varint(index.filter.length);
    body.bytes(index.filter);
  });
}

/** @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN */
export function decodeIndex(sealed: Uint8Array, where: string): RunIndex {
  const body = unseal(indexKind, sealed, where);
  const [records, net, bytes, blocks] = [body.varint(), body.f64(), body.varint(), body.varint()];
  if (blocks * 4 > sealed.length) throw damagedSeal(indexKind, `${blocks} blocks`, where);
  const firsts = new Uint32Array(blocks);
  for (let block = 0; block < blocks; block += 1) firsts[block] = body.u32();
  const filter = body.take(body.varint()).slice();
  body.expectEnd();
  return { firsts, filter, records, net, bytes };
}

/** The one block that may hold a key at this place, or -1. */
export function blockFor({ firsts, filter }: RunIndex, place: number): number {
  return filter.length > 0 && !mayHold(filter, place) ? -1 : blockAt(firsts, place);
}

/** The last block that begins at or before a place, or -1. */
export function blockAt(firsts: Uint32Array, place: number): number {
  let low = 0;
  let high = firsts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((firsts[middle] as number) <= place) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
