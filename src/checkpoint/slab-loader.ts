/** Records into the slabs of an embedded committer: how a copy of state becomes the state of a job. */
import { assert } from '../core/errors.js';
import { murmur3 } from '../core/murmur3.js';
import { SlabWriter } from '../state/slab.js';
import { BUCKET_BITS } from '../state/slots.js';
import type { StateLoader, StateRecord } from './committed-state.js';
import type { EmbeddedCommitter } from './embedded-committer.js';
import type { JobRecord } from './job-record.js';
import type { SlabKind } from './store-slabs.js';

/** A slab is handed on when it has become this long, so that memory stays bounded however large a group is. */
const SLAB_BYTES_MAX = 16 * 2 ** 20;

export class SlabLoader implements StateLoader {
  readonly #committer: EmbeddedCommitter;
  #uid = '';
  #kind: SlabKind = 'slots';
  #group = -1;
  #slabs = new Map<number, SlabWriter>();
  pending = 0;

  /** @param committer one that forgets what was committed before */
  constructor(committer: EmbeddedCommitter) {
    this.#committer = committer;
  }

  add(uid: string, { kind, group, key, value }: StateRecord): void {
    if (uid !== this.#uid || kind !== this.#kind || group !== this.#group) {
      this.#handOn();
      this.#uid = uid;
      this.#kind = kind;
      this.#group = group;
    }
    const bucket = (group << BUCKET_BITS) | (kind === 'slots' ? subBucket(key) : 0);
    let slab = this.#slabs.get(bucket);
    if (slab === undefined) this.#slabs.set(bucket, (slab = new SlabWriter()));
    slab.append(key, value);
    this.pending += key.length + value.length;
    if (slab.byteLength < SLAB_BYTES_MAX) return;
    this.#committer.write(uid, { kind, bucket, bytes: slab.finish() });
    this.#slabs.delete(bucket);
  }

  async flushed(): Promise<void> {
    this.#handOn();
    await this.#committer.flushed();
    this.pending = 0;
  }

  commit(record: JobRecord): void {
    assert(
      this.#slabs.size === 0 && this.pending === 0,
      'what is loaded is flushed, then committed',
    );
    this.#committer.commit(record);
  }

  #handOn(): void {
    for (const [bucket, slab] of this.#slabs)
      this.#committer.write(this.#uid, { kind: this.#kind, bucket, bytes: slab.finish() });
    this.#slabs.clear();
  }
}

/** The bucket in its group that a store will look for the key in. */
function subBucket(key: Uint8Array): number {
  // The hash of a key is that of its encoding.
  return (murmur3(key) >>> 16) & ((1 << BUCKET_BITS) - 1);
}
