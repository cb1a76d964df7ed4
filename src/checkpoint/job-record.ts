/**
 * The record of a committed epoch: everything that must be agreed on beside keyed state, in one sealed value.
 *
 * It is read whole or refused whole: a checksum covers it, and a format version that this release does not know is an
 * error before anything else is touched.
 */
import { TidemarkError, show } from '../core/errors.js';
import type { Cursor, Prepared } from '../core/connector.js';
import type { Counters } from '../core/operator.js';
import { crc32 } from '../state/checksum.js';
import { decodeValue, encodeValue } from '../state/value-codec.js';
import type { NodeMark } from '../time/frontier.js';

/**
 * 2: marks hold the sides of a step and whether it has been idle, and broadcast state may be there. Records of format 1
 * lack all of it, and are read as they are.
 */
export const RECORD_FORMAT = 2;
const OLDEST_FORMAT = 1;

/** Where one split of a source stands, and what its watermark generators know. */
export interface SplitRecord {
  readonly input: string;
  readonly split: string;
  /** undefined before the first chunk. */
  readonly cursor: Cursor | undefined;
  readonly hasEnded: boolean;
  readonly bytesRead: number;
  /** State of each generator by name. */
  readonly generators: ReadonlyMap<string, unknown>;
}

/** What a source with discovery has finished. */
export interface DiscoveredRecord {
  /** 8 bytes of the SHA-256 of each name, oldest first. */
  readonly names: Uint8Array;
  /** Bytes read from all of them, for progress. */
  readonly bytes: number;
}

/** Epochs that a record remembers. */
export const EPOCHS_KEPT_MAX = 100;

/** A committed epoch, as `run.checkpoints()` tells of it. */
export interface EpochInfo {
  readonly epoch: number;
  /** Wall-clock ms of the commit. */
  readonly time: number;
  /** ms from its barriers to the commit. */
  readonly durationMs: number;
  /** Bytes of state that it wrote; those of sinks are not among them. */
  readonly bytes: number;
  /** `interval`, `records` and `bytes` are limits of `checkpoint`; `forced` is asked for by the state backend. */
  readonly reason: 'interval' | 'records' | 'bytes' | 'demand' | 'forced' | 'stop' | 'end';
}

export interface JobRecord {
  readonly job: string;
  readonly epoch: number;
  readonly maxParallelism: number;
  /** All inputs had ended and everything was fired. */
  readonly isFinished: boolean;
  readonly splits: readonly SplitRecord[];
  /** By input, for sources with discovery; absent in what older releases have written. */
  readonly discovered?: ReadonlyMap<string, DiscoveredRecord>;
  /** How far the steps had come, by uid or derived name. */
  readonly marks: ReadonlyMap<string, NodeMark>;
  /** What sinks have prepared, by uid: published again after a crash. */
  readonly sinks: ReadonlyMap<string, readonly Prepared[]>;
  /** Kind of operator by uid, so that a uid that has changed hands is noticed. */
  readonly operators: ReadonlyMap<string, string>;
  readonly counters: ReadonlyMap<string, Counters>;
  readonly records: number;
  /** The last epochs, oldest first, this one last; older records have none. */
  readonly history?: readonly EpochInfo[];
  /** The sinks have published all of it: set once a run has ended in good order. */
  readonly isPublished?: boolean;
  /** The id of the savepoint or snapshot that this state was made of; undefined for one that began empty. */
  readonly origin?: string | undefined;
  /** The state has just been set back: sinks may find outputs of later epochs. Gone with the next commit. */
  readonly isRewound?: boolean | undefined;
  /** Schemas that states have been written under, by uid and name of the state, oldest first. */
  readonly schemas?: StoredSchemas | undefined;
}

/** One schema that a state was declared with; `json` is empty where none was declared, or it has no JSON Schema. */
export interface StoredSchema {
  readonly hash: string;
  readonly json: string;
}

export type StoredSchemas = ReadonlyMap<string, ReadonlyMap<string, readonly StoredSchema[]>>;

export function sealRecord(record: JobRecord): Uint8Array {
  const body = encodeValue({ format: RECORD_FORMAT, ...record });
  const sealed = new Uint8Array(body.length + 4);
  sealed.set(body);
  new DataView(sealed.buffer).setUint32(body.length, crc32(body));
  return sealed;
}

/** @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN */
export function openRecord(sealed: Uint8Array, where: string): JobRecord {
  const body = sealed.subarray(0, Math.max(0, sealed.length - 4));
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (sealed.length < 5 || view.getUint32(body.length) !== crc32(body))
    throw damaged(where, 'bytes that do not match');
  const record = decodeValue(body) as JobRecord & { readonly format: number };
  const { format } = record;
  if (!Number.isInteger(format) || format < OLDEST_FORMAT || format > RECORD_FORMAT)
    throw new TidemarkError('STATE_VERSION_UNKNOWN', {
      expected: `state of format ${OLDEST_FORMAT} to ${RECORD_FORMAT}`,
      got: `format ${show(format)}`,
      where,
      hint: 'Use the release of Tidemark that wrote this state, or a newer one.',
    });
  return record;
}

export function damaged(where: string, got: string): TidemarkError {
  return new TidemarkError('STATE_DAMAGED', {
    expected: 'committed state that matches its checksum',
    got,
    where,
    hint: 'Do not mend the files by hand: restore the state directory from a backup, or begin again with an empty one.',
  });
}
