/** The stores of a shard, loaded from committed state under the schemas of the present release. */
import type { EmbeddedCommitter } from '../checkpoint/embedded-committer.js';
import type { JobRecord } from '../checkpoint/job-record.js';
import type { SchemaPlan } from '../checkpoint/schema-plan.js';
import { ColdStore } from '../checkpoint/cold-store.js';
import { loadStore } from '../checkpoint/store-slabs.js';
import type { StateVersions } from '../core/operator.js';
import { groupRange } from '../core/key-group.js';
import { KeyedStore } from '../state/slots.js';
import { loadCopies } from './broadcast-copies.js';
import type { JobOptions } from './job-options.js';
import type { Plan } from './plan.js';

type StorePlace = Parameters<typeof loadCopies>[0];

export interface StoreOptions {
  readonly options: Pick<JobOptions, 'memoryBytes' | 'state'>;
  readonly committer: EmbeddedCommitter;
  readonly maxParallelism: number;
  readonly plan: Plan;
  readonly record: JobRecord | undefined;
  readonly schemas: SchemaPlan;
}

/** Makes the stores of one shard of a stage, with what the last commit holds of its keys in the heap or within reach. */
export function loadStores(place: StorePlace, from: StoreOptions): void {
  const { committer, maxParallelism, options, plan, record, schemas } = from;
  const { stage, shard, stores } = place;
  for (const node of stage.nodes) {
    if (node.kind !== 'operator' || node.spec.state === undefined) continue;
    const uid = plan.names.get(node) ?? '';
    const declared = node.spec.state;
    const { limits } = declared;
    const versions = schemas.versions.get(uid) ?? new Map<string, StateVersions>();
    const under = declared.evolution?.under(versions) ?? declared;
    const spec = limits === undefined ? under : { ...under, limits };
    const store = new KeyedStore<object>({ spec, maxParallelism, durable: true, name: uid });
    stores.set(uid, store);
    const groups = groupRange(shard, stage.shards, maxParallelism);
    const where = `${options.state.description}, state of "${uid}"`;
    const cold = new ColdStore(committer.runs, { uid, spec, groups, maxParallelism, where });
    // What a changed schema refuses is refused now, and not when its key is met some day.
    const isMigrated = [...versions.values()].some(({ upgrades }) => upgrades.size > 0);
    // What may leave the heap need not be there in the first place; but a timer has to have its slot.
    const mayStartCold = spec.evictable === true && !isMigrated && !cold.hasTimers();
    const startsCold = record !== undefined && mayStartCold;
    if (record !== undefined && !startsCold) loadStore(store, committer.of(uid), groups);
    if (startsCold || options.memoryBytes !== Infinity)
      store.attach(cold, startsCold ? cold.count() : 0);
  }
  loadCopies(place, { committer, maxParallelism, plan });
}
