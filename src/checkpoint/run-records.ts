/** Records between the form in runs and the one that copies of state have: a timer is its time as a float, and the key. */
import type { ByteReader } from '../state/bytes.js';
import { ByteWriter } from '../state/bytes.js';
import type { StateRecord } from './committed-state.js';
import type { Parts, RunStore } from './runs.js';
import { slabKinds, timeOf, type SlabKind } from './store-slabs.js';

const writer = new ByteWriter();

/** The key of a record as copies have it: good until the next call. */
export function outerKey(kind: SlabKind, key: ByteReader): Uint8Array {
  if (kind === 'slots') return key.take();
  writer.reset();
  writer.f64(timeOf(key));
  writer.bytes(key.take());
  return writer.peek();
}

/** All records of a uid, by group, then by kind. */
export function* recordsByGroup(
  runs: RunStore,
  uid: string,
  { maxParallelism, parts }: { readonly maxParallelism: number; readonly parts: Parts },
): Generator<StateRecord, void, void> {
  for (let group = 0; group < maxParallelism; group += 1) {
    const groups = { from: group, to: group + 1 };
    for (const kind of slabKinds)
      for (const { block, index } of runs.records(uid, kind, { groups, maxParallelism, parts }))
        yield {
          kind,
          group,
          key: outerKey(kind, block.keyOf(index)),
          value: block.valueOf(index).take(),
        };
  }
}
