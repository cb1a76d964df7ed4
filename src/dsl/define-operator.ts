/**
 * The one verb that all operators are written with: it puts a node into the graph and refuses what cannot work.
 *
 * An operator file states only its difference; keyedness, event time and the kinds of streams are checked here.
 */
import type { Observable } from 'rxjs';
import { TidemarkError } from '../core/errors.js';
import {
  checkName,
  refuseReassignedTime,
  type Edge,
  type KeyNode,
  type OperatorNode,
} from '../core/graph.js';
import type { Operator, OperatorContext, OperatorFacts, OperatorSpec } from '../core/operator.js';
import { DataStream, edgeOf, type Step } from './data-stream.js';

/** What an operator says of itself; everything left out has the harmless default. */
export interface OperatorDefinition {
  /** The name that users write. */
  readonly operator: string;
  /** Required for operators with state; found again by it after a restart. */
  readonly uid?: string | undefined;
  /** The uid that its state was kept under before. */
  readonly renamedFrom?: string | undefined;
  /** Default false. */
  readonly keyed?: boolean;
  /** Whether all inputs need an eventTime before them, or at least some input does. Default false. */
  readonly needsEventTime?: OperatorSpec['needsEventTime'];
  /** Whether elements pass unchanged, so that they keep their key. Default false. */
  readonly keepsKey?: boolean;
  readonly state?: OperatorSpec['state'];
  /** Present when every shard holds a copy of the same entries; needs `state` too. */
  readonly replicated?: OperatorSpec['replicated'];
  /** Present on steps whose elements go to every shard behind them. */
  readonly spreads?: true;
  /** Whether it is a watermark generator. Default false. */
  readonly assignsTime?: boolean;
  readonly sideOutputs?: readonly string[];
  /** Present on steps of one function that keep nothing, so that a run of them can be made into one. */
  readonly stateless?: OperatorSpec['stateless'];
  readonly facts?: OperatorFacts;
  /** Whether it may stand on what a stock operator has made from a DataStream, beginning a run of its own. */
  readonly entrance?: boolean;
  create(context: OperatorContext): Operator;
}

/**
 * Makes a step with one input out of a definition.
 *
 * @example
 * import { defineOperator } from 'tidemark';
 * import { of } from 'rxjs';
 * // Lets every second element through.
 * const everySecond = <T>() =>
 *   defineOperator<T, T>({
 *     operator: 'everySecond',
 *     create({ output, counters }) {
 *       let count = 0; // A toy: what must survive a crash belongs into declared state.
 *       return {
 *         element(value, timestamp) {
 *           counters.received += 1;
 *           counters.accepted += 1;
 *           count += 1;
 *           if (count % 2 === 0) output.element(value, timestamp);
 *         },
 *       };
 *     },
 *   });
 * of(1, 2, 3, 4).pipe(everySecond()).subscribe((n) => console.log(n));
 * // => 2
 * // => 4
 *
 * @throws TidemarkError KEY_MISSING, TIME_MISSING, TIME_REASSIGNED, UID_INVALID, STREAM_LIFTED when it is piped
 */
export function defineOperator<In, Out>(definition: OperatorDefinition): Step<In, Out> {
  const spec = specOf(definition, 1);
  return (source) => attach<Out>(spec, [edgeOf(source, spec.operator, definition.entrance)]);
}

/** Makes a step with two inputs; the operator has `second` for the elements of the second one. */
export function defineTwoInputOperator<First, Second, Out>(
  second: Observable<Second>,
  definition: OperatorDefinition,
): Step<First, Out> {
  const spec = specOf(definition, 2);
  return (first) =>
    attach<Out>(spec, [edgeOf(first, spec.operator), edgeOf(second, spec.operator)]);
}

function specOf(definition: OperatorDefinition, inputs: 1 | 2): OperatorSpec {
  const { operator, uid, renamedFrom, state, replicated, spreads, assignsTime, stateless } =
    definition;
  if (uid !== undefined || state !== undefined) checkName(uid, `uid of ${operator}`);
  if (renamedFrom !== undefined) checkName(renamedFrom, `renamedFrom of ${operator} "${uid}"`);
  return {
    operator,
    uid,
    inputs,
    keyed: definition.keyed ?? false,
    needsEventTime: definition.needsEventTime ?? false,
    keepsKey: definition.keepsKey ?? false,
    sideOutputs: definition.sideOutputs ?? [],
    facts: definition.facts ?? {},
    ...(renamedFrom === undefined ? {} : { renamedFrom }),
    ...(state === undefined ? {} : { state }),
    ...(replicated === undefined ? {} : { replicated }),
    ...(spreads === undefined ? {} : { spreads }),
    ...(assignsTime === undefined ? {} : { assignsTime }),
    ...(stateless === undefined ? {} : { stateless }),
    create: (context) => definition.create(context),
  };
}

function attach<Out>(spec: OperatorSpec, inputs: readonly Edge[]): DataStream<Out> {
  const where = spec.uid === undefined ? spec.operator : `${spec.operator} "${spec.uid}"`;
  for (const edge of inputs) {
    if (spec.keyed && !isBroadcast(edge) && keyedBy(edge) === undefined) throw keyMissing(where);
    if (spec.needsEventTime === true && !edge.from.hasEventTime) throw timeMissing(where);
    if (spec.assignsTime === true) refuseReassignedTime(edge, where);
  }
  const isTimed = inputs.some(({ from }) => from.hasEventTime);
  if (spec.needsEventTime === 'someInput' && !isTimed) throw timeMissing(where);
  const node: OperatorNode = {
    kind: 'operator',
    spec,
    inputs,
    scope: [],
    keyedBy: spec.keepsKey ? keyedBy(inputs[0]) : undefined,
    hasEventTime: spec.assignsTime === true || isTimed,
  };
  return new DataStream<Out>({ from: node });
}

/** A side output carries elements of its own, which nobody has keyed. */
export function keyedBy(edge: Edge | undefined): KeyNode | undefined {
  return edge === undefined || edge.side !== undefined ? undefined : edge.from.keyedBy;
}

/** What goes to every shard needs no key. */
function isBroadcast({ from }: Edge): boolean {
  return from.kind === 'operator' && from.spec.spreads === true;
}

function keyMissing(where: string): TidemarkError {
  return new TidemarkError('KEY_MISSING', {
    expected: 'a stream keyed by keyBy(...)',
    got: 'a stream without a key',
    where,
    hint: 'Put keyBy(...) directly before it; map, flatMap and union give unkeyed streams back.',
  });
}

function timeMissing(where: string): TidemarkError {
  return new TidemarkError('TIME_MISSING', {
    expected: 'an eventTime(...) before this step',
    got: 'a stream without event time',
    where,
    hint: 'Put eventTime({ timestamp: (value) => ... }) at the front of the pipeline.',
  });
}
