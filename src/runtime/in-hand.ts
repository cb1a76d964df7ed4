/**
 * Which element is in hand, taken down and put back: what an asynchronous operator keeps beside an element, so that its
 * result is still known by the record and the keys that it came from.
 */
import type { Origin } from '../core/flow.js';
import type { GraphNode, KeyNode, OperatorNode } from '../core/graph.js';
import { keyGroupOf, shardOf } from '../core/key-group.js';
import type { Key } from '../core/key.js';
import type { KeyCell, OperatorContext } from '../core/operator.js';
import { hashKey } from '../state/key-hash.js';
import type { Whence } from './channel.js';
import type { TaskSpec } from './task-spec.js';

interface View {
  readonly whence: Whence;
  cellOf(node: KeyNode): KeyCell;
}

/** The two functions of an operator's context that take down and put back the element in hand. */
export function heldElements(
  wiring: View,
  node: OperatorNode,
): Pick<OperatorContext, 'inHand' | 'resume'> {
  const { keys, hasUnkeyed } = nearestKeys(node);
  const [only] = keys;
  const cell =
    keys.length === 1 && !hasUnkeyed && only !== undefined ? wiring.cellOf(only) : undefined;
  const hasSeveralKeys = keys.length > 0 && cell === undefined;
  const origins = new Map<string, Origin>();
  return {
    inHand: () => ({
      origin: wiring.whence.origin,
      position: wiring.whence.position,
      // Source records leave the one of the last derived element behind.
      derivedKey: wiring.whence.origin.unit === 'time' ? wiring.whence.derivedKey : undefined,
      key: cell?.key,
      hasSeveralKeys,
    }),
    resume({ origin, position, derivedKey, key }) {
      const { whence } = wiring;
      whence.origin = interned(origins, origin);
      whence.position = position;
      whence.derivedKey = derivedKey;
      if (cell !== undefined && key !== undefined) setKey(cell, key);
    },
  };
}

/**
 * Writes the key that an operator derives from into the registers that it reads: what stands behind it then finds the
 * key of the element in hand there, and not that of the last element before the timer.
 */
export function keySetter(wiring: View, node: OperatorNode): (key: unknown) => void {
  const cells = node.spec.keyed
    ? node.inputs.flatMap(({ from }) => (from.keyedBy ? [wiring.cellOf(from.keyedBy)] : []))
    : [];
  return (key) => {
    for (let at = 0; at < cells.length; at += 1) setKey(cells[at] as KeyCell, key as Key);
  };
}

export function ownsKey({ stage, shard, maxParallelism }: TaskSpec, key: Key): boolean {
  const group = keyGroupOf(hashKey(key), maxParallelism);
  return shardOf(group, stage.shards, maxParallelism) === shard;
}

function setKey(cell: KeyCell, key: Key): void {
  cell.key = key;
  cell.slot = undefined;
}

/** The keyBys that elements have come through last on their way to a node, and whether some have come through none. */
function nearestKeys(node: GraphNode): { keys: readonly KeyNode[]; hasUnkeyed: boolean } {
  const keys = new Set<KeyNode>();
  let hasUnkeyed = false;
  // A Set gives what is added behind while it is walked.
  const upstream = new Set(node.inputs.map(({ from }) => from));
  for (const at of upstream) {
    if (at.kind === 'key') keys.add(at);
    else if (at.inputs.length === 0) hasUnkeyed = true;
    else for (const { from } of at.inputs) upstream.add(from);
  }
  return { keys: [...keys], hasUnkeyed };
}

/** One object per origin: a channel begins a new chunk for another one. */
function interned(known: Map<string, Origin>, origin: Origin): Origin {
  const id = `${origin.unit} ${origin.name}`;
  const found = known.get(id);
  if (found !== undefined) return found;
  if (known.size >= ORIGINS_MAX) known.clear();
  known.set(id, origin);
  return origin;
}

/** Origins that are told apart by name; a directory may have any number of files. */
const ORIGINS_MAX = 1024;
