/**
 * Where a key lies among all keys: a word of 32 bits, by which the durable form is sorted.
 *
 * The places of one key group lie side by side, in the order of groups, so a shard owns a range of them and a range of
 * groups is read without a look at the rest. Keys with equal places are told apart by their bytes.
 *
 *     hash ─▶ group = hash mod groups, and what is left = hash div groups ─▶ place = group · width + what is left
 */
import type { GroupRange } from '../core/key-group.js';
import { keyGroupOf } from '../core/key-group.js';
import { sortableBits } from './key-codec.js';

/** Places from `from` up to, not including, `to`; `to` may be 2^32. */
export interface PlaceRange {
  readonly from: number;
  readonly to: number;
}

export const PLACES = 2 ** 32;
/** The durable form of an operator lies in so many parts, whatever the number of groups: the top bits of a place. */
export const PARTS = 128;
const PART_SHIFT = 25;

export function placeOf(hash: number, maxParallelism: number): number {
  const width = Math.floor(PLACES / maxParallelism);
  const left = Math.floor((hash >>> 0) / maxParallelism);
  // Where 2^32 is no multiple, the last places of a group are shared by a few keys more.
  return keyGroupOf(hash, maxParallelism) * width + Math.min(left, width - 1);
}

export function placesOf(groups: GroupRange, maxParallelism: number): PlaceRange {
  const width = Math.floor(PLACES / maxParallelism);
  return { from: groups.from * width, to: groups.to * width };
}

export function partOf(place: number): number {
  return place >>> PART_SHIFT;
}

/** Where a part begins; of `PARTS` it is the end of all. */
export function partStart(part: number): number {
  return part * 2 ** PART_SHIFT;
}

/** Where a timer lies among the timers of its part: by time, about a quarter of an hour to a place. */
export function placeOfTime(time: number): number {
  return sortableBits(time).getUint32(0);
}
