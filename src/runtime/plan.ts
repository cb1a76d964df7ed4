/**
 * From a graph to stages: which nodes run together, and where elements are dealt out to shards again.
 *
 *     source stage (1 task)                   keyed stage (n tasks, one per shard)
 *     input ─ eventTime ─ filter ─ keyBy ═══▶ window ─ map ─ keyBy ═══▶ …
 *
 * With one shard everything is one task and nothing is dealt out. With more, each keyBy ends a stage: what stands
 * behind it runs in a stage of its own. A step that hangs on several stages (behind a union) runs in each of them.
 * What is broadcast goes through a stage of one task, so that all shards meet it in the same order.
 */
import { TidemarkError } from '../core/errors.js';
import {
  nodeNames,
  nodesInOrder,
  replicaName,
  uidOf,
  type GraphNode,
  type Outputs,
} from '../core/graph.js';
import type { StateEvolution } from '../core/operator.js';

export interface Stage {
  readonly name: string;
  /** 1 for the stage of the sources, and for one that broadcasts. */
  readonly shards: number;
  /** In topological order. */
  readonly nodes: readonly GraphNode[];
  /** Shuffles that feed this stage, each named for its channels and its watermark in a checkpoint. */
  readonly shuffles: readonly Shuffle[];
}

/** Elements of a keyBy, or of a step that keeps its key, dealt out by key to the shards of another stage. */
export interface Shuffle {
  readonly name: string;
  readonly node: GraphNode;
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
  const stages =
    shards === 1
      ? [{ name: 'all', shards: 1, nodes, shuffles: [] }]
      : new Planner(nodes, names, shards).stages();
  return { stages, outputs, names, shards };
}

class Planner {
  readonly #nodes: readonly GraphNode[];
  readonly #names: ReadonlyMap<GraphNode, string>;
  readonly #shards: number;
  readonly #homes = new Map<GraphNode, Draft[]>();
  /** Stages by what opens them: a keyBy, or an operator of two inputs. */
  readonly #opened = new Map<GraphNode, Draft>();
  readonly #stages: Draft[];

  constructor(nodes: readonly GraphNode[], names: ReadonlyMap<GraphNode, string>, shards: number) {
    this.#nodes = nodes;
    this.#names = names;
    this.#shards = shards;
    this.#stages = [{ name: 'sources', shards: 1, nodes: [], shuffles: [] }];
  }

  stages(): Stage[] {
    for (const node of this.#nodes) {
      const homes = this.#homesOf(node);
      this.#homes.set(node, homes);
      for (const draft of homes) draft.nodes.push(node);
    }
    return this.#stages;
  }

  #homesOf(node: GraphNode): Draft[] {
    if (node.inputs.length === 0) return this.#stages.slice(0, 1);
    if (node.kind === 'operator' && node.inputs.length > 1) return [this.#join(node)];
    const homes = node.inputs.flatMap(({ from }) => {
      if (from.kind !== 'key') return this.#homes.get(from) ?? [];
      const spreads = node.kind === 'operator' && node.spec.spreads === true;
      const name = from.uid ?? this.#names.get(node) ?? '';
      const draft = this.#open(from, name, spreads ? 1 : this.#shards);
      this.#shuffle(from, draft, draft.name);
      return [draft];
    });
    const distinct = [...new Set(homes)];
    if (distinct.length > 1) refuseStateIn(node, this.#names.get(node) ?? '');
    return distinct;
  }

  /**
   * An operator of two inputs has a stage of its own, that what feeds it deals out into. To share a stage of one of the
   * keyBys could make a stage feed itself; to run the steps in between once more would count and reject elements twice.
   */
  #join(node: GraphNode): Draft {
    const name = this.#names.get(node) ?? '';
    const draft = this.#open(node, name, this.#shards);
    for (const [input, { from }] of node.inputs.entries())
      this.#shuffle(from, draft, `${name}/${input}`);
    return draft;
  }

  #open(owner: GraphNode, name: string, shards: number): Draft {
    let draft = this.#opened.get(owner);
    if (draft === undefined) {
      draft = { name, shards, nodes: [], shuffles: [] };
      this.#opened.set(owner, draft);
      this.#stages.push(draft);
    }
    return draft;
  }

  #shuffle(node: GraphNode, draft: Draft, name: string): void {
    const homes = this.#homes.get(node) ?? [];
    for (const from of homes) {
      if (draft.shuffles.some((known) => known.node === node && known.from === from)) continue;
      draft.shuffles.push({ name: homes.length > 1 ? `${name}/${from.name}` : name, node, from });
    }
  }
}

/** A step with state that would run in several stages: each would take what the others keep for its own. */
function refuseStateIn(node: GraphNode, name: string): void {
  if (node.kind !== 'operator' || node.spec.state === undefined) return;
  throw new TidemarkError('KEY_MISSING', {
    expected:
      'a keyBy before a step that keeps something, where a union brings streams of several stages together',
    got: 'a step without a key behind such a union, in a job of several shards',
    where: `${node.spec.operator} "${name}"`,
    hint: 'Put keyBy(...) directly before it, move it into the branches before the union, or run with parallelism 1.',
  });
}

/** Kinds of the stateful operators, with what their state depends on, by uid. */
export function operatorsOf(outputs: Outputs): Map<string, string> {
  const { names } = planOf(outputs, 1);
  return new Map(
    [...names].flatMap(([node, name]) =>
      node.kind === 'operator' && node.spec.state !== undefined
        ? [
            [name, [node.spec.operator, node.spec.facts.stateShape ?? ''].join(' ').trimEnd()],
            ...(node.spec.replicated === undefined
              ? []
              : [[replicaName(name), 'broadcast state'] as [string, string]]),
          ]
        : [],
    ),
  );
}

/** The former uid of each operator that has been renamed, by its uid, both with their scope. */
export function renamesOf(outputs: Outputs): Map<string, string> {
  return new Map(
    nodesInOrder(outputs).flatMap((node) => {
      const uid = uidOf(node);
      if (node.kind !== 'operator' || uid === undefined) return [];
      const { renamedFrom, replicated } = node.spec;
      if (renamedFrom === undefined) return [];
      const from = [...node.scope, renamedFrom].join('/');
      const copies =
        replicated === undefined ? [] : [[replicaName(uid), replicaName(from)] as const];
      return [[uid, from] as const, ...copies];
    }),
  );
}

/** How the states of each operator change over releases, by uid. */
export function evolutionsOf(outputs: Outputs): Map<string, StateEvolution> {
  const { names } = planOf(outputs, 1);
  return new Map(
    [...names].flatMap(([node, name]) =>
      node.kind === 'operator' && node.spec.state?.evolution !== undefined
        ? [[name, node.spec.state.evolution] as const]
        : [],
    ),
  );
}
