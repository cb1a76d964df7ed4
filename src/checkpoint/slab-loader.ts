/** Records into the runs of an embedded committer: how a copy of state becomes the state of a job. */
import { assert } from '../core/errors.js';
import { murmur3 } from '../core/murmur3.js';
import { ByteReader, ByteWriter } from '../state/bytes.js';
import { partOf, placeOf, placeOfTime } from '../state/places.js';
import { RunWriter } from '../state/run-writer.js';
import type { StateLoader, StateRecord } from './committed-state.js';
import type { EmbeddedCommitter } from './embedded-committer.js';
import type { JobRecord } from './job-record.js';
import { writeTime, type SlabKind } from './store-slabs.js';

/** What has come is sorted and handed on when it has become this much, so that memory stays bounded. */
const BYTES_MAX = 16 * 2 ** 20;
const TIME_BYTES = 8;

interface Loaded {
  readonly place: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export class SlabLoader implements StateLoader {
  readonly #committer: EmbeddedCommitter;
  readonly #maxParallelism: number;
  #uid = '';
  /** By kind and part. */
  #waiting = new Map<string, Loaded[]>();
  #bytes = 0;
  pending = 0;

  /** @param committer one that forgets what was committed before */
  constructor(committer: EmbeddedCommitter, maxParallelism: number) {
    this.#committer = committer;
    this.#maxParallelism = maxParallelism;
  }

  add(uid: string, { kind, key, value }: StateRecord): void {
    if (uid !== this.#uid || this.#bytes > BYTES_MAX) this.#handOn();
    this.#uid = uid;
    const isSlot = kind === 'slots';
    const place = placeOf(murmur3(isSlot ? key : key.subarray(TIME_BYTES)), this.#maxParallelism);
    const name = `${kind}/${partOf(place)}`;
    const loaded = isSlot ? { place, key: key.slice(), value: value.slice() } : timerOf(key);
    const others = this.#waiting.get(name);
    if (others === undefined) this.#waiting.set(name, [loaded]);
    else others.push(loaded);
    this.#bytes += key.length + value.length;
    this.pending += key.length + value.length;
  }

  async flushed(): Promise<void> {
    this.#handOn();
    await this.#committer.flushed();
    this.pending = 0;
  }

  commit(record: JobRecord): void {
    assert(
      this.#waiting.size === 0 && this.pending === 0,
      'what is loaded is flushed, then committed',
    );
    this.#committer.commit(record);
  }

  #handOn(): void {
    for (const [name, records] of this.#waiting) {
      const [kind, part] = name.split('/') as [SlabKind, string];
      const write = (block: Uint8Array): void =>
        this.#committer.write(this.#uid, { kind, part: Number(part), block, index: undefined });
      const writer = new RunWriter(kind === 'slots');
      for (const { place, key, value } of records.sort(byPlaceAndKey)) {
        const full = writer.cut(place);
        if (full !== undefined) write(full);
        const payload = writer.begin(place);
        payload.bytes(key);
        writer.endKey();
        payload.bytes(value);
        writer.end();
      }
      this.#committer.write(this.#uid, {
        kind,
        part: Number(part),
        ...writer.finish(records.length),
      });
    }
    this.#waiting.clear();
    this.#bytes = 0;
  }
}

/** A timer as runs have it. */
function timerOf(key: Uint8Array): Loaded {
  const time = new ByteReader(key).f64();
  const writer = new ByteWriter(key.length);
  writeTime(writer, time);
  writer.bytes(key.subarray(TIME_BYTES));
  return { place: placeOfTime(time), key: writer.take(), value: new Uint8Array(0) };
}

function byPlaceAndKey(a: Loaded, b: Loaded): number {
  if (a.place !== b.place) return a.place - b.place;
  const length = Math.min(a.key.length, b.key.length);
  for (let at = 0; at < length; at += 1) {
    const difference = (a.key[at] as number) - (b.key[at] as number);
    if (difference !== 0) return difference;
  }
  return a.key.length - b.key.length;
}
