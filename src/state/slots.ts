/**
 * Hot keyed state: one slot per key in the heap, changed in place and stamped with the epoch of its last change.
 *
 * A durable store saves per epoch what that epoch has changed. At a barrier nothing is copied: the dirty slots become
 * *frozen*, and are encoded little by little while work goes on. A frozen slot that is about to be changed again is
 * encoded first (copy on first write), so no pause grows with the state.
 *
 *     epoch 4        │ barrier │            epoch 5
 *     dirty: a b c   │ freeze  │ encode a, b … change c: encode c at once, then change it; c is dirty in 5
 *
 * A clean slot without timers is no more than a copy of what the last commit holds. Where the spec allows it, it may be
 * let go at any time between two elements; a look-up that does not find a key in the heap then asks the last commit.
 */
import type { Key } from '../core/key.js';
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
import { GoneKeys, allCold, type ColdKeys } from './cold-keys.js';
import { ClockHand } from './eviction.js';
import { withEncodedKey } from './key-codec.js';
import { IntegerTable } from './integer-table.js';
import { hashKey } from './key-hash.js';
import { partOf, placeOf } from './places.js';
import { prefetching } from './prefetch.js';
import { SlotTable, ownKey } from './slot-table.js';
import { beyondLimit } from './state-limits.js';
import { PASSING, PLACED, REMOVED, STORED, slotOf, type StoredSlot } from './stored-slot.js';
import { Timers, timerIndex } from './timers.js';

export { LiveSlot, REMOVED, StoredSlot } from './stored-slot.js';

export interface KeyedStoreOptions<Live extends object> {
  readonly spec: KeyedStateSpec<Live>;
  readonly maxParallelism: number;
  /** Whether changes are tracked for checkpoints. Without, stamps cost nothing. */
  readonly durable: boolean;
  /** Of the operator, so that its hot code is its own, and for messages; default ''. */
  readonly name?: string;
}

export type FrozenSlots<Live extends object> = ReadonlyMap<number, readonly StoredSlot<Live>[]>;

export class KeyedStore<Live extends object> implements KeyedState<Live> {
  readonly spec: KeyedStateSpec<Live>;
  readonly maxParallelism: number;
  readonly #name: string;
  readonly #durable: boolean;
  readonly #table = new SlotTable<StoredSlot<Live>>();
  readonly eventTimers: Timers<Live, StoredSlot<Live>>;
  readonly processingTimers: Timers<Live, StoredSlot<Live>>;
  readonly timers: Readonly<Record<TimeDomain, TimerIndex<Live>>>;
  /** Stamps begin at 1 in a durable store; 0 everywhere else, so that every slot looks changed already. */
  epoch: number;
  /** Of what `prefetch` has looked at last. */
  lastSeen = 0;
  readonly prefetch: KeyedState<Live>['prefetch'];
  #dirty = new Map<number, StoredSlot<Live>[]>();
  #dirtyCount = 0;
  /** Called with a frozen slot that must be encoded before it changes; undefined when nothing is frozen. */
  #saveFirst: ((slot: StoredSlot<Live>) => void) | undefined;
  /** The last commit; undefined while all keys are in the heap, so that a new key costs no look at it. */
  #cold: ColdKeys<Live> | undefined;
  #coldCount = 0;
  #attached: ColdKeys<Live> | undefined;
  readonly #gone = new GoneKeys();
  /** Changes up to this epoch are committed. */
  #committed = 0;
  readonly #hand = new ClockHand<StoredSlot<Live>>();

