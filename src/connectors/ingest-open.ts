/**
 * Opening the store of an ingest log: what is in it, whether all of it is there, and what a crash has left over.
 *
 *     meta               id of the log, by which a cursor knows it
 *     log/0000000000001  a record: the values from that number on
 *     trim/…             everything up to that number may be removed; on disk before anything is
 *     end                nothing follows
 */
import { TidemarkError } from '../core/errors.js';
import type { Runtime } from '../core/runtime.js';
import type { StateBackend, StateBackendFactory } from '../state/backend.js';
import { openSealed, sealValue } from '../state/sealed-value.js';
import { IngestIndex, type FoundEntry } from './ingest-index.js';
import { bytesOnDisk, readHead } from './ingest-record.js';

const FORMAT = 1;
const META_KEY = 'meta';
export const END_KEY = 'end';
const LOG_PREFIX = 'log/';
const TRIM_PREFIX = 'trim/';
/** Records checked between two turns of the event loop. */
const RECORDS_PER_TURN = 64;

export interface OpenLog {
  readonly backend: StateBackend;
  /** A cursor carries it, so that it is not taken to another log. */
  readonly id: string;
  readonly index: IngestIndex;
  /** Keys of the trim marks in the store: one, or none. */
  readonly trimMarks: readonly string[];
  readonly hasEnded: boolean;
}

export interface OpenLogOptions {
  readonly store: StateBackendFactory;
  readonly runtime: Runtime;
  /** Names the log in errors. */
  readonly where: string;
}

/** @throws TidemarkError STATE_IN_USE, STATE_DAMAGED, STATE_VERSION_UNKNOWN, STATE_WRITE_FAILED */
export async function openLog({ store, runtime, where }: OpenLogOptions): Promise<OpenLog> {
  const backend = await store.open();
  try {
    await runtime.at('ingest.opened');
    const id = readMeta(backend, runtime, where);
    const { index, trimMarks } = await readIndex(backend, runtime, where);
    return { backend, id, index, trimMarks, hasEnded: readEnd(backend, index, where) };
  } catch (error) {
    await backend.close();
    throw error;
  }
}

export function logKey(first: number): string {
  return LOG_PREFIX + padded(first);
}

/** Everything up to this number may be removed. */
export function trimMark(trimmed: number): string {
  return TRIM_PREFIX + padded(trimmed);
}

function readMeta(backend: StateBackend, { clock, random }: Runtime, where: string): string {
  const sealed = backend.get(META_KEY);
  if (sealed === undefined) {
    if (backend.keys('').length > 0)
      throw damaged(where, 'the directory of a log, or an empty one', 'other entries');
    const id = `${clock.now().toString(36)}-${Math.floor(random() * 2 ** 48).toString(36)}`;
    backend.commit([{ key: META_KEY, value: sealValue({ format: FORMAT, id }) }]);
    return id;
  }
  const meta = openSealed(sealed, `${where}, meta`) as { format: number; id: string };
  if (meta.format === FORMAT) return meta.id;
  throw new TidemarkError('STATE_VERSION_UNKNOWN', {
    expected: `a log of format ${FORMAT}`,
    got: `format ${meta.format}`,
    where,
    hint: 'Use the release of Tidemark that wrote this log, or a newer one.',
  });
}

async function readIndex(
  backend: StateBackend,
  { clock }: Runtime,
  where: string,
): Promise<Pick<OpenLog, 'index' | 'trimMarks'>> {
  const marks = backend.keys(TRIM_PREFIX);
  const trimmed = Math.max(0, ...marks.map((mark) => Number(mark.slice(TRIM_PREFIX.length))));
  const found: FoundEntry[] = [];
  for (const [at, key] of backend.keys(LOG_PREFIX).entries()) {
    const record = backend.get(key) ?? new Uint8Array(0);
    const head = readHead(record, `${where}, ${key}`);
    if (logKey(head.first) !== key)
      throw damaged(`${where}, ${key}`, 'the record of this key', `that of ${head.first}`);
    found.push({ ...head, bytes: bytesOnDisk(record) });
    if (at % RECORDS_PER_TURN === 0) await clock.turn();
  }
  const { index, removed } = IngestIndex.of(found, { trimmed, where });
  const [trimMarks, stale] = [
    marks.filter((mark) => mark === trimMark(trimmed)),
    marks.filter((mark) => mark !== trimMark(trimmed)),
  ];
  const keys = [...removed.map(({ first }) => logKey(first)), ...stale];
  // At once and for good: a number that was never acknowledged is given again.
  if (keys.length > 0) backend.commit(keys.map((key) => ({ key, value: undefined })));
  return { index, trimMarks };
}

function readEnd(backend: StateBackend, { last }: IngestIndex, where: string): boolean {
  const sealed = backend.get(END_KEY);
  if (sealed === undefined) return false;
  const said = (openSealed(sealed, `${where}, end`) as { last: number }).last;
  if (said === last) return true;
  throw damaged(where, `values up to ${said}`, `values up to ${last}`);
}

export function damaged(where: string, expected: string, got: string): TidemarkError {
  return new TidemarkError('STATE_DAMAGED', {
    expected,
    got,
    where,
    hint: 'Restore the directory of the log from a copy, together with the state of its job.',
  });
}

/** Padded, so that keys sort as numbers do. */
function padded(number: number): string {
  return String(number).padStart(16, '0');
}
