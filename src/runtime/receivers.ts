/** The small pieces between operators: fan-out, key registers, the edge where records are checked. */
import type { GraphNode, InputNode, KeyNode } from '../core/graph.js';
import { keyGroupOf, shardOf } from '../core/key-group.js';
import type { Key } from '../core/key.js';
import type { KeyCell, Operator, Receiver } from '../core/operator.js';
import { compositeKeyText, isScalarKey } from '../state/key-codec.js';
import { freezeDeep } from '../state/guard.js';
import { hashKey } from '../state/key-hash.js';
import type { ChannelWriter } from './channel.js';
import { rejectElement, type Place, type WiringView } from './operator-context.js';

/** Where elements go that nobody reads. */
export const nowhere: Receiver = { element() {} };

/** Hands each element to several readers, in the order of the graph. */
export class FanOut implements Receiver {
  readonly #receivers: readonly Receiver[];
  readonly #isGuarded: boolean;

  /** @param options.isGuarded whether elements are frozen, so that no reader changes what others see */
  constructor(receivers: readonly Receiver[], options: { isGuarded: boolean }) {
    this.#receivers = receivers;
    this.#isGuarded = options.isGuarded;
  }

  element(value: unknown, timestamp: number): void {
    if (this.#isGuarded) freezeDeep(value);
    for (const receiver of this.#receivers) receiver.element(value, timestamp);
  }
}

/** Turns the second input of an operator into a receiver. */
export class SecondInput implements Receiver {
  readonly #operator: Operator;

  constructor(operator: Operator) {
    this.#operator = operator;
  }

  element(value: unknown, timestamp: number): void {
    this.#operator.second?.(value, timestamp);
  }
}

interface Edge<Node> extends Place {
  readonly node: Node;
  readonly output: Receiver;
}

/** Checks records against the schema of their input. */
export class InputReceiver implements Receiver {
  readonly #edge: Edge<InputNode>;
  readonly #parse: (value: unknown) => unknown;

  constructor(edge: Edge<InputNode>) {
    this.#edge = edge;
    this.#parse = edge.node.parse ?? ((value) => value);
  }

  element(value: unknown, timestamp: number): void {
    const { counters, output } = this.#edge;
    counters.received += 1;
    let parsed: unknown;
    try {
      parsed = this.#parse(value);
    } catch (cause) {
      rejectElement(this.#edge, value, timestamp, cause);
      return;
    }
    counters.accepted += 1;
    output.element(parsed, timestamp);
  }
}

/** Computes keys: into the register of the task, or to the shard that owns the key. */
export class KeyReceiver implements Receiver {
  readonly #edge: Edge<KeyNode>;
  readonly #keyOf: (value: unknown) => Key;
  readonly #cell: KeyCell;
  readonly #send: ((value: unknown, timestamp: number, key: Key) => void) | undefined;

  constructor(edge: Edge<KeyNode> & { readonly cell: KeyCell }) {
    this.#edge = edge;
    this.#keyOf = edge.node.keyOf as (value: unknown) => Key;
    this.#cell = edge.cell;
    this.#send = senderOf(edge);
  }

  element(value: unknown, timestamp: number): void {
    const { counters, output, name } = this.#edge;
    counters.received += 1;
    let key: Key;
    try {
      key = this.#keyOf(value);
      if (!isScalarKey(key)) compositeKeyText(key, name);
    } catch (cause) {
      rejectElement(this.#edge, value, timestamp, cause);
      return;
    }
    counters.accepted += 1;
    if (this.#send !== undefined) this.#send(value, timestamp, key);
    this.#cell.key = key;
    output.element(value, timestamp);
  }
}

/** Deals the elements of a step that keeps its key out to another stage, by the key that the step was given. */
export class DealOut implements Receiver {
  readonly #send: Send | undefined;
  readonly #cell: KeyCell;

  constructor(from: {
    readonly node: GraphNode;
    readonly wiring: WiringView;
    readonly cell: KeyCell;
  }) {
    this.#send = senderOf(from);
    this.#cell = from.cell;
  }

  element(value: unknown, timestamp: number): void {
    this.#send?.(value, timestamp, this.#cell.key);
  }
}

/** Hands the elements of a step that spreads them to every shard of the stages behind it. */
export class Spread implements Receiver {
  readonly #wiring: WiringView;
  readonly #writers: readonly ChannelWriter[];

  constructor({ node, wiring }: { readonly node: GraphNode; readonly wiring: WiringView }) {
    this.#wiring = wiring;
    this.#writers = wiring.spec.shuffles
      .filter((shuffle) => shuffle.node === node)
      .flatMap(({ writers }) => writers);
  }

  element(value: unknown, timestamp: number): void {
    for (const writer of this.#writers) writer.element(value, timestamp, '', this.#wiring.whence);
  }
}

type Send = (value: unknown, timestamp: number, key: Key) => void;

/** Deals elements out to shards: every stage that reads this node has its own writers. */
function senderOf({
  node,
  wiring,
}: {
  readonly node: GraphNode;
  readonly wiring: WiringView;
}): Send | undefined {
  const targets = wiring.spec.shuffles.filter((shuffle) => shuffle.node === node);
  if (targets.length === 0) return undefined;
  const { maxParallelism } = wiring.spec;
  return (value, timestamp, key) => {
    const group = keyGroupOf(hashKey(key), maxParallelism);
    for (const { writers } of targets)
      writers[shardOf(group, writers.length, maxParallelism)]?.element(
        value,
        timestamp,
        key,
        wiring.whence,
      );
  };
}
