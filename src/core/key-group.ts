/**
 * Which shard owns a key: keys are hashed to key groups, and key groups are dealt to shards in ranges.
 *
 *     hash  ->  group (one of maxParallelism, fixed for the life of the state)  ->  shard (one of any number)
 *
 * State is stored by group, so another number of shards moves whole ranges of groups and never splits one.
 */
import { assert } from './errors.js';

const GROUPS_MIN = 128;
const GROUPS_MAX = 32_768;

/** The groups of one shard: from `from` up to, not including, `to`. Empty where shards outnumber groups. */
export interface GroupRange {
  readonly from: number;
  readonly to: number;
}

export function keyGroupOf(hash: number, maxParallelism: number): number {
  return (hash >>> 0) % maxParallelism;
}

export function shardOf(group: number, shards: number, maxParallelism: number): number {
  return Math.floor((group * shards) / maxParallelism);
}

/** Law: a group lies in the range of a shard exactly when `shardOf` names that shard. */
export function groupRange(shard: number, shards: number, maxParallelism: number): GroupRange {
  assert(shard >= 0 && shard < shards, `shard ${shard} is one of ${shards}`);
  return {
    from: Math.ceil((shard * maxParallelism) / shards),
    to: Math.ceil(((shard + 1) * maxParallelism) / shards),
  };
}

/** Room to grow by half before ranges become coarse, as a power of two. */
export function defaultMaxParallelism(shards: number): number {
  const wanted = Math.ceil(1.5 * shards);
  let groups = GROUPS_MIN;
  while (groups < wanted && groups < GROUPS_MAX) groups *= 2;
  return groups;
}
