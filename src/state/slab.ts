/**
 * Many small records packed into one value of the backend: a hundredth of the cost of storing each on its own.
 *
 *     54  version  count  bytes of lengths │ lengths │ key value key value … │ checksum
 *     1   1        4      4                │         │                       │ 4
 *
 * The lengths are two varints per record: of the key, and of the value plus one, or zero for a tombstone, which says
 * that the key is gone. They stand apart from the records, so that a record is encoded in place, before its length is
 * known. The checksum covers everything before it, in this and in every later version, so that a newer slab is told
 * from a damaged one.
 */
import { TidemarkError, assert } from '../core/errors.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { crc32 } from './checksum.js';
import { byteText } from './key-codec.js';

const MAGIC = 0x54;
const VERSION = 1;
const HEADER_BYTES = 10;
const CHECKSUM_BYTES = 4;

/**
 * Packs records, and may be used again after `finish`.
 *
 *     const writer = slab.begin();      or, with bytes at hand:   slab.append(key, value)
 *     writeKey(writer, key);
 *     slab.endKey();                    left out for a tombstone
 *     writeValue(writer, value);
 *     slab.end();
 */
export class SlabWriter {
  private readonly payload = new ByteWriter(4096);
  private readonly lengths = new ByteWriter(512);
  private count = 0;
  private start = -1;
  private keyEnd = -1;

  get recordCount(): number {
    return this.count;
  }

  /** How large the slab would be if it were finished now. */
  get byteLength(): number {
    return HEADER_BYTES + this.lengths.length + this.payload.length + CHECKSUM_BYTES;
  }

  /** Adds a record, or a tombstone when the value is undefined. */
  append(key: Uint8Array, value: Uint8Array | undefined): void {
    const writer = this.begin();
    writer.bytes(key);
    if (value !== undefined) {
      this.endKey();
      writer.bytes(value);
    }
    this.end();
  }

  /** Opens a record: the caller writes the key into what it gets, then the value. */
  begin(): ByteWriter {
    assert(this.start < 0, 'a record of a slab ends before the next begins');
    this.start = this.payload.length;
    return this.payload;
  }

  /** What was written since `begin` is the key; what follows is the value. */
  endKey(): void {
    assert(this.start >= 0 && this.keyEnd < 0, 'the key of a record ends once');
    this.keyEnd = this.payload.length;
  }

  /** Closes the record. Without `endKey` it is a tombstone. */
  end(): void {
    assert(this.start >= 0, 'a record of a slab begins before it ends');
    const { length } = this.payload;
    const isTombstone = this.keyEnd < 0;
    this.lengths.varint((isTombstone ? length : this.keyEnd) - this.start);
    this.lengths.varint(isTombstone ? 0 : length - this.keyEnd + 1);
    this.count++;
    this.start = -1;
    this.keyEnd = -1;
  }

  /** Takes the open record back, for a value that could not be encoded. Harmless when none is open. */
  abandon(): void {
    if (this.start >= 0) this.payload.reset(this.start);
    this.start = -1;
    this.keyEnd = -1;
  }

  finish(): Uint8Array {
    assert(this.start < 0, 'all records of a slab have ended when it is finished');
    const slab = new ByteWriter(this.byteLength);
    slab.u8(MAGIC);
    slab.u8(VERSION);
    slab.u32(this.count);
    slab.u32(this.lengths.length);
    slab.bytes(this.lengths.peek());
    slab.bytes(this.payload.peek());
    slab.u32(crc32(slab.peek()));
    this.count = 0;
    this.lengths.reset();
    this.payload.reset();
    // The memory is exactly as large as the slab and nobody else knows it, so no copy is needed.
    return slab.peek();
  }
}

/**
 * Shows every record in the order in which it was written. The readers are views without copies and serve all
 * records: they are only good until the callback returns. `where` names the slab in errors.
 *
 * Throws STATE_DAMAGED or STATE_VERSION_UNKNOWN before the first record is shown.
 */
export function forEachRecord(
  slab: Uint8Array,
  where: string,
  visit: (key: ByteReader, value: ByteReader | undefined) => void,
): void {
  const key = new ByteReader(slab, where);
  const value = new ByteReader(slab, where);
  forEachFrame(slab, where, (start, keyEnd, valueEnd) => {
    key.window(start, keyEnd);
    if (valueEnd < 0) return visit(key, undefined);
    value.window(keyEnd, valueEnd);
    return visit(key, value);
  });
}

