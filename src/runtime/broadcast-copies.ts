/** Loading broadcast state: each shard of a stage has all of it, and one of them writes it. */
import type { EmbeddedCommitter } from '../checkpoint/embedded-committer.js';
import { loadStore } from '../checkpoint/store-slabs.js';
import { replicaName } from '../core/graph.js';
import { KeyedStore } from '../state/slots.js';
import type { Plan, Stage } from './plan.js';

type Stores = Map<string, KeyedStore<object>>;

/** A shard of a stage, with its stores by name. */
interface CopyPlace {
  readonly stage: Stage;
  readonly shard: number;
  /** Those that a checkpoint reads. */
  readonly stores: Stores;
  readonly copies: Stores;
}

/** The shards may be more or fewer than when the state was written. */
export function loadCopies(
  { stage, shard, stores, copies }: CopyPlace,
  from: {
    readonly committer: EmbeddedCommitter;
    readonly maxParallelism: number;
    readonly plan: Plan;
  },
): void {
  const { committer, maxParallelism, plan } = from;
  for (const node of stage.nodes) {
    const spec = node.kind === 'operator' ? node.spec.replicated : undefined;
    if (spec === undefined) continue;
    const name = replicaName(plan.names.get(node) ?? '');
    const store = new KeyedStore<object>({ spec, maxParallelism, durable: shard === 0 });
    (shard === 0 ? stores : copies).set(name, store);
    loadStore(store, committer.of(name), { from: 0, to: maxParallelism });
  }
}
