/**
 * The contract of keyed state: what an operator sees of the keys of its shard, their slots and their timers.
 */
import type { Key } from './key.js';

/** Written by a keyBy for each element, read by the keyed operators behind it. */
export interface KeyCell {
  key: Key;
  /** The slot of the key, where it has been looked up already for the one operator that reads this register. */
  slot?: Slot | undefined;
}

/** What an operator declares about its keyed state: how a key's live object is made, packed and thrown away. */
export interface KeyedStateSpec<Live extends object = object> {
  /** The live object of a key that is met for the first time. */
  create(): Live;
  /** A plain value that holds all of it. It is encoded at once, so it may share parts with `live`. */
  pack(live: Live): unknown;
  unpack(packed: unknown): Live;
  /** Whether nothing is left worth keeping; the slot is then dropped as soon as it has no timer either. */
  isEmpty(live: Live): boolean;
  /** Present where states have names of their own and may declare schemas. */
  readonly evolution?: StateEvolution<Live>;
  /**
   * Whether nobody but the store keeps a slot from one element to the next, so that a slot may leave the heap in between
   * and come back, when its key is met again, as another one with an equal `live`. Default false.
   */
  readonly evictable?: boolean;
  /** Bytes of heap that `live` takes beside its slot, as estimated. Default: as much as what `pack` gives. */
  weigh?(live: Live): number;
  readonly limits?: StateLimits;
}

/** How much an operator may keep; beyond it the job fails with STATE_LIMIT. */
export interface StateLimits {
  /** Keys that hold state or have a timer, in each shard. Default: no limit. */
  readonly keys?: number | undefined;
  /** Bytes of state of all shards, in the heap or not, as if it were in the heap; an estimate. Default: no limit. */
  readonly bytes?: number | undefined;
}

/** How the values of a state change over the releases of a pipeline. */
export interface StateEvolution<Live extends object = object> {
  /** By name of the state; undefined for one that declares none. */
  readonly schemas: ReadonlyMap<string, DeclaredSchema | undefined>;
  /** The same spec over what former releases have written. */
  under(versions: ReadonlyMap<string, StateVersions>): KeyedStateSpec<Live>;
}

/** The schema of the values of one state. */
export interface DeclaredSchema {
  /** JSON Schemas of what is kept and of what `parse` takes; undefined where it cannot be said. */
  json(): { readonly kept: unknown; readonly taken: unknown } | undefined;
  /** @throws TidemarkError STATE_INCOMPATIBLE */
  parse(value: unknown): unknown;
  /** Makes a value of an older schema one of this; `version` counts schemas of the state from 0. */
  readonly migrate: ((old: unknown, version: number) => unknown) | undefined;
}

/** Schemas that a state has been written under are numbered from 0; each packed value says its number. */
export interface StateVersions {
  readonly current: number;
  /** What to do with a value of another number on its first read; left out: nothing. */
  readonly upgrades: ReadonlyMap<number, (value: unknown) => unknown>;
}

/** One key's place in the heap. Operators change `live` in place, after `touch`. */
export interface Slot<Live extends object = object> {
  readonly key: Key;
  readonly live: Live;
}

export type TimeDomain = 'event' | 'processing';

/** The keyed state of one operator in one shard. */
export interface KeyedState<Live extends object> {
  /** The slot of a key, made when it is missing. One lookup. */
  slot(key: Key): Slot<Live>;
  find(key: Key): Slot<Live> | undefined;
  /** The slot of the element in hand, made when it is missing; found already where elements are taken by the handful. */
  slotOf(cell: KeyCell): Slot<Live>;
  /**
   * `find` for keys that will be in hand soon, the first `count` of them: puts their slots into `slots` and looks into
   * each, so that they are near by then.
   */
  prefetch(keys: readonly Key[], count: number, slots: (Slot<Live> | undefined)[]): void;
  /** The stamp of slots that have been changed since the last barrier: those need not be touched again. */
  readonly epoch: number;
  /** Must be called before `live` is changed: it stamps the slot with the epoch, and saves a frozen one first. */
  touch(slot: Slot<Live>): void;
  /**
   * Must be called before something inside `live` is handed to user code that could change it: a frozen slot is saved
   * first, so that not even a change in place reaches the epoch that has ended.
   */
  preserve(slot: Slot<Live>): void;
  /** Drops the slot when its spec says that it is empty and no timer is set; to be called after a change that may empty it. */
  release(slot: Slot<Live>): void;
  readonly timers: Readonly<Record<TimeDomain, TimerIndex<Live>>>;
  /**
   * All slots. Those of an evictable spec that are not in the heap come last, are read as they come, and stay in the heap
   * only when they are touched; whoever keeps one from one element to the next asks `holds` before going on with it.
   */
  slots(): IterableIterator<Slot<Live>>;
  /** Whether a slot that was given earlier is still the one of its key. */
  holds(slot: Slot<Live>): boolean;
  /** All keys, in the heap or not. */
  readonly size: number;
}

/** Pending timers of one domain, ordered by time. A (key, time) pair is one timer, however often it is set. */
export interface TimerIndex<Live extends object> {
  set(slot: Slot<Live>, time: number): void;
  delete(slot: Slot<Live>, time: number): void;
  /** Takes out the next timer due at or before `time`, or gives undefined. The time is in `firedTime`. */
  take(time: number): Slot<Live> | undefined;
  /** The time of the timer that `take` gave last. */
  readonly firedTime: number;
  /** The earliest pending time, Infinity when there is none. */
  next(): number;
  readonly size: number;
}
