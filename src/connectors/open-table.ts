/** Reads a table that a job writes, from any process of this machine: short transactions, whole epochs. */
import { Observable } from 'rxjs';
import { z } from 'zod';
import { systemClock, type Clock } from '../core/clock.js';
import { durationMs, type Duration } from '../core/duration.js';
import { TidemarkError, show } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { checkOptions, durationOption } from '../dsl/options.js';
import { parserOf, type InputType } from '../dsl/schema.js';
import { openStoreReader, type StoreReader, type StoreReading } from '../state/lmdb-reader.js';
import { openSealed } from '../state/sealed-value.js';
import {
  ROWS_END,
  ROWS_START,
  TABLE_KEY,
  keyOfRow,
  openTableRecord,
  rowKey,
} from './table-rows.js';

/** The rows from a key on, up to another one. */
export interface RowRange {
  /** The first key, included. Default: from the first row on. */
  readonly from?: Key;
  /** The last key, excluded. Default: up to the last row. */
  readonly to?: Key;
  /** Rows at most. Default 1,000. */
  readonly limit?: number;
  /** From the last row to the first. Default false. */
  readonly reverse?: boolean;
}

export interface Row<V> {
  readonly key: Key;
  readonly value: V;
}

/** What stands still during a `snapshot`. */
export interface TableSnapshot<V> {
  /** The last epoch that changed a row; 0 before the first. All of its rows are there, and none of a later one. */
  readonly epoch: number;
  get(key: Key): V | undefined;
  /** Rows in the order of their keys: false, true, numbers, bigints, strings, arrays, objects. */
  range(range?: RowRange): Row<V>[];
  /** All rows at once. For large tables read pages by `range`, each from behind the last key. */
  entries(): Row<V>[];
}

/** @see openTable */
export interface TableReader<V> extends TableSnapshot<V> {
  /** Several reads that see the same epoch. The function must not be async. */
  snapshot<Out>(look: (table: TableSnapshot<V>) => Out): Out;
  /** The present epoch at once, then each new one that a look finds. Completes when the reader is closed. */
  watch(options?: { readonly every?: Duration }): Observable<number>;
  close(): Promise<void>;
}

export interface OpenTableOptions {
  /** For `watch`; default the clock of the system. */
  readonly clock?: Clock;
}

const rangeSchema = z.strictObject({
  from: z.unknown().optional(),
  to: z.unknown().optional(),
  limit: z.int().min(1).default(1000),
  reverse: z.boolean().default(false),
});
const watchSchema = z.strictObject({ every: durationOption({ min: 1 }).default('100ms') });
const optionsSchema = z.strictObject({
  clock: z.custom<Clock>((value) => typeof value === 'object', { error: 'a clock' }).optional(),
});

/**
 * Opens a table that a `table` sink writes, for reading: while the job runs or not, in its process or in another one,
 * up to 32 at a time. Each call sees the newest epoch; `snapshot` holds one still.
 *
 * @param schema of the rows; each row is checked when it is read
 *
 * @example
 * import { iterable, lmdb, map, openTable, pipeline, run, table, unchecked } from 'tidemark';
 *
 * const copied = pipeline('copied', unchecked<[string, number]>(), (n$) => n$.pipe(map((n) => n)));
 * await run(copied, {
 *   from: iterable([['b', 2], ['a', 1], ['c', 3], ['a', 4]] as [string, number][]),
 *   to: table({ uid: 'out', directory: './table', key: ([key]) => key, value: ([, n]) => n }),
 *   state: lmdb('./state'),
 * }).done;
 *
 * const reader = await openTable('./table', unchecked<number>());
 * console.log(reader.epoch, reader.get('a'), reader.get('z')); // => 1 4 undefined
 * console.log(reader.range({ from: 'b', limit: 1 })); // => [ { key: 'b', value: 2 } ]
 * await reader.close();
 *
 * @throws TidemarkError TABLE_NOT_FOUND while no job has made it; STATE_IN_USE when too many readers are there;
 *   STATE_DAMAGED, STATE_VERSION_UNKNOWN. Reads throw STATE_DAMAGED, RECORD_INVALID and KEY_INVALID.
 */
export async function openTable<V>(
  directory: string,
  schema: InputType<V>,
  options: OpenTableOptions = {},
): Promise<TableReader<V>> {
  checkOptions(z.string().min(1), directory, 'openTable()');
  const { clock = systemClock } = checkOptions(optionsSchema, options, 'openTable()');
  const where = `table in ${directory}`;
  const parse = parserOf(schema, where) as ((value: unknown) => V) | undefined;
  const store = await guarded(where, () => openStoreReader(directory));
  if (store === undefined) throw notFound(where);
  const reader = new LmdbTable<V>({ store, where, clock, parse: parse ?? ((value) => value as V) });
  try {
    void reader.epoch;
  } catch (error) {
    await reader.close();
    throw error;
  }
  return reader;
}

