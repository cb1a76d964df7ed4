/** `pipeline`: a definition with a name, that runs unchanged as an Observable, in a test and as a durable job. */
import type { Observable } from 'rxjs';
import { TidemarkError, show } from '../core/errors.js';
import {
  checkName,
  checkUids,
  nodesInOrder,
  spliceGraph,
  type Edge,
  type GraphNode,
  type InputNode,
  type Outputs,
} from '../core/graph.js';
import { DataStream, edgeOf, inputNode, localRunner } from './data-stream.js';
import { isInputType, parserOf, type InputType } from './schema.js';

export type InputTypes = Readonly<Record<string, InputType<unknown>>>;
export type InputStreams<Types extends InputTypes> = {
  readonly [Name in keyof Types]: Types[Name] extends InputType<infer T> ? DataStream<T> : never;
};
export type OutputStreams = Readonly<Record<string, DataStream<unknown>>>;
/** Element types by output name. */
export type ElementsOf<Streams> = {
  readonly [Name in keyof Streams]: Streams[Name] extends DataStream<infer T> ? T : never;
};

/** The name of the only input, or the only output, where a pipeline does not name them. */
export const ONLY_INPUT = 'input';
export const ONLY_OUTPUT = 'output';

/** A definition as a plain value; `run`, `testHarness` and `explain` take it. Types by input and output name. */
export interface PipelineDefinition<Ins, Outs> {
  readonly name: string;
  readonly inputs: ReadonlyMap<string, InputNode>;
  readonly outputs: Outputs;
  /**
   * Runs it here on Observables, with state in memory: all outputs in one run. Subscribe to the outputs, then `start`.
   */
  connect(inputs: { readonly [Name in keyof Ins]: Observable<Ins[Name]> }): Connection<Outs>;
}

/** A run of several outputs, not started yet. */
export interface Connection<Outs> {
  readonly outputs: { readonly [Name in keyof Outs]: Observable<Outs[Name]> };
  /** Subscribes to the inputs, in the order of their declaration. */
  start(): void;
  /** Unsubscribes from the inputs; the outputs neither complete nor fail. */
  stop(): void;
}

/** A pipeline with one input and one output is an RxJS operator. */
export interface Pipeline<In, Out> extends PipelineDefinition<
  { readonly [ONLY_INPUT]: In },
  { readonly [ONLY_OUTPUT]: Out }
> {
  (source: Observable<In>): DataStream<Out>;
}

/**
 * Defines a pipeline.
 *
 * @param name of the job, `[A-Za-z0-9._-]{1,64}`
 * @param input a schema (zod or any Standard Schema), `unchecked<T>()`, or a record of those for several inputs
 * @param build makes the output, or a record of outputs, out of the input; called once, when the pipeline is defined
 *
 * @example
 * import { filter, pipeline } from 'tidemark';
 * import { of } from 'rxjs';
 * import { z } from 'zod';
 * const Play = z.object({ song: z.string(), ms: z.number() });
 * const heard = pipeline('heard', Play, (plays) => plays.pipe(filter((play) => play.ms >= 30_000)));
 * of({ song: 'a', ms: 31_000 }, { song: 'b', ms: 5 }).pipe(heard).subscribe((play) => console.log(play.song));
 * // => a
 *
 * @throws TidemarkError UID_INVALID, UID_DUPLICATE, STREAM_FOREIGN
 */
export function pipeline<In, Out>(
  name: string,
  input: InputType<In>,
  build: (input: DataStream<In>) => DataStream<Out>,
): Pipeline<In, Out>;
export function pipeline<In, Outs extends OutputStreams>(
  name: string,
  input: InputType<In>,
  build: (input: DataStream<In>) => Outs,
): PipelineDefinition<{ readonly [ONLY_INPUT]: In }, ElementsOf<Outs>>;
export function pipeline<Types extends InputTypes, Out>(
  name: string,
  inputs: Types,
  build: (inputs: InputStreams<Types>) => DataStream<Out>,
): PipelineDefinition<ElementsOf<InputStreams<Types>>, { readonly [ONLY_OUTPUT]: Out }>;
export function pipeline<Types extends InputTypes, Outs extends OutputStreams>(
  name: string,
  inputs: Types,
  build: (inputs: InputStreams<Types>) => Outs,
): PipelineDefinition<ElementsOf<InputStreams<Types>>, ElementsOf<Outs>>;
export function pipeline(
  name: string,
  input: InputType<unknown> | InputTypes,
  build: (input: never) => DataStream<unknown> | OutputStreams,
): unknown {
  checkName(name, 'name of the pipeline');
  const types: InputTypes = isInputType(input) ? { [ONLY_INPUT]: input } : input;
  const inputs = new Map(
    Object.entries(types).map(([key, type]) => {
      const where = `input "${checkName(key, `input of pipeline "${name}"`)}" of pipeline "${name}"`;
      return [key, inputNode(key, parserOf(type, where), undefined)];
    }),
  );
  const streams = Object.fromEntries(
    [...inputs].map(([key, node]) => [key, new DataStream({ from: node })]),
  );
  const built = build((isInputType(input) ? streams[ONLY_INPUT] : streams) as never);
  const outputs = outputsOf(name, built);
  checkRoots(name, inputs, outputs);
  checkUids(nodesInOrder(outputs));
  return asOperator({
    name,
    inputs,
    outputs,
    connect: (given) => connectTo({ name, inputs, outputs }, given),
  });
}

