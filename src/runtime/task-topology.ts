/** Who feeds whom within one task: pure questions about its part of the graph. */
import { broadcastInputs, type GraphNode } from '../core/graph.js';
import type { Feeder } from '../time/frontier.js';
import type { TaskSpec } from './task-spec.js';

/** An arrow inside the task, from the side of what feeds it. */
export interface Reader {
  readonly node: GraphNode;
  /** Which of its inputs. */
  readonly input: number;
}

export class TaskTopology {
  readonly #spec: Pick<TaskSpec, 'plan' | 'stage' | 'inputs'>;
  readonly #broadcast: ReadonlySet<GraphNode>;

  constructor(spec: Pick<TaskSpec, 'plan' | 'stage' | 'inputs'>) {
    this.#spec = spec;
    const roots = broadcastInputs([...spec.plan.names.keys()]);
    const spread = spec.inputs.filter(
      ({ node }) => node.kind === 'operator' && node.spec.spreads === true,
    );
    this.#broadcast = new Set([...roots, ...spread.map(({ node }) => node)]);
  }

  /** What a node takes its watermark from; inputs without event time take no part where others have it. */
  feedersOf(node: GraphNode): Feeder[] {
    const { stage, inputs } = this.#spec;
    const ofInputs = (kind: 'split' | 'shuffle', from: GraphNode): Feeder[] =>
      inputs.flatMap((input, index) =>
        input.kind === kind && input.node === from ? [{ input: index }] : [],
      );
    const hasSides = node.kind === 'operator' && node.spec.inputs > 1;
    const isAnyTimed = node.inputs.some(({ from }) => from.hasEventTime);
    const upstream = node.inputs.flatMap(({ from }, number): Feeder[] => {
      if (isAnyTimed && !from.hasEventTime) return [];
      const side = hasSides ? { side: number } : {};
      const index = this.#isCut(from) ? -1 : stage.nodes.indexOf(from);
      const feeders = index < 0 ? ofInputs('shuffle', from) : [{ node: index }];
      return feeders.map((feeder) => ({ ...feeder, ...side }));
    });
    return [...ofInputs('split', node), ...upstream];
  }

  /** The nodes of this task that read an output of a node directly. */
  readersOf(node: GraphNode, side: string | undefined): Reader[] {
    if (this.#isCut(node) && !this.arrivesHere(node)) return [];
    return this.#spec.stage.nodes.flatMap((reader) =>
      reader.inputs.flatMap((edge, input) =>
        edge.from === node && edge.side === side ? [{ node: reader, input }] : [],
      ),
    );
  }

  /** Names of the outputs of the pipeline that leave this task from an output of a node. */
  outputsOf(node: GraphNode, side: string | undefined): string[] {
    if (this.arrivesHere(node)) return [];
    return Object.entries(this.#spec.plan.outputs).flatMap(([name, edge]) =>
      edge.from === node && edge.side === side ? [name] : [],
    );
  }

  /** Whether the elements of a node come into this task through a channel. */
  arrivesHere(node: GraphNode): boolean {
    return this.#spec.inputs.some((input) => input.kind === 'shuffle' && input.node === node);
  }

  /** Task inputs that are splits of a source and from which elements can reach a node. */
  splitsOf(node: GraphNode): number[] {
    const upstream = new Set<GraphNode>([node]);
    // Nodes grow the set while it is walked: a Set gives what is added behind.
    for (const at of upstream) for (const { from } of at.inputs) upstream.add(from);
    return this.#spec.inputs.flatMap(({ kind, node: root }, input) =>
      kind === 'split' && upstream.has(root) ? [input] : [],
    );
  }

  /** Whether what arrives from a node is broadcast. */
  isBroadcast(node: GraphNode): boolean {
    return this.#broadcast.has(node);
  }

  /** With several shards, what stands behind a keyBy runs in another stage. */
  #isCut(node: GraphNode): boolean {
    return this.#spec.plan.shards > 1 && node.kind === 'key';
  }
}
