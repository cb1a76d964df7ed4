/**
 * A pipeline as a plain value: nodes that point to what feeds them. It is built while `pipe` runs, before anybody
 * subscribes, so that uids, states and shuffles can be checked, drawn and refused at start.
 */
import { TidemarkError, assert } from './errors.js';
import type { Key } from './key.js';
import type { OperatorSpec } from './operator.js';

/** One arrow of the graph, from the side of the reader: which node, and which of its side outputs. */
export interface Edge {
  readonly from: GraphNode;
  /** A side output; undefined for the main one. */
  readonly side?: string | undefined;
}

interface NodeBase {
  readonly inputs: readonly Edge[];
  /** The nearest keyBy upstream that still holds for the elements that leave this node. */
  readonly keyedBy: KeyNode | undefined;
  readonly hasEventTime: boolean;
  /** Names of the pipelines that this node was spliced in by, outermost first. */
  readonly scope: readonly string[];
}

/** Where elements enter: a declared input of a pipeline, or an Observable. */
export interface InputNode extends NodeBase {
  readonly kind: 'input';
  readonly name: string;
  /** Checks a value at the edge; returns it (perhaps converted) or throws RECORD_INVALID. */
  readonly parse: ((value: unknown) => unknown) | undefined;
  /** The Observable that feeds it in a subscription; undefined for a declared input. Opaque to this floor. */
  readonly observable: unknown;
}

export interface OperatorNode extends NodeBase {
  readonly kind: 'operator';
  readonly spec: OperatorSpec;
}

export interface KeyNode extends NodeBase {
  readonly kind: 'key';
  readonly keyOf: (value: never) => Key;
  readonly uid: string | undefined;
}

export interface UnionNode extends NodeBase {
  readonly kind: 'union';
}

export type GraphNode = InputNode | OperatorNode | KeyNode | UnionNode;

/** The outputs of a pipeline by name, each an arrow into the graph. */
export type Outputs = Readonly<Record<string, Edge>>;

/** The uid of a node with its scope, such as `trending/top`; undefined for nodes without one. */
export function uidOf(node: GraphNode): string | undefined {
  const uid = node.kind === 'operator' ? node.spec.uid : node.kind === 'key' ? node.uid : undefined;
  return uid === undefined ? undefined : [...node.scope, uid].join('/');
}

/** All nodes that the outputs need, each after what feeds it, in an order that depends on the graph alone. */
export function nodesInOrder(outputs: Outputs): GraphNode[] {
  const seen = new Set<GraphNode>();
  const order: GraphNode[] = [];
  // An explicit stack, because a graph that a program has built may be deeper than the call stack.
  const stack: { node: GraphNode; next: number }[] = [];
  const enter = (node: GraphNode): void => {
    if (seen.has(node)) return;
    seen.add(node);
    stack.push({ node, next: 0 });
  };
  for (const { from } of Object.values(outputs)) {
    enter(from);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const edge = top.node.inputs[top.next];
      top.next += 1;
      if (edge !== undefined) enter(edge.from);
      else order.push(...stack.splice(-1).map(({ node }) => node));
    }
  }
  return order;
}

/** Readable names for all nodes: the uid where there is one, else the kind, numbered where that is taken. */
export function nodeNames(nodes: readonly GraphNode[]): Map<GraphNode, string> {
  const uids = new Map(
    nodes.flatMap((node) => (uidOf(node) === undefined ? [] : [[node, uidOf(node)]])),
  );
  // State is found by uid, so uids come first: a stateless step may never push one aside.
  const taken = new Set(uids.values());
  const names = new Map<GraphNode, string>();
  for (const node of nodes) {
    let name = uids.get(node);
    if (name === undefined) {
      const base = [...node.scope, plainName(node)].join('/');
      name = base;
      for (let number = 2; taken.has(name); number += 1) name = `${base}-${number}`;
      taken.add(name);
    }
    names.set(node, name);
  }
  return names;
}

/** Under which name the state of which every shard holds a copy is kept; no uid is spelled so. */
export function replicaName(name: string): string {
  return `${name}~broadcast`;
}

/** The inputs whose elements reach a step that spreads them to every shard: they are served before the others. */
export function broadcastInputs(nodes: readonly GraphNode[]): Set<GraphNode> {
  const upstream = new Set(
    nodes.filter((node) => node.kind === 'operator' && node.spec.spreads === true),
  );
  // A Set gives what is added behind while it is walked.
  for (const node of upstream) for (const { from } of node.inputs) upstream.add(from);
  return new Set([...upstream].filter(({ kind }) => kind === 'input'));
}

/** Refuses two stateful operators, keyBys or sinks of one uid. `sinkUids` are the uids of the sinks of a run. */
export function checkUids(nodes: readonly GraphNode[], sinkUids: readonly string[] = []): void {
  const holders = new Map<string, string>();
  const claim = (uid: string, holder: string): void => {
    const other = holders.get(uid);
    if (other !== undefined)
      throw new TidemarkError('UID_DUPLICATE', {
        expected: 'one holder for each uid',
        got: `"${uid}" on ${other} and on ${holder}`,
        where: `uid "${uid}"`,
        hint: 'Give one of them another uid; state is found by it after a restart.',
      });
    holders.set(uid, holder);
  };
  for (const node of nodes) {
    const uid = uidOf(node);
    if (uid !== undefined) claim(uid, plainName(node));
  }
  for (const uid of sinkUids) claim(uid, 'a sink');
}

