/**
 * The frontier of a task: the watermark of every input and every node, kept in one place.
 *
 *     input 0  ──▶ node 0 ──▶ node 2 ──▶        a node's input watermark is the minimum over what feeds it;
 *     input 1  ──▶ node 1 ──┘                   idle feeders are not waited for
 *
 * Laws: a watermark never goes back. A feeder that was idle and comes back behind the watermark is not waited for until
 * it has caught up. When all feeders are idle, the furthest one speaks. After Flink's `StatusWatermarkValve`.
 *
 * A node of two inputs has two sides. Each is a valve of its own; between the sides the rule of source splits holds
 * (`split-merge.ts`): one that comes back behind is waited for. After Flink's `CombinedWatermarkStatus`.
 */
import { MAX_WATERMARK, MIN_WATERMARK } from '../core/flow.js';

/** What feeds a node: an input of the task, or an earlier node. */
export type Feeder = ({ readonly input: number } | { readonly node: number }) & {
  /** Which input of the node it feeds, where the node has several that are told apart. Default 0. */
  readonly side?: number;
};

/** What a checkpoint holds of a node. */
export interface NodeMark {
  readonly input: number;
  readonly output: number;
  /** How far each of its sides had come; absent where there is only one. */
  readonly sides?: readonly number[];
  /** Whether its output has ever been idle; absent for no. */
  readonly wasIdle?: boolean;
}

interface Mark {
  watermark: number;
  idle: boolean;
  /** Whether it has ever been idle, and so may have been overtaken. */
  wasIdle: boolean;
}

/** The feeders of one side of a node, and how far they have let it come. */
interface Side {
  reached: number;
  readonly feeders: readonly Mark[];
  /** What the marks of `feeders` belong to. */
  readonly layout: readonly Feeder[];
}

interface NodeMarks {
  /** As of the last completed advance. */
  in: number;
  readonly out: Mark;
  readonly sides: readonly Side[];
  /** Its side, where it has one only, as most have. */
  readonly only: Side | undefined;
}

/** A feeder that a node waits for. */
export interface HoldingFeeder {
  readonly feeder: Feeder;
  readonly watermark: number;
  readonly idle: boolean;
}

export class Frontier {
  readonly #inputs: Mark[];
  readonly #nodes: NodeMarks[] = [];

  /** @param layout for each node, in topological order, the feeders whose watermarks it takes the minimum of */
  constructor({ inputs, layout }: { inputs: number; layout: readonly (readonly Feeder[])[] }) {
    this.#inputs = Array.from({ length: inputs }, makeMark);
    for (const feeders of layout) {
      const sides = this.#sidesOf(feeders);
      const only = sides.length === 1 ? sides[0] : undefined;
      this.#nodes.push({ in: MIN_WATERMARK, out: makeMark(), sides, only });
    }
  }

