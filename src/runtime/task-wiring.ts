/**
 * How the operators of a task are put together: receivers from the sinks upwards, key registers, counters, and the
 * frontier that the walk goes by. The task drives it; nothing here decides when.
 */
import { TidemarkError, assert } from '../core/errors.js';
import { MIN_WATERMARK, type Origin, type Unreadable } from '../core/flow.js';
import type { GraphNode, KeyNode } from '../core/graph.js';
import type { Budget, Counters, KeyCell, Operator, Receiver } from '../core/operator.js';
import { Frontier, type Feeder } from '../time/frontier.js';
import type { ChannelWriter, Pressure, Whence } from './channel.js';
import { makeContext } from './operator-context.js';
import { FanOut, InputReceiver, KeyReceiver, SecondInput, nowhere } from './receivers.js';
import { makeCounters } from './records.js';
import type { TaskSpec } from './task-spec.js';

interface Wired {
  readonly node: GraphNode;
  readonly name: string;
  readonly counters: Counters;
  operator: Operator | undefined;
  receiver: Receiver;
  readonly writers: readonly ChannelWriter[];
  sentWatermark: number;
  sentIdle: boolean;
}

interface WiredInput {
  readonly receiver: Receiver;
  readonly cell: KeyCell | undefined;
  readonly origin: Origin;
  /** Generators that elements of this split can reach. */
  readonly generators: readonly Operator[];
}

const UNKNOWN_ORIGIN: Origin = { name: 'nowhere', unit: 'element' };

export class TaskWiring {
  readonly spec: TaskSpec;
  readonly pressure: Pressure;
  readonly whence: Whence = { origin: UNKNOWN_ORIGIN, position: 0, derivedKey: undefined };
  readonly frontier: Frontier;
  readonly inputs: readonly WiredInput[];
  walkRequested = false;
  currentSplit = 0;
  readonly #nodes: Wired[];
  readonly #byNode = new Map<GraphNode, Wired>();
  readonly #cells = new Map<KeyNode, KeyCell>();
  readonly #ticking: Operator[];

