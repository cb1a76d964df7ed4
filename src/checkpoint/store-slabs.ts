/**
 * A keyed store as slabs, and back: what an epoch has changed, bucket by bucket, encoded little by little.
 *
 * Three kinds of slabs: slots, event-time timers, processing-time timers. A record of slots is (key, packed live); a
 * record of timers is (time and key, nothing), so that a removed timer is a tombstone like a removed slot.
 */
import { PipelineError, TidemarkError, show } from '../core/errors.js';
import type { KeyedStateSpec } from '../core/operator.js';
import { ByteWriter } from '../state/bytes.js';
import { readKey, writeKey } from '../state/key-codec.js';
import { forEachRecord, mergeSlabs, SlabWriter } from '../state/slab.js';
import { BUCKET_BITS, type KeyedStore, type StoredSlot } from '../state/slots.js';
import type { TimerChange, TimerChanges } from '../state/timers.js';
import { readValue, writeValue } from '../state/value-codec.js';

export const slabKinds = ['slots', 'event', 'processing'] as const;
export type SlabKind = (typeof slabKinds)[number];

/** One slab of what an epoch has changed. */
export interface FrozenSlab {
  readonly kind: SlabKind;
  readonly bucket: number;
  readonly bytes: Uint8Array;
}

type Store = KeyedStore<object>;
type Stored = StoredSlot<object>;

/**
 * Freezes a store at a barrier. The generator does a bounded piece of work per `next`, in the time of the caller, and
 * gives a slab or (while it sorts) undefined; until it has been drained, a frozen slot that is about to change is
 * encoded first.
 */
export function freezeStore(
  store: Store,
  uid: string,
): Generator<FrozenSlab | undefined, void, void> {
  const early = new Map<Stored, Uint8Array>();
  const encode = (slot: Stored): Uint8Array => encodeLive(slot, store.spec, uid);
  const frozen = store.freeze((slot) => {
    slot.isStored = true;
    early.set(slot, encode(slot));
  });
  const changes = {
    event: store.eventTimers.takeChanges(),
    processing: store.processingTimers.takeChanges(),
  };
  return (function* drain() {
    for (const [bucket, slots] of frozen) {
      const bytes = slotsSlab(slots, early, encode);
      if (bytes !== undefined) yield { kind: 'slots', bucket, bytes };
    }
    store.thaw();
    for (const kind of ['event', 'processing'] as const) {
      const buckets = new Map<number, BucketChange[]>();
      yield* sortByBucket(store, changes[kind], buckets);
      for (const [bucket, changed] of buckets) yield { kind, bucket, bytes: timersSlab(changed) };
    }
  })();
}

/** Puts slabs of one bucket, oldest first, back into a store. */
export function loadBucket(
  store: Store,
  kind: SlabKind,
  slabs: readonly Uint8Array[],
  where: string,
): void {
  const [first] = slabs;
  if (first === undefined) return;
  const merged = slabs.length === 1 ? first : mergeSlabs(slabs, { base: true, where });
  const timers = kind === 'event' ? store.eventTimers : store.processingTimers;
  forEachRecord(merged, where, (key, value) => {
    if (value === undefined) return;
    if (kind === 'slots') {
      store.restore(readKey(key), unpack(store.spec, readValue(value), where));
      return;
    }
    const time = key.f64();
    timers.put(store.slot(readKey(key)), time);
  });
}

/** The records that slabs of one bucket, oldest first, leave: views that are good as long as the slabs are. */
export function liveRecords(
  slabs: readonly Uint8Array[],
  where: string,
): { readonly key: Uint8Array; readonly value: Uint8Array }[] {
  const [first] = slabs;
  if (first === undefined) return [];
  const merged = slabs.length === 1 ? first : mergeSlabs(slabs, { base: true, where });
  const live: { key: Uint8Array; value: Uint8Array }[] = [];
  forEachRecord(merged, where, (key, value) => {
    if (value !== undefined) live.push({ key: key.take(), value: value.take() });
  });
  return live;
}

function slotsSlab(
  slots: readonly Stored[],
  early: ReadonlyMap<Stored, Uint8Array>,
  encode: (slot: Stored) => Uint8Array,
): Uint8Array | undefined {
  const slab = new SlabWriter();
  let records = 0;
  for (const slot of slots) {
    const bytes = early.get(slot);
    // A slot that came and went within the epoch leaves no trace.
    if (bytes === undefined && slot.isRemoved && !slot.isStored) continue;
    records += 1;
    keyWriter.reset();
    writeKey(keyWriter, slot.key);
    if (bytes !== undefined) slab.append(keyWriter.peek(), bytes);
    else if (slot.isRemoved) slab.append(keyWriter.peek(), undefined);
    else {
      slab.append(keyWriter.peek(), encode(slot));
      slot.isSaved = true;
      slot.isStored = true;
    }
  }
  return records === 0 ? undefined : slab.finish();
}

const keyWriter = new ByteWriter();
const valueWriter = new ByteWriter(1024);

function encodeLive(slot: Stored, spec: KeyedStateSpec, uid: string): Uint8Array {
  try {
    valueWriter.reset();
    writeValue(valueWriter, spec.pack(slot.live));
    return valueWriter.take();
  } catch (cause) {
    if (!(cause instanceof TidemarkError)) throw cause;
    const { code, expected, got, hint } = cause;
    throw new PipelineError(
      code,
      { expected, got: `${got} (${cause.where})`, hint, cause },
      { operator: uid, key: slot.key },
    );
  }
}

interface BucketChange {
  readonly time: number;
  readonly slot: Stored;
  readonly isSet: boolean;
}

function timersSlab(changes: readonly BucketChange[]): Uint8Array {
  const slab = new SlabWriter();
  for (const { time, slot, isSet } of changes) {
    keyWriter.reset();
    keyWriter.f64(time);
    writeKey(keyWriter, slot.key);
    slab.append(keyWriter.peek(), isSet ? nothing : undefined);
  }
  return slab.finish();
}

const nothing = new Uint8Array(0);

/** How many changes are sorted between two looks at the event loop. */
const CHANGES_PER_PIECE = 4096;

/** Timers are bucketed by key group alone: there are few of them per key. */
function* sortByBucket(
  store: Store,
  changes: TimerChanges<Stored>,
  buckets: Map<number, BucketChange[]>,
): Generator<undefined, void, void> {
  let sorted = 0;
  for (const [time, changed] of changes)
    for (const [slot, change] of changed) {
      sorted += 1;
      if (sorted % CHANGES_PER_PIECE === 0) yield undefined;
      if (!isWritten(change)) continue;
      const bucket = (store.bucketOf(slot) >> BUCKET_BITS) << BUCKET_BITS;
      const entry = { time, slot, isSet: change === 'added' };
      const part = buckets.get(bucket);
      if (part === undefined) buckets.set(bucket, [entry]);
      else part.push(entry);
    }
}

function isWritten(change: TimerChange): boolean {
  return change !== 'returned';
}

function unpack(spec: KeyedStateSpec, packed: unknown, where: string): object {
  try {
    return spec.unpack(packed);
  } catch (cause) {
    if (cause instanceof TidemarkError && cause.code === 'STATE_INCOMPATIBLE') {
      const { expected, got, hint } = cause;
      throw new TidemarkError(cause.code, {
        expected,
        got,
        hint,
        where: `${where}, ${cause.where}`,
        cause,
      });
    }
    throw new TidemarkError('STATE_INCOMPATIBLE', {
      expected: 'state of the shape that this operator declares',
      got: show(packed),
      where,
      hint: 'The operator under this uid had another kind of state; give the new one another uid.',
      cause,
    });
  }
}
