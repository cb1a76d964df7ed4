/**
 * The store behind a `table` sink: rows of an epoch are staged under keys that nobody reads, and become the table in one
 * transaction, together with the number of the epoch.
 *
 *     stage/0-k3f-1, stage/1-k3f-1 …      slabs of upserts and tombstones, flushed in `prepare`
 *     rows + removed stages + record      one batch, in `publish`: readers see all of an epoch or nothing
 *
 * Law: a stage is there until its rows are, and no longer. So a repeat finds nothing to do.
 */
import { z } from 'zod';
import type { Prepared, SinkRun } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import type { Runtime } from '../core/runtime.js';
import type { BatchEntry, StateBackend, StateBackendFactory } from '../state/backend.js';
import { forEachRecord } from '../state/slab.js';
import {
  STAGE_PREFIX,
  TABLE_FORMAT,
  TABLE_KEY,
  openTableRecord,
  rowKeyOf,
  sealTableRecord,
  type TableRecord,
} from './table-rows.js';

/** What the commit holds of a writer. */
const preparedSchema = z.object({
  table: z.string(),
  epoch: z.int().min(1),
  stages: z.array(z.string().startsWith(STAGE_PREFIX)),
});

export type PreparedTable = z.output<typeof preparedSchema>;

export interface TableStoreOptions {
  readonly store: StateBackendFactory;
  readonly runtime: Runtime;
  readonly where: string;
  readonly job: string;
  readonly uid: string;
}

export class TableStore {
  readonly #options: TableStoreOptions;
  readonly #backend: StateBackend;
  #record: TableRecord;
  /** Prepared by any writer of this run, and not published. */
  #unpublished: PreparedTable[] = [];
  /** Of this opening: what a dead process has staged has another one. */
  readonly #token: string;
  #stages = 0;

  static async open(options: TableStoreOptions): Promise<TableStore> {
    const backend = await options.store.open();
    try {
      await options.runtime.at('table.opened');
      return new TableStore(options, backend);
    } catch (error) {
      await backend.close();
      throw error;
    }
  }

  private constructor(options: TableStoreOptions, backend: StateBackend) {
    this.#options = options;
    this.#backend = backend;
    const { random } = options.runtime;
    this.#token = Math.floor(random() * 2 ** 48).toString(36);
    this.#record = this.#read() ?? this.#create();
  }

  get id(): string {
    return this.#record.id;
  }

  /** Finishes the committed epoch, removes what no commit knows, and refuses a table that is not that of the state. */
  recover(prepared: readonly Prepared[], { guarantee, epoch }: SinkRun): void {
    const parts = prepared.map((part) => this.#parse(part));
    if (guarantee === 'exactly-once' && this.#record.epoch > epoch)
      throw damaged(
        this.#options.where,
        `a table as of epoch ${epoch} or before, the last one that the state knows`,
        `one as of epoch ${this.#record.epoch}`,
        'The state was removed or set back while the table stayed; remove the table too, or restore the state.',
      );
    if (parts.length > 0) this.#apply(parts);
    const left = this.#backend.keys(STAGE_PREFIX);
    if (left.length > 0) this.#backend.discard(left);
  }

  /** Writes a slab of rows ahead; gives the key that `prepare` puts into the commit. */
  stage(instance: number, slab: Uint8Array): string {
    this.#stages += 1;
    const key = `${STAGE_PREFIX}${instance}-${this.#token}-${this.#stages}`;
    this.#backend.writeAhead(key, slab);
    return key;
  }

  async prepare(epoch: number, stages: readonly string[]): Promise<PreparedTable> {
    const { runtime } = this.#options;
    await runtime.at('table.staged');
    await this.#backend.flushed();
    await runtime.at('table.flushed');
    const part = { table: this.#record.id, epoch, stages: [...stages] };
    this.#unpublished.push(part);
    return part;
  }

  /**
   * Makes an epoch visible. The first writer to publish brings what the others have prepared with it: all of them are
   * in the same commit, and readers must not see half of it.
   */
  async publish(prepared: Prepared): Promise<void> {
    const part = this.#parse(prepared);
    const isOfEpoch = ({ epoch }: PreparedTable): boolean => epoch === part.epoch;
    const others = this.#unpublished.filter(isOfEpoch);
    this.#unpublished = this.#unpublished.filter((other) => !isOfEpoch(other));
    this.#apply(others.length > 0 ? others : [part]);
    await this.#options.runtime.at('table.published');
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  #apply(parts: readonly PreparedTable[]): void {
    const batch: BatchEntry[] = [];
    let epoch = this.#record.epoch;
    for (const part of parts) {
      for (const stage of part.stages) this.#addStage(stage, part.epoch, batch);
      epoch = Math.max(epoch, part.epoch);
    }
    if (batch.length === 0) return;
    const record = { ...this.#record, epoch };
    this.#backend.commit([...batch, { key: TABLE_KEY, value: sealTableRecord(record) }]);
    this.#record = record;
  }

  #addStage(stage: string, epoch: number, batch: BatchEntry[]): void {
    const slab = this.#backend.get(stage);
    const where = `${this.#options.where}, ${stage}`;
    if (slab === undefined) {
      // It went with the transaction that made its rows visible.
      if (this.#record.epoch >= epoch) return;
      throw damaged(where, `rows of epoch ${epoch}, which the commit knows`, 'nothing', putBack);
    }
    forEachRecord(slab, where, (key, value) => {
      batch.push({ key: rowKeyOf(key.take(), where), value: value?.take() });
    });
    batch.push({ key: stage, value: undefined });
  }

  #parse(prepared: Prepared): PreparedTable {
    const { where } = this.#options;
    const { data } = preparedSchema.safeParse(prepared);
    if (data === undefined)
      throw damaged(where, 'what this sink has prepared', show(prepared), putBack);
    if (data.table === this.#record.id) return data;
    throw damaged(where, `the table ${data.table}`, `the table ${this.#record.id}`, putBack);
  }

  #read(): TableRecord | undefined {
    const { where, job, uid } = this.#options;
    const sealed = this.#backend.get(TABLE_KEY);
    if (sealed === undefined) {
      if (this.#backend.keys('').length === 0) return undefined;
      throw damaged(where, 'the directory of a table, or an empty one', 'other entries', putBack);
    }
    const record = openTableRecord(sealed, where);
    if (record.job === job && record.uid === uid) return record;
    throw new TidemarkError('STATE_OF_ANOTHER_JOB', {
      expected: `a table of the sink "${uid}" of "${job}"`,
      got: `one of the sink "${record.uid}" of "${record.job}"`,
      where,
      hint: 'Give each table a directory of its own, or rename the sink or the pipeline back.',
    });
  }

  #create(): TableRecord {
    const { job, uid, runtime } = this.#options;
    const id = `${runtime.clock.now().toString(36)}-${this.#token}`;
    const record = { format: TABLE_FORMAT, id, job, uid, epoch: 0 };
    this.#backend.commit([{ key: TABLE_KEY, value: sealTableRecord(record) }]);
    return record;
  }
}

const putBack =
  'Put the directory of the table back as the job left it, or begin again with table and state empty.';

function damaged(where: string, expected: string, got: string, hint: string): TidemarkError {
  return new TidemarkError('STATE_DAMAGED', { expected, got, where, hint });
}