interface LmdbTableOptions<V> {
  readonly store: StoreReader;
  readonly where: string;
  readonly clock: Clock;
  readonly parse: (value: unknown) => V;
}

class LmdbTable<V> implements TableReader<V> {
  readonly #options: LmdbTableOptions<V>;
  readonly #watchers = new Set<() => void>();
  #closing: Promise<void> | undefined;

  constructor(options: LmdbTableOptions<V>) {
    this.#options = options;
  }

  get epoch(): number {
    const { where } = this.#options;
    const sealed = this.#read((reading) => reading.get(TABLE_KEY));
    if (sealed === undefined) throw notFound(where);
    return openTableRecord(sealed, where).epoch;
  }

  get(key: Key): V | undefined {
    const name = rowKey(key, this.#options.where);
    const row = this.#read((reading) => reading.get(name));
    return row === undefined ? undefined : this.#rowOf(row, key);
  }

  range(range: RowRange = {}): Row<V>[] {
    const { where } = this.#options;
    const { from, to, limit, reverse } = checkOptions(rangeSchema, range, 'range()');
    return this.#rows({
      from: from === undefined ? ROWS_START : rowKey(from as Key, where),
      to: to === undefined ? ROWS_END : rowKey(to as Key, where),
      limit,
      reverse,
    });
  }

  entries(): Row<V>[] {
    return this.#rows({ from: ROWS_START, to: ROWS_END, limit: Infinity, reverse: false });
  }

  snapshot<Out>(look: (table: TableSnapshot<V>) => Out): Out {
    return this.#read(() => look(this));
  }

  watch(options: { readonly every?: Duration } = {}): Observable<number> {
    const { every } = checkOptions(watchSchema, options, 'watch()');
    const everyMs = durationMs(every, 'every of watch()');
    const { clock } = this.#options;
    return new Observable((subscriber) => {
      let seen: number | undefined;
      let cancel = (): void => undefined;
      const look = (): void => {
        try {
          const { epoch } = this;
          if (epoch !== seen) subscriber.next((seen = epoch));
        } catch (error) {
          return subscriber.error(error);
        }
        if (!subscriber.closed) cancel = clock.setTimer(clock.now() + everyMs, look);
      };
      const complete = (): void => subscriber.complete();
      this.#watchers.add(complete);
      look();
      return () => {
        cancel();
        this.#watchers.delete(complete);
      };
    });
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      for (const complete of this.#watchers) complete();
      this.#closing = this.#options.store.close();
    }
    return this.#closing;
  }

  #rows(range: Parameters<StoreReading['range']>[0]): Row<V>[] {
    const found = this.#read((reading) => reading.range(range));
    return found.map(({ key: name, value }) => {
      const key = keyOfRow(name);
      return { key, value: this.#rowOf(value, key) };
    });
  }

  #rowOf(sealed: Uint8Array, key: Key): V {
    return this.#options.parse(openSealed(sealed, `${this.#options.where}, row ${show(key)}`));
  }

  #read<Out>(look: (reading: StoreReading) => Out): Out {
    const { store, where } = this.#options;
    if (this.#closing === undefined) return store.read(look);
    throw new TidemarkError('TABLE_NOT_FOUND', {
      expected: 'a reader that is open',
      got: 'one that was closed',
      where,
      hint: 'Open the table again.',
    });
  }
}

/** What LMDB says, as a coded error. */
async function guarded<Out>(where: string, act: () => Promise<Out>): Promise<Out> {
  try {
    return await act();
  } catch (cause) {
    const isCrowded = String(cause).includes('MDB_READERS_FULL');
    throw new TidemarkError(isCrowded ? 'STATE_IN_USE' : 'STATE_DAMAGED', {
      expected: isCrowded ? 'at most 32 readers at a time' : 'a table that can be opened',
      got: show(cause),
      where,
      hint: isCrowded
        ? 'Close readers that are not needed, or share one.'
        : 'See the cause; a job that opens the table says what is wrong with it.',
      cause,
    });
  }
}

function notFound(where: string): TidemarkError {
  return new TidemarkError('TABLE_NOT_FOUND', {
    expected: 'a table that a job has written',
    got: 'none',
    where,
    hint: 'Start the job first, and see that it writes to this directory; then try again.',
  });
}
