/**
 * A task: one shard of one stage, as a step machine. It waits for nothing and knows no clock; whoever drives it calls
 * `step` as long as there is something to do.
 *
 *     inputs (queues) ──▶ choose ──▶ elements through the operators ──▶ writers, sinks
 *                            └─────▶ watermark: walk the operators in order, in slices
 *                            └─────▶ barrier: align, freeze, forward
 *
 * Laws: no element enters while a walk is unfinished; what waits behind a held input belongs to the next epoch.
 */
import { BarrierAligner } from '../checkpoint/aligner.js';
import { CHUNK_ELEMENTS_MAX, MAX_WATERMARK, type Chunk, type Flow } from '../core/flow.js';
import type { Budget } from '../core/operator.js';
import type { FlowQueue } from './channel.js';
import type { TaskSpec } from './task-spec.js';
import { TaskWiring, type WiredInput } from './task-wiring.js';

/** Timers or windows that one slice fires at most. */
const SLICE_BUDGET = CHUNK_ELEMENTS_MAX;

export class Task {
  readonly spec: TaskSpec;
  readonly wiring: TaskWiring;
  readonly #aligner: BarrierAligner;
  readonly #ended: boolean[];
  readonly #budget: Budget = { left: 0 };
  readonly #sliceBudget: number;
  #chunk: Chunk | undefined;
  #at = 0;
  #unreadableAt = 0;
  #input = 0;
  #walkIsPending = true;
  #tickIsPending = false;
  #hasEnded = false;
  #records = 0;

  /** @param options.sliced false in mode (i), where `next` runs through before it returns */
  constructor(spec: TaskSpec, options: { sliced: boolean; align: boolean }) {
    this.spec = spec;
    this.wiring = new TaskWiring(spec);
    this.#aligner = new BarrierAligner({ inputs: spec.inputs.length, align: options.align });
    this.#ended = spec.inputs.map(() => false);
    this.#sliceBudget = options.sliced ? SLICE_BUDGET : Infinity;
  }

