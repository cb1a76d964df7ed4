/**
 * The seal of everything that is kept for a later run: what it is, in which version, and a checksum over it all.
 *
 *     magic  version │ body │ checksum
 *     1      1       │      │ 4
 *
 * The checksum covers everything before it, in this and in every later version, so that a newer record is told from a
 * damaged one.
 */
import { TidemarkError } from '../core/errors.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { crc32 } from './checksum.js';

/** A kind of record, and the version that this release writes and reads. */
export interface SealKind {
  readonly magic: number;
  readonly version: number;
  /** For messages: `a block`. */
  readonly name: string;
}

export const SEAL_HEAD_BYTES = 2;
export const SEAL_TAIL_BYTES = 4;

/** Seals what `write` writes. The bytes belong to the caller. */
export function seal({ magic, version }: SealKind, write: (body: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(magic);
  writer.u8(version);
  write(writer);
  writer.u32(crc32(writer.peek()));
  return writer.take();
}

/**
 * A reader of the body.
 *
 * @param isTrusted whether the checksum of these bytes has been looked at before
 * @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN
 */
export function unseal(
  kind: SealKind,
  sealed: Uint8Array,
  where: string,
  isTrusted = false,
): ByteReader {
  const reader = new ByteReader(sealed, where);
  const end = sealed.length - SEAL_TAIL_BYTES;
  if (end < SEAL_HEAD_BYTES) throw damagedSeal(kind, `${sealed.length} bytes`, where);
  if (!isTrusted) {
    reader.window(end, sealed.length);
    const [expected, got] = [reader.u32(), crc32(sealed.subarray(0, end))];
    if (expected !== got)
      throw damagedSeal(kind, `a checksum of ${got} instead of ${expected}`, where);
  }
  reader.window(0, end);
  const magic = reader.u8();
  if (magic !== kind.magic) throw damagedSeal(kind, `a first byte of ${magic}`, where);
  const version = reader.u8();
  if (version === kind.version) return reader;
  throw new TidemarkError('STATE_VERSION_UNKNOWN', {
    expected: `${kind.name} of version ${kind.version}`,
    got: `version ${version}`,
    where,
    hint: 'It was written by a newer release of Tidemark: run that one, or go back to an older copy.',
  });
}

export function damagedSeal(kind: SealKind, got: string, where: string): TidemarkError {
  return new TidemarkError('STATE_DAMAGED', {
    expected: `${kind.name} that is whole and matches its checksum`,
    got,
    where,
    hint: 'The disk or a copy has lost or changed bytes: restore the state from a copy that is whole.',
  });
}
