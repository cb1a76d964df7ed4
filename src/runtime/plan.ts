/**
 * From a graph to stages: which nodes run together, and where elements are dealt out to shards again.
 *
 *     source stage (1 task)                   keyed stage (n tasks, one per shard)
 *     input ─ eventTime ─ filter ─ keyBy ═══▶ window ─ map ─ keyBy ═══▶ …
 *
 * With one shard everything is one task and nothing is dealt out. With more, each keyBy ends a stage: what stands
 * behind it runs in a stage of its own. A step that hangs on several stages (behind a union) runs in each of them.
 */
import {
  nodeNames,
  nodesInOrder,
  type Edge,
  type GraphNode,
  type KeyNode,
  type Outputs,
} from '../core/graph.js';

export interface Stage {
  readonly name: string;
  /** 1 for the stage of the sources. */
  readonly shards: number;
  /** In topological order. */
  readonly nodes: readonly GraphNode[];
  /** Shuffles that feed this stage, each named for its channels and its watermark in a checkpoint. */
  readonly shuffles: readonly Shuffle[];
}

/** Elements of a keyBy dealt out to the shards of another stage. */
export interface Shuffle {
  readonly name: string;
  readonly key: KeyNode;
  readonly from: Stage;
}

export interface Plan {
  readonly stages: readonly Stage[];
  readonly outputs: Outputs;
  readonly names: ReadonlyMap<GraphNode, string>;
  readonly shards: number;
}

interface Draft {
  name: string;
  shards: number;
  nodes: GraphNode[];
  shuffles: Shuffle[];
}

/** Cuts the graph of the outputs for a number of shards. */
export function planOf(outputs: Outputs, shards: number): Plan {
  const nodes = nodesInOrder(outputs);
  const names = nodeNames(nodes);
  if (shards === 1)
    return { stages: [{ name: 'all', shards: 1, nodes, shuffles: [] }], outputs, names, shards };
  const sources: Draft = { name: 'sources', shards: 1, nodes: [], shuffles: [] };
  const stages: Draft[] = [sources];
  const homes = new Map<GraphNode, Draft[]>();
  const keyedStages = new Map<GraphNode, Draft>();
  const open = (owner: GraphNode, name: string): Draft => {
    const known = keyedStages.get(owner);
    if (known !== undefined) return known;
    const draft: Draft = { name, shards, nodes: [], shuffles: [] };
    keyedStages.set(owner, draft);
    stages.push(draft);
    return draft;
  };
  /** Where the reader of an edge runs: behind a keyBy in the stage that the keyBy opens. */
  const reach = (edge: Edge, reader: GraphNode, input: number): Draft[] => {
    const { from } = edge;
    const from_ = homes.get(from) ?? [];
    if (from.kind !== 'key') return from_;
    const joined = reader.inputs.length > 1 && reader.kind === 'operator';
    const readerName = names.get(reader) ?? '';
    const draft = joined ? open(reader, readerName) : open(from, from.uid ?? readerName);
    const name = joined ? `${readerName}/${input}` : draft.name;
    for (const home of from_)
      if (!draft.shuffles.some(({ key, from: upstream }) => key === from && upstream === home))
        draft.shuffles.push({
          name: from_.length > 1 ? `${name}/${home.name}` : name,
          key: from,
          from: home,
        });
    return [draft];
  };
  for (const node of nodes) {
    const found = new Set(node.inputs.flatMap((edge, input) => reach(edge, node, input)));
    if (node.inputs.length === 0) found.add(sources);
    homes.set(node, [...found]);
    for (const draft of found) draft.nodes.push(node);
  }
  // An output that is a bare keyBy: its elements leave from the stage that keys them, nothing is dealt out.
  return { stages, outputs, names, shards };
}

/** Kinds of the stateful operators, by uid. */
export function operatorsOf(outputs: Outputs): Map<string, string> {
  const { names } = planOf(outputs, 1);
  return new Map(
    [...names].flatMap(([node, name]) =>
      node.kind === 'operator' && node.spec.state !== undefined ? [[name, node.spec.operator]] : [],
    ),
  );
}
