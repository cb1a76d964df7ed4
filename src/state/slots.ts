/**
 * Hot keyed state: one slot per key in the heap, changed in place and stamped with the epoch of its last change.
 *
 * A durable store saves per epoch what that epoch has changed. At a barrier nothing is copied: the dirty slots become
 * *frozen*, and are encoded little by little while work goes on. A frozen slot that is about to be changed again is
 * encoded first (copy on first write), so no pause grows with the state.
 *
 *     epoch 4        │ barrier │            epoch 5
 *     dirty: a b c   │ freeze  │ encode a, b … change c: encode c at once, then change it; c is dirty in 5
 */
import { keyGroupOf } from '../core/key-group.js';
import type { Key, KeyScalar } from '../core/key.js';
import type {
  KeyCell,
  KeyedState,
  KeyedStateSpec,
  Slot,
  TimeDomain,
  TimerIndex,
} from '../core/operator.js';
import { assert } from '../core/errors.js';
import { fresh } from '../core/fresh.js';
import { compositeKeyText } from './key-codec.js';
import { IntegerTable } from './integer-table.js';
import { prefetching } from './prefetch.js';
import { hashKey } from './key-hash.js';
import { Timers, timerIndex } from './timers.js';

/** What the store knows of a key. Small, because with many keys an element waits for memory more than for work. */
export abstract class SlotBase {
  key: Key = '';
  /** Bucket of the durable form; -1 while nobody has asked. */
  bucket = -1;
  /** Epoch of the last change. */
  dirtyEpoch = 0;
  /** `STORED`, `REMOVED`, `SAVED`, and above them the number of timers. */
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

const STORED = 1;
/** The flag of a slot that has been dropped. */
export const REMOVED = 2;
const SAVED = 4;
const FLAG_BITS = 3;

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

export interface KeyedStoreOptions<Live extends object> {
  readonly spec: KeyedStateSpec<Live>;
  readonly maxParallelism: number;
  /** Whether changes are tracked for checkpoints. Without, stamps cost nothing. */
  readonly durable: boolean;
  /** Of the operator, so that its hot code is its own; default ''. */
  readonly name?: string;
}

/** A key group has 2 to the power of this many buckets, so that a changed key does not rewrite its whole group. */
export const BUCKET_BITS = 3;

export type FrozenSlots<Live extends object> = ReadonlyMap<number, readonly StoredSlot<Live>[]>;

export class KeyedStore<Live extends object> implements KeyedState<Live> {
  readonly spec: KeyedStateSpec<Live>;
  readonly #maxParallelism: number;
  readonly #durable: boolean;
  readonly #integers = new IntegerTable<StoredSlot<Live>>();
  readonly #scalars = new Map<KeyScalar, StoredSlot<Live>>();
  readonly #composites = new Map<string, StoredSlot<Live>>();
  readonly eventTimers: Timers<Live, StoredSlot<Live>>;
  readonly processingTimers: Timers<Live, StoredSlot<Live>>;
  readonly timers: Readonly<Record<TimeDomain, TimerIndex<Live>>>;
  /** Stamps begin at 1 in a durable store; 0 everywhere else, so that every slot looks changed already. */
  epoch: number;
  /** Of what `prefetch` has looked at last. */
  lastSeen = 0;
  readonly prefetch: KeyedState<Live>['prefetch'];
  #dirty = new Map<number, StoredSlot<Live>[]>();
  /** Called with a frozen slot that must be encoded before it changes; undefined when nothing is frozen. */
  #saveFirst: ((slot: StoredSlot<Live>) => void) | undefined;

  constructor({ spec, maxParallelism, durable, name = '' }: KeyedStoreOptions<Live>) {
    this.spec = spec;
    this.#maxParallelism = maxParallelism;
    this.#durable = durable;
    this.epoch = durable ? 1 : 0;
    this.eventTimers = new Timers(durable);
    this.processingTimers = new Timers(durable);
    this.prefetch = fresh(
      prefetching,
      name,
    )({
      table: this.#integers,
      least: IntegerTable.LEAST,
      find: (key) => this.find(key),
      store: this,
    }) as KeyedState<Live>['prefetch'];
    this.timers = {
      event: timerIndex(this.eventTimers),
      processing: timerIndex(this.processingTimers),
    };
  }

  get size(): number {
    return this.#integers.size + this.#scalars.size + this.#composites.size;
  }