  /** All inputs have ended and everything due has been fired; only barriers may follow. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Elements taken from sources so far, with the one in hand. */
  get records(): number {
    const isSource = this.spec.inputs[this.#input]?.kind === 'split';
    return this.#records + (isSource ? this.wiring.fed : 0);
  }

  /** What its last step counts for in a round: a slice of windows that fire is more work than most chunks are. */
  get stride(): number {
    return this.#walkIsPending ? Infinity : 1;
  }

  get isBlocked(): boolean {
    const { wiring } = this;
    return wiring.pressure.isFull && wiring.isFull() && wiring.hasFullOutput;
  }

  /** Does a bounded piece of work. Returns false when there is nothing to do, or no room for what would come out. */
  step(): boolean {
    // What fills a channel may still stand in front of it: sent on, it gives the other end something to do.
    if (this.isBlocked) return this.wiring.flush();
    const worked = this.#work();
    if (!worked || this.isBlocked || this.#queuesAreEmpty()) this.wiring.flush();
    return worked;
  }

  /** One element of an input, through to the outputs and with all that its watermark fires: modes (i) and (ii). */
  push(input: number, value: unknown, timestamp: number, position: number): void {
    const { whence, inputs } = this.wiring;
    const wired = inputs[input];
    if (wired === undefined) throw new RangeError(`Tidemark bug: no input ${input}`);
    this.#input = input;
    whence.origin = wired.origin;
    whence.position = position;
    this.#records += 1;
    wired.receiver.element(value, timestamp);
    this.settle();
  }

  /** Applies a signal at once. */
  signal(input: number, signal: Exclude<Flow, Chunk>): void {
    this.#input = input;
    this.#take(input, signal);
    this.settle();
  }

  /** Finishes a requested walk, and emits what has arrived. */
  settle(): void {
    const { wiring } = this;
    while (wiring.walkRequested || this.#walkIsPending || wiring.hasArrivals) {
      this.#budget.left = this.#sliceBudget;
      if (wiring.walkRequested || this.#walkIsPending) this.#walk();
      else wiring.complete(this.#budget);
    }
  }

  /** Asks for a walk at the next step: after a restore, or after the harness has forced a watermark. */
  requestWalk(): void {
    this.#walkIsPending = true;
  }

  /** Fires processing-time timers due at `now`. Returns whether all have been fired. */
  tick(now: number): boolean {
    this.#budget.left = this.#sliceBudget;
    this.#tickIsPending = !this.wiring.tick(now, this.#budget);
    return !this.#tickIsPending;
  }

  nextTick(): number {
    return this.wiring.nextTick();
  }

  inputHasEnded(input: number): boolean {
    return this.#ended[input] === true;
  }

  #work(): boolean {
    if (this.#walkIsPending || this.wiring.walkRequested) {
      this.#budget.left = this.#sliceBudget;
      this.#walk();
      return true;
    }
    const now = this.spec.host.now();
    if (this.#tickIsPending || this.wiring.nextTick() <= now) {
      this.tick(now);
      return true;
    }
    if (this.wiring.hasArrivals) {
      this.#budget.left = this.#sliceBudget;
      this.wiring.complete(this.#budget);
      return true;
    }
    // An operator without capacity holds elements back, but no signal that stands before them.
    const isHeld = this.wiring.pressure.isFull && this.wiring.isFull();
    if (this.#chunk !== undefined && isHeld) return false;
    if (this.#chunk === undefined) {
      const input = this.#choose(isHeld);
      if (input < 0) return false;
      this.#input = input;
      const item = this.#queue(input).take();
      if (item === undefined) return false;
      if (item.kind !== 'chunk') {
        this.#take(input, item);
        return true;
      }
      this.#chunk = item;
      this.#at = 0;
      this.#unreadableAt = 0;
    }
    this.#feed(this.#chunk);
    return true;
  }

  /** Feeds elements until the chunk is done, a walk is cut off, or the outputs are full. */
  #feed(chunk: Chunk): void {
    const { whence, inputs, pressure } = this.wiring;
    const wired = inputs[this.#input];
    if (wired === undefined) throw new RangeError('Tidemark bug: a chunk without an input');
    const { length } = chunk.values;
    const isSource = this.spec.inputs[this.#input]?.kind === 'split';
    this.wiring.setSplit(this.#input);
    while (this.#at < length) {
      const from = this.#at;
      whence.origin = chunk.origin;
      if (chunk.unreadable !== undefined) this.#reportUnreadable(chunk, from);
      this.wiring.fed = 0;
      this.#at = this.#feedRun(chunk, wired);
      this.wiring.fed = 0;
      if (isSource) this.#records += this.#at - from;
      if (this.wiring.walkRequested) {
        this.#budget.left = this.#sliceBudget;
        if (!this.#walk()) break;
      }
      if (pressure.isFull && this.wiring.isFull()) break;
    }
    if (this.#at < length) return;
    if (chunk.unreadable !== undefined) this.#reportUnreadable(chunk, this.#at);
    this.#chunk = undefined;
  }

  /** Feeds elements until something asks for a walk, or the outputs are full. Returns the index of the next one. */
  #feedRun(chunk: Chunk, { receiver, cell, run }: WiredInput): number {
    const { wiring } = this;
    const { whence, pressure } = wiring;
    if (run !== undefined && chunk.unreadable === undefined)
      return run.chunk(chunk, this.#at, { whence, interruption: wiring, pressure });
    const { values, timestamps, keys, positions, firstPosition, derivedKeys, unreadable } = chunk;
    let at = this.#at;
    while (at < values.length) {
      whence.position =
        firstPosition === undefined ? (positions[at] as number) : firstPosition + at;
      wiring.fed += 1;
      if (cell !== undefined) {
        cell.key = keys[at] as never;
        whence.derivedKey = derivedKeys[at];
      }
      receiver.element(values[at], timestamps[at] as number);
      at += 1;
      // Records that could not be read are reported between the elements that they stood between.
      if (wiring.walkRequested || pressure.isFull || unreadable !== undefined) break;
    }
    return at;
  }

  /** Reports the records before the element at an index that could not be decoded, each of them once. */
  #reportUnreadable({ unreadable = [], origin }: Chunk, at: number): void {
    for (
      let next = unreadable[this.#unreadableAt];
      next !== undefined;
      next = unreadable[this.#unreadableAt]
    ) {
      if (next.before > at) return;
      this.#unreadableAt += 1;
      this.#records += 1;
      this.wiring.unreadable(next, this.#input, origin);
    }
  }

  #take(input: number, signal: Exclude<Flow, Chunk>): void {
    const { frontier } = this.wiring;
    switch (signal.kind) {
      case 'watermark':
        frontier.setInput(input, signal.time);
        break;
      case 'idle':
        frontier.setInputIdle(input, true);
        break;
      case 'active':
        if (signal.wasIdle === true) frontier.setInputWasIdle(input);
        frontier.setInputIdle(input, false);
        break;
      case 'split':
        this.wiring.turnSplit(input, signal.begins);
        break;
      case 'end':
        this.#ended[input] = true;
        this.wiring.endSplit(input);
        frontier.setInput(input, MAX_WATERMARK);
        break;
      case 'barrier':
        if (this.#aligner.on(input, signal.epoch) === 'freeze') this.freeze(signal.epoch);
        return;
    }
    this.#walkIsPending = true;
  }

  /** Ends an epoch here; called by the last barrier, or by the job for a task without inputs. */
  freeze(epoch: number): void {
    this.wiring.barrier(epoch);
    this.spec.host.frozen(epoch);
  }

  /** Returns whether the walk was finished. */
  #walk(): boolean {
    this.wiring.walkRequested = false;
    this.#walkIsPending = !this.wiring.walk(this.#budget);
    const isLast = !this.#walkIsPending && !this.#hasEnded && this.#ended.every(Boolean);
    // What has arrived and not been taken may be a watermark that lets others fire.
    if (isLast && !this.wiring.hasArrivals && this.wiring.inFlight === 0) {
      this.#hasEnded = true;
      this.wiring.end();
    }
    return !this.#walkIsPending;
  }

  /** The input to take from next: lowest watermark first, inputs without event time last, ties by declaration. */
  #choose(isHeld: boolean): number {
    const { inputs } = this.spec;
    let best = -1;
    let lowest = Infinity;
    for (let input = 0; input < inputs.length; input += 1) {
      if (this.#aligner.holds(input) || this.#queue(input).isEmpty) continue;
      if (isHeld && this.#queue(input).peek()?.kind === 'chunk') continue;
      const watermark = inputs.length === 1 ? 0 : this.wiring.watermarkOfInput(input);
      if (best >= 0 && watermark >= lowest) continue;
      best = input;
      lowest = watermark;
    }
    return best;
  }

  #queue(input: number): FlowQueue {
    const spec = this.spec.inputs[input];
    if (spec === undefined) throw new RangeError(`Tidemark bug: no input ${input}`);
    return spec.queue;
  }

  #queuesAreEmpty(): boolean {
    return this.#chunk === undefined && this.spec.inputs.every(({ queue }) => queue.isEmpty);
  }
}
