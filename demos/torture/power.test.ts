/** Power cuts lose nothing that was committed; and they are drawn by the order in which LMDB really writes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { seededRandom } from '../shared/random.js';
import { drawLie, kinds } from './power-images.js';
import { writeEpochs } from './power-writers.js';
import { pullPlugs, surpriseOf } from './power.js';

const scratch = mkdtempSync(join(tmpdir(), 'tidemark-order-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('after each of 1,000 power cuts the store opens and shows a committed content, whole', async () => {
  const report = await pullPlugs(1000, 1);
  expect(report.wrong).toEqual([]);
  expect(report.images).toBeGreaterThanOrEqual(1000);
  expect([...report.kinds.keys()].toSorted()).toEqual([...kinds].toSorted());
  expect(report.births).toBeGreaterThan(10);
  expect(report.skipped).toBeLessThan(report.transactions / 10);
}, 600_000);

test('a disk that lies about its syncs is noticed, so the thousand above could have failed', async () => {
  const random = seededRandom(7);
  const { transactions } = await writeEpochs(join(scratch, 'lies'), random);
  const surprises: string[] = [];
  for (const transaction of transactions.slice(1)) {
    const image = drawLie(transaction, random);
    const home = join(scratch, 'lies-images');
    surprises.push((await surpriseOf(image, { home, goesOn: false })) ?? 'none');
  }
  expect(surprises.filter((text) => text !== 'none').length).toBeGreaterThan(surprises.length / 2);
  expect(surprises.some((text) => text.includes('STATE_DAMAGED'))).toBe(true);
});

const CALLS = 'pwrite64,pwritev,pwritev2,write,writev,fdatasync,fsync,msync,sync_file_range,openat';
const hasStrace = spawnSync('strace', ['-V']).status === 0;

test('LMDB writes pages, waits for them, and then the meta page through a handle that waits', async (context) => {
  if (!hasStrace) context.skip('there is no strace here');
  const here = fileURLToPath(new URL('.', import.meta.url));
  await build({
    entryPoints: [join(here, 'power-child.ts')],
    ...{ bundle: true, format: 'esm', platform: 'node', packages: 'external' },
    ...{ outfile: join(scratch, 'child.mjs'), logLevel: 'error' },
  });
  symlinkSync(join(here, '../../node_modules'), join(scratch, 'node_modules'), 'junction');
  const log = join(scratch, 'calls');
  const traced = ['-f', '-y', '-s', '0', '-e', `trace=${CALLS}`, '-o', log];
  const child = [process.execPath, join(scratch, 'child.mjs'), join(scratch, 'stores')];
  const { status, stderr } = spawnSync('strace', [...traced, ...child], { encoding: 'utf8' });
  if (/ptrace.*(?:not permitted|denied)/i.test(stderr)) context.skip('strace may not look here');
  expect([status, stderr]).toEqual([0, '']);
  const { syncs, surprises } = orderOf(readFileSync(log, 'utf8'));
  expect(surprises).toEqual([]);
  expect(syncs).toBeGreaterThan(40);
}, 120_000);

/** Counts transactions, and names each call on a data file that comes where it should not. */
function orderOf(log: string): { syncs: number; surprises: string[] } {
  /** Handles that wait by themselves, by process and number: `22</path/data.mdb>`. */
  const waiting = new Set<string>();
  /** Data files with writes since the last sync. */
  const dirty = new Set<string>();
  const surprises: string[] = [];
  let syncs = 0;
  for (const line of wholeLines(log)) {
    const opened = /openat\(.*O_DSYNC.* = (\d+<[^>]*data\.mdb>)/.exec(line);
    if (opened?.[1] !== undefined) waiting.add(opened[1]);
    const [, call, handle = '', path = ''] = /(\w+)\((\d+<([^>]*data\.mdb)>)/.exec(line) ?? [];
    if (call === undefined || call === 'openat') continue;
    if (call === 'fdatasync') {
      syncs += 1;
      dirty.delete(path);
    } else if (call.startsWith('pwrite') || call === 'writev') {
      if (!waiting.has(handle)) dirty.add(path);
      else if (dirty.has(path)) surprises.push(`a meta page before its pages: ${line}`);
    } else surprises.push(`another call: ${line}`);
  }
  return { syncs, surprises };
}

/** A call that another thread has interrupted in the log, as one line where it ended. */
function wholeLines(log: string): string[] {
  const begun = new Map<string, string>();
  return log.split('\n').flatMap((line) => {
    const [thread = ''] = line.split(' ');
    if (line.includes('<unfinished ...>')) {
      begun.set(thread, line.replace(' <unfinished ...>', ''));
      return [];
    }
    const rest = /<\.\.\. \w+ resumed>(.*)/.exec(line);
    return [rest === null ? line : `${begun.get(thread) ?? ''}${rest[1] ?? ''}`];
  });
}