  /** Keys that have changed since the last freeze. */
  get dirtySlots(): number {
    let count = 0;
    for (const slots of this.#dirty.values()) count += slots.length;
    return count;
  }

  slot(key: Key): StoredSlot<Live> {
    return this.find(key) ?? this.#make(key);
  }

  find(key: Key): StoredSlot<Live> | undefined {
    if (IntegerTable.holds(key)) return this.#integers.get(key);
    return typeof key === 'object'
      ? this.#composites.get(compositeKeyText(key))
      : this.#scalars.get(key);
  }

  slotOf(cell: KeyCell): StoredSlot<Live> {
    const slot = cell.slot as StoredSlot<Live> | undefined;
    // It may have been dropped by an element before this one.
    return slot === undefined || (slot.flags & REMOVED) !== 0 ? this.slot(cell.key) : slot;
  }

  touch(slot: Slot<Live>): void {
    const stored = slot as StoredSlot<Live>;
    if (stored.dirtyEpoch !== this.epoch) this.#firstTouch(stored);
  }

  preserve(slot: Slot<Live>): void {
    if (this.#saveFirst !== undefined)
      this.#saveIfFrozen(slot as StoredSlot<Live>, this.#saveFirst);
  }

  release(slot: Slot<Live>): void {
    const stored = slot as StoredSlot<Live>;
    if (stored.timers > 0 || stored.isRemoved || !this.spec.isEmpty(stored.live)) return;
    // A slot that was only looked at is forgotten without a trace.
    if (stored.isStored || stored.dirtyEpoch >= 0) this.touch(stored);
    stored.isRemoved = true;
    const { key } = stored;
    this.#drop(key);
  }

  *slots(): IterableIterator<StoredSlot<Live>> {
    yield* this.#integers.all();
    yield* this.#scalars.values();
    yield* this.#composites.values();
  }

  /** Group and sub-bucket of a slot, by the hash of its key. */
  bucketOf(slot: StoredSlot<Live>): number {
    if (slot.bucket < 0) {
      const hash = hashKey(slot.key);
      const sub = (hash >>> 16) & ((1 << BUCKET_BITS) - 1);
      slot.bucket = (keyGroupOf(hash, this.#maxParallelism) << BUCKET_BITS) | sub;
    }
    return slot.bucket;
  }

  /**
   * Ends the epoch: gives the slots that it has changed, by bucket, to be encoded by and by. Until `thaw`, a frozen
   * slot that is about to change is handed to `saveFirst` before.
   */
  freeze(saveFirst: (slot: StoredSlot<Live>) => void): FrozenSlots<Live> {
    assert(this.#saveFirst === undefined, 'one epoch is frozen at a time');
    const frozen = this.#dirty;
    this.#dirty = new Map();
    this.epoch += 1;
    this.#saveFirst = saveFirst;
    return frozen;
  }

  thaw(): void {
    this.#saveFirst = undefined;
  }

  /** Puts a slot back that a checkpoint holds; it is clean. */
  restore(key: Key, live: Live): void {
    const slot = slotOf(key, live, 0);
    slot.isStored = true;
    this.#drop(key);
    this.#keep(slot);
  }

  /** Drops a slot that a later slab has removed; only while state is loaded. */
  forget(key: Key): void {
    this.#drop(key);
  }

  #make(key: Key): StoredSlot<Live> {
    // A key of our own: an object could be changed by its owner, and -0 is 0.
    const own = typeof key === 'object' ? structuredClone(key) : key === 0 ? 0 : key;
    const slot = slotOf(own, this.spec.create(), this.#durable ? -1 : 0);
    this.#keep(slot);
    return slot;
  }

  #drop(key: Key): void {
    if (IntegerTable.holds(key)) this.#integers.delete(key);
    else if (typeof key === 'object') this.#composites.delete(compositeKeyText(key));
    else this.#scalars.delete(key);
  }

  #keep(slot: StoredSlot<Live>): void {
    const { key } = slot;
    if (IntegerTable.holds(key)) this.#integers.add(key, slot);
    else if (typeof key === 'object') this.#composites.set(compositeKeyText(key), slot);
    else this.#scalars.set(key, slot);
  }

  #firstTouch(slot: StoredSlot<Live>): void {
    this.preserve(slot);
    slot.isSaved = false;
    slot.dirtyEpoch = this.epoch;
    const bucket = this.bucketOf(slot);
    const dirty = this.#dirty.get(bucket);
    if (dirty === undefined) this.#dirty.set(bucket, [slot]);
    else dirty.push(slot);
  }

  #saveIfFrozen(slot: StoredSlot<Live>, save: (slot: StoredSlot<Live>) => void): void {
    if (slot.dirtyEpoch !== this.epoch - 1 || slot.isSaved) return;
    slot.isSaved = true;
    save(slot);
  }
}

function slotOf<Live extends object>(key: Key, live: Live, epoch: number): StoredSlot<Live> {
  if (!(live instanceof LiveSlot)) return new StoredSlot(key, live, epoch);
  live.key = key;
  live.dirtyEpoch = epoch;
  return live;
}
