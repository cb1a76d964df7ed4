import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect } from '../connectors/collect.js';
import { iterable } from '../connectors/iterable.js';
import { eventTime } from '../dsl/event-time.js';
import { keyBy } from '../dsl/key-by.js';
import { pipeline } from '../dsl/pipeline.js';
import { process } from '../dsl/process.js';
import { unchecked } from '../dsl/schema.js';
import '../runtime/install.js';
import { run } from '../run.js';
import { mapState } from '../state/handles-map.js';
import { valueState } from '../state/handles-value.js';
import { lmdb } from '../state/lmdb-backend.js';
import { readLmdb, type LmdbView } from '../state/lmdb-view.js';
import { StateReader } from './state-reader.js';

const keys = 300;
const totals = pipeline('totals', unchecked<{ k: string; n: number }>(), (numbers) =>
  numbers.pipe(
    eventTime({ timestamp: ({ n }) => n }),
    keyBy(({ k }) => k),
    process({
      uid: 'total',
      state: { total: valueState(0), seen: mapState<number, boolean>() },
      element: ({ n }: { n: number }, { state, timers }) => {
        state.total.set(state.total.get() + n);
        state.seen.set(n, true);
        timers.setEventTime(1_000_000 + n);
      },
    }),
  ),
);

let directory = '';
let view: LmdbView;
let reader: StateReader;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-reader-'));
  let stop = (): void => {};
  const elements = function* (): Generator<{ k: string; n: number }> {
    for (let n = 0; n < keys; n += 1) yield { k: `k${n}`, n };
    // What has been read when it stops is thrown away, so that comes a few chunks later.
    for (let n = 0; ; n += 1) {
      if (n === 5000) stop();
      yield { k: 'k0', n: 0 };
    }
  };
  // Stopped, so that the timers are still there.
  const job = run(totals, {
    from: iterable(elements),
    to: collect({ uid: 'out' }),
    state: lmdb(directory),
  });
  stop = () => void job.stop();
  await job.done;
  view = await readLmdb(directory);
  reader = new StateReader(view.backend, { where: directory });
});
afterAll(async () => {
  await view.close();
  rmSync(directory, { recursive: true, force: true });
});

test('sizes count keys and timers', () => {
  expect(reader.record?.job).toBe('totals');
  expect(reader.uids()).toEqual(['total']);
  expect(reader.size('total')).toMatchObject({
    ...{ operator: 'process', keys, eventTimers: keys, processingTimers: 0 },
    ...{ nextEventTimer: 1_000_000, nextProcessingTimer: undefined },
  });
});

test('a key is found with its timers', () => {
  expect(reader.of('total', 'k7')).toEqual([
    { kind: 'slot', key: 'k7', value: { total: 7, seen: new Map([[7, true]]) } },
    { kind: 'timer', domain: 'event', key: 'k7', time: 1_000_007 },
  ]);
  expect(reader.of('total', 'nobody')).toEqual([]);
});

test('the ranges hold everything once', () => {
  const entries = [...reader.ranges()].flatMap((range) => reader.entries('total', range));
  expect(entries).toHaveLength(2 * keys);
  expect(new Set(entries.map(({ kind, key }) => `${kind} ${String(key)}`)).size).toBe(2 * keys);
});

describe('a view', () => {
  test('says what it is a view of', () => {
    expect(view.owner).toBeUndefined();
    expect(view.fileBytes).toBeGreaterThan(0);
  });

  test('changes nothing', () => {
    expect(() => view.backend.commit([])).toThrow(/only read/);
    expect(() => view.backend.writeAhead('a', new Uint8Array())).toThrow(/only read/);
    expect(() => view.backend.discard(['a'])).toThrow(/only read/);
  });

  test('of a directory without state is refused', async () => {
    await expect(readLmdb(tmpdir())).rejects.toThrow(/OPTIONS_INVALID.*without state/);
    await expect(readLmdb(fileURLToPath(import.meta.url))).rejects.toThrow(/got a file, at/);
    await expect(readLmdb(join(directory, 'none'))).rejects.toThrow(/nothing of this name/);
  });
});