function connectTo(
  {
    name,
    inputs,
    outputs,
  }: { name: string; inputs: ReadonlyMap<string, InputNode>; outputs: Outputs },
  given: Readonly<Record<string, Observable<unknown>>>,
): Connection<unknown> {
  const names = Object.keys(given);
  const odd = [
    ...names.filter((key) => !inputs.has(key)),
    ...[...inputs.keys()].filter((key) => !names.includes(key)),
  ];
  if (odd.length > 0)
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: `an Observable for each of ${[...inputs.keys()].join(', ')}`,
      got: `${names.join(', ') || 'none'}`,
      where: `connect of pipeline "${name}"`,
      hint: `Look at ${odd.join(', ')}.`,
    });
  const feeds = new Map(
    [...inputs].map(([key, node]) => [node, given[key] as Observable<unknown>]),
  );
  return localRunner().connect(outputs, feeds);
}

/** The arrows of the outputs that a build function has given. */
function outputsOf(name: string, built: DataStream<unknown> | OutputStreams): Outputs {
  const streams: OutputStreams = built instanceof DataStream ? { [ONLY_OUTPUT]: built } : built;
  const entries = Object.entries(streams ?? {});
  const wrong = entries.find(([, stream]) => !(stream instanceof DataStream));
  if (entries.length === 0 || wrong !== undefined)
    throw new TidemarkError('STREAM_FOREIGN', {
      expected: 'a DataStream, or a record of DataStreams, made out of the inputs',
      got: wrong === undefined ? show(built) : `"${wrong[0]}": a plain Observable or another value`,
      where: `outputs of pipeline "${name}"`,
      hint: 'Return what pipe() gave; wrap stock RxJS operators in rx(...) or use them behind the pipeline.',
    });
  return Object.fromEntries(
    entries.map(([key, stream]) => [checkName(key, `output of pipeline "${name}"`), stream.edge]),
  );
}

function checkRoots(name: string, inputs: ReadonlyMap<string, InputNode>, outputs: Outputs): void {
  const declared = new Set<GraphNode>(inputs.values());
  const foreign = nodesInOrder(outputs).find(
    (node) => node.kind === 'input' && !declared.has(node),
  );
  if (foreign !== undefined)
    throw new TidemarkError('STREAM_FOREIGN', {
      expected: `streams made out of the declared inputs: ${[...inputs.keys()].join(', ')}`,
      got: 'a stream with another root, which no source could feed in a job',
      where: `pipeline "${name}"`,
      hint: 'Declare the other stream as an input of the pipeline.',
    });
}

/** Lets a definition be piped: on a DataStream it is spliced into that graph, on an Observable it begins one. */
function asOperator(
  definition: PipelineDefinition<Readonly<Record<string, unknown>>, unknown>,
): unknown {
  const { name, inputs, outputs } = definition;
  const entry = inputs.get(ONLY_INPUT);
  const isSingle =
    inputs.size === 1 && entry !== undefined && Object.keys(outputs).join() === ONLY_OUTPUT;
  if (!isSingle) return definition;
  const operator = (source: Observable<unknown>): DataStream<unknown> => {
    const edge: Edge =
      source instanceof DataStream
        ? source.edge
        : {
            from: inputNode(
              entry.name,
              entry.parse,
              (edgeOf(source, name, true).from as InputNode).observable,
            ),
          };
    const spliced =
      source instanceof DataStream
        ? spliceGraph(outputs, new Map([[entry, edge]]), name)
        : spliceGraph(outputs, new Map([[entry, edge]]));
    return new DataStream(spliced[ONLY_OUTPUT] as Edge);
  };
  return Object.defineProperties(operator, {
    name: { value: name, enumerable: true },
    inputs: { value: inputs, enumerable: true },
    outputs: { value: outputs, enumerable: true },
    connect: { value: definition.connect, enumerable: true },
  });
}
