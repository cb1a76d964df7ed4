/**
 * What windows and sessions do with nearly every element, as templates for `fresh`: none of these functions may name
 * anything outside itself. Whatever is not the common case goes to `bySteps`.
 */
import type { Counters, KeyCell, KeyedState } from '../core/operator.js';
import type { Aggregator } from './aggregators.js';
import type { CurrentSlice } from './current-slice.js';
import type { KeySlices } from './key-slices.js';

type Element = (value: unknown, timestamp: number) => void;

interface HotParts<Live extends object> {
  readonly counters: Counters;
  readonly cell: KeyCell;
  readonly store: KeyedState<Live>;
  readonly aggregator: Aggregator<unknown, unknown, unknown>;
  /** The flag of a slot that has been dropped since it was looked up. */
  readonly removed: number;
  /** Takes an element that has been received and is not of the common case. */
  readonly bySteps: Element;
  /** Throws. */
  readonly failed: (cause: unknown, key: unknown, timestamp: number) => never;
}

/** The element belongs to the slice in hand, and that is the newest of its key. */
export function addingToSlice({
  counters,
  slice,
  cell,
  store,
  aggregator,
  removed,
  bySteps,
  failed,
}: HotParts<KeySlices> & { readonly slice: CurrentSlice }): Element {
  return (value, timestamp) => {
    counters.received += 1;
    if (!(timestamp >= slice.from && timestamp < slice.to && slice.isPlain)) {
      bySteps(value, timestamp);
      return;
    }
    let live = cell.slot as KeySlices | undefined;
    if (live === undefined || (live.flags & removed) !== 0) live = store.slot(cell.key) as unknown as KeySlices;
    if (live.sliceNumber !== slice.number) {
      bySteps(value, timestamp);
      return;
    }
    if (live.dirtyEpoch !== store.epoch) store.touch(live);
    try {
      live.accumulator = aggregator.add(live.accumulator, value);
    } catch (cause) {
      failed(cause, live.key, timestamp);
    }
    counters.accepted += 1;
  };
}
