/**
 * The embedded commit: one store holds everything, and one small atomic batch at the end of an epoch is the commit.
 *
 *     slab/17, slab/18 …        written ahead, referred to by nobody
 *     refs/slots/40/plays  →  [3, 9, 17]     which slabs make up a bucket, oldest first
 *     job                  →  epoch, positions, watermarks, what sinks have prepared
 *                               └── the batch of changed refs and the job record IS the commit
 *
 * Laws: a slab is never changed; what a commit refers to is on disk before it; what no commit refers to is removed.
 */
import { TidemarkError } from '../core/errors.js';
import type { BatchEntry, StateBackend } from '../state/backend.js';
import type { CommittedState, StateRecord } from './committed-state.js';
import { BUCKET_BITS } from '../state/slots.js';
import { mergeSlabs } from '../state/slab.js';
import { decodeValue, encodeValue } from '../state/value-codec.js';
import { damaged, openRecord, sealRecord, type JobRecord } from './job-record.js';
import { liveRecords, slabKinds, type FrozenSlab, type SlabKind } from './store-slabs.js';

/** A bucket of more slabs than this is merged into one when it next changes, so that recovery stays bounded. */
const SLABS_PER_BUCKET_MAX = 8;

const JOB_KEY = 'job';
const SLAB_PREFIX = 'slab/';
const REFS_PREFIX = 'refs/';

interface BucketName {
  readonly uid: string;
  readonly kind: SlabKind;
  readonly bucket: number;
}

export class EmbeddedCommitter {
  readonly #backend: StateBackend;
  readonly #where: string;
  /** Slab numbers of each bucket as of the last commit, by its refs key. */
  readonly #refs = new Map<string, readonly number[]>();
  /** What the epoch in commit changes. */
  #changes = new Map<string, readonly number[]>();
  #obsolete: number[] = [];
  #nextSlab = 1;
  /** Refs that the next commit removes. */
  #forgotten: string[] = [];
  /** Copies that are being made: what they refer to is not removed. */
  #holds = 0;

  /**
   * @param options.where names the store in errors
   * @param options.forget begins as if nothing had been committed; the next commit replaces what there is. Default false
   */
  constructor(backend: StateBackend, options: { where: string; forget?: boolean }) {
    this.#backend = backend;
    this.#where = options.where;
    if (options.forget === true) this.#forgotten = backend.keys(REFS_PREFIX);
    for (const key of options.forget === true ? [] : backend.keys(REFS_PREFIX)) {
      const value = backend.get(key);
      if (value !== undefined) this.#refs.set(key, decodeValue(value) as number[]);
    }
    for (const key of backend.keys(SLAB_PREFIX))
      this.#nextSlab = Math.max(this.#nextSlab, slabNumber(key) + 1);
  }