  constructor({ spec, maxParallelism, durable, name = '' }: KeyedStoreOptions<Live>) {
    this.spec = spec;
    this.#name = name;
    this.maxParallelism = maxParallelism;
    this.#durable = durable;
    this.epoch = durable ? 1 : 0;
    this.eventTimers = new Timers(durable);
    this.processingTimers = new Timers(durable);
    this.prefetch = fresh(
      prefetching,
      name,
    )({
      table: this.#table.integers,
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
    return this.heapSize + this.#coldCount;
  }

  /** Of all keys `size`, those in the heap. */
  get heapSize(): number {
    return this.#table.size;
  }

  /** Keys that have changed since the last freeze. */
  get dirtySlots(): number {
    return this.#dirtyCount;
  }

  slot(key: Key): StoredSlot<Live> {
    return this.find(key) ?? this.#make(key);
  }

  find(key: Key): StoredSlot<Live> | undefined {
    const slot = this.#table.get(key);
    return slot === undefined && this.#cold !== undefined ? this.#fetch(key, this.#cold) : slot;
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
    this.#table.delete(stored.key);
    if (stored.isStored && this.#attached !== undefined) this.#gone.add(stored.key);
  }

  holds(slot: Slot<Live>): boolean {
    const { key, flags, dirtyEpoch } = slot as StoredSlot<Live>;
    const held = this.#table.get(key);
    if ((flags & PASSING) === 0) return held === slot;
    return held === undefined && dirtyEpoch === this.#committed && !this.#gone.has(key);
  }

  /** First those in the heap; then the cold ones, none of which stays in the heap unless it is touched. */
  *slots(): IterableIterator<StoredSlot<Live>> {
    yield* this.hotSlots();
    if (this.#cold === undefined) return;
    const isElsewhere = (key: Key): boolean =>
      this.#table.get(key) !== undefined || this.#gone.has(key);
    for (const { key, place, live } of allCold(this.#cold, () => this.#committed, isElsewhere)) {
      const slot = this.#cleanSlot(key, place, live);
      slot.flags |= PASSING;
      yield slot;
    }
  }

  /** Those in the heap, in an order that means nothing; they may come and go meanwhile. */
  hotSlots(): IterableIterator<StoredSlot<Live>> {
    return this.#table.all();
  }

  /** Where a slot lies in the durable form. */
  placeOf(slot: StoredSlot<Live>): number {
    if ((slot.flags & PLACED) === 0) {
      // Signed, which V8 keeps in the slot and not as a number of its own in the heap.
      slot.place = placeOf(hashKey(slot.key), this.maxParallelism) | 0;
      slot.flags |= PLACED;
    }
    return slot.place >>> 0;
  }

  /**
   * Ends the epoch: gives the slots that it has changed, by part, to be encoded by and by. Until `thaw`, a frozen slot
   * that is about to change is handed to `saveFirst` before.
   */
  freeze(saveFirst: (slot: StoredSlot<Live>) => void): FrozenSlots<Live> {
    assert(this.#saveFirst === undefined, 'one epoch is frozen at a time');
    const frozen = this.#dirty;
    this.#dirty = new Map();
    this.#dirtyCount = 0;
    this.epoch += 1;
    this.#saveFirst = saveFirst;
    this.#gone.freeze();
    return frozen;
  }

  thaw(): void {
    this.#saveFirst = undefined;
  }

  /** The frozen epoch has been committed: from here on the last commit says the same as its slots. */
  settled(): void {
    this.#committed = this.epoch - 1;
    this.#gone.settled();
  }

  /**
   * Lets the store look at the last commit, so that slots may leave the heap.
   * @param coldCount how many keys it holds that are not in the heap
   */
  attach(cold: ColdKeys<Live>, coldCount: number): void {
    this.#attached = cold;
    this.#coldCount = coldCount;
    if (coldCount > 0) this.#cold = cold;
  }

  /**
   * Looks at some slots, round and round, and lets go of those that were not changed for longest and need not stay.
   * @returns how many have left the heap
   */
  evict(visits: number): number {
    if (this.#attached === undefined || this.spec.evictable !== true) return 0;
    const evicted = this.#hand.pick(this.#table, visits, (slot) => this.#isEvictable(slot));
    for (const slot of evicted) {
      // Whoever still has it in hand finds that it is not the slot of its key any more.
      slot.flags |= REMOVED;
      this.#table.delete(slot.key);
    }
    this.#coldCount += evicted.length;
    if (evicted.length > 0) this.#cold = this.#attached;
    return evicted.length;
  }

  /** Puts a slot back that a checkpoint holds; it is clean. */
  restore(key: Key, live: Live): void {
    const slot = slotOf(key, live, 0);
    slot.isStored = true;
    this.#table.delete(key);
    this.#table.add(slot);
  }

  #fetch(key: Key, cold: ColdKeys<Live>): StoredSlot<Live> | undefined {
    if (this.#gone.has(key)) return undefined;
    const place = placeOf(hashKey(key), this.maxParallelism);
    const live = withEncodedKey(key, (bytes) => cold.read(place, bytes));
    if (live === undefined) return live;
    const slot = this.#cleanSlot(ownKey(key), place, live);
    this.#table.add(slot);
    this.#coldCount -= 1;
    return slot;
  }

  #cleanSlot(key: Key, place: number, live: Live): StoredSlot<Live> {
    // It counts as changed by the last commit, so that it does not leave at once.
    const slot = slotOf(key, live, this.#committed);
    slot.place = place | 0;
    slot.flags |= STORED | PLACED;
    return slot;
  }

  #isEvictable({ flags, dirtyEpoch, timers }: StoredSlot<Live>): boolean {
    return (flags & STORED) !== 0 && timers === 0 && dirtyEpoch <= this.#committed;
  }

  #make(key: Key): StoredSlot<Live> {
    const most = this.spec.limits?.keys ?? Infinity;
    if (this.size >= most) throw beyondLimit(this.#name, { of: 'keys', most }, 'one more');
    const slot = slotOf(ownKey(key), this.spec.create(), this.#durable ? -1 : 0);
    this.#table.add(slot);
    return slot;
  }

  #firstTouch(slot: StoredSlot<Live>): void {
    if ((slot.flags & PASSING) !== 0) this.#adopt(slot);
    this.preserve(slot);
    slot.isSaved = false;
    slot.dirtyEpoch = this.epoch;
    this.#dirtyCount += 1;
    const part = partOf(this.placeOf(slot));
    const dirty = this.#dirty.get(part);
    if (dirty === undefined) this.#dirty.set(part, [slot]);
    else dirty.push(slot);
  }

  /** A slot that was only passed by is about to be changed. */
  #adopt(slot: StoredSlot<Live>): void {
    assert(this.holds(slot), 'a slot that is changed is the slot of its key');
    slot.flags &= ~PASSING;
    this.#table.add(slot);
    this.#coldCount -= 1;
  }

  #saveIfFrozen(slot: StoredSlot<Live>, save: (slot: StoredSlot<Live>) => void): void {
    if (slot.dirtyEpoch !== this.epoch - 1 || slot.isSaved) return;
    slot.isSaved = true;
    save(slot);
  }
}
