/** What a disk may hold after the power went in the middle of a transaction. */
import { pickIndex, type Random } from '../shared/random.js';
import { PAGE, type Content, type Transaction } from './power-watch.js';

export interface Image {
  readonly kind: (typeof kinds)[number];
  readonly file: Buffer;
  /** What it must show. */
  readonly content: Content;
  /** The file had not been made before the transaction. */
  readonly isBirth: boolean;
}

/**
 * `pages` and `sectors`: some of those that were written are lost, before the sync. `front`: the disk came up to some
 * sector. `synced`: all pages are there, and the meta page is not. `done`: the transaction is whole.
 */
export const kinds = ['pages', 'sectors', 'front', 'few', 'synced', 'done'] as const;

/** What disks write at once: it is there as a whole, or as it was. LMDB relies on it for its meta pages. */
const SECTOR = 512;
const META_BYTES = 2 * PAGE;

export function drawImage(
  { before, after, contentBefore, contentAfter }: Transaction,
  random: Random,
): Image {
  const kind = kinds[pickIndex(random, kinds.length)] ?? 'done';
  const isBirth = before.length === 0;
  if (kind === 'done') return { kind, file: after, content: contentAfter, isBirth };
  const unit = kind === 'pages' ? PAGE : SECTOR;
  const written = isBirth ? uncounted(after) : after;
  const changed = changedUnits(before, written, unit);
  const last = pickIndex(random, changed.length + 1);
  const share = kind === 'few' ? 0.9 : random();
  const kept = changed.filter((_at, index) => {
    if (kind === 'synced') return true;
    return kind === 'front' ? index < last : random() < share;
  });
  // A file is as long as the last part of it that has arrived, or longer: then the rest is zeros.
  const reached = Math.max(before.length, ...kept.map((at) => at + unit));
  const isLong = kind === 'synced' || random() < 0.5;
  const file = Buffer.alloc(isLong ? Math.max(before.length, after.length) : reached);
  before.copy(file);
  for (const at of kept) written.copy(file, at, at, at + unit);
  return { kind, file, content: contentBefore, isBirth };
}

/** What only a disk that lies about its syncs may hold: the meta page without some of the pages that it counts. */
export function drawLie({ before, after, contentAfter }: Transaction, random: Random): Image {
  const file = Buffer.from(after);
  for (const at of changedUnits(before, after, PAGE))
    if (random() < 0.5) {
      file.fill(0, at, at + PAGE);
      before.subarray(at, at + PAGE).copy(file, at);
    }
  return { kind: 'done', file, content: contentAfter, isBirth: before.length === 0 };
}

/** Before the first transaction is counted, in the second meta page, the two say the same but for their numbers. */
function uncounted(file: Buffer): Buffer {
  const copy = Buffer.from(file);
  file.copy(copy, PAGE, 0, PAGE);
  copy.writeBigUInt64LE(1n, PAGE);
  return copy;
}

/** Where the two differ. Meta pages are left out, because they are written last; but at birth they come first. */
function changedUnits(before: Buffer, after: Buffer, unit: number): number[] {
  const places: number[] = [];
  for (let at = before.length === 0 ? 0 : META_BYTES; at < after.length; at += unit) {
    const isSame = before.subarray(at, at + unit).equals(after.subarray(at, at + unit));
    if (!isSame) places.push(at);
  }
  return places;
}
