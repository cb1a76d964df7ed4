/** One node of a task: its operator or receiver, its counters, and what the stages downstream have heard of it. */
import { MIN_WATERMARK } from '../core/flow.js';
import type { GraphNode, OperatorNode } from '../core/graph.js';
import type { Counters, Operator, OperatorSpec, Receiver } from '../core/operator.js';
import type { ChannelWriter } from './channel.js';
import { fuse, type FusedStep } from './fusion.js';
import { makeContext, rejectElement, type WiringView } from './operator-context.js';
import { InputReceiver, KeyReceiver, nowhere } from './receivers.js';
import { makeCounters } from './records.js';

export class WiredNode {
  readonly node: GraphNode;
  /** uid, or a derived name. */
  readonly name: string;
  readonly counters: Counters = makeCounters();
  operator: Operator | undefined;
  /** A run of stateless steps that begins here; made into one function when it is first used. */
  fused: { readonly steps: readonly FusedStep[]; readonly output: Receiver } | undefined;
  #receiver: Receiver | undefined;
  /** To the shards downstream; empty unless the node is a keyBy that ends a stage. */
  readonly #writers: readonly ChannelWriter[];
  #sentWatermark = MIN_WATERMARK;
  #sentIdle = false;

  constructor(parts: {
    readonly node: GraphNode;
    readonly name: string;
    readonly writers: readonly ChannelWriter[];
  }) {
    this.node = parts.node;
    this.name = parts.name;
    this.#writers = parts.writers;
  }

  get receiver(): Receiver {
    if (this.#receiver === undefined && this.fused !== undefined)
      this.#receiver = fuse(this.fused.steps, this.fused.output) ?? this.#unfused?.();
    return this.#receiver ?? nowhere;
  }

  /** What makes the operator by itself, where a run of it cannot be made. */
  #unfused: (() => Operator) | undefined;

  /**
   * Makes the operator or receiver, once everything behind it has been made.
   *
   * @param next the one node that reads this one's output, where there is only one
   */
  create(wiring: WiringView, output: () => Receiver, next: WiredNode | undefined): void {
    const { node, counters, name } = this;
    switch (node.kind) {
      case 'operator':
        if (node.spec.stateless !== undefined) {
          this.#joinRun(wiring, node.spec, output, next);
          return;
        }
        this.operator = node.spec.create(makeContext(this.#place(wiring, node, output())));
        this.#receiver = this.operator;
        return;
      case 'key':
        this.#receiver = new KeyReceiver({
          ...{ wiring, counters, name, node, output: output() },
          cell: wiring.cellOf(node),
        });
        return;
      case 'input':
        this.#receiver =
          node.parse === undefined
            ? output()
            : new InputReceiver({ wiring, counters, name, node, output: output() });
        return;
      case 'union':
        this.#receiver = output();
    }
  }

  #joinRun(
    wiring: WiringView,
    spec: OperatorSpec,
    output: () => Receiver,
    next: WiredNode | undefined,
  ): void {
    const { node, counters, name } = this;
    const { stateless } = spec;
    if (stateless === undefined || node.kind !== 'operator') return;
    const place = { wiring, counters, name };
    const step: FusedStep = {
      ...stateless,
      counters,
      reject: (value, timestamp, cause) => rejectElement(place, value, timestamp, cause),
    };
    const behind = next?.fused;
    this.fused =
      behind === undefined
        ? { steps: [step], output: output() }
        : { steps: [step, ...behind.steps], output: behind.output };
    this.#unfused = () => spec.create(makeContext(this.#place(wiring, node, output())));
  }

  #place(
    wiring: WiringView,
    node: OperatorNode,
    output: Receiver,
  ): Parameters<typeof makeContext>[0] {
    return { wiring, counters: this.counters, name: this.name, node, output };
  }

  /** Tells the stages downstream what has changed. */
  announce(watermark: number, idle: boolean): void {
    if (this.#writers.length === 0) return;
    if (watermark > this.#sentWatermark) {
      this.#sentWatermark = watermark;
      this.#sentIdle = false;
      for (const writer of this.#writers) writer.signal({ kind: 'watermark', time: watermark });
    }
    if (idle === this.#sentIdle) return;
    this.#sentIdle = idle;
    for (const writer of this.#writers) writer.signal({ kind: idle ? 'idle' : 'active' });
  }
}
