/** One node of a task: its operator or receiver, its counters, and what the stages downstream have heard of it. */
import { MIN_WATERMARK } from '../core/flow.js';
import type { GraphNode } from '../core/graph.js';
import type {
  Counters,
  KeyedState,
  Operator,
  OperatorContext,
  Receiver,
} from '../core/operator.js';
import { compositeKeyText, isScalarKey } from '../state/key-codec.js';
import type { ChannelWriter } from './channel.js';
import { fuse, type FusedStep } from './fusion.js';
import { makeContext, rejectElement, type WiringView } from './operator-context.js';
import { InputReceiver, KeyReceiver, nowhere } from './receivers.js';
import { makeCounters } from './records.js';

type Stamping = Required<Pick<Operator, 'stamp' | 'stamped'>>;

export class WiredNode {
  readonly node: GraphNode;
  /** uid, or a derived name. */
  readonly name: string;
  readonly counters: Counters = makeCounters();
  operator: Operator | undefined;
  /** A run of stateless steps that begins here; made into one function when it is first used. */
  fused: { readonly steps: readonly FusedStep[]; readonly output: () => Receiver } | undefined;
  /** The keyed state of the operator, once it has asked for it. */
  state: KeyedState<object> | undefined;
  #receiver: Receiver | undefined;
  /** To the shards downstream; empty unless the node is a keyBy that ends a stage. */
  readonly #writers: readonly ChannelWriter[];
  #sentWatermark = MIN_WATERMARK;
  #sentIdle = false;
  /** Whether the stages downstream know that it has ever been idle. */
  #sentWasIdle = false;

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
      this.#receiver = fuse(this.fused.steps, this.fused.output());
    return (this.#receiver ??= this.#unfused?.() ?? nowhere);
  }

  /** What takes the elements where the node stands by itself. */
  #unfused: (() => Receiver) | undefined;

  /**
   * Makes the operator or receiver, once everything behind it has been made.
   *
   * @param next the one node that reads this one's output, where there is only one
   */
  create(wiring: WiringView, output: () => Receiver, next: WiredNode | undefined): void {
    const { node, counters, name } = this;
    const place = { wiring, counters, name };
    switch (node.kind) {
      case 'operator': {
        const make = (): Operator =>
          node.spec.create(this.#remembering(makeContext({ ...place, node, output: output() })));
        if (node.spec.stateless === undefined) this.operator = make();
        this.#unfused = () => this.operator ?? make();
        break;
      }
      case 'key':
        this.#unfused = () =>
          new KeyReceiver({ ...place, node, output: output(), cell: wiring.cellOf(node) });
        break;
      case 'input':
        this.#unfused = () =>
          node.parse === undefined
            ? output()
            : new InputReceiver({ ...place, node, output: output() });
        break;
      case 'union':
        this.#unfused = output;
    }
    const step = this.#step(wiring, next);
    if (step === undefined) return;
    const behind = next?.fused;
    const isSecondTime =
      step.kind === 'time' && behind?.steps.some(({ kind }) => kind === 'time') === true;
    this.fused =
      behind === undefined || isSecondTime
        ? { steps: [step], output }
        : { steps: [step, ...behind.steps], output: behind.output };
  }

  /** This node as a step of a run; undefined where it cannot be one. */
  #step(wiring: WiringView, next: WiredNode | undefined): FusedStep | undefined {
    const { node, counters, name, operator } = this;
    const place = { wiring, counters, name };
    const base = {
      counters,
      reject: (value: unknown, timestamp: number, cause: unknown): void =>
        rejectElement(place, value, timestamp, cause),
    };
    if (node.kind === 'operator' && node.spec.stateless !== undefined)
      return { ...base, ...node.spec.stateless };
    if (operator?.stamp !== undefined && operator.stamped !== undefined)
      return { ...base, kind: 'time', operator: operator as Stamping };
    if (node.kind !== 'key' || this.#writers.length > 0) return undefined;
    return {
      ...base,
      kind: 'key',
      fn: node.keyOf,
      cell: wiring.cellOf(node),
      check: (key) => {
        if (!isScalarKey(key)) compositeKeyText(key, name);
      },
      state: () => next?.state,
    };
  }

  /** Keeps hold of the keyed state that an operator asks for. */
  #remembering(context: OperatorContext): OperatorContext {
    const { keyedState } = context;
    return {
      ...context,
      keyedState: <Live extends object>() => {
        const state = keyedState<Live>();
        this.state = state as unknown as KeyedState<object>;
        return state;
      },
    };
  }

  /** Whether there are stages downstream. */
  get announces(): boolean {
    return this.#writers.length > 0;
  }

  /** Tells the stages downstream what has changed. */
  announce(watermark: number, idle: boolean, wasIdle: boolean): void {
    if (wasIdle && !this.#sentWasIdle && !idle)
      for (const writer of this.#writers) writer.signal({ kind: 'active', wasIdle: true });
    this.#sentWasIdle = wasIdle;
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
