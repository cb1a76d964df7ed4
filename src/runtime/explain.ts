/** `explain`: what a pipeline will be when it runs, as text, JSON or a Mermaid diagram, before anything runs. */
import { nodesInOrder, uidOf, type GraphNode } from '../core/graph.js';
import type { PipelineDefinition } from '../dsl/pipeline.js';
import { planOf, type Plan } from './plan.js';

/** One step as a plain value, ready for JSON. */
export interface ExplainedStep {
  /** uid, or a derived name. */
  readonly name: string;
  /** What users write: `map`, `keyBy`; `input` for a declared input. */
  readonly kind: string;
  /** One line about its settings. */
  readonly summary: string | undefined;
  readonly uid: string | undefined;
  readonly hasState: boolean;
  readonly hasEventTime: boolean;
  readonly isKeyed: boolean;
  readonly sideOutputs: readonly string[];
  /** Names of the steps that feed it; `name#side` for a side output. */
  readonly inputs: readonly string[];
}

export interface Explanation {
  readonly pipeline: string;
  readonly steps: readonly ExplainedStep[];
  /** Which step each output leaves from. */
  readonly outputs: Readonly<Record<string, string>>;
  /** With more than one shard: which steps run together, and how many times. */
  readonly stages: readonly {
    readonly name: string;
    readonly tasks: 'one' | 'one per shard';
    readonly steps: readonly string[];
  }[];
  toString(): string;
  /** A `flowchart` for Mermaid. */
  toMermaid(): string;
}

/**
 * Explains a pipeline.
 *
 * @example
 * import { count, eventTime, explain, keyBy, pipeline, tumbling, unchecked, window } from 'tidemark';
 * const plays = pipeline('plays', unchecked<{ song: string; at: number }>(), (play$) =>
 *   play$.pipe(
 *     eventTime({ timestamp: (play) => play.at }),
 *     keyBy((play) => play.song),
 *     window(tumbling({ size: '1m' }), count(), { uid: 'per-minute' }),
 *   ),
 * );
 * console.log(String(explain(plays)));
 * // => pipeline "plays"
 * // =>   input       input
 * // =>   eventTime   eventTime  event time
 * // =>   keyBy       keyBy      event time, keyed, shuffle
 * // =>   per-minute  window     event time, state: tumbling 1m, count
 * // =>   output      <- per-minute
 */
export function explain<Ins, Outs>(definition: PipelineDefinition<Ins, Outs>): Explanation {
  // Two shards show where a pipeline is cut; with one, everything runs together.
  const plan = planOf(definition.outputs, 2);
  const steps = nodesInOrder(definition.outputs).map((node) => describeStep(node, plan));
  const outputs = Object.fromEntries(
    Object.entries(definition.outputs).map(([name, { from, side }]) => [
      name,
      edgeName(from, side, plan),
    ]),
  );
  const stages = plan.stages.map(({ name, shards, nodes }) => ({
    name,
    tasks: shards === 1 ? ('one' as const) : ('one per shard' as const),
    steps: nodes.map((node) => plan.names.get(node) ?? ''),
  }));
  const facts = { pipeline: definition.name, steps, outputs, stages };
  return { ...facts, toString: () => asText(facts), toMermaid: () => asMermaid(facts) };
}

type Facts = Pick<Explanation, 'pipeline' | 'steps' | 'outputs' | 'stages'>;

function describeStep(node: GraphNode, plan: Plan): ExplainedStep {
  const spec = node.kind === 'operator' ? node.spec : undefined;
  return {
    name: plan.names.get(node) ?? '',
    kind: spec?.operator ?? (node.kind === 'key' ? 'keyBy' : node.kind),
    summary: spec?.facts.summary,
    uid: uidOf(node),
    hasState: spec?.state !== undefined,
    hasEventTime: node.hasEventTime,
    isKeyed: node.keyedBy !== undefined,
    sideOutputs: spec?.sideOutputs ?? [],
    inputs: node.inputs.map(({ from, side }) => edgeName(from, side, plan)),
  };
}

function edgeName(from: GraphNode, side: string | undefined, plan: Plan): string {
  const name = plan.names.get(from) ?? '';
  return side === undefined ? name : `${name}#${side}`;
}

function asText({ pipeline, steps, outputs }: Facts): string {
  const rows = steps.map((step) => [step.name, step.kind, properties(step)]);
  for (const [name, from] of Object.entries(outputs)) rows.push([name, `<- ${from}`, '']);
  const width = (column: number): number =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const [names, kinds] = [width(0), Math.max(...steps.map(({ kind }) => kind.length))];
  const lines = rows.map(([name = '', kind = '', rest = '']) =>
    `  ${name.padEnd(names)}  ${kind.padEnd(kinds)}  ${rest}`.trimEnd(),
  );
  return [`pipeline "${pipeline}"`, ...lines].join('\n');
}

function properties({
  hasEventTime,
  isKeyed,
  kind,
  hasState,
  summary,
  sideOutputs,
}: ExplainedStep): string {
  const facts: string[] = [];
  if (hasEventTime) facts.push('event time');
  if (isKeyed) facts.push('keyed');
  if (kind === 'keyBy') facts.push('shuffle');
  if (hasState) facts.push(summary === undefined ? 'state' : `state: ${summary}`);
  if (sideOutputs.length > 0) facts.push(`sides: ${sideOutputs.join(' ')}`);
  return facts.join(', ');
}

function asMermaid({ steps, outputs }: Facts): string {
  const ids = new Map(steps.map(({ name }, index) => [name, `n${index}`]));
  const idOf = (edge: string): string => ids.get(edge.split('#')[0] ?? '') ?? edge;
  const lines = ['flowchart LR'];
  for (const { name, kind, summary, hasState } of steps) {
    const label = [name === kind ? kind : `${kind} ${name}`, summary]
      .filter((part) => part !== undefined)
      .join('<br>');
    lines.push(`  ${ids.get(name) ?? ''}${hasState ? `[("${label}")]` : `["${label}"]`}`);
  }
  for (const { name, kind, inputs } of steps)
    for (const from of inputs) {
      const isShuffle =
        steps.find((step) => step.name === from)?.kind === 'keyBy' && kind !== 'keyBy';
      lines.push(`  ${idOf(from)} ${isShuffle ? '==>' : '-->'} ${ids.get(name) ?? ''}`);
    }
  for (const [name, from] of Object.entries(outputs))
    lines.push(`  ${idOf(from)} --> out_${name}(["${name}"])`);
  return lines.join('\n');
}
