/** The nodes of a task as others ask for them, by name: counters, watermarks, what a checkpoint keeps of the frontier. */
import { MIN_WATERMARK } from '../core/flow.js';
import type { Completions, Budget, Counters, Operator } from '../core/operator.js';
import type { Frontier, NodeMark } from '../time/frontier.js';
import type { WiredNode } from './wired-node.js';

export abstract class TaskNodes {
  /** In topological order; the frontier knows them by their index. */
  protected readonly nodes: readonly WiredNode[];
  readonly frontier: Frontier;
  /** Something has arrived that an asynchronous operator has to take. */
  hasArrivals = false;
  #completions: readonly Completions[] | undefined;

  constructor(nodes: readonly WiredNode[], frontier: Frontier) {
    this.nodes = nodes;
    this.frontier = frontier;
  }

  /** Of the asynchronous operators; asked for once all operators have been created. */
  protected get completions(): readonly Completions[] {
    return (this.#completions ??= this.nodes.flatMap(
      ({ operator }) => operator?.completions ?? [],
    ));
  }

  /** Emits what has arrived. Returns whether all of it was done within the budget, and no walk must come between. */
  complete(budget: Budget): boolean {
    this.hasArrivals = false;
    const isDone = this.completions.every((completions) => completions.take(budget));
    // A call may have been answered while another answer was emitted.
    if (!isDone) this.hasArrivals = true;
    return isDone;
  }

  /** Elements that have entered an asynchronous operator of this task and not left it. */
  get inFlight(): number {
    return this.completions.reduce((sum, { inFlight }) => sum + inFlight, 0);
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
    return new Map(this.nodes.map(({ name }, index) => [name, this.frontier.mark(index)]));
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

/** What an operator says of its idleness; undefined where that of its inputs decides. */
export function saysIdle(operator: Operator | undefined): boolean | undefined {
  const inFlight = operator?.completions?.inFlight ?? 0;
  return inFlight > 0 ? false : operator?.generator?.allIdle();
}
