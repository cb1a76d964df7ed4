/**
 * How the operators of a task are put together: receivers from the sinks upwards, key registers, counters, and the
 * frontier that the walk goes by. The task drives it; nothing here decides when.
 */
import { TidemarkError, assert } from '../core/errors.js';
import { MAX_WATERMARK, MIN_WATERMARK, type Origin, type Unreadable } from '../core/flow.js';
import type { GraphNode, KeyNode } from '../core/graph.js';
import type { Budget, KeyCell, Operator, Receiver } from '../core/operator.js';
import { Frontier } from '../time/frontier.js';
import type { Pressure, Whence } from './channel.js';
import type { FusedRun } from './fusion.js';
import { DealOut, FanOut, SecondInput, Spread, nowhere } from './receivers.js';
import type { TaskInput, TaskSpec } from './task-spec.js';
import { TaskNodes, saysIdle } from './task-nodes.js';
import { TaskTopology, type Reader } from './task-topology.js';
import { WiredNode } from './wired-node.js';

export interface WiredInput {
  readonly receiver: Receiver;
  /** The receiver, where it takes whole stretches of a chunk. */
  readonly run: FusedRun | undefined;
  readonly cell: KeyCell | undefined;
  readonly origin: Origin;
  /** Generators that elements of this split can reach. */
  readonly generators: readonly Operator[];
}

const UNKNOWN_ORIGIN: Origin = { name: 'nowhere', unit: 'element' };

export class TaskWiring extends TaskNodes {
  readonly spec: TaskSpec;
  readonly pressure: Pressure;
  readonly topology: TaskTopology;
  readonly whence: Whence = { origin: UNKNOWN_ORIGIN, position: 0, derivedKey: undefined };
  readonly inputs: readonly WiredInput[];
  walkRequested = false;
  /** Whether what this task writes to had no room when it was asked last. */
  hasFullOutput = false;
  /** Elements of the present run of a chunk that have been taken, as far as anybody may ask. */
  fed = 0;
  currentSplit = 0;
  readonly #byNode = new Map<GraphNode, WiredNode>();
  readonly #cells = new Map<KeyNode, KeyCell>();
  readonly #ticking: Operator[];
  #advancing: { readonly index: number; readonly time: number } | undefined;

  constructor(spec: TaskSpec) {
    const { nodes } = spec.stage;
    const topology = new TaskTopology(spec);
    const layout = nodes.map((node) => topology.feedersOf(node));
    super(
      nodes.map((node) => wire(node, spec)),
      new Frontier({ inputs: spec.inputs.length, layout }),
    );
    this.spec = spec;
    this.pressure = spec.pressure;
    this.topology = topology;
    for (const wired of this.nodes) this.#byNode.set(wired.node, wired);
    this.#restoreMarks();
    // From the sinks upwards, because an operator is handed what it emits into.
    for (const wired of this.nodes.toReversed())
      wired.create(
        this,
        () => this.#downstream(wired.node, undefined),
        this.#onlyReader(wired.node),
      );
    this.inputs = spec.inputs.map((input, index) => this.#wireInput(input, index));
    this.#ticking = this.nodes.flatMap(({ operator }) =>
      operator?.tick === undefined ? [] : [operator],
    );
  }

  /** Moves watermarks from node to node, firing what is due. Returns whether all of it was done within the budget. */
  walk(budget: Budget): boolean {
    const { frontier } = this;
    for (let index = 0; index < this.nodes.length; index += 1) {
      const wired = this.nodes[index] as WiredNode;
      const { operator } = wired;
      const due = frontier.due(index);
      if (due > frontier.input(index) && operator?.advance !== undefined) {
        this.#advancing = { index, time: due };
        const isDone = operator.advance(due, budget);
        this.#advancing = undefined;
        if (!isDone) return false;
      }
      const generator = operator?.generator;
      // A batch job has one watermark, at the end of all inputs: until then nothing is late, and nobody is idle.
      if (generator !== undefined && this.spec.isBatch === true) {
        frontier.advanced(index, due, due === MAX_WATERMARK ? due : MIN_WATERMARK);
        const idle = frontier.settleIdle(index, false);
        if (wired.announces) wired.announce(frontier.output(index), idle, frontier.wasIdle(index));
        continue;
      }
      if (due > MIN_WATERMARK || generator !== undefined)
        frontier.advanced(index, due, operator?.outputWatermark?.(due) ?? due);
      const idle = frontier.settleIdle(index, saysIdle(operator));
      if (wired.announces) wired.announce(frontier.output(index), idle, frontier.wasIdle(index));
    }
    return true;
  }

  watermarkAt(index: number): number {
    return this.#advancing?.index === index ? this.#advancing.time : this.frontier.input(index);
  }

  tick(now: number, budget: Budget): boolean {
    return this.#ticking.every((operator) => operator.tick?.(now, budget) ?? true);
  }

  nextTick(): number {
    let earliest = Infinity;
    for (let at = 0; at < this.#ticking.length; at += 1) {
      const tick = this.#ticking[at]?.nextTick?.() ?? Infinity;
      if (tick < earliest) earliest = tick;
    }
    return earliest;
  }

  setSplit(input: number): void {
    this.currentSplit = input;
  }

  endSplit(input: number): void {
    for (const { generator } of this.inputs[input]?.generators ?? []) generator?.end(input);
  }

  turnSplit(input: number, begins: boolean): void {
    for (const { generator } of this.inputs[input]?.generators ?? [])
      generator?.turn(input, begins);
  }

