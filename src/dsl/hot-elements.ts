/**
 * What windows and sessions do with nearly every element, as templates for `fresh`: none of these functions may name
 * anything outside itself. Whatever is not the common case goes to `bySteps`.
 */
import type { Key } from '../core/key.js';
import type { Budget, Counters, KeyCell, KeyedState, Receiver, Slot } from '../core/operator.js';
import type { Cells, SlotCursor } from '../state/handles.js';
import type { LiveSlot } from '../state/slots.js';
import type { Aggregator } from './aggregators.js';
import type { CurrentSlice } from './current-slice.js';
import type { KeySessions } from './key-sessions.js';
import type { KeySlices } from './key-slices.js';
import type { TimeOrigin } from '../time/time-origin.js';
import type { WakeBuckets } from '../time/wake-buckets.js';
import type { TimeWindow } from '../time/windows.js';
import type { Emitted } from './user-function.js';
import type { WindowOutput } from './window-function.js';

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
    if (live === undefined || (live.flags & removed) !== 0)
      live = store.slot(cell.key) as unknown as KeySlices;
    if (live.from !== slice.offset || live.size === 0) {
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

/** A bucket of keys that is being worked on, and what is the same for all of them. */
export interface SliceFiring {
  readonly time: number;
  /** The time as keys count it. */
  readonly wake: number;
  readonly slots: readonly KeySlices[];
  /** The key that comes next. */
  at: number;
  /** The window that ends here, if one does. */
  readonly window: TimeWindow | undefined;
  /** Slices that begin before it are forgotten. */
  readonly keepFrom: number;
  /** When a key is to be looked at again that has slices at or before that time; NaN: to be computed for each. */
  readonly nextWake: number;
}

interface FiringParts extends Pick<HotParts<KeySlices>, 'store' | 'aggregator' | 'failed'> {
  readonly buckets: WakeBuckets<KeySlices>;
  readonly output: WindowOutput;
  readonly plain: Receiver | undefined;
  readonly lingerMs: number;
  readonly derive: (key: unknown, time: number) => void;
  readonly bySteps: (live: KeySlices, firing: SliceFiring) => void;
}

/** Keys whose only slice belongs to the window that ends, and to none that comes. Returns whether all have been fired. */
export function firingSlices({
  store,
  aggregator,
  failed,
  buckets,
  output,
  plain,
  lingerMs,
  derive,
  bySteps,
}: FiringParts): (firing: SliceFiring, budget: Budget) => boolean {
  return (firing, budget) => {
    const { time, wake, slots, window, keepFrom } = firing;
    while (firing.at < slots.length) {
      if (budget.left <= 0) return false;
      const live = slots[firing.at] as KeySlices;
      firing.at += 1;
      if (live.wake !== wake || !live.waits) continue;
      budget.left -= 1;
      const { start } = live;
      if (window === undefined || !(start >= window.start && start < keepFrom) || !live.isSingle) {
        bySteps(live, firing);
        continue;
      }
      derive(live.key, time);
      let value: unknown;
      try {
        value = aggregator.result(live.accumulator);
      } catch (cause) {
        failed(cause, live.key, window.end - 1);
      }
      if (plain === undefined) output.emit(live.key, window, value, window.end - 1);
      else plain.element({ key: live.key, window, value }, window.end - 1);
      if (live.dirtyEpoch !== store.epoch) store.touch(live);
      live.clear();
      live.waits = false;
      live.lingers = true;
      buckets.add(live, time + lingerMs);
    }
    return true;
  };
}

/** The element meets the newest session of its key, which is the only one and has not ended. */
export function growingSession({
  counters,
  origin,
  progress,
  cell,
  store,
  aggregator,
  gap,
  removed,
  bySteps,
  failed,
}: HotParts<KeySessions> & {
  /** ms; NaN where elements have gaps of their own, which is not the common case. */
  readonly gap: number;
  /** What the times of all keys with sessions are counted from. */
  readonly origin: TimeOrigin;
  /** The watermark up to which sessions have fired. */
  readonly progress: { readonly firedUpTo: number };
}): Element {
  return (value, timestamp) => {
    counters.received += 1;
    let live = cell.slot as KeySessions | undefined;
    if (live === undefined || (live.flags & removed) !== 0)
      live = store.find(cell.key) as unknown as KeySessions | undefined;
    const end = timestamp + gap;
    const { ms } = origin;
    const from = timestamp - ms;
    const to = end - ms;
    if (
      live === undefined ||
      live.size !== 1 ||
      !(from <= live.to && to >= live.from && ms + live.to - 1 > progress.firedUpTo) ||
      // Times that cannot be counted from the origin.
      ms + from !== timestamp ||
      ms + to !== end
    ) {
      bySteps(value, timestamp);
      return;
    }
    if (live.dirtyEpoch !== store.epoch) store.touch(live);
    if (from < live.from) live.from = from;
    if (to > live.to) live.to = to;
    try {
      live.accumulator = aggregator.add(live.accumulator, value);
    } catch (cause) {
      failed(cause, live.key, timestamp);
    }
    counters.accepted += 1;
  };
}

interface ProcessParts extends Pick<HotParts<Cells>, 'counters' | 'cell' | 'store' | 'removed'> {
  readonly cursor: SlotCursor;
  readonly output: Receiver;
  readonly context: unknown;
  readonly call: (value: unknown, context: unknown) => Emitted<unknown>;
  /** Emits results that are not an array. */
  readonly emitListed: (results: Iterable<unknown>, timestamp: number, key: Key) => void;
  /** Throws. */
  readonly failed: (cause: unknown, key: Key) => never;
  /** Lets a slot go that has become empty. */
  readonly settle: (slot: Slot<Cells>) => void;
  readonly sweeper: { turn(): void } | undefined;
}

/** An element of `process`: the function is called, and what it gives goes on. */
export function processing({
  counters,
  cell,
  store,
  cursor,
  output,
  context,
  call,
  emitListed,
  failed,
  settle,
  removed,
  sweeper,
}: ProcessParts): Element {
  return (value, timestamp) => {
    counters.received += 1;
    let slot = cell.slot as (LiveSlot & Cells) | undefined;
    if (slot === undefined || (slot.flags & removed) !== 0)
      slot = store.slot(cell.key) as unknown as LiveSlot & Cells;
    const { key } = slot;
    cursor.slot = slot;
    cursor.cells = slot;
    cursor.timestamp = timestamp;
    let results: Emitted<unknown>;
    try {
      results = call(value, context);
    } catch (cause) {
      failed(cause, key);
    }
    counters.accepted += 1;
    if (results !== undefined) {
      if (Array.isArray(results)) {
        const list = results as readonly unknown[];
        for (let index = 0; index < list.length; index += 1) output.element(list[index], timestamp);
      } else emitListed(results, timestamp, key);
    }
    if (slot.c0 === undefined) settle(slot);
    if (sweeper !== undefined) sweeper.turn();
  };
}
