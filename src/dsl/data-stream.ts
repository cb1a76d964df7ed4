/**
 * `DataStream`: an Observable over clean values that knows its place in the graph.
 *
 * RxJS calls each operator function while `pipe` runs, so the whole graph stands before anybody subscribes. To
 * subscribe is to run the graph here, with state in memory; the function that does so is handed in once by the
 * runtime, so that no arrow points up.
 */
import { Observable, type Subscriber } from 'rxjs';
import { TidemarkError, assert } from '../core/errors.js';
import type { Edge, InputNode, Outputs } from '../core/graph.js';
import type { PipeSteps } from './pipe-steps.js';

/** A step of a pipeline: a genuine RxJS operator function that gives a DataStream. */
export type Step<In, Out> = (source: Observable<In>) => DataStream<Out>;

declare const keyOfElement: unique symbol;

/** Says that elements have been keyed; a phantom, nothing of it exists at run time. */
export interface KeyBrand<out K> {
  readonly [keyOfElement]: { readonly 'use keyBy(...) before this operator': K };
}

/** An element of type `T` with a key of type `K`, as `keyBy` gives it. */
export type Keyed<K, T> = T & KeyBrand<K>;

/** The type without the brand, for steps whose outputs carry no key (a phantom would survive `{ ...p }`). */
export type Unkeyed<T> = T extends KeyBrand<unknown> ? Unbranded<T> : T;

type Unbranded<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends bigint
      ? bigint
      : T extends boolean
        ? boolean
        : T extends readonly (infer Item)[]
          ? Item[]
          : Omit<T, typeof keyOfElement>;

/** Names a side output and its element type; see `DataStream#side`. */
export interface OutputTag<T> {
  readonly id: string;
  /** Phantom. */
  readonly element?: T;
}

/**
 * Names a side output, such as the late elements of a window.
 *
 * @example
 * import { outputTag } from 'tidemark';
 * const late = outputTag<{ songId: string }>('late');
 * console.log(late.id); // => late
 */
export function outputTag<T>(id: string): OutputTag<T> {
  return { id };
}

/** Runs graphs here, with state in memory. */
export interface LocalRunner {
  subscribe(edge: Edge, subscriber: Subscriber<unknown>): void;
  connect(outputs: Outputs, inputs: ReadonlyMap<InputNode, Observable<unknown>>): LocalConnection;
}

/** A run of several inputs and outputs, not started yet. */
export interface LocalConnection {
  readonly outputs: Readonly<Record<string, Observable<unknown>>>;
  /** Subscribes to the inputs, in the order of their declaration. */
  start(): void;
  /** Unsubscribes from the inputs; the outputs neither complete nor fail. */
  stop(): void;
}

let installed: LocalRunner | undefined;

/** Hands in what runs a graph for a subscriber. Called once, by the runtime, when it is loaded. */
export function installLocalRunner(runner: LocalRunner): void {
  installed = runner;
}

export function localRunner(): LocalRunner {
  assert(installed !== undefined, 'the runtime is loaded before a stream is subscribed');
  return installed;
}

export class DataStream<T> extends Observable<T> {
  /** The arrow of the graph that this stream stands for. */
  readonly edge: Edge;
  /** Types twenty steps and gives what the last one gives; at run time it is the `pipe` of RxJS. */
  declare readonly pipe: PipeSteps<this>;

  constructor(edge: Edge) {
    super((subscriber) => localRunner().subscribe(edge, subscriber));
    this.edge = edge;
  }

  /**
   * A side output of the step that this stream is the result of.
   *
   * @throws TidemarkError OUTPUT_UNKNOWN when the step does not declare it.
   */
  side<U>(tag: OutputTag<U>): DataStream<U> {
    const { from } = this.edge;
    const declared = from.kind === 'operator' ? from.spec.sideOutputs : [];
    if (this.edge.side !== undefined || !declared.includes(tag.id))
      throw new TidemarkError('OUTPUT_UNKNOWN', {
        expected:
          declared.length === 0 ? 'a step with side outputs' : `one of ${declared.join(', ')}`,
        got: `"${tag.id}"`,
        where: 'side()',
        hint: 'Read side outputs directly from the step that declares them, before further steps.',
      });
    return new DataStream<U>({ from, side: tag.id });
  }
}

/**
 * The arrow behind an Observable: its own for a DataStream, a fresh root for any other Observable.
 *
 * @param entrance whether the step may start a run of its own on what a stock operator made from a DataStream
 * @throws TidemarkError STREAM_LIFTED for a step that may not
 */
export function edgeOf(source: Observable<unknown>, step: string, entrance = false): Edge {
  if (source instanceof DataStream) return source.edge;
  if (!entrance && isLifted(source))
    throw new TidemarkError('STREAM_LIFTED', {
      expected: 'a DataStream, or an Observable that has nothing to do with one',
      got: 'an Observable that a stock RxJS operator has made from a DataStream',
      where: `the step "${step}"`,
      hint: 'Wrap stateless synchronous operators in rx(...), or put stream() before this step to begin a run of its own.',
    });
  return { from: inputNode('stream', undefined, source) };
}

export function inputNode(name: string, parse: InputNode['parse'], observable: unknown): InputNode {
  return {
    kind: 'input',
    name,
    parse,
    observable,
    inputs: [],
    keyedBy: undefined,
    hasEventTime: false,
    scope: [],
  };
}

/** RxJS 7 keeps what an operator was lifted from in `source`. */
function isLifted(observable: Observable<unknown>): boolean {
  for (let at: Observable<unknown> | undefined = observable; at !== undefined; at = at.source)
    if (at instanceof DataStream) return true;
  return false;
}