  /** The record of the last commit, undefined for a new store. */
  read(): JobRecord | undefined {
    const sealed = this.#backend.get(JOB_KEY);
    if (sealed === undefined) {
      if (this.#refs.size > 0) throw damaged(this.#where, 'slabs without the record of an epoch');
      return undefined;
    }
    return openRecord(sealed, `${this.#where}, job record`);
  }

  /** Uids that the last commit holds keyed state of. */
  uids(): Set<string> {
    return new Set([...this.#refs.keys()].map((key) => parseRefs(key).uid));
  }

  /** Gives the slabs of an operator whose key group lies in the range, bucket by bucket, slots before timers. */
  *buckets(
    uid: string,
    groups: { from: number; to: number },
  ): Generator<{ kind: SlabKind; slabs: Uint8Array[]; where: string }> {
    const named = [...this.#refs].flatMap(([key, numbers]) => {
      const name = parseRefs(key);
      const group = name.bucket >> BUCKET_BITS;
      return name.uid === uid && group >= groups.from && group < groups.to
        ? [{ ...name, numbers }]
        : [];
    });
    for (const kind of slabKinds)
      for (const { bucket, numbers } of named.filter((name) => name.kind === kind)) {
        const where = `${this.#where}, ${kind} of "${uid}", bucket ${bucket}`;
        yield { kind, where, slabs: numbers.map((number) => this.#slab(number, where)) };
      }
  }

  /** Writes a slab of the epoch ahead; merges the bucket when it has become long. */
  write(uid: string, { kind, bucket, bytes }: FrozenSlab): void {
    const key = refsKey({ uid, kind, bucket });
    const before = this.#changes.get(key) ?? this.#refs.get(key) ?? [];
    const number = this.#nextSlab;
    this.#nextSlab += 1;
    if (before.length < SLABS_PER_BUCKET_MAX) {
      this.#backend.writeAhead(SLAB_PREFIX + number, bytes);
      this.#changes.set(key, [...before, number]);
      return;
    }
    const where = `${this.#where}, bucket ${bucket} of "${uid}"`;
    const older = before.map((old) => this.#slab(old, where));
    const merged = mergeSlabs([...older, bytes], { base: true, where });
    this.#backend.writeAhead(SLAB_PREFIX + number, merged);
    this.#changes.set(key, [number]);
    this.#obsolete.push(...before);
  }

  flushed(): Promise<void> {
    return this.#backend.flushed();
  }

  /** The commit. */
  commit(record: JobRecord): void {
    const refs = [...this.#changes].map(([key, numbers]): BatchEntry => ({
      key,
      value: encodeValue(numbers),
    }));
    const forgotten = this.#forgotten
      .filter((key) => !this.#changes.has(key))
      .map((key): BatchEntry => ({ key, value: undefined }));
    this.#backend.commit([...forgotten, ...refs, { key: JOB_KEY, value: sealRecord(record) }]);
    for (const { key } of forgotten) this.#refs.delete(key);
    for (const [key, numbers] of this.#changes) this.#refs.set(key, numbers);
    this.#changes = new Map();
    this.#forgotten = [];
  }

  /** Moves state to other uids, and drops that of uids that nobody wants; takes part in the next commit. */
  reassign(renamed: ReadonlyMap<string, string>, dropped: ReadonlySet<string>): void {
    for (const [key, numbers] of this.#refs) {
      const name = parseRefs(key);
      const to = renamed.get(name.uid);
      if (to === undefined && !dropped.has(name.uid)) continue;
      this.#forgotten.push(key);
      if (to !== undefined) this.#changes.set(refsKey({ ...name, uid: to }), numbers);
    }
  }

  /** Holds what the last commit has written, to be copied while work goes on. */
  hold(record: JobRecord): CommittedState {
    const refs = new Map(this.#refs);
    this.#holds += 1;
    return {
      record,
      uids: [...new Set([...refs.keys()].map((key) => parseRefs(key).uid))].toSorted(),
      records: (uid) => this.#records(refs, uid),
      release: () => void (this.#holds -= 1),
    };
  }

  /** Removes slabs that the last commit no longer refers to. */
  clean(): void {
    if (this.#holds > 0) return;
    this.#backend.discard(this.#obsolete.map((number) => SLAB_PREFIX + number));
    this.#obsolete = [];
  }

  /** Removes everything that a crash has left unreferenced; once, at open. */
  cleanAll(): void {
    const referred = new Set([...this.#refs.values()].flat());
    this.#backend.discard(
      this.#backend.keys(SLAB_PREFIX).filter((key) => !referred.has(slabNumber(key))),
    );
  }

  *#records(
    refs: ReadonlyMap<string, readonly number[]>,
    uid: string,
  ): Generator<StateRecord, void, void> {
    const buckets = [...refs]
      .map(([key, numbers]) => ({ ...parseRefs(key), numbers }))
      .filter((name) => name.uid === uid)
      .toSorted(
        (a, b) =>
          (a.bucket >> BUCKET_BITS) - (b.bucket >> BUCKET_BITS) ||
          slabKinds.indexOf(a.kind) - slabKinds.indexOf(b.kind),
      );
    for (const { kind, bucket, numbers } of buckets) {
      const where = `${this.#where}, ${kind} of "${uid}", bucket ${bucket}`;
      const slabs = numbers.map((number) => this.#slab(number, where));
      const group = bucket >> BUCKET_BITS;
      for (const { key, value } of liveRecords(slabs, where)) yield { kind, group, key, value };
    }
  }

  #slab(number: number, where: string): Uint8Array {
    const bytes = this.#backend.get(SLAB_PREFIX + number);
    if (bytes === undefined) throw damaged(where, `no slab ${number}`);
    return bytes;
  }
}

/** Refuses state that does not belong to this job, or not to this pipeline any more. */
export function checkRecord(
  record: JobRecord,
  job: {
    readonly name: string;
    readonly operators: ReadonlyMap<string, string>;
    readonly maxParallelism: number | undefined;
    readonly where: string;
  },
): void {
  const { where } = job;
  if (record.job !== job.name)
    throw new TidemarkError('STATE_OF_ANOTHER_JOB', {
      expected: `state of the job "${job.name}"`,
      got: `state of "${record.job}"`,
      where,
      hint: 'Give each job a state of its own, or rename the pipeline back.',
    });
  if (job.maxParallelism !== undefined && job.maxParallelism !== record.maxParallelism)
    throw new TidemarkError('MAX_PARALLELISM_CHANGED', {
      expected: `maxParallelism ${record.maxParallelism}, as the state was written with`,
      got: String(job.maxParallelism),
      where,
      hint: 'It is fixed for the life of the state; parallelism itself may change at any restart.',
    });
  for (const [uid, kind] of record.operators) {
    const now = job.operators.get(uid);
    if (now === kind) continue;
    throw new TidemarkError('STATE_INCOMPATIBLE', {
      expected: `an operator "${uid}" of kind ${kind}, whose state is kept here`,
      got: now === undefined ? 'a pipeline without it' : `one of kind ${now}`,
      where,
      hint: 'Put the uid back, or begin with an empty state.',
    });
  }
}

function refsKey({ uid, kind, bucket }: BucketName): string {
  return `${REFS_PREFIX}${kind}/${bucket}/${uid}`;
}

function parseRefs(key: string): BucketName {
  const [, kind, bucket, ...uid] = key.split('/');
  return { kind: kind as SlabKind, bucket: Number(bucket), uid: uid.join('/') };
}

function slabNumber(key: string): number {
  return Number(key.slice(SLAB_PREFIX.length));
}
