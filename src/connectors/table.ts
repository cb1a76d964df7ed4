/**
 * A table on disk that other processes query: upserts by key, a whole epoch at a time.
 *
 *     write    the last row of each key is kept
 *     prepare  rows are staged in the environment of the table, flushed, where no reader looks
 *     publish  one transaction moves them into the table and sets its epoch
 *
 * The environment is one of its own, so that readers never touch the state of the job.
 */
import { z } from 'zod';
import type { Guarantee, Prepared, Sink, SinkInstance, SinkWriter } from '../core/connector.js';
import { checkName } from '../core/graph.js';
import type { Key } from '../core/key.js';
import type { Runtime } from '../core/runtime.js';
import { checkOptions, functionOption } from '../dsl/options.js';
import type { StateBackendFactory } from '../state/backend.js';
import { encodeKey } from '../state/key-codec.js';
import { lmdb } from '../state/lmdb-backend.js';
import { sealValue } from '../state/sealed-value.js';
import { SlabWriter } from '../state/slab.js';
import { rowKeyOf } from './table-rows.js';
import { TableStore } from './table-store.js';

export interface TableOptions<T> {
  /** Names the sink among those of the job: 1 to 64 characters out of A-Z a-z 0-9 . _ - */
  readonly uid: string;
  /** Of its own, on a local disk; one job writes, any process reads. Tests hand in a backend. */
  readonly directory: string | StateBackendFactory;
  /** The key of the row that a value is written to. At most about 1,900 bytes. */
  readonly key: (value: T) => Key;
  /** The row: plain data. `undefined` removes it. Default: the value itself. */
  readonly value?: (value: T) => unknown;
  /** Whether a value removes the row of its key. */
  readonly remove?: (value: T) => boolean;
}

const optionsSchema = z.strictObject({
  uid: z.string(),
  directory: z.union([
    z.string().min(1),
    z.custom<StateBackendFactory>(
      (value) => typeof value === 'object' && value !== null && 'open' in value,
      { error: 'a state backend' },
    ),
  ]),
  key: functionOption<(value: unknown) => Key>(),
  value: functionOption<(value: unknown) => unknown>().optional(),
  remove: functionOption<(value: unknown) => boolean>().optional(),
});

/**
 * A two-phase sink: a table with the last value per key, in LMDB, for `openTable` in this process or others. In an
 * exactly-once job readers see the rows of an epoch together, once it is committed; in an at-least-once job before.
 *
 * - Where several shards write to one key within an epoch, the last shard wins: key the stream by the key of the table.
 * - The transaction of `publish` is synchronous: some 2 µs for each row that an epoch has changed, and one flush.
 * - Keys sort as numbers, then bigints, strings, arrays; `-0` is `0`. Rows are plain data: maps, sets, dates and typed
 *   arrays come back as they are.
 *
 * @example
 * import { count, eventTime, iterable, keyBy, lmdb, openTable, pipeline, run, table, tumbling, unchecked, window } from 'tidemark';
 *
 * const perSong = pipeline('per-song', unchecked<{ song: string; at: number }>(), (play$) =>
 *   play$.pipe(
 *     eventTime({ timestamp: (play) => play.at }),
 *     keyBy((play) => play.song),
 *     window(tumbling({ size: '1m' }), count(), { uid: 'per-minute' }),
 *   ),
 * );
 * const plays = [{ song: 'Aria', at: 1 }, { song: 'Waltz', at: 2 }, { song: 'Aria', at: 3 }];
 * await run(perSong, {
 *   from: iterable(plays),
 *   to: table({ uid: 'songs', directory: './songs', key: (r) => r.key, value: (r) => r.value }),
 *   state: lmdb('./state'),
 * }).done;
 *
 * const songs = await openTable('./songs', unchecked<number>());
 * console.log(songs.get('Aria'), songs.entries().length); // => 2 2
 * await songs.close();
 *
 * @throws TidemarkError OPTIONS_INVALID, UID_INVALID at once; KEY_INVALID, VALUE_NOT_ENCODABLE or SINK_FAILED for a row
 *   that cannot be written; STATE_IN_USE, STATE_DAMAGED, STATE_OF_ANOTHER_JOB, STATE_VERSION_UNKNOWN at the recovery;
 *   STATE_WRITE_FAILED
 */
