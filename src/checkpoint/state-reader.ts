/**
 * Committed state as somebody else reads it: offline, operator by operator, without the pipeline that wrote it.
 *
 * What lies on disk is what operators have packed, which is short and not made for people. The kind of operator, which
 * the record of the job holds, says how to put it into words (`state-words.ts`); a kind that is not known is given out
 * as it was packed. Who goes by `ranges` has a small part of the state in memory at a time.
 */
import { keyGroupOf } from '../core/key-group.js';
import type { Key } from '../core/key.js';
import type { StateBackend } from '../state/backend.js';
import { readKey } from '../state/key-codec.js';
import { hashKey } from '../state/key-hash.js';
import { compareKeys, sameKey } from '../state/key-order.js';
import { forEachRecord, mergeSlabs } from '../state/slab.js';
import { readValue } from '../state/value-codec.js';
import { EmbeddedCommitter } from './embedded-committer.js';
import type { JobRecord } from './job-record.js';
import { inWords } from './state-words.js';
import type { SlabKind } from './store-slabs.js';

/** One piece of committed state. */
export type StateEntry =
  | { readonly kind: 'slot'; readonly key: Key; readonly value: unknown }
  | {
      readonly kind: 'timer';
      readonly key: Key;
      readonly domain: TimerDomain;
      readonly time: number;
    };

export type TimerDomain = 'event' | 'processing';

/** What an operator keeps, in figures. */
export interface StateSize {
  readonly uid: string;
  /** Kind of operator, such as `process` or `window`. */
  readonly operator: string;
  readonly keys: number;
  readonly eventTimers: number;
  readonly processingTimers: number;
  /** The timer that is due first, epoch ms; undefined where there is none. */
  readonly nextEventTimer: number | undefined;
  readonly nextProcessingTimer: number | undefined;
  /** Of its slabs, which hold former versions too until they are merged. */
  readonly bytes: number;
}

/** Key groups: from inclusive, to exclusive. */
export interface Groups {
  readonly from: number;
  readonly to: number;
}

/** A range is this part of all keys, or one key group. */
const RANGES_MAX = 128;

export class StateReader {
  /** The record of the last commit; undefined for a job that has not committed yet. */
  readonly record: JobRecord | undefined;
  readonly #committer: EmbeddedCommitter;

  /**
   * @param backend is only read
   * @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN
   */
  constructor(backend: StateBackend, options: { readonly where: string }) {
    this.#committer = new EmbeddedCommitter(backend, options);
    this.record = this.#committer.read();
  }

  /** Operators with state, sorted; also those that hold no key just now. */
  uids(): string[] {
    const known = new Set([...(this.record?.operators.keys() ?? []), ...this.#committer.uids()]);
    return [...known].toSorted();
  }

  /** Kind of operator, as users write it. */
  operatorOf(uid: string): string {
    return this.#kindOf(uid).split(' ')[0] ?? '';
  }

  /** Ranges that cover all key groups, few enough to ask for each, and each small enough to be held in memory. */
  *ranges(): Generator<Groups> {
    const { to } = this.#allGroups();
    const step = Math.ceil(to / RANGES_MAX);
    for (let from = 0; from < to; from += step) yield { from, to: Math.min(to, from + step) };
  }

  /** State of an operator in a range of key groups: slots before timers, and those by key. */
  entries(uid: string, groups: Groups = this.#allGroups()): StateEntry[] {
    const kind = this.#kindOf(uid);
    const found: StateEntry[] = [];
    for (const { kind: slabKind, slabs, where } of this.#committer.buckets(uid, groups))
      for (const entry of entriesOf(slabKind, slabs, where))
        found.push(entry.kind === 'slot' ? { ...entry, value: inWords(kind, entry.value) } : entry);
    return found.toSorted(byKindAndKey);
  }

  /** State of one key, in the order of `entries`. */
  of(uid: string, key: Key): StateEntry[] {
    const maxParallelism = this.record?.maxParallelism ?? 1;
    const group = keyGroupOf(hashKey(key), maxParallelism);
    const found = this.entries(uid, { from: group, to: group + 1 });
    return found.filter((entry) => sameKey(entry.key, key));
  }

  size(uid: string): StateSize {
    const size = { keys: 0, bytes: 0 };
    const timers = {
      event: { count: 0, next: Infinity },
      processing: { count: 0, next: Infinity },
    };
    for (const { kind, slabs, where } of this.#committer.buckets(uid, this.#allGroups())) {
      size.bytes += slabs.reduce((sum, slab) => sum + slab.length, 0);
      for (const entry of entriesOf(kind, slabs, where)) {
        if (entry.kind === 'slot') size.keys += 1;
        else {
          const domain = timers[entry.domain];
          domain.count += 1;
          domain.next = Math.min(domain.next, entry.time);
        }
      }
    }
    return {
      uid,
      operator: this.operatorOf(uid),
      ...size,
      eventTimers: timers.event.count,
      processingTimers: timers.processing.count,
      nextEventTimer: finite(timers.event.next),
      nextProcessingTimer: finite(timers.processing.next),
    };
  }

  #kindOf(uid: string): string {
    return this.record?.operators.get(uid) ?? 'unknown';
  }

  #allGroups(): Groups {
    return { from: 0, to: this.record?.maxParallelism ?? 0 };
  }
}

function entriesOf(kind: SlabKind, slabs: readonly Uint8Array[], where: string): StateEntry[] {
  const [first] = slabs;
  const entries: StateEntry[] = [];
  if (first === undefined) return entries;
  const merged = slabs.length === 1 ? first : mergeSlabs(slabs, { base: true });
  forEachRecord(merged, where, (key, value) => {
    if (value === undefined) return;
    if (kind === 'slots') {
      entries.push({ kind: 'slot', key: readKey(key), value: readValue(value) });
      return;
    }
    const time = key.f64();
    entries.push({ kind: 'timer', domain: kind, time, key: readKey(key) });
  });
  return entries;
}

function byKindAndKey(a: StateEntry, b: StateEntry): number {
  if (a.kind !== b.kind) return a.kind === 'slot' ? -1 : 1;
  const byKey = compareKeys(a.key, b.key);
  if (byKey !== 0 || a.kind !== 'timer' || b.kind !== 'timer') return byKey;
  return a.domain === b.domain ? a.time - b.time : a.domain === 'event' ? -1 : 1;
}

function finite(time: number): number | undefined {
  return time === Infinity ? undefined : time;
}