  /**
   * The watermark by which the task chooses among its inputs. Without event time one is taken last, but for a broadcast
   * one, which the others read: it is taken first.
   */
  watermarkOfInput(input: number): number {
    const [operator] = this.inputs[input]?.generators ?? [];
    if (operator?.generator !== undefined) return operator.generator.watermarkOf(input);
    const node = this.spec.inputs[input]?.node;
    if (node?.hasEventTime === true) return this.frontier.inputWatermark(input);
    return node !== undefined && this.topology.isBroadcast(node) ? MIN_WATERMARK : Infinity;
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
    this.spec.host.dead(
      { operator: name, position: where, reason: error.message, raw, timestamp: undefined },
      raw,
      error,
    );
  }

  barrier(epoch: number): void {
    for (const { writers } of this.spec.shuffles)
      for (const writer of writers) writer.signal({ kind: 'barrier', epoch });
    for (const sink of this.spec.sinks.values()) sink.barrier(epoch);
  }

  end(): void {
    for (const { writers } of this.spec.shuffles)
      for (const writer of writers) writer.signal({ kind: 'end' });
    for (const sink of this.spec.sinks.values()) sink.end();
  }

  /** Sends on what has been collected. Returns whether there was anything. */
  flush(): boolean {
    let hasSent = false;
    for (const { writers } of this.spec.shuffles)
      for (const writer of writers) hasSent = writer.flush() || hasSent;
    return hasSent;
  }

  /** Whether no element may enter, for want of room in what is written to or in an operator; lowers the flag when it may. */
  isFull(): boolean {
    this.hasFullOutput =
      this.spec.shuffles.some(({ writers }) => writers.some((writer) => writer.isFull)) ||
      [...this.spec.sinks.values()].some((sink) => sink.isFull);
    this.pressure.isFull = this.hasFullOutput || this.completions.some(({ isFull }) => isFull);
    return this.pressure.isFull;
  }

  close(): void {
    for (const { operator } of this.nodes) operator?.close?.();
  }

  #restoreMarks(): void {
    const { restoredMarks } = this.spec;
    if (restoredMarks === undefined) return;
    for (const [index, { name }] of this.nodes.entries()) {
      const marks = restoredMarks.get(name);
      if (marks !== undefined) this.frontier.restore(index, marks);
    }
  }

  /** The one step that reads the main output of a node, where nothing else does. */
  #onlyReader(node: GraphNode): WiredNode | undefined {
    const readers = this.topology.readersOf(node, undefined);
    const [only] = readers;
    const leaves = this.topology
      .outputsOf(node, undefined)
      .some((name) => this.spec.sinks.has(name));
    if (readers.length !== 1 || only === undefined || leaves) return undefined;
    return this.#dealt(node, undefined).length > 0 ? undefined : this.#byNode.get(only.node);
  }

  /** Everything in this task that reads an output of a node, as one receiver. */
  #downstream(node: GraphNode, side: string | undefined): Receiver {
    const readers = this.topology.readersOf(node, side).map((reader) => this.#receiverOf(reader));
    const leaving = this.topology
      .outputsOf(node, side)
      .flatMap((name) => this.spec.sinks.get(name) ?? []);
    const receivers = [...readers, ...leaving, ...this.#dealt(node, side)];
    const [only] = receivers;
    return receivers.length > 1 ? new FanOut(receivers, this.spec.host) : (only ?? nowhere);
  }

  /**
   * A step that keeps its key may be dealt out too, besides what reads it here, and so is one that is broadcast. A keyBy
   * deals out by itself.
   */
  #dealt(node: GraphNode, side: string | undefined): Receiver[] {
    const { keyedBy, kind } = node;
    if (kind === 'key' || side !== undefined) return [];
    if (!this.spec.shuffles.some((shuffle) => shuffle.node === node)) return [];
    if (isSpread(node)) return [new Spread({ node, wiring: this })];
    if (keyedBy === undefined) return [];
    return [new DealOut({ node, wiring: this, cell: this.cellOf(keyedBy) })];
  }

  #receiverOf({ node, input }: Reader): Receiver {
    const wired = this.#byNode.get(node);
    assert(wired !== undefined, 'a reader is created before what feeds it');
    const { operator, receiver } = wired;
    return operator !== undefined && input === 1 ? new SecondInput(operator) : receiver;
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

  #wireInput({ kind, node, origin }: TaskInput, input: number): WiredInput {
    if (kind === 'shuffle')
      return {
        receiver: this.#downstream(node, undefined),
        run: undefined,
        // What is broadcast has no key that anybody reads.
        cell: node.keyedBy === undefined ? { key: '' } : this.cellOf(node.keyedBy),
        origin,
        generators: [],
      };
    const generators = this.nodes.flatMap(({ node: at, operator }) =>
      operator?.generator !== undefined && this.topology.splitsOf(at).includes(input)
        ? [operator]
        : [],
    );
    const receiver = this.#byNode.get(node)?.receiver ?? nowhere;
    return {
      receiver,
      run: 'chunk' in receiver ? (receiver as FusedRun) : undefined,
      cell: undefined,
      origin,
      generators,
    };
  }
}

function isSpread(node: GraphNode): boolean {
  return node.kind === 'operator' && node.spec.spreads === true;
}

function wire(node: GraphNode, spec: TaskSpec): WiredNode {
  const writers = spec.shuffles
    .filter((shuffle) => shuffle.node === node)
    .flatMap((shuffle) => shuffle.writers);
  return new WiredNode({ node, name: spec.plan.names.get(node) ?? '', writers });
}