export interface MergeOptions {
  /** Whether nothing older lies below: then tombstones have nothing left to hide and are dropped. */
  readonly base: boolean;
  /** Names the slabs in errors. Default: "slabs to merge". */
  readonly where?: string;
}

/** One slab that says what several say, oldest first: of each key the last record counts. */
export function mergeSlabs(slabs: readonly Uint8Array[], options: MergeOptions): Uint8Array {
  const { base, where = 'slabs to merge' } = options;
  const latest = new Map<
    string,
    { slab: Uint8Array; start: number; keyEnd: number; end: number }
  >();
  for (const [index, slab] of slabs.entries())
    forEachFrame(slab, `${where}, number ${index + 1} of ${slabs.length}`, (start, keyEnd, end) => {
      latest.set(byteText(slab.subarray(start, keyEnd)), { slab, start, keyEnd, end });
    });
  const merged = new SlabWriter();
  for (const { slab, start, keyEnd, end } of latest.values())
    if (end >= 0 || !base)
      merged.append(slab.subarray(start, keyEnd), end < 0 ? undefined : slab.subarray(keyEnd, end));
  return merged.finish();
}

/** Shows where each record lies: its start, the end of its key, and the end of its value or -1. */
function forEachFrame(
  slab: Uint8Array,
  where: string,
  visit: (start: number, keyEnd: number, valueEnd: number) => void,
): void {
  const header = checkedHeader(slab, where);
  const count = header.u32();
  const lengthsEnd = HEADER_BYTES + header.u32();
  const lengths = new ByteReader(slab, where);
  checkLengths();
  lengths.window(HEADER_BYTES, lengthsEnd);
  let start = lengthsEnd;
  for (let left = count; left > 0; left--) {
    const keyEnd = start + lengths.varint();
    const folded = lengths.varint();
    const valueEnd = folded === 0 ? -1 : keyEnd + folded - 1;
    visit(start, keyEnd, valueEnd);
    start = Math.max(keyEnd, valueEnd);
  }

  /** Behind a right checksum only a faulty writer can be found out, but then before it shows a wrong record. */
  function checkLengths(): void {
    let end = lengthsEnd;
    try {
      lengths.window(HEADER_BYTES, Math.min(lengthsEnd, slab.length));
      for (let left = count; left > 0; left--)
        end += lengths.varint() + Math.max(0, lengths.varint() - 1);
      lengths.expectEnd();
    } catch (cause) {
      throw damaged('lengths that cannot be read', where, cause);
    }
    if (end !== slab.length - CHECKSUM_BYTES) throw damaged(`lengths up to byte ${end}`, where);
  }
}

/** Finds every damage by the checksum, so what lies behind it is as its writer left it. */
function checkedHeader(slab: Uint8Array, where: string): ByteReader {
  const reader = new ByteReader(slab, where);
  const end = slab.length - CHECKSUM_BYTES;
  if (end < HEADER_BYTES) throw damaged(`${slab.length} bytes`, where);
  reader.window(end, slab.length);
  const [expected, got] = [reader.u32(), crc32(slab.subarray(0, end))];
  if (expected !== got) throw damaged(`a checksum of ${got} instead of ${expected}`, where);
  reader.window(0, end);
  const magic = reader.u8();
  if (magic !== MAGIC) throw damaged(`a first byte of ${magic}`, where);
  const version = reader.u8();
  if (version === VERSION) return reader;
  throw new TidemarkError('STATE_VERSION_UNKNOWN', {
    expected: `a slab of version ${VERSION}`,
    got: `version ${version}`,
    where,
    hint: 'It was written by a newer release of Tidemark: run that one, or go back to an older copy.',
  });
}

function damaged(got: string, where: string, cause?: unknown): TidemarkError {
  return new TidemarkError('STATE_DAMAGED', {
    expected: 'a whole slab that matches its checksum',
    got,
    where,
    hint: 'The disk or a copy has lost or changed bytes: restore the state from a copy that is whole.',
    cause,
  });
}
