/** A key's place in the heap: what the store knows of the key, beside its live object or as a part of it. */
import type { Key } from '../core/key.js';
import type { Slot } from '../core/operator.js';

/** A slab, of this run or of an earlier one, holds the key. */
export const STORED = 1;
/** The flag of a slot that has been dropped, or let go of: it is not the slot of its key any more. */
export const REMOVED = 2;
const SAVED = 4;
/** `place` is known. */
export const PLACED = 8;
/** Made for a walk over cold keys: the store does not hold it unless it is touched. */
export const PASSING = 16;
const FLAG_BITS = 5;

/** What the store knows of a key. Small, because with many keys an element waits for memory more than for work. */
export abstract class SlotBase {
  key: Key = '';
  /** Where it lies in the durable form, as a signed word; not known before `PLACED` is set. */
  place = 0;
  /** Epoch of the last change. */
  dirtyEpoch = 0;
  /** The flags below, and above them the number of timers. */
  flags = 0;

  /** Whether a slab, of this run or of an earlier one, holds the key, so that dropping it needs a tombstone. */
  get isStored(): boolean {
    return (this.flags & STORED) !== 0;
  }

  set isStored(is: boolean) {
    this.flags = is ? this.flags | STORED : this.flags & ~STORED;
  }

  get isRemoved(): boolean {
    return (this.flags & REMOVED) !== 0;
  }

  set isRemoved(is: boolean) {
    this.flags = is ? this.flags | REMOVED : this.flags & ~REMOVED;
  }

  /** Whether it has been encoded since its last change. */
  get isSaved(): boolean {
    return (this.flags & SAVED) !== 0;
  }

  set isSaved(is: boolean) {
    this.flags = is ? this.flags | SAVED : this.flags & ~SAVED;
  }

  get timers(): number {
    return this.flags >> FLAG_BITS;
  }

  set timers(count: number) {
    this.flags = (count << FLAG_BITS) | (this.flags & ((1 << FLAG_BITS) - 1));
  }
}

/** A slot beside the live object of its key. */
export class StoredSlot<Live extends object> extends SlotBase implements Slot<Live> {
  readonly live: Live;

  constructor(key: Key, live: Live, epoch: number) {
    super();
    this.key = key;
    this.live = live;
    this.dirtyEpoch = epoch;
  }
}

/**
 * A live object that is its own slot: `create` of its spec makes it, the store adopts it. An element then finds its
 * state with one look into memory less than by way of a slot beside it.
 */
export abstract class LiveSlot extends SlotBase {
  get live(): this {
    return this;
  }
}

/** The slot around a live object. */
export function slotOf<Live extends object>(key: Key, live: Live, epoch: number): StoredSlot<Live> {
  if (!(live instanceof LiveSlot)) return new StoredSlot(key, live, epoch);
  live.key = key;
  live.dirtyEpoch = epoch;
  return live;
}