export function table<T>(options: TableOptions<T>): Sink<T> {
  const checked = checkOptions(optionsSchema, options, 'table()');
  const uid = checkName(checked.uid, 'table(), uid');
  const { directory } = checked;
  const store = typeof directory === 'string' ? lmdb(directory) : directory;
  const where = `table "${uid}" in ${store.description}`;
  const openStore = (job: string, runtime: Runtime): Promise<TableStore> =>
    TableStore.open({ store, runtime, where, job, uid });
  let current: Shared | undefined;
  const release = async (shared: Shared): Promise<void> => {
    shared.writers -= 1;
    if (shared.writers > 0) return;
    if (current === shared) current = undefined;
    await (await shared.opening).close();
  };
  return {
    uid,
    guarantee: 'two-phase',
    allowDuplicates: false,
    async recover(prepared, sinkRun, runtime) {
      // Nobody may be there to close it later: a job that has finished opens no writer.
      const recovering = await openStore(sinkRun.job, runtime);
      try {
        recovering.recover(prepared, sinkRun);
      } finally {
        await recovering.close();
      }
      // What a crash that was only simulated has left belongs to a run that is over.
      current = undefined;
    },
    async open(instance, runtime) {
      const shared = (current ??= { opening: openStore(instance.job, runtime), writers: 0 });
      shared.writers += 1;
      try {
        const opened = await shared.opening;
        const closed = (): Promise<void> => release(shared);
        return new TableWriter({ ...checked, where, instance, store: opened, release: closed });
      } catch (error) {
        if (current === shared) current = undefined;
        throw error;
      }
    },
  };
}

/** What the writers of a run share, open as long as one of them is. */
interface Shared {
  readonly opening: Promise<TableStore>;
  writers: number;
}

interface WriterOptions {
  readonly key: (value: unknown) => Key;
  readonly value?: ((value: unknown) => unknown) | undefined;
  readonly remove?: ((value: unknown) => boolean) | undefined;
  readonly where: string;
  readonly instance: SinkInstance;
  readonly store: TableStore;
  readonly release: () => Promise<void>;
}

interface Change {
  readonly key: Uint8Array;
  readonly row: Uint8Array | undefined;
}

/** Changed rows are written ahead beyond it, so that the heap does not grow with the epoch. */
const CHANGED_BYTES_MAX = 4 * 1024 * 1024;
/** What an entry of a `Map` takes beside its bytes, about. */
const CHANGE_OVERHEAD_BYTES = 200;

class TableWriter implements SinkWriter {
  readonly #options: WriterOptions;
  readonly #guarantee: Guarantee;
  #changes = new Map<string, Change>();
  #changedBytes = 0;
  #stages: string[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#guarantee = options.instance.guarantee;
  }

  write(values: readonly unknown[]): void {
    for (const value of values) this.#change(value);
    if (this.#changedBytes > CHANGED_BYTES_MAX) this.#stage();
  }

  async prepare(epoch: number): Promise<Prepared> {
    if (this.#changes.size > 0) this.#stage();
    const stages = this.#stages;
    this.#stages = [];
    if (stages.length === 0) return undefined;
    const prepared = await this.#options.store.prepare(epoch, stages);
    if (this.#guarantee === 'exactly-once') return prepared;
    await this.#options.store.publish(prepared);
    return undefined;
  }

  async publish(prepared: Prepared): Promise<void> {
    if (prepared !== undefined) await this.#options.store.publish(prepared);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#options.release());
  }

  #change(value: unknown): void {
    const { key, value: rowOf, remove, where } = this.#options;
    const encoded = encodeKey(key(value), where);
    // Checked here, where the element is in hand, and not at the commit.
    const name = rowKeyOf(encoded, where);
    const row = remove?.(value) === true ? undefined : rowOf === undefined ? value : rowOf(value);
    const change = { key: encoded, row: row === undefined ? undefined : sealValue(row) };
    this.#changes.set(name, change);
    this.#changedBytes += encoded.length + (change.row?.length ?? 0) + CHANGE_OVERHEAD_BYTES;
  }

  #stage(): void {
    const slab = new SlabWriter();
    for (const { key, row } of this.#changes.values()) slab.append(key, row);
    this.#stages.push(this.#options.store.stage(this.#options.instance.instance, slab.finish()));
    this.#changes = new Map();
    this.#changedBytes = 0;
  }
}
