/** Key groups and shards: every group has one owner, and both ways of asking agree. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check } from '../../property-tests/settings.js';
import { defaultMaxParallelism, groupRange, keyGroupOf, shardOf } from './key-group.js';

const layout = fc
  .integer({ min: 1, max: 32_768 })
  .chain((groups) => fc.tuple(fc.constant(groups), fc.integer({ min: 1, max: groups })));

describe('shards', () => {
  check(
    'a group lies in the range of a shard exactly when shardOf names that shard',
    fc.property(layout, fc.nat(), ([groups, shards], any) => {
      const group = any % groups;
      const owner = shardOf(group, shards, groups);
      const { from, to } = groupRange(owner, shards, groups);
      expect(from <= group && group < to).toBe(true);
      for (const edge of [from, to - 1]) expect(shardOf(edge, shards, groups)).toBe(owner);
      if (from > 0) expect(shardOf(from - 1, shards, groups)).toBe(owner - 1);
      if (to < groups) expect(shardOf(to, shards, groups)).toBe(owner + 1);
    }),
    { runs: 1000 },
  );

  test('ranges follow each other without gap or overlap, and differ by one group at most', () => {
    for (const groups of [1, 7, 128, 500])
      for (let shards = 1; shards <= groups; shards++) {
        const ranges = Array.from({ length: shards }, (_, shard) =>
          groupRange(shard, shards, groups),
        );
        const sizes = ranges.map(({ from, to }) => to - from);
        expect(ranges.map(({ to }) => to)).toEqual([
          ...ranges.slice(1).map(({ from }) => from),
          groups,
        ]);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }
  });

  test('shards beyond the number of groups own nothing', () => {
    const sizes = [0, 1, 2].map((shard) => {
      const { from, to } = groupRange(shard, 3, 2);
      return to - from;
    });
    expect(sizes.reduce((sum, size) => sum + size)).toBe(2);
  });

  test('a shard that does not exist has no range', () => {
    expect(() => groupRange(3, 3, 128)).toThrow('Tidemark bug');
  });
});

describe('key groups', () => {
  test('a hash is dealt as the unsigned number that it is', () => {
    expect(keyGroupOf(0xffffffff, 128)).toBe(127);
    expect(keyGroupOf(-1, 128)).toBe(127);
    expect(keyGroupOf(0xffffffff, 100)).toBe(4294967295 % 100);
    expect(keyGroupOf(5, 1)).toBe(0);
  });

  test('the default leaves room for half as many shards again, within its bounds', () => {
    const defaults = [1, 85, 86, 128, 170, 171, 4096, 21_845, 100_000].map(defaultMaxParallelism);
    expect(defaults).toEqual([128, 128, 256, 256, 256, 512, 8192, 32_768, 32_768]);
  });
});
