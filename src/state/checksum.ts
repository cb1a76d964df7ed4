/**
 * Finding what a disk has damaged: a checksum over bytes, and a walk through an LMDB file, which has no checksums.
 *
 * The CRC-32 is the one of zip and PNG, native where Node has it. It stands in a file that in-memory runs do not
 * import, because their bundles must not need `node:zlib`.
 */
import * as zlib from 'node:zlib';

/** `zlib.crc32` came with Node 20.15; a named import of it would not even load before that. */
const native = (zlib as { crc32?: (bytes: Uint8Array) => number }).crc32;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  return rest;
});

/** The checksum as a whole number from 0 to 2^32 - 1. */
export const crc32: (bytes: Uint8Array) => number =
  native === undefined ? crc32ByTable : (bytes) => native(bytes);

/** The same number without help from Node. Exported so that a test can hold the two together. */
export function crc32ByTable(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (let index = 0; index < bytes.length; index++)
    rest = (table[(rest ^ (bytes[index] ?? 0)) & 0xff] ?? 0) ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}

/** Reads some bytes of a file; throws when it ends before. */
export type ReadAt = (at: number, length: number) => DataView;

/**
 * Walks the trees of an LMDB file, and throws an error that names the first surprise. LMDB itself trusts what it
 * reads: one turned bit can make it crash the process, lose an entry, or give out a page twice.
 *
 *     meta │ meta │ pages of the tree of entries, of large values, of the tree of free pages, in any order
 *
 * Law: every page has one use at most, entries are as many as were counted and in the order of their keys, and of
 * each key `isWhole` says that it is as it was written. What stands in values is not looked at. Where a turned bit
 * makes the older meta page look newer, the file is whole, but as it was one transaction before.
 */
export function checkLmdbFile(read: ReadAt, isWhole: (key: Uint8Array) => boolean): void {
  const file = openLmdbFile(read);
  walkTree(file, 96, {
    sortable: (key) => key,
    visit: (key) => surpriseUnless(isWhole(key), 'a key that has changed'),
  });
  walkTree(file, 48, {
    // Numbers of transactions are little-endian: turned round they have the order of their bytes.
    sortable: (key) => key.toReversed(),
    visit: (_key, value) => useFreePages(file, value()),
  });
  // LMDB writes new pages behind the last one, so a number far off makes it write where no file and no memory is.
  let highest = 0;
  for (const page of file.used) highest = Math.max(highest, page);
  surpriseUnless(long(file.newest, 144) - highest < 2 ** 20, 'a last page far behind all others');
}

interface LmdbFile {
  readonly read: ReadAt;
  readonly pageBytes: number;
  /** The meta page that counts. */
  readonly newest: DataView;
  /** Pages that have a use; the meta pages are the first two. */
  readonly used: Set<number>;
}

interface TreeVisitor {
  sortable(key: Uint8Array): Uint8Array;
  visit(key: Uint8Array, value: () => DataView): void;
}

const META_BYTES = 168;
const HEADER_BYTES = 24;
const branchPage = 1;
const leafPage = 2;
const valuePage = 4;

function openLmdbFile(read: ReadAt): LmdbFile {
  const first = read(0, META_BYTES);
  const pageBytes = word(first, 48);
  const second = read(pageBytes, META_BYTES);
  for (const meta of [first, second])
    surpriseUnless(word(meta, 24) === 0xbeefc0de && half(meta, 28) === 2, 'no meta page');
  // Transactions are counted one by one, and written to the two meta pages by turns.
  const lead = long(second, 152) - long(first, 152);
  surpriseUnless(Math.abs(lead) <= 1, 'meta pages that do not follow each other');
  return { read, pageBytes, newest: lead > 0 ? second : first, used: new Set([0, 1]) };
}

