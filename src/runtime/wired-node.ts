/** One node of a task: its operator or receiver, its counters, and what the stages downstream have heard of it. */
import { MIN_WATERMARK } from '../core/flow.js';
import type { GraphNode } from '../core/graph.js';
import type { Counters, Operator, Receiver } from '../core/operator.js';
import type { ChannelWriter } from './channel.js';
import { makeContext, type WiringView } from './operator-context.js';
import { InputReceiver, KeyReceiver, nowhere } from './receivers.js';
import { makeCounters } from './records.js';

export class WiredNode {
  readonly node: GraphNode;
  /** uid, or a derived name. */
  readonly name: string;
  readonly counters: Counters = makeCounters();
  operator: Operator | undefined;
  receiver: Receiver = nowhere;
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

  /** Makes the operator or receiver, once everything behind it has been made. */
  create(wiring: WiringView, output: Receiver): void {
    const { node, counters, name } = this;
    const place = { wiring, counters, name, output };
    switch (node.kind) {
      case 'operator':
        this.operator = node.spec.create(makeContext({ ...place, node }));
        this.receiver = this.operator;
        return;
      case 'key':
        this.receiver = new KeyReceiver({ ...place, node, cell: wiring.cellOf(node) });
        return;
      case 'input':
        this.receiver = node.parse === undefined ? output : new InputReceiver({ ...place, node });
        return;
      case 'union':
        this.receiver = output;
    }
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
