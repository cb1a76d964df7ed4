/** What an operator is given: its output, state, counters, and the words for what goes wrong. */
import { PipelineError, TidemarkError, show } from '../core/errors.js';
import { hasTimestamp, type Origin } from '../core/flow.js';
import {
  replicaName,
  upstreamLatenessMs,
  type GraphNode,
  type KeyNode,
  type OperatorNode,
} from '../core/graph.js';
import type { Counters, KeyCell, KeyedState, OperatorContext, Receiver } from '../core/operator.js';
import type { Frontier } from '../time/frontier.js';
import { describeWhence } from './records.js';
import { heldElements, keySetter, ownsKey } from './in-hand.js';
import type { Whence } from './channel.js';
import type { TaskSpec } from './task-spec.js';
import type { TaskTopology } from './task-topology.js';

/** The parts of a task that its operators reach through their contexts. */
export interface WiringView {
  readonly spec: TaskSpec;
  readonly whence: Whence;
  readonly frontier: Frontier;
  walkRequested: boolean;
  /** Something has arrived that an operator has to take. */
  hasArrivals: boolean;
  readonly currentSplit: number;
  readonly topology: TaskTopology;
  sideOf(node: GraphNode, side: string): Receiver;
  cellOf(node: KeyNode): KeyCell;
  /** The input watermark of a node; while it advances, the one that it advances to. */
  watermarkAt(node: number): number;
}

export interface Place {
  readonly wiring: WiringView;
  readonly name: string;
  readonly counters: Counters;
}

export function makeContext(
  place: Place & { readonly node: OperatorNode; readonly output: Receiver },
): OperatorContext {
  const { wiring, node, name, counters, output } = place;
  const { spec } = node;
  const { host } = wiring.spec;
  const index = wiring.spec.stage.nodes.indexOf(node);
  return {
    name,
    output,
    counters,
    splits: wiring.topology.splitsOf(node),
    side: memoized((tag) => {
      if (!spec.sideOutputs.includes(tag)) throw undeclared(tag, name);
      return wiring.sideOf(node, tag);
    }),
    keyCell(input) {
      const key = node.inputs[input]?.from.keyedBy;
      if (key === undefined)
        throw new Error(`Tidemark bug: input ${input} of ${name} is not keyed`);
      return wiring.cellOf(key);
    },
    keyedState<Live extends object>() {
      if (spec.state === undefined) throw new Error(`Tidemark bug: ${name} declares no state`);
      return host.stateOf(name, spec.state) as unknown as KeyedState<Live>;
    },
    replicatedState<Live extends object>() {
      if (spec.replicated === undefined) throw new Error(`Tidemark bug: ${name} has no copies`);
      return host.stateOf(replicaName(name), spec.replicated) as unknown as KeyedState<Live>;
    },
    shard: wiring.spec.shard,
    upstreamLatenessMs: upstreamLatenessMs(node.inputs),
    isGuarded: host.isGuarded,
    watermark: () => wiring.watermarkAt(index),
    now: () => host.now(),
    currentSplit: () => wiring.currentSplit,
    requestWalk: () => {
      wiring.walkRequested = true;
    },
    late(_value, timestamp) {
      counters.late += 1;
      const key = node.inputs[0]?.from.keyedBy;
      host.late({
        operator: name,
        timestamp,
        watermark: wiring.frontier.input(index),
        position: describeWhence(wiring.whence),
        key: key === undefined ? undefined : wiring.cellOf(key).key,
      });
    },
    reject: (value, timestamp, cause) => rejectElement(place, value, timestamp, cause),
    fail(cause, { key, timestamp }) {
      throw failure(cause, {
        operator: name,
        key,
        timestamp,
        position: describeWhence(wiring.whence),
      });
    },
    derive: deriver(wiring, node, { name: `${spec.operator} "${name}"`, unit: 'time' }),
    ...heldElements(wiring, node),
    ...arrivals(wiring),
  };
}

/** Makes the element in hand one that an operator has derived. */
function deriver(
  wiring: WiringView,
  node: OperatorNode,
  origin: Origin,
): OperatorContext['derive'] {
  const ownKey = keySetter(wiring, node);
  return (key, time) => {
    wiring.whence.origin = origin;
    wiring.whence.position = time;
    wiring.whence.derivedKey = key;
    ownKey(key);
  };
}

/** What operators ask for that wait for answers from outside. */
function arrivals(
  wiring: WiringView,
): Pick<OperatorContext, 'beyondCapacity' | 'arrived' | 'hold' | 'ownsKey'> {
  const { host, pressure } = wiring.spec;
  return {
    beyondCapacity: host.beyondCapacity ?? 'hold',
    arrived() {
      wiring.hasArrivals = true;
      host.arrived?.();
    },
    hold() {
      pressure.isFull = true;
    },
    ownsKey: (key) => ownsKey(wiring.spec, key),
  };
}

/** An element failed before it touched any state. */
export function rejectElement(
  { wiring, name, counters }: Place,
  value: unknown,
  timestamp: number,
  cause: unknown,
): void {
  counters.dead += 1;
  const position = describeWhence(wiring.whence);
  const time = hasTimestamp(timestamp) ? timestamp : undefined;
  const error = failure(cause, { operator: name, timestamp: time, position });
  wiring.spec.host.dead(
    { operator: name, position, reason: error.message, raw: show(value), timestamp: time },
    value,
    error,
  );
}

/** What a user function threw, named by its place; errors of ours keep their code. */
function failure(
  cause: unknown,
  place: { operator: string; key?: unknown; timestamp?: number | undefined; position: string },
): PipelineError {
  if (cause instanceof PipelineError) return cause;
  if (cause instanceof TidemarkError)
    return new PipelineError(
      cause.code,
      { expected: cause.expected, got: cause.got, hint: cause.hint, cause },
      place,
    );
  return new PipelineError(
    'USER_FUNCTION_FAILED',
    {
      expected: 'a function that does not throw',
      got: show(cause),
      hint: 'Mend the function, or filter such elements before it; the cause is attached.',
      cause,
    },
    place,
  );
}

function memoized(make: (tag: string) => Receiver): (tag: string) => Receiver {
  const known = new Map<string, Receiver>();
  return (tag) => {
    let receiver = known.get(tag);
    if (receiver === undefined) {
      receiver = make(tag);
      known.set(tag, receiver);
    }
    return receiver;
  };
}

function undeclared(tag: string, name: string): TidemarkError {
  return new TidemarkError('OUTPUT_UNKNOWN', {
    expected: 'a side output that the step declares in `sides`',
    got: `"${tag}"`,
    where: `"${name}"`,
    hint: 'Add the tag to `sides`, so that the graph knows of it before it runs.',
  });
}
