import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashKey } from '../state/key-hash.js';
import { encodeKey, readKey } from '../state/key-codec.js';
import { memory } from '../state/memory-backend.js';
import { partOf, placeOf } from '../state/places.js';
import { KeyedStore } from '../state/slots.js';
import { readValue } from '../state/value-codec.js';
import { EmbeddedCommitter } from './embedded-committer.js';
import type { JobRecord } from './job-record.js';
import { freezeStore } from './store-slabs.js';

const spec = {
  create: () => ({ value: undefined as unknown }),
  pack: ({ value }: { value: unknown }) => value,
  unpack: (value: unknown) => ({ value }),
  isEmpty: ({ value }: { value: unknown }) => value === undefined,
};
const maxParallelism = 4;
const everything = { from: 0, to: maxParallelism };

/** A change of one key; undefined removes it. */
const change = fc.tuple(
  fc.oneof(fc.integer({ min: 0, max: 40 }), fc.string({ maxLength: 2 })),
  fc.option(fc.oneof(fc.integer(), fc.string({ minLength: 0, maxLength: 4000 })), {
    nil: undefined,
  }),
);
const epochs = fc.array(fc.array(change, { maxLength: 30 }), { maxLength: 30 });

describe('runs of many epochs', () => {
  test('a point read, a walk over all, a reopened store and a model agree', async () => {
    await fc.assert(
      fc.asyncProperty(epochs, fc.boolean(), async (drawn, compacts) => {
        const backend = await memory().open();
        const committer = new EmbeddedCommitter(backend, { where: 'm' });
        const store = new KeyedStore({ spec, maxParallelism, durable: true });
        const model = new Map<string | number, unknown>();
        for (const [epoch, changes] of drawn.entries()) {
          for (const [key, value] of changes) {
            const slot = store.slot(key);
            store.touch(slot);
            slot.live.value = value;
            if (value === undefined) {
              store.release(slot);
              model.delete(key);
            } else model.set(key, value);
          }
          for (const piece of freezeStore(store as never, 'op'))
            if (piece !== undefined) committer.write('op', piece);
          if (compacts) committer.compactAll();
          committer.commit(record(epoch));
          store.settled();
          committer.clean();
        }
        for (const reopened of [committer, new EmbeddedCommitter(backend, { where: 'm' })]) {
          reopened.read();
          const all = new Map<unknown, unknown>();
          for (const { block, index } of reopened.records('op', 'slots', everything))
            all.set(readKey(block.keyOf(index)), readValue(block.valueOf(index)));
          expect(all).toEqual(model);
          for (let key = -1; key < 42; key += 1)
            expect(point(reopened, key)).toEqual(model.get(key));
          let count = 0;
          for (let part = 0; part < 128; part += 1)
            count += reopened.runs.countOf({ uid: 'op', kind: 'slots', part });
          expect(count).toBe(model.size);
        }
      }),
      { numRuns: 60 },
    );
  });
});

function point(committer: EmbeddedCommitter, key: number): unknown {
  const place = placeOf(hashKey(key), maxParallelism);
  const name = { uid: 'op', kind: 'slots', part: partOf(place) } as const;
  const found = committer.runs.find(committer.runs.runsOf(name), place, encodeKey(key));
  return found === undefined ? undefined : readValue(found[0].valueOf(found[1]));
}

function record(epoch: number): JobRecord {
  return {
    job: 'test',
    epoch,
    maxParallelism,
    isFinished: false,
    splits: [],
    marks: new Map(),
    sinks: new Map(),
    operators: new Map(),
    counters: new Map(),
    records: 0,
  };
}
