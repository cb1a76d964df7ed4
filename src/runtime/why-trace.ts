/**
 * What holds a watermark back: from a step up to the source splits, over unions and shuffles.
 *
 *     split 0 ─▶ eventTime ─▶ keyBy ══▶ window        asked at the window: split 1, which has had no element
 *     split 1 ─┘
 *
 * It only looks. Nothing here changes a run, and a run may be looked at between any two of its steps.
 */
import type { GraphNode } from '../core/graph.js';
import type { Counters, WatermarkGenerator } from '../core/operator.js';
import type { KeyedStore } from '../state/slots.js';
import { byWatermark, type HoldingFeeder } from '../time/frontier.js';
import type { Phase } from './job-options.js';
import type { Task } from './task.js';

/** What a run is made of, as far as a report looks at it. */
export interface Inside {
  readonly pipeline: string;
  readonly phase: Phase | 'testing';
  /** Processing time, epoch ms. */
  readonly now: number;
  readonly tasks: readonly InsideTask[];
  readonly splits: readonly InsideSplit[];
  /** By uid or derived name. */
  readonly counters: Readonly<Record<string, Counters>>;
  /** The last committed epoch; undefined where there are none. */
  readonly epoch: number | undefined;
}

export interface InsideTask {
  readonly task: Task;
  /** By uid. */
  readonly stores: ReadonlyMap<string, KeyedStore<object>>;
}

/** A source split; the first task reads them all. */
export interface InsideSplit {
  readonly input: string;
  /** undefined where the input is not split. */
  readonly split: string | undefined;
  readonly taskInput: number;
  /** Elements read, but not yet worked through. */
  readonly queued: number;
}

/** A step in a task. */
export interface Site {
  readonly task: Task;
  /** Number among the nodes of its stage. */
  readonly node: number;
}

/** What holds a step back. */
export type Cause = {
  /** Names of the steps from the one that waits, exclusive, up to the one that is held. */
  readonly path: readonly string[];
} & (
  | {
      readonly kind: 'split';
      readonly generator: WatermarkGenerator;
      readonly taskInput: number;
      readonly isIdle: boolean;
      readonly watermark: number;
    }
  /** Elements without event time, so that there is no watermark before the end. */
  | { readonly kind: 'untimed'; readonly taskInput: number }
  /** A step that keeps its output behind its input. */
  | { readonly kind: 'step'; readonly name: string; readonly watermark: number }
  /** The watermark is further already, on its way through a channel. */
  | { readonly kind: 'channel'; readonly name: string; readonly queued: number }
);

interface Visit extends Site {
  readonly path: readonly string[];
}

interface Search {
  readonly tasks: readonly Task[];
  /** The watermark that somebody waits for. */
  readonly time: number;
}

/** All that keeps a step from the watermark `time`, the furthest behind first; empty when nothing does. */
export function causesOf(tasks: readonly Task[], site: Site, time: number): Cause[] {
  const causes: Cause[] = [];
  const seen = new Set<string>();
  const visits: Visit[] = [{ ...site, path: [] }];
  const visit = (next: Visit): void => {
    const name = `${next.task.spec.name} ${next.node}`;
    if (seen.has(name)) return;
    seen.add(name);
    visits.push(next);
  };
  // The list grows while it is walked: a graph may be deeper than the call stack.
  for (const at of visits)
    for (const holding of at.task.wiring.frontier.holding(at.node, time))
      for (const found of follow({ tasks, time }, at, holding))
        if ('kind' in found) causes.push(found);
        else visit(found);
  return causes;
}

/** From a step to what feeds it: causes where it ends, or steps to go on from. */
function follow({ tasks, time }: Search, at: Visit, holding: HoldingFeeder): (Cause | Visit)[] {
  const { feeder } = holding;
  if ('node' in feeder) return atStep({ ...at, node: feeder.node }, time);
  const input = at.task.spec.inputs[feeder.input];
  if (input?.kind !== 'shuffle')
    return [{ kind: 'untimed', taskInput: feeder.input, path: at.path }];
  const upstream = upstreamOf(tasks, at.task, feeder.input);
  if (upstream === undefined) return [];
  if (upstream.task.wiring.frontier.output(upstream.node) > holding.watermark) {
    const { queue, origin } = input;
    const path = [...at.path, nameAt(upstream)];
    return [{ kind: 'channel', name: origin.name, queued: queue.elements, path }];
  }
  return atStep({ ...upstream, path: at.path }, time);
}

/** At a step that feeds the one before: the splits of a generator, the step itself, or whatever feeds it. */
function atStep(at: Visit, time: number): (Cause | Visit)[] {
  const { task, node } = at;
  const { wiring, spec } = task;
  const graphNode = spec.stage.nodes[node];
  const name = nameAt(at);
  const path = [...at.path, name];
  const generator = wiring.operatorOf(name)?.generator;
  if (generator !== undefined && graphNode !== undefined)
    return splitsHolding(task, graphNode, generator)
      .filter(({ watermark }) => watermark < time)
      .map((split) => ({ ...split, path }));
  const watermark = wiring.frontier.output(node);
  if (watermark < wiring.frontier.input(node)) return [{ kind: 'step', name, watermark, path }];
  return [{ task, node, path }];
}

function nameAt({ task: { spec }, node }: Site): string {
  return spec.plan.names.get(spec.stage.nodes[node] as GraphNode) ?? '';
}

type SplitCause = Omit<Extract<Cause, { kind: 'split' }>, 'path'>;

/** The splits that count, the furthest behind first: those that are not idle; all of them when all are. */
function splitsHolding(task: Task, node: GraphNode, generator: WatermarkGenerator): SplitCause[] {
  const open = task.wiring.topology
    .splitsOf(node)
    .filter((split) => !task.inputHasEnded(split))
    .map((split) => ({
      kind: 'split' as const,
      generator,
      taskInput: split,
      isIdle: generator.isIdle(split),
      watermark: generator.watermarkOf(split),
    }));
  const active = open.filter(({ isIdle }) => !isIdle);
  return byWatermark(active.length === 0 ? open : active);
}

/** The step at the other end of a channel: a stage has its inputs shuffle by shuffle, and shard by shard in each. */
function upstreamOf(tasks: readonly Task[], task: Task, input: number): Site | undefined {
  let before = 0;
  for (const { node, from } of task.spec.stage.shuffles) {
    if (input < before + from.shards) {
      const upstream = tasks.find(
        ({ spec }) => spec.stage === from && spec.shard === input - before,
      );
      return upstream && { task: upstream, node: from.nodes.indexOf(node) };
    }
    before += from.shards;
  }
  return undefined;
}
