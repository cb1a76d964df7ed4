/**
 * The manifest of a snapshot or a savepoint: what belongs to it, as text that a person can read.
 *
 *     tidemark copy of state, format 1
 *     { "kind": "savepoint", "job": …, "epoch": …, "record": …, "chunks": [ … ] }
 *     crc32 0badcafe
 *
 * It is written last, under another name, and renamed: a copy without a manifest does not exist. The last line covers
 * everything before it, in every format, so that a newer manifest is told from a damaged one.
 */
import { z } from 'zod';
import { crc32 } from '../state/checksum.js';
import { damagedCopy, unknownVersion } from './snapshot-chunks.js';

export const COPY_FORMAT = 1;

const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
const whole = z.int().nonnegative();
const checkedFile = { file: fileName, bytes: whole, crc32: z.int().min(0).max(0xffffffff) };

const manifestSchema = z.object({
  kind: z.enum(['snapshot', 'savepoint']),
  /** Tells copies apart; a state that was made of a copy remembers it. */
  id: z.string(),
  job: z.string(),
  epoch: whole,
  maxParallelism: z.int().positive(),
  /** Epoch ms. */
  createdAt: z.number(),
  /** The sealed record of the job. */
  record: z.object(checkedFile),
  chunks: z.array(
    z.object({ ...checkedFile, uid: z.string(), groups: z.tuple([whole, whole]), records: whole }),
  ),
});

/** What belongs to a copy of state. Later releases may add fields, and this one passes over what it does not know. */
export type CopyManifest = z.output<typeof manifestSchema>;
export type ChunkEntry = CopyManifest['chunks'][number];

/** A file of a copy, with what proves that it is whole. */
export interface CheckedFile {
  readonly file: string;
  readonly bytes: number;
  readonly crc32: number;
}

export function manifestText(manifest: CopyManifest): string {
  const body = `tidemark copy of state, format ${COPY_FORMAT}\n${JSON.stringify(manifest, null, 1)}\n`;
  return `${body}crc32 ${checksumOf(body)}\n`;
}

/** @throws TidemarkError STATE_DAMAGED, STATE_VERSION_UNKNOWN */
export function parseManifest(bytes: Uint8Array, where: string): CopyManifest {
  const text = new TextDecoder().decode(bytes);
  const at = text.lastIndexOf('crc32 ');
  const body = text.slice(0, Math.max(0, at));
  if (at < 0 || text.slice(at) !== `crc32 ${checksumOf(body)}\n`)
    throw damagedCopy(where, 'a manifest that does not match its checksum');
  const [head = '', ...rest] = body.split('\n');
  const format = /^tidemark copy of state, format (\d+)$/.exec(head)?.[1];
  if (format === undefined) throw damagedCopy(where, 'another kind of file');
  if (Number(format) !== COPY_FORMAT)
    throw unknownVersion(where, `a copy of format ${COPY_FORMAT}`, `format ${format}`);
  try {
    return manifestSchema.parse(JSON.parse(rest.join('\n')));
  } catch (cause) {
    throw damagedCopy(where, 'a manifest of another shape', cause);
  }
}

function checksumOf(text: string): string {
  return crc32(new TextEncoder().encode(text)).toString(16).padStart(8, '0');
}