  constructor(spec: TaskSpec) {
    this.spec = spec;
    this.pressure = spec.pressure;
    const { nodes } = spec.stage;
    this.frontier = new Frontier({ inputs: spec.inputs.length, layout: nodes.map((node) => this.#feedersOf(node)) });
    this.#nodes = nodes.map((node) => this.#wire(node));
    for (const wired of this.#nodes) this.#byNode.set(wired.node, wired);
    this.#restoreMarks();
    // From the sinks upwards, because an operator is handed what it emits into.
    for (const wired of this.#nodes.toReversed()) this.#create(wired);
    this.inputs = spec.inputs.map((input, index) => this.#wireInput(input.node, input.origin, index));
    this.#ticking = this.#nodes.flatMap(({ operator }) => (operator?.tick === undefined ? [] : [operator]));
  }

  /** Moves watermarks from node to node, firing what is due. Returns whether all of it was done within the budget. */
  walk(budget: Budget): boolean {
    const { frontier } = this;
    for (let index = 0; index < this.#nodes.length; index += 1) {
      const wired = this.#nodes[index] as Wired;
      const { operator } = wired;
      const due = frontier.due(index);
      if (due > frontier.input(index) && operator?.advance !== undefined && !operator.advance(due, budget)) return false;
      if (due > MIN_WATERMARK || operator?.generator !== undefined)
        frontier.advanced(index, due, operator?.outputWatermark?.(due) ?? due);
      const idle = frontier.settleIdle(index, operator?.generator?.allIdle());
      if (wired.writers.length > 0) this.#announce(wired, index, idle);
    }
    return true;
  }

  tick(now: number, budget: Budget): boolean {
    return this.#ticking.every((operator) => operator.tick?.(now, budget) ?? true);
  }

  nextTick(): number {
    let earliest = Infinity;
    for (const operator of this.#ticking) earliest = Math.min(earliest, operator.nextTick?.() ?? Infinity);
    return earliest;
  }

  setSplit(input: number): void {
    this.currentSplit = input;
  }

  endSplit(input: number): void {
    for (const { generator } of this.inputs[input]?.generators ?? []) generator?.end(input);
  }

  /** The watermark by which the task chooses among its inputs. */
  watermarkOfInput(input: number): number {
    const [operator] = this.inputs[input]?.generators ?? [];
    if (operator?.generator !== undefined) return operator.generator.watermarkOf(input);
    const node = this.spec.inputs[input]?.node;
    return node?.hasEventTime === true ? this.frontier.inputWatermark(input) : Infinity;
  }

  /** A record that the source could not decode: it never becomes an element. */
  unreadable({ position, raw, reason }: Unreadable, input: number, origin: Origin): void {
    const wired = this.#byNode.get(this.spec.inputs[input]?.node as GraphNode);
    const name = wired?.name ?? 'source';
    if (wired !== undefined) {
      wired.counters.received += 1;
      wired.counters.dead += 1;
    }
    const where = `${origin.name} ${origin.unit} ${position}`;
    const error = new TidemarkError('RECORD_UNREADABLE', {
      expected: 'a record in the declared format',
      got: reason,
      where,
      hint: 'The record is kept among the dead letters.',
    });
    this.spec.host.dead({ operator: name, position: where, reason: error.message, raw, timestamp: undefined }, raw, error);
  }

  barrier(epoch: number): void {
    for (const { writers } of this.spec.shuffles) for (const writer of writers) writer.signal({ kind: 'barrier', epoch });
    for (const sink of this.spec.sinks.values()) sink.barrier(epoch);
  }

  end(): void {
    for (const { writers } of this.spec.shuffles) for (const writer of writers) writer.signal({ kind: 'end' });
    for (const sink of this.spec.sinks.values()) sink.end();
  }

  flush(): void {
    for (const { writers } of this.spec.shuffles) for (const writer of writers) writer.flush();
  }

  /** Whether something that this task writes to has no room; lowers the flag when all have. */
  isFull(): boolean {
    this.pressure.isFull =
      this.spec.shuffles.some(({ writers }) => writers.some((writer) => writer.isFull)) ||
      [...this.spec.sinks.values()].some((sink) => sink.isFull);
    return this.pressure.isFull;
  }

  close(): void {
    for (const { operator } of this.#nodes) operator?.close?.();
  }

  /** Counters by operator name. */
  counters(): Map<string, Counters> {
    return new Map(this.#nodes.map(({ name, counters }) => [name, counters]));
  }

  /** Watermarks of the stateful operators, by uid: what a checkpoint keeps of the frontier. */
  marks(): Map<string, { input: number; output: number }> {
    const marks = new Map<string, { input: number; output: number }>();
    for (const [index, { node, name }] of this.#nodes.entries())
      if (node.kind === 'operator' && node.spec.state !== undefined)
        marks.set(name, { input: this.frontier.input(index), output: this.frontier.output(index) });
    return marks;
  }

  /** Watermark generators by name. */
  generators(): Map<string, Operator> {
    return new Map(
      this.#nodes.flatMap(({ name, operator }) => (operator?.generator === undefined ? [] : [[name, operator]])),
    );
  }

  /** The furthest watermark that generators have made, -Infinity without any. */
  watermark(): number {
    let lowest = Infinity;
    for (const [index, { operator }] of this.#nodes.entries())
      if (operator?.generator !== undefined) lowest = Math.min(lowest, this.frontier.output(index));
    return lowest === Infinity && this.generators().size === 0 ? MIN_WATERMARK : lowest;
  }

  /** Tells the stages downstream of a keyBy what has changed. */
  #announce(wired: Wired, index: number, idle: boolean): void {
    const watermark = this.frontier.output(index);
    if (watermark > wired.sentWatermark) {
      wired.sentWatermark = watermark;
      wired.sentIdle = false;
      for (const writer of wired.writers) writer.signal({ kind: 'watermark', time: watermark });
    }
    if (idle === wired.sentIdle) return;
    wired.sentIdle = idle;
    for (const writer of wired.writers) writer.signal({ kind: idle ? 'idle' : 'active' });
  }

  /** What a node takes its watermark from, within this task. */
  #feedersOf(node: GraphNode): Feeder[] {
    const { plan, stage, inputs } = this.spec;
    const split = inputs.flatMap(({ kind, node: at }, input) => (kind === 'split' && at === node ? [{ input }] : []));
    const timed = node.inputs.filter(({ from }) => from.hasEventTime);
    const edges = timed.length > 0 ? timed : node.inputs;
    const upstream = edges.flatMap(({ from }): Feeder[] => {
      if (plan.shards > 1 && from.kind === 'key')
        return inputs.flatMap((input, index) => (input.kind === 'shuffle' && input.node === from ? [{ input: index }] : []));
      const index = stage.nodes.indexOf(from);
      return index < 0 ? [] : [{ node: index }];
    });
    return [...split, ...upstream];
  }

  #wire(node: GraphNode): Wired {
    const name = this.spec.plan.names.get(node) ?? '';
    const writers = this.spec.shuffles.filter(({ key }) => key === node).flatMap((shuffle) => shuffle.writers);
    return { node, name, counters: makeCounters(), operator: undefined, receiver: nowhere, writers, sentWatermark: MIN_WATERMARK, sentIdle: false };
  }

  #restoreMarks(): void {
    const { restoredMarks } = this.spec;
    if (restoredMarks === undefined) return;
    for (const [index, { name }] of this.#nodes.entries()) {
      const marks = restoredMarks.get(name);
      if (marks !== undefined) this.frontier.restore(index, marks);
    }
  }

  #create(wired: Wired): void {
    const { node, counters, name } = wired;
    const output = this.#downstream(node, undefined);
    switch (node.kind) {
      case 'operator': {
        const context = makeContext({ wiring: this, node, name, counters, output });
        wired.operator = node.spec.create(context);
        wired.receiver = wired.operator;
        return;
      }
      case 'key':
        wired.receiver = new KeyReceiver({ node, counters, name, output, cell: this.cellOf(node), wiring: this });
        return;
      case 'input':
        wired.receiver = node.parse === undefined ? output : new InputReceiver({ node, counters, name, output, wiring: this });
        return;
      case 'union':
        wired.receiver = output;
    }
  }

  /** Everything in this task that reads an output of a node, as one receiver. */
  #downstream(node: GraphNode, side: string | undefined): Receiver {
    const { plan, stage, sinks } = this.spec;
    const isCut = plan.shards > 1 && node.kind === 'key' && !this.#arrivesHere(node);
    const readers = isCut ? [] : stage.nodes.flatMap((reader) => this.#readersOf(reader, node, side));
    const leaving = Object.entries(plan.outputs).flatMap(([name, edge]) => {
      const sink = sinks.get(name);
      return edge.from === node && edge.side === side && sink !== undefined && !this.#arrivesHere(node) ? [sink] : [];
    });
    const receivers = [...readers, ...leaving];
    const [only] = receivers;
    return receivers.length > 1 ? new FanOut(receivers) : (only ?? nowhere);
  }

  #readersOf(reader: GraphNode, node: GraphNode, side: string | undefined): Receiver[] {
    return reader.inputs.flatMap((edge, input) => {
      if (edge.from !== node || edge.side !== side) return [];
      const wired = this.#byNode.get(reader);
      assert(wired !== undefined, 'a reader is created before what feeds it');
      return [reader.kind === 'operator' && input === 1 ? new SecondInput(wired.operator as Operator) : wired.receiver];
    });
  }

  /** Whether the elements of a keyBy come into this task through a channel. */
  #arrivesHere(node: GraphNode): boolean {
    return this.spec.inputs.some((input) => input.kind === 'shuffle' && input.node === node);
  }

  sideOf(node: GraphNode, side: string): Receiver {
    return this.#downstream(node, side);
  }

  cellOf(node: KeyNode): KeyCell {
    let cell = this.#cells.get(node);
    if (cell === undefined) {
      cell = { key: '' };
      this.#cells.set(node, cell);
    }
    return cell;
  }

  /** Task inputs from which elements can reach a node. */
  splitsOf(node: GraphNode): number[] {
    const reaches = (at: GraphNode): boolean => at === node || this.#consumers(at).some(reaches);
    return this.spec.inputs.flatMap(({ kind, node: root }, input) => (kind === 'split' && reaches(root) ? [input] : []));
  }

  #consumers(node: GraphNode): GraphNode[] {
    return this.spec.stage.nodes.filter((reader) => reader.inputs.some(({ from }) => from === node));
  }

  #wireInput(node: GraphNode, origin: Origin, input: number): WiredInput {
    if (node.kind === 'key') return { receiver: this.#downstream(node, undefined), cell: this.cellOf(node), origin, generators: [] };
    const wired = this.#byNode.get(node);
    const generators = [...this.generators().values()].filter((_operator, index) => {
      const generating = this.#nodes.filter(({ operator }) => operator?.generator !== undefined)[index];
      return generating !== undefined && this.splitsOf(generating.node).includes(input);
    });
    return { receiver: wired?.receiver ?? nowhere, cell: undefined, origin, generators };
  }
}