const uidPattern = /^[A-Za-z0-9._-]{1,64}$/;

/** Checks a uid or a name of a pipeline, input or output: it becomes a file name, a topic name and a metric label. */
export function checkName(name: unknown, where: string): string {
  if (typeof name === 'string' && uidPattern.test(name) && name !== '.' && name !== '..')
    return name;
  throw new TidemarkError('UID_INVALID', {
    expected: '1 to 64 characters out of A-Z a-z 0-9 . _ -',
    got: typeof name === 'string' ? `"${name}"` : String(name),
    where,
    hint: 'Names become file names, topic names and metric labels, so they are kept plain.',
  });
}

/**
 * A copy of a graph with its declared inputs replaced by arrows of another graph and its uids put in a scope (where
 * one is given): how a pipeline is spliced onto a DataStream. An eventTime that lands on a stream with event time gives way to it.
 */
export function spliceGraph(
  outputs: Outputs,
  inputs: ReadonlyMap<GraphNode, Edge>,
  scope?: string,
): Outputs {
  const copies = new Map<GraphNode, Edge>();
  for (const [node, edge] of inputs) copies.set(node, edge);
  const moved = ({ from, side }: Edge): Edge => {
    const copy = copies.get(from);
    assert(copy !== undefined, 'a node is copied after what feeds it');
    return side === undefined ? copy : { from: copy.from, side };
  };
  for (const node of nodesInOrder(outputs)) {
    if (copies.has(node)) continue;
    const edges = node.inputs.map(moved);
    const first = edges[0];
    const keepsTime = node.kind === 'operator' && node.spec.assignsTime === true;
    if (keepsTime && first?.from.hasEventTime === true) {
      copies.set(node, first);
      continue;
    }
    for (const edge of keepsTime ? edges : []) refuseReassignedTime(edge, 'eventTime');
    copies.set(node, { from: copyNode(node, edges, copies, scope) });
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, edge]) => [name, moved(edge)]));
}

function copyNode(
  node: GraphNode,
  inputs: readonly Edge[],
  copies: ReadonlyMap<GraphNode, Edge>,
  scope: string | undefined,
): GraphNode {
  const inherited = node.keyedBy === undefined ? undefined : copies.get(node.keyedBy)?.from;
  const base = {
    inputs,
    scope: scope === undefined ? node.scope : [scope, ...node.scope],
    hasEventTime: node.hasEventTime || inputs.some(({ from }) => from.hasEventTime),
  };
  if (node.kind === 'key') return makeKeyNode({ ...node, ...base });
  const keyedBy = inherited?.kind === 'key' ? inherited : undefined;
  return { ...node, ...base, keyedBy };
}

/**
 * Refuses an eventTime behind state or a shuffle: elements there have a place in time that others rely on.
 *
 * @throws TidemarkError TIME_REASSIGNED
 */
export function refuseReassignedTime(edge: Edge, where: string): void {
  const upstream = new Set<GraphNode>([edge.from]);
  // A Set gives what is added behind while it is walked.
  for (const node of upstream) {
    const isStateful = node.kind === 'operator' && node.spec.state !== undefined;
    if (isStateful || node.kind === 'key')
      throw new TidemarkError('TIME_REASSIGNED', {
        expected: 'eventTime before any keyBy and any stateful step',
        got: isStateful
          ? `eventTime behind the stateful step "${uidOf(node) ?? plainName(node)}"`
          : 'eventTime behind a keyBy',
        where,
        hint: 'Move eventTime to the front of the pipeline; results already carry the time of their window or timer.',
      });
    for (const { from } of node.inputs) upstream.add(from);
  }
}

/** How late the nearest stateful steps upstream may still update a result; filters and maps in between do not matter. */
export function upstreamLatenessMs(inputs: readonly Edge[]): number {
  return Math.max(0, ...inputs.map(latenessOf));
}

function latenessOf({ from, side }: Edge): number {
  if (side !== undefined) return 0;
  const facts =
    from.kind === 'operator' && from.spec.state !== undefined ? from.spec.facts : undefined;
  return facts === undefined || facts.latenessMs === 'inherited'
    ? upstreamLatenessMs(from.inputs)
    : (facts.latenessMs ?? 0);
}

/** A keyBy is its own key: `keyedBy` points back to the node. */
export function makeKeyNode(fields: Omit<KeyNode, 'keyedBy'>): KeyNode {
  const node: { -readonly [Field in keyof KeyNode]: KeyNode[Field] } = {
    ...fields,
    keyedBy: undefined,
  };
  node.keyedBy = node;
  return node;
}

export function plainName(node: GraphNode): string {
  switch (node.kind) {
    case 'input':
      return node.name;
    case 'operator':
      return node.spec.operator;
    case 'key':
      return 'keyBy';
    case 'union':
      return 'union';
  }
}
