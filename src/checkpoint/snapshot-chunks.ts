/**
 * State in files, as chunks: each is a file of its own, read whole or refused whole, and says by itself what it holds.
 *
 *     "TMC"  version  uid     │ kind  group   key            value           …  255 │ checksum
 *     3      1        string  │ 1     varint  varint, bytes  varint, bytes   …  1   │ 4
 *
 * A chunk has records of one uid. The checksum covers everything before it, in this and in every later version, so
 * that a newer chunk is told from a damaged one.
 */
import { TidemarkError } from '../core/errors.js';
import { ByteReader, ByteWriter } from '../state/bytes.js';
import { crc32 } from '../state/checksum.js';
import { recordKinds, type StateRecord } from './committed-state.js';

export const CHUNK_VERSION = 1;
const MAGIC = [0x54, 0x4d, 0x43] as const;
const CHECKSUM_BYTES = 4;
/** Stands where the kind of another record would. */
const END = 255;

/** A chunk is closed when it has become this long; a larger record has a chunk to itself. */
export const CHUNK_BYTES = 2 ** 20;

/** Collects records of one uid. */
export class ChunkWriter {
  readonly uid: string;
  readonly #writer = new ByteWriter(4096);
  #records = 0;
  #groups: [from: number, to: number] = [Infinity, -1];

  constructor(uid: string) {
    this.uid = uid;
    for (const byte of MAGIC) this.#writer.u8(byte);
    this.#writer.u8(CHUNK_VERSION);
    this.#writer.string(uid);
  }

  get records(): number {
    return this.#records;
  }

  /** The first and the last key group that it has records of. */
  get groups(): readonly [from: number, to: number] {
    return this.#groups;
  }

  get byteLength(): number {
    return this.#writer.length + 1 + CHECKSUM_BYTES;
  }

  add({ kind, group, key, value }: StateRecord): void {
    const writer = this.#writer;
    writer.u8(recordKinds.indexOf(kind));
    writer.varint(group);
    writer.varint(key.length);
    writer.bytes(key);
    writer.varint(value.length);
    writer.bytes(value);
    this.#records += 1;
    this.#groups = [Math.min(this.#groups[0], group), Math.max(this.#groups[1], group)];
  }

  /** The whole chunk; the writer is not used afterwards. */
  finish(): Uint8Array {
    this.#writer.u8(END);
    this.#writer.u32(crc32(this.#writer.peek()));
    return this.#writer.take();
  }
}

/**
 * Reads a chunk. The records are views into the bytes given.
 *
 * @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN, before the first record is given
 */
export function openChunk(
  bytes: Uint8Array,
  where: string,
): { readonly uid: string; readonly records: Iterable<StateRecord> } {
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < MAGIC.length + 1) throw damagedCopy(where, `${bytes.length} bytes`);
  const reader = new ByteReader(bytes, where);
  reader.window(end, bytes.length);
  if (reader.u32() !== crc32(bytes.subarray(0, end)))
    throw damagedCopy(where, 'bytes that do not match their checksum');
  reader.window(0, end);
  if (MAGIC.some((byte) => reader.u8() !== byte)) throw damagedCopy(where, 'another kind of file');
  const version = reader.u8();
  if (version !== CHUNK_VERSION)
    throw unknownVersion(where, `chunks of version ${CHUNK_VERSION}`, `version ${version}`);
  return { uid: reader.string(), records: recordsOf(reader, where) };
}

function* recordsOf(reader: ByteReader, where: string): Generator<StateRecord, void, void> {
  for (let number = reader.u8(); number !== END; number = reader.u8()) {
    const kind = recordKinds[number];
    if (kind === undefined) throw damagedCopy(where, `a record of kind ${number}`);
    const group = reader.varint();
    const key = reader.take(reader.varint());
    const value = reader.take(reader.varint());
    yield { kind, group, key, value };
  }
  reader.expectEnd();
}

export function damagedCopy(where: string, got: string, cause?: unknown): TidemarkError {
  return new TidemarkError('STATE_DAMAGED', {
    expected: 'a whole snapshot or savepoint',
    got,
    where,
    hint: 'Take another copy of it, or an older one; a copy that has lost bytes cannot be mended.',
    cause,
  });
}

export function unknownVersion(where: string, expected: string, got: string): TidemarkError {
  return new TidemarkError('STATE_VERSION_UNKNOWN', {
    expected,
    got,
    where,
    hint: 'It was written by a newer release of Tidemark: use that one, or a newer one.',
  });
}
