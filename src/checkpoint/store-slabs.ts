/**
 * A keyed store as runs, and back: what an epoch has changed, part by part, sorted and encoded little by little.
 *
 * Three kinds of runs: slots, event-time timers, processing-time timers. A record of slots is (key, packed live); a
 * record of timers is (time and key, nothing), so that a removed timer is a tombstone like a removed slot.
 */
import { PipelineError, TidemarkError, assert, show } from '../core/errors.js';
import type { GroupRange } from '../core/key-group.js';
import type { KeyedStateSpec } from '../core/operator.js';
import { ByteWriter, type ByteReader } from '../state/bytes.js';
import { readKey, sortableBits, writeKey } from '../state/key-codec.js';
import { compareKeys } from '../state/key-order.js';
import type { MergedRecord } from '../state/merge-runs.js';
import { partOf, placeOfTime } from '../state/places.js';
import type { RunIndex } from '../state/run-index.js';
import { RunWriter } from '../state/run-writer.js';
import { isSameKey, sortByPlace } from './sort-slots.js';
import type { KeyedStore, StoredSlot } from '../state/slots.js';
import type { TimerChange, TimerChanges } from '../state/timers.js';
import { readValue, writeValue } from '../state/value-codec.js';

export const slabKinds = ['slots', 'event', 'processing'] as const;
export type SlabKind = (typeof slabKinds)[number];

/** A piece of what an epoch has changed: a block of the run of a part, or with its index the end of the run, or both. */
export interface FrozenPiece {
  readonly kind: SlabKind;
  readonly part: number;
  readonly block: Uint8Array | undefined;
  readonly index: RunIndex | undefined;
}

type Store = KeyedStore<object>;
type Stored = StoredSlot<object>;

/**
 * Freezes a store at a barrier. The generator does a bounded piece of work per `next`, in the time of the caller, and
 * gives a piece or (while it sorts) undefined; until it has been drained, a frozen slot that is about to change is
 * encoded first. The caller calls `store.settled()` once all of it is committed.
 */
export function freezeStore(
  store: Store,
  uid: string,
): Generator<FrozenPiece | undefined, void, void> {
  const drain = new Drain(store, uid);
  return drain.pieces();
}

class Drain {
  readonly #store: Store;
  readonly #uid: string;
  readonly #frozen: ReadonlyMap<number, readonly Stored[]>;
  readonly #changes: Record<'event' | 'processing', TimerChanges<Stored>>;
  /** Values that were encoded before their turn. */
  readonly #early = new Map<Stored, Uint8Array>();
  /** By part: how many of those were new. */
  readonly #earlyNew = new Map<number, number>();
  readonly #values = new ByteWriter(1024);

