/**
 * The frontier of a task: the watermark of every input and every node, kept in one place.
 *
 *     input 0  ──▶ node 0 ──▶ node 2 ──▶        a node's input watermark is the minimum over what feeds it;
 *     input 1  ──▶ node 1 ──┘                   idle feeders are not waited for
 *
 * Laws: a watermark never goes back. A feeder that was idle and comes back behind the watermark is not waited for until
 * it has caught up. When all feeders are idle, the furthest one speaks. After Flink's `StatusWatermarkValve`.
 */
import { MAX_WATERMARK, MIN_WATERMARK } from '../core/flow.js';

/** What feeds a node: an input of the task, or an earlier node. */
export type Feeder = { readonly input: number } | { readonly node: number };

interface Mark {
  watermark: number;
  idle: boolean;
  /** Whether it has ever been idle, and so may have been overtaken. */
  wasIdle: boolean;
}

interface NodeMarks {
  /** As of the last completed advance. */
  in: number;
  readonly out: Mark;
  readonly feeders: readonly Mark[];
  /** What the marks of `feeders` belong to. */
  readonly layout: readonly Feeder[];
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
    for (const feeders of layout)
      this.#nodes.push({
        in: MIN_WATERMARK,
        out: makeMark(),
        layout: feeders,
        feeders: feeders.map((feeder) =>
          'input' in feeder ? at(this.#inputs, feeder.input) : at(this.#nodes, feeder.node).out,
        ),
      });
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

  /** The input watermark that a node may advance to; its present one when there is nothing new. */
  due(node: number): number {
    const marks = at(this.#nodes, node);
    let lowest = MAX_WATERMARK;
    let furthestIdle = MIN_WATERMARK;
    let active = 0;
    let idle = 0;
    for (const feeder of marks.feeders) {
      // A feeder at its end is not waited for; only when all are does the end go on.
      if (feeder.watermark === MAX_WATERMARK) continue;
      if (feeder.idle) {
        idle += 1;
        if (feeder.watermark > furthestIdle) furthestIdle = feeder.watermark;
        continue;
      }
      active += 1;
      // Nothing heard yet, as after a restore: it had come at least as far, and will say so.
      if (feeder.watermark === MIN_WATERMARK && !feeder.wasIdle) return marks.in;
      if (feeder.watermark >= marks.in && feeder.watermark < lowest) lowest = feeder.watermark;
    }
    if (active === 0 && idle > 0) return Math.max(marks.in, furthestIdle);
    return lowest === MAX_WATERMARK && active > 0 ? marks.in : lowest;
  }

  /**
   * Which feeders keep a node from advancing to `time`, the furthest behind first: all of those that count and are not
   * there yet; whoever is idle only when all are.
   */
  holding(node: number, time: number): HoldingFeeder[] {
    const { in: reached, feeders, layout } = at(this.#nodes, node);
    const open = feeders.flatMap((mark, index) =>
      mark.watermark === MAX_WATERMARK ? [] : [{ ...mark, feeder: at(layout, index) }],
    );
    const active = open.filter(({ idle }) => !idle);
    const counting = active.filter(
      ({ watermark, wasIdle }) => watermark >= reached || (watermark === MIN_WATERMARK && !wasIdle),
    );
    const waitedFor = [counting, active, open].find(({ length }) => length > 0) ?? [];
    return byWatermark(waitedFor.filter(({ watermark }) => watermark < time));
  }

  /** Notes that a node has done all work up to `watermark`, and what it lets through. */
  advanced(node: number, watermark: number, output: number): void {
    const marks = at(this.#nodes, node);
    marks.in = watermark;
    if (output > marks.out.watermark) marks.out.watermark = output;
  }

  /** Derives whether the output of a node is idle: when all its feeders are, unless the node says otherwise. */
  settleIdle(node: number, idle?: boolean): boolean {
    const marks = at(this.#nodes, node);
    setIdle(marks.out, idle ?? isIdle(marks.feeders));
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

  /** Puts back what a checkpoint holds of a node, silently. */
  restore(node: number, { input, output }: { input: number; output: number }): void {
    const marks = at(this.#nodes, node);
    marks.in = input;
    marks.out.watermark = output;
  }
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
  const open = feeders.filter(({ watermark }) => watermark !== MAX_WATERMARK);
  return open.length > 0 && open.every(({ idle }) => idle);
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
