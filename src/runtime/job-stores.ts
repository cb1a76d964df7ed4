/** The stores of a shard, loaded from committed state under the schemas of the present release. */
import type { EmbeddedCommitter } from '../checkpoint/embedded-committer.js';
import type { JobRecord } from '../checkpoint/job-record.js';
import type { SchemaPlan } from '../checkpoint/schema-plan.js';
import { loadBucket } from '../checkpoint/store-slabs.js';
import { groupRange } from '../core/key-group.js';
import { KeyedStore } from '../state/slots.js';
import { loadCopies } from './broadcast-copies.js';
import type { Plan } from './plan.js';

type StorePlace = Parameters<typeof loadCopies>[0];

export interface StoreOptions {
  readonly committer: EmbeddedCommitter;
  readonly maxParallelism: number;
  readonly plan: Plan;
  readonly record: JobRecord | undefined;
  readonly schemas: SchemaPlan;
}

/** Makes the stores of one shard of a stage, and fills them with what the last commit holds of its key groups. */
export function loadStores(
  place: StorePlace,
  { committer, maxParallelism, plan, record, schemas }: StoreOptions,
): void {
  const { stage, shard, stores } = place;
  for (const node of stage.nodes) {
    if (node.kind !== 'operator' || node.spec.state === undefined) continue;
    const uid = plan.names.get(node) ?? '';
    const declared = node.spec.state;
    const store = new KeyedStore<object>({
      spec: declared.evolution?.under(schemas.versions.get(uid) ?? new Map()) ?? declared,
      maxParallelism,
      durable: true,
      name: node.spec.uid ?? '',
    });
    stores.set(uid, store);
    if (record === undefined) continue;
    for (const { kind, slabs, where } of committer.buckets(
      uid,
      groupRange(shard, stage.shards, maxParallelism),
    ))
      loadBucket(store, kind, slabs, where);
  }
  loadCopies(place, { committer, maxParallelism, plan });
}
