/** The nodes of a task as others ask for them, by name: counters, watermarks, what a checkpoint keeps of the frontier. */
import { MIN_WATERMARK } from '../core/flow.js';
import type { Counters, Operator } from '../core/operator.js';
import type { Frontier, NodeMark } from '../time/frontier.js';
import type { WiredNode } from './wired-node.js';

export abstract class TaskNodes {
  /** In topological order; the frontier knows them by their index. */
  protected readonly nodes: readonly WiredNode[];
  readonly frontier: Frontier;

  constructor(nodes: readonly WiredNode[], frontier: Frontier) {
    this.nodes = nodes;
    this.frontier = frontier;
  }

  /** Counters by operator name. */
  counters(): Map<string, Counters> {
    return new Map(this.nodes.map(({ name, counters }) => [name, counters]));
  }

  /**
   * What a checkpoint keeps of the frontier, by name. Also of unions, which would else wait again for an input that had
   * come back behind the watermark.
   */
  marks(): Map<string, NodeMark> {
    return new Map(
      this.nodes.flatMap(({ name }, index) => {
        const mark = this.frontier.mark(index);
        return mark === undefined ? [] : [[name, mark]];
      }),
    );
  }

  /** The input watermark of a node by name. */
  watermarkOf(name: string): number | undefined {
    const index = this.nodes.findIndex((wired) => wired.name === name);
    return index < 0 ? undefined : this.frontier.input(index);
  }

  operatorOf(name: string): Operator | undefined {
    return this.nodes.find((wired) => wired.name === name)?.operator;
  }

  /** Watermark generators by name. */
  generators(): Map<string, Operator> {
    return new Map(
      this.nodes.flatMap(({ name, operator }) =>
        operator?.generator === undefined ? [] : [[name, operator]],
      ),
    );
  }

  /** The furthest watermark that generators have made, -Infinity without any. */
  watermark(): number {
    let lowest = Infinity;
    for (const [index, { operator }] of this.nodes.entries())
      if (operator?.generator !== undefined) lowest = Math.min(lowest, this.frontier.output(index));
    return lowest === Infinity && this.generators().size === 0 ? MIN_WATERMARK : lowest;
  }
}