/** `at` is where the meta page describes the tree. */
function walkTree(file: LmdbFile, at: number, { sortable, visit }: TreeVisitor): void {
  let entries = 0;
  let floor = new Uint8Array(0);
  let isInclusive = true;
  // A key of a branch is at most the first key below it, and more than the last key on its left.
  const pass = (key: Uint8Array, isBranch: boolean): void => {
    const order = Buffer.compare(sortable(key), floor);
    surpriseUnless(order > 0 || (order === 0 && isInclusive), 'keys out of order');
    floor = new Uint8Array(sortable(key));
    isInclusive = isBranch;
  };
  const walkPage = (number: number, depth: number): void => {
    const isBranch = depth > 1;
    const page = openPage(file, number, isBranch ? branchPage : leafPage);
    const slotsEnd = HEADER_BYTES + half(page, 20);
    for (let slot = HEADER_BYTES; slot < slotsEnd; slot += 2) {
      const node = HEADER_BYTES + half(page, slot);
      // Between the slots and the lowest entry a page is free; what lies there is left out when it is copied.
      surpriseUnless(half(page, slot) >= half(page, 22), 'an entry in free space');
      const key = new Uint8Array(page.buffer, node + 8, half(page, node + 6));
      // The first key of a branch is empty and bounds nothing.
      if (!isBranch || slot > HEADER_BYTES) pass(key, isBranch);
      if (isBranch) walkPage(word(page, node) + half(page, node + 4) * 2 ** 32, depth - 1);
      else {
        visit(key, useValue(file, page, node));
        entries++;
      }
    }
  };
  const root = long(file.newest, at + 40);
  if (Number.isSafeInteger(root)) walkPage(root, half(file.newest, at + 6));
  surpriseUnless(entries === long(file.newest, at + 32), 'another number of entries');
}

function openPage(file: LmdbFile, number: number, kind: number): DataView {
  usePages(file, number, 1);
  const page = file.read(number * file.pageBytes, file.pageBytes);
  const isRight =
    long(page, 0) === number &&
    long(page, 8) <= long(file.newest, 152) &&
    half(page, 18) === kind &&
    HEADER_BYTES + half(page, 20) <= HEADER_BYTES + half(page, 22);
  surpriseUnless(isRight, `something else at page ${number}`);
  return page;
}

/** Marks the pages of a value that is too large for the page of its key. Gives the way to read the value. */
function useValue(file: LmdbFile, page: DataView, node: number): () => DataView {
  const bytes = word(page, node);
  const at = node + 8 + half(page, node + 6);
  if (half(page, node + 4) === 0) {
    const value = new DataView(page.buffer, at, bytes);
    return () => value;
  }
  const first = long(page, at);
  const start = first * file.pageBytes;
  const header = file.read(start, HEADER_BYTES);
  // A value that was replaced by a shorter one may keep all its pages.
  const count = word(header, 20);
  const isRight =
    half(page, node + 4) === 1 &&
    long(header, 0) === first &&
    long(header, 8) <= long(file.newest, 152) &&
    half(header, 18) === valuePage &&
    count * file.pageBytes >= HEADER_BYTES + bytes;
  surpriseUnless(isRight, `something else at page ${first}`);
  usePages(file, first, count);
  file.read(start + count * file.pageBytes - 1, 1);
  return () => file.read(start + HEADER_BYTES, bytes);
}

/** A list of page numbers behind their count; zero is a gap, and a negative number says how many pages follow. */
function useFreePages(file: LmdbFile, list: DataView): void {
  const end = 8 + long(list, 0) * 8;
  for (let at = 8; at < end; at += 8) {
    const entry = Number(list.getBigInt64(at, true));
    if (entry > 0) usePages(file, entry, 1);
    if (entry < 0) usePages(file, long(list, (at += 8)), -entry);
  }
}

function usePages({ newest, used }: LmdbFile, first: number, count: number): void {
  surpriseUnless(first + count - 1 <= long(newest, 144), `a page beyond the last: ${first}`);
  for (let page = first; page < first + count; page++) {
    surpriseUnless(!used.has(page), `page ${page} in use twice`);
    used.add(page);
  }
}

function half(view: DataView, at: number): number {
  return view.getUint16(at, true);
}

function word(view: DataView, at: number): number {
  return view.getUint32(at, true);
}

function long(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function surpriseUnless(isRight: boolean, surprise: string): void {
  if (!isRight) throw new Error(surprise);
}