  /** Raises the watermark of an input; a lower one is dropped. Ends idleness. */
  setInput(input: number, watermark: number): void {
    const mark = at(this.#inputs, input);
    mark.idle = false;
    if (watermark > mark.watermark) mark.watermark = watermark;
  }

  setInputIdle(input: number, idle: boolean): void {
    setIdle(at(this.#inputs, input), idle);
  }

  inputWatermark(input: number): number {
    return at(this.#inputs, input).watermark;
  }

  isInputIdle(input: number): boolean {
    return at(this.#inputs, input).idle;
  }

  /** An input had been idle before a restore, and is not now. */
  setInputWasIdle(input: number): void {
    at(this.#inputs, input).wasIdle = true;
  }

  /** The input watermark that a node may advance to; its present one when there is nothing new. */
  due(node: number): number {
    const marks = at(this.#nodes, node);
    if (marks.only !== undefined) return valveOf(marks.only);
    let lowest = MAX_WATERMARK;
    let furthestIdle = MIN_WATERMARK;
    let active = 0;
    let idle = 0;
    for (const side of marks.sides) {
      side.reached = valveOf(side);
      if (side.reached === MAX_WATERMARK) continue;
      if (isIdle(side.feeders)) {
        idle += 1;
        furthestIdle = Math.max(furthestIdle, side.reached);
      } else {
        active += 1;
        lowest = Math.min(lowest, side.reached);
      }
    }
    return Math.max(marks.in, active === 0 && idle > 0 ? furthestIdle : lowest);
  }

  /**
   * Which feeders keep a node from advancing to `time`, the furthest behind first: all of those that count and are not
   * there yet; whoever is idle only when all are.
   */
  holding(node: number, time: number): HoldingFeeder[] {
    const open = at(this.#nodes, node).sides.filter(({ feeders }) => !hasEnded(feeders));
    const active = open.filter(({ feeders }) => !isIdle(feeders));
    const holding = (active.length > 0 ? active : open).flatMap(waitedForIn);
    return byWatermark(holding.filter(({ watermark }) => watermark < time));
  }

  /** Notes that a node has done all work up to `watermark`, and what it lets through. */
  advanced(node: number, watermark: number, output: number): void {
    const marks = at(this.#nodes, node);
    marks.in = watermark;
    reachTogether(marks);
    if (output > marks.out.watermark) marks.out.watermark = output;
  }

  /** Derives whether the output of a node is idle: when all its feeders are, unless the node says otherwise. */
  settleIdle(node: number, idle?: boolean): boolean {
    const marks = at(this.#nodes, node);
    const { only } = marks;
    setIdle(marks.out, idle ?? (only === undefined ? areIdle(marks.sides) : isIdle(only.feeders)));
    return marks.out.idle;
  }

  input(node: number): number {
    return at(this.#nodes, node).in;
  }

  output(node: number): number {
    return at(this.#nodes, node).out.watermark;
  }

  isIdle(node: number): boolean {
    return at(this.#nodes, node).out.idle;
  }

  /** Whether the output of a node has ever been idle. */
  wasIdle(node: number): boolean {
    return at(this.#nodes, node).out.wasIdle;
  }

  /** What a checkpoint keeps of a node, also before its first watermark: of its shards the lowest counts. */
  mark(node: number): NodeMark {
    const { in: input, out, sides } = at(this.#nodes, node);
    const reached = sides.length > 1 ? { sides: sides.map((side) => side.reached) } : undefined;
    const idleness = out.wasIdle ? { wasIdle: true } : undefined;
    return { input, output: out.watermark, ...reached, ...idleness };
  }

  /** Puts back what a checkpoint holds of a node, silently. */
  restore(node: number, { input, output, sides = [], wasIdle = false }: NodeMark): void {
    const marks = at(this.#nodes, node);
    marks.in = input;
    marks.out.watermark = output;
    marks.out.wasIdle = wasIdle;
    for (const [index, side] of marks.sides.entries()) side.reached = sides[index] ?? MIN_WATERMARK;
    reachTogether(marks);
  }

  /** The sides of a node; one without any feeder where nothing feeds it. */
  #sidesOf(layout: readonly Feeder[]): Side[] {
    const numbers = layout.length === 0 ? [0] : layout.map(({ side = 0 }) => side);
    return [...new Set(numbers)]
      .toSorted((a, b) => a - b)
      .map((number) => {
        const own = layout.filter(({ side = 0 }) => side === number);
        const feeders = own.map((feeder) =>
          'input' in feeder ? at(this.#inputs, feeder.input) : at(this.#nodes, feeder.node).out,
        );
        return { reached: MIN_WATERMARK, feeders, layout: own };
      });
  }
}

/** A node of one side is where that side is, as of the last completed advance. */
function reachTogether(marks: NodeMarks): void {
  if (marks.only !== undefined) marks.only.reached = marks.in;
}

/** The watermark that the feeders of a side let it come to; where it is now when there is nothing new. */
function valveOf({ reached, feeders }: Side): number {
  let lowest = MAX_WATERMARK;
  let furthestIdle = MIN_WATERMARK;
  let active = 0;
  let idle = 0;
  for (const feeder of feeders) {
    // A feeder at its end is not waited for; only when all are does the end go on.
    if (feeder.watermark === MAX_WATERMARK) continue;
    if (feeder.idle) {
      idle += 1;
      if (feeder.watermark > furthestIdle) furthestIdle = feeder.watermark;
      continue;
    }
    active += 1;
    // As after a restore: it had come at least as far, and will say so; at least once, what it sent last comes again.
    if (feeder.watermark < reached && !feeder.wasIdle) return reached;
    if (feeder.watermark >= reached && feeder.watermark < lowest) lowest = feeder.watermark;
  }
  if (active === 0 && idle > 0) return Math.max(reached, furthestIdle);
  return lowest === MAX_WATERMARK && active > 0 ? reached : lowest;
}

/** The feeders that a side waits for. */
function waitedForIn({ reached, feeders, layout }: Side): HoldingFeeder[] {
  const open = feeders.flatMap((mark, index) =>
    mark.watermark === MAX_WATERMARK ? [] : [{ ...mark, feeder: at(layout, index) }],
  );
  const active = open.filter(({ idle }) => !idle);
  const counting = active.filter(({ watermark, wasIdle }) => watermark >= reached || !wasIdle);
  return [counting, active, open].find(({ length }) => length > 0) ?? [];
}

/**
 * What a checkpoint keeps of a node that runs in several shards. They have seen the same watermarks; the lowest is safe
 * where one was ahead.
 */
export function markOfBoth(one: NodeMark, other: NodeMark): NodeMark {
  const { sides: otherSides } = other;
  return {
    input: Math.min(one.input, other.input),
    output: Math.min(one.output, other.output),
    ...(one.sides === undefined
      ? {}
      : { sides: one.sides.map((time, side) => Math.min(time, otherSides?.[side] ?? time)) }),
    ...(one.wasIdle === true && other.wasIdle === true ? { wasIdle: true } : {}),
  };
}

/** The furthest behind first; equal ones stay as they stand. A difference would do, but for infinities. */
export function byWatermark<T extends { readonly watermark: number }>(list: readonly T[]): T[] {
  return list.toSorted((one, other) => {
    if (one.watermark === other.watermark) return 0;
    return one.watermark < other.watermark ? -1 : 1;
  });
}

/** Nothing is to be expected for now: some feeder is idle, and all others are at their end. */
function isIdle(feeders: readonly Mark[]): boolean {
  let hasIdle = false;
  // Asked of each node at each watermark, so nothing is allocated.
  for (const { watermark, idle } of feeders) {
    if (watermark === MAX_WATERMARK) continue;
    if (!idle) return false;
    hasIdle = true;
  }
  return hasIdle;
}

/** As `isIdle`, over all sides. */
function areIdle(sides: readonly Side[]): boolean {
  const open = sides.filter(({ feeders }) => !hasEnded(feeders));
  return open.length > 0 && open.every(({ feeders }) => isIdle(feeders));
}

function hasEnded(feeders: readonly Mark[]): boolean {
  return feeders.every(({ watermark }) => watermark === MAX_WATERMARK);
}

function makeMark(): Mark {
  return { watermark: MIN_WATERMARK, idle: false, wasIdle: false };
}

function setIdle(mark: Mark, idle: boolean): void {
  mark.idle = idle;
  if (idle) mark.wasIdle = true;
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`Tidemark bug: no frontier entry ${index}`);
  return item;
}
