import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Block } from './blocks.js';
import { mergeRuns } from './merge-runs.js';
import { blockFor, decodeIndex, encodeIndex, type RunIndex } from './run-index.js';
import { RunWriter } from './run-writer.js';

/** A record: place, key, value; undefined for a tombstone. */
type Row = readonly [number, number, string | undefined];

const rows = fc
  .uniqueArray(
    fc.tuple(
      fc.integer({ min: 0, max: 30 }).map((n) => n * 140_000_000),
      fc.integer({ min: 0, max: 3 }),
      fc.option(fc.oneof(fc.string(), fc.constant('x'.repeat(3000))), { nil: undefined }),
    ),
    { selector: ([place, key]) => `${place} ${key}` },
  )
  .map((drawn): Row[] => drawn.sort((a, b) => a[0] - b[0] || a[1] - b[1]));

interface Written {
  readonly blocks: readonly Uint8Array[];
  readonly index: RunIndex;
}

function write(records: readonly Row[], writer = new RunWriter(true)): Written {
  const blocks: Uint8Array[] = [];
  for (const [place, key, value] of records) {
    const full = writer.cut(place);
    if (full !== undefined) blocks.push(full);
    const payload = writer.begin(place);
    payload.u8(key);
    if (value !== undefined) {
      writer.endKey();
      payload.string(value);
    }
    writer.end();
  }
  const { block, index } = writer.finish(7);
  if (block !== undefined) blocks.push(block);
  return { blocks, index };
}

function read(run: Written): Block[] {
  return run.blocks.map((bytes) => new Block(bytes, 'x'));
}

function rowOf(block: Block, index: number): Row {
  const value = block.isTombstone(index) ? undefined : block.valueOf(index).string();
  return [block.placeAt(index), block.keyOf(index).u8(), value];
}

describe('a run', () => {
  test('gives every record back, in blocks that share no place', () => {
    fc.assert(
      fc.property(rows, (records) => {
        const run = write(records);
        const blocks = read(run);
        expect(
          blocks.flatMap((block) => [...Array(block.count).keys()].map((at) => rowOf(block, at))),
        ).toEqual(records);
        expect([...run.index.firsts]).toEqual(blocks.map((block) => block.placeAt(0)));
        expect(new Set(run.index.firsts).size).toBe(blocks.length);
        expect(run.index.records).toBe(records.length);
        expect(run.index.bytes).toBe(run.blocks.reduce((sum, { length }) => sum + length, 0));
      }),
    );
  });

  test('a look-up finds each key in the one block that its index names, and no other key', () => {
    fc.assert(
      fc.property(rows, (records) => {
        const run = write(records);
        const blocks = read(run);
        const index = decodeIndex(encodeIndex(run.index), 'x');
        expect(index).toEqual(run.index);
        for (const [place, key, value] of records) {
          const block = blocks[blockFor(index, place)] as Block;
          const at = block.find(place, Uint8Array.of(key));
          expect(rowOf(block, at)).toEqual([place, key, value]);
          expect(block.find(place, Uint8Array.of(9))).toBe(-1);
          expect(block.find(place, Uint8Array.of(key, 0))).toBe(-1);
        }
      }),
    );
  });

  test('blocks end near the size of two pages, unless one record is larger', () => {
    const small = write(Array.from({ length: 3000 }, (_, n): Row => [n, 0, 'x'.repeat(50)]));
    for (const block of small.blocks) expect(block.length).toBeLessThanOrEqual(2 * 4096 - 16);
    expect(small.blocks.length).toBeLessThan(28);
    expect(write([[0, 0, 'x'.repeat(100_000)]]).blocks.length).toBe(1);
  });

  test('a writer may be used again', () => {
    const writer = new RunWriter(true);
    const first = write([[1, 1, 'a']], writer);
    expect(write([[1, 1, 'a']], writer)).toEqual(first);
  });

  test('any changed byte of a block or an index is found', () => {
    const run = write([
      [5, 1, 'abc'],
      [6, 1, undefined],
    ]);
    const [block] = run.blocks as [Uint8Array];
    const index = encodeIndex(run.index);
    for (let at = 0; at < block.length; at += 1)
      expect(() => new Block(block.with(at, (block[at] as number) ^ 4), 'x')).toThrow(
        'STATE_DAMAGED',
      );
    for (let at = 0; at < index.length; at += 1)
      expect(() => decodeIndex(index.with(at, (index[at] as number) ^ 4), 'x')).toThrow(
        'STATE_DAMAGED',
      );
  });
});

describe('runs merged', () => {
  test('give each key once, with its newest record, from any place on', () => {
    fc.assert(
      fc.property(
        fc.array(rows, { maxLength: 5 }),
        fc.nat({ max: 4_300_000_000 }),
        (runs, from) => {
          const model = new Map<string, Row>();
          for (const row of runs.flat()) model.set(`${row[0]} ${row[1]}`, row);
          const expected = [...model.values()]
            .filter(([place]) => place >= from)
            .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
          const blocks = runs.map((records) => read(write(records))[Symbol.iterator]());
          const merged = [...mergedRows(blocks, from)];
          expect(merged).toEqual(expected);
        },
      ),
    );
  });

  function* mergedRows(runs: IterableIterator<Block>[], from: number): Generator<Row> {
    for (const { block, index } of mergeRuns(runs as never, from)) yield rowOf(block, index);
  }
});