  constructor(store: Store, uid: string) {
    this.#store = store;
    this.#uid = uid;
    this.#frozen = store.freeze((slot) => this.#saveEarly(slot));
    this.#changes = {
      event: store.eventTimers.takeChanges(),
      processing: store.processingTimers.takeChanges(),
    };
  }

  *pieces(): Generator<FrozenPiece | undefined, void, void> {
    const writer = new RunWriter(true);
    for (const [part, slots] of this.#frozen) {
      const sorted = sortByPlace(slots);
      yield undefined;
      yield* this.#slotsRun(writer, part, sorted);
    }
    this.#store.thaw();
    const timers = new RunWriter(false);
    for (const kind of ['event', 'processing'] as const) {
      const parts = new Map<number, ChangedTimer[]>();
      yield* dealTimers(this.#store, this.#changes[kind], parts);
      for (const [part, changed] of parts) {
        yield undefined;
        yield* timersRun(timers, { kind, part, changed });
      }
    }
  }

  #saveEarly(slot: Stored): void {
    if (!slot.isStored) {
      const part = partOf(this.#store.placeOf(slot));
      this.#earlyNew.set(part, (this.#earlyNew.get(part) ?? 0) + 1);
      slot.isStored = true;
    }
    this.#values.reset();
    this.#encode(slot, this.#values);
    this.#early.set(slot, this.#values.take());
  }

  *#slotsRun(writer: RunWriter, part: number, slots: readonly Stored[]): Generator<FrozenPiece> {
    let net = 0;
    for (let at = 0; at < slots.length;) {
      const first = slots[at] as Stored;
      const block = writer.cut(this.#store.placeOf(first));
      if (block !== undefined) yield { kind: 'slots', part, block, index: undefined };
      // Removed and made anew: of several slots of one key the last one counts.
      let last: Stored | undefined;
      for (let isMore = true; isMore; at += 1) {
        const slot = slots[at] as Stored;
        isMore = isSameKey(slot, slots[at + 1]);
        const isGone = slot.isRemoved && !this.#early.has(slot);
        // A slot that came and went within the epoch leaves no trace.
        if (isGone && !slot.isStored) continue;
        last = slot;
        if (isGone) net -= 1;
        else if (!slot.isStored) net += 1;
      }
      if (last !== undefined) this.#write(writer, last);
    }
    net += this.#earlyNew.get(part) ?? 0;
    if (writer.records > 0) yield { kind: 'slots', part, ...writer.finish(net) };
    else assert(net === 0, 'what is not written has changed nothing');
  }

  #write(writer: RunWriter, slot: Stored): void {
    const early = this.#early.get(slot);
    const payload = writer.begin(this.#store.placeOf(slot));
    writeKey(payload, slot.key);
    if (early !== undefined || !slot.isRemoved) {
      writer.endKey();
      if (early === undefined) {
        this.#encode(slot, payload);
        slot.isSaved = true;
        slot.isStored = true;
      } else payload.bytes(early);
    }
    writer.end();
  }

  #encode(slot: Stored, writer: ByteWriter): void {
    try {
      writeValue(writer, this.#store.spec.pack(slot.live));
    } catch (cause) {
      if (!(cause instanceof TidemarkError)) throw cause;
      const { code, expected, got, hint } = cause;
      throw new PipelineError(
        code,
        { expected, got: `${got} (${cause.where})`, hint, cause },
        { operator: this.#uid, key: slot.key },
      );
    }
  }
}

/** Puts back into a store what a committer holds of its key groups. */
export function loadStore(
  store: Store,
  committed: {
    records(kind: SlabKind, groups: GroupRange): Iterable<MergedRecord>;
    readonly where: string;
  },
  groups: GroupRange,
): void {
  for (const { block, index } of committed.records('slots', groups)) {
    const key = readKey(block.keyOf(index));
    store.restore(key, unpack(store.spec, block.valueOf(index), committed.where));
  }
  for (const kind of ['event', 'processing'] as const) {
    const timers = kind === 'event' ? store.eventTimers : store.processingTimers;
    for (const { block, index } of committed.records(kind, groups)) {
      const reader = block.keyOf(index);
      const time = timeOf(reader);
      timers.put(store.slot(readKey(reader)), time);
    }
  }
}

/** Reads the time that a record of timers begins with. */
export function timeOf(key: ByteReader): number {
  const [high, low] = [key.u32(), key.u32()];
  const isNegative = high < 0x80000000;
  bits.setUint32(0, isNegative ? ~high : high - 0x80000000);
  bits.setUint32(4, isNegative ? ~low : low);
  return bits.getFloat64(0);
}

const bits = new DataView(new ArrayBuffer(8));

export function unpack(spec: KeyedStateSpec, packed: ByteReader, where: string): object {
  const value = readValue(packed);
  try {
    return spec.unpack(value);
  } catch (cause) {
    if (cause instanceof TidemarkError && cause.code === 'STATE_INCOMPATIBLE') {
      const { code, expected, got, hint } = cause;
      throw new TidemarkError(code, {
        expected,
        got,
        hint,
        where: `${where}, ${cause.where}`,
        cause,
      });
    }
    throw new TidemarkError('STATE_INCOMPATIBLE', {
      expected: 'state of the shape that this operator declares',
      got: show(value),
      where,
      hint: 'The operator under this uid had another kind of state; give the new one another uid.',
      cause,
    });
  }
}

interface ChangedTimer {
  readonly time: number;
  readonly slot: Stored;
  readonly change: TimerChange;
}

/** How many changes are dealt between two looks at the event loop. */
const CHANGES_PER_PIECE = 4096;

function* dealTimers(
  store: Store,
  changes: TimerChanges<Stored>,
  parts: Map<number, ChangedTimer[]>,
): Generator<undefined, void, void> {
  let dealt = 0;
  for (const [time, changed] of changes)
    for (const [slot, change] of changed) {
      dealt += 1;
      if (dealt % CHANGES_PER_PIECE === 0) yield undefined;
      // Nothing has become of a timer that has returned.
      if (change === 'returned') continue;
      const part = partOf(store.placeOf(slot));
      const entry = { time, slot, change };
      const others = parts.get(part);
      if (others === undefined) parts.set(part, [entry]);
      else others.push(entry);
    }
}

function* timersRun(
  writer: RunWriter,
  { kind, part, changed }: { kind: SlabKind; part: number; changed: ChangedTimer[] },
): Generator<FrozenPiece> {
  let net = 0;
  changed.sort((a, b) =>
    a.time === b.time ? compareKeys(a.slot.key, b.slot.key) : a.time < b.time ? -1 : 1,
  );
  for (const [at, { time, slot, change }] of changed.entries()) {
    net += change === 'added' ? 1 : -1;
    const next = changed[at + 1];
    // Removed with one slot of its key, and set again with the next one.
    if (next?.time === time && compareKeys(next.slot.key, slot.key) === 0) continue;
    const place = placeOfTime(time);
    const block = writer.cut(place);
    if (block !== undefined) yield { kind, part, block, index: undefined };
    const payload = writer.begin(place);
    writeTime(payload, time);
    writeKey(payload, slot.key);
    if (change === 'added') writer.endKey();
    writer.end();
  }
  yield { kind, part, ...writer.finish(net) };
}

/** As bytes that sort as times do. */
export function writeTime(writer: ByteWriter, time: number): void {
  const sortable = sortableBits(time);
  writer.u32(sortable.getUint32(0));
  writer.u32(sortable.getUint32(4));
}
