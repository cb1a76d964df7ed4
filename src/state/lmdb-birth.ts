/**
 * The first moments of a state directory: how a store that was never whole is told from one that has lost something.
 *
 *     data.mdb: two meta pages and a root ─▶ fdatasync ─▶ first transaction ─▶ mark ─▶ fsync of mark and directory
 *
 * A process or a machine that dies on this way leaves no file, an empty one, or one with holes in it; and no mark.
 * Nothing was committed then, so the file may be made again. With the mark, each of these is a loss.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';

const pageSizes = [4096, 8192, 16_384, 32_768, 65_536];
/** Within a meta page. */
const META = { bytes: 168, magicAt: 24, magic: 0xbeefc0de, transactionAt: 152 };

/** Whether the first transaction was on disk once. */
export function isMarked(directory: string): boolean {
  return fs.existsSync(join(directory, 'tidemark'));
}

/** On disk when it returns, with the name of the data file, so that no later power cut takes either away. */
export function writeMark(directory: string): void {
  if (isMarked(directory)) return;
  const mark = fs.openSync(join(directory, 'tidemark'), 'w');
  try {
    fs.writeSync(mark, 'State of Tidemark. Keep it together with data.mdb.\n');
    fs.fsyncSync(mark);
  } finally {
    fs.closeSync(mark);
  }
  syncNames(directory);
}

/**
 * Empties a data file that its machine has died over before the first transaction was on disk. Only for the owner.
 *
 * Pages are written before the meta page that counts them, so a file in which no meta page tells of a transaction has
 * never held one.
 */
export function clearUnborn(directory: string): void {
  const path = join(directory, 'data.mdb');
  if (isMarked(directory) || !fs.existsSync(path)) return;
  const file = fs.openSync(path, 'r+');
  try {
    if (![0, ...pageSizes].some((at) => tellsOfTransaction(file, at))) fs.ftruncateSync(file);
  } finally {
    fs.closeSync(file);
  }
}

/** Keeps damaged files for whoever wants to look at them; only the newest ones, so that the disk does not fill. */
export function setAside(directory: string): void {
  fs.rmSync(join(directory, 'tidemark'), { force: true });
  fs.rmSync(join(directory, 'lock.mdb'), { force: true });
  const data = join(directory, 'data.mdb');
  if (fs.existsSync(data)) fs.renameSync(data, `${data}.damaged`);
}

function tellsOfTransaction(file: number, at: number): boolean {
  const meta = Buffer.alloc(META.bytes);
  if (fs.readSync(file, meta, 0, META.bytes, at) < META.bytes) return false;
  return (
    meta.readUInt32LE(META.magicAt) === META.magic && meta.readBigUInt64LE(META.transactionAt) > 0n
  );
}

function syncNames(directory: string): void {
  // Windows cannot open a directory for a sync; its journal orders the names itself.
  if (process.platform === 'win32') return;
  const handle = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}
