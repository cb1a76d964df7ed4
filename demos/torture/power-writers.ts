/** What writes while the power goes: a job, and a writer that does to a store whatever jobs may do to it. */
import { join } from 'node:path';
import {
  count,
  eventTime,
  iterable,
  keyBy,
  nodeRuntime,
  partFiles,
  pipeline,
  process,
  run,
  sliding,
  unchecked,
  valueState,
  window,
  type Run,
} from '../../src/index.js';
import { pickIndex, type Random } from '../shared/random.js';
import { WatchedStore } from './power-watch.js';

/** Slabs ahead and epochs, with values of many pages, removals, and openings in between. */
export async function writeEpochs(directory: string, random: Random): Promise<WatchedStore> {
  const store = new WatchedStore(directory);
  const slabs: string[] = [];
  let backend = await store.open();
  for (let epoch = 1; epoch <= 16; epoch += 1) {
    const added = Array.from({ length: pickIndex(random, 12) }, (_, at) => `slab/${epoch}/${at}`);
    for (const key of added) backend.writeAhead(key, bytesOf(random));
    await backend.flushed();
    slabs.push(...added);
    // Keys below the commit are changed with it, as the references of buckets are.
    const refs = added.map((key) => ({ key: `refs/${key.length}`, value: Buffer.from(key) }));
    const gone = slabs.splice(0, pickIndex(random, slabs.length + 1));
    const removed = gone.slice(0, 2).map((key) => ({ key, value: undefined }));
    backend.commit([...refs, ...removed, { key: 'job', value: bytesOf(random, 600) }]);
    if (gone.length > 0) backend.discard(gone);
    await store.settled();
    if (random() < 0.15) {
      await backend.close();
      backend = await store.open();
    }
  }
  await backend.close();
  return store;
}

/** Mostly small, sometimes of many pages. */
function bytesOf(random: Random, most = random() < 0.2 ? 30_000 : 3000): Uint8Array {
  const value = new Uint8Array(1 + pickIndex(random, most));
  for (let at = 0; at < value.length; at += 1) value[at] = pickIndex(random, 256);
  return value;
}

const visits = pipeline('visits', unchecked<number>(), (number$) => {
  const keyed = number$.pipe(
    eventTime({ timestamp: (n) => n * 100 }),
    keyBy((n) => (n * 7919) % 131),
  );
  return {
    counts: keyed.pipe(window(sliding({ size: '20s', slide: '5s' }), count(), { uid: 'counts' })),
    sums: keyed.pipe(
      process({
        uid: 'sums',
        state: { sum: valueState(0) },
        element(n: number, { state, timers }) {
          state.sum.set(state.sum.get() + n);
          timers.setEventTime(n * 100 + 30_000);
        },
        timer: (_timer, { key, state }) => [[key, state.sum.get()]],
      }),
    ),
  };
});

/** A job with windows and timers, its slabs merged from time to time. */
export async function runJob(directory: string, random: Random): Promise<WatchedStore> {
  const store = new WatchedStore(join(directory, 'state'));
  const runtime = nodeRuntime();
  const files = (uid: string) => partFiles({ uid, directory: join(directory, 'out') });
  const numbers = Array.from({ length: 1500 + pickIndex(random, 1500) }, (_, n) => n);
  let epochs = 0;
  const start = (): Run =>
    run(visits, {
      from: iterable(numbers, { chunk: 64 }),
      to: { counts: files('counts-out'), sums: files('sums-out') },
      state: store,
      checkpoint: { records: 192 },
      parallelism: 1 + pickIndex(random, 3),
      maxParallelism: 8,
      runtime: {
        ...runtime,
        async at(point) {
          await runtime.at(point);
          if (point.startsWith('epoch.')) await store.settled();
          if (point === 'epoch.committed' && (epochs += 1) === 4) void first.stop();
        },
      },
    });
  const first = start();
  await first.done;
  await start().done;
  return store;
}
