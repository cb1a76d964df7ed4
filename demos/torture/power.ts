/**
 * Pulls the plug on LMDB: takes the real files of stores in every transaction, loses some of what was not synced, opens
 * what is left, and asks for a committed content, whole: that from before the transaction, or that from after it once
 * its meta page is there. Then it goes on writing, and looks again.
 */
import { mkdtemp, rm, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lmdb } from '../../src/index.js';
import { pick, seededRandom, type Random } from '../shared/random.js';
import { drawImage, type Image } from './power-images.js';
import { contentOf, type WatchedStore } from './power-watch.js';
import { runJob, writeEpochs } from './power-writers.js';

export interface PowerReport {
  images: number;
  transactions: number;
  /** Looks that found several transactions at once, of which no images are made. */
  skipped: number;
  /** Images of the first transaction of a file. */
  births: number;
  readonly kinds: Map<string, number>;
  /** What is wrong, with how to see it again. */
  readonly wrong: string[];
}

const IMAGES_PER_TRANSACTION = 4;

/** At least so many images; every third store is that of a job. */
export async function pullPlugs(images: number, seed: number): Promise<PowerReport> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-power-'));
  const report: PowerReport = {
    ...{ images: 0, transactions: 0, skipped: 0, births: 0, kinds: new Map(), wrong: [] },
  };
  try {
    for (let round = 0; report.images < images; round += 1) {
      const random = seededRandom(seed * 10_000 + round);
      const home = join(directory, String(round));
      const store = await (round % 3 === 2 ? runJob : writeEpochs)(home, random);
      const name = `seed ${seed}, round ${round}`;
      await pullPlugsOf(store, { random, report, name, home: `${home}-images` });
      await rm(home, { recursive: true, force: true });
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return report;
}

async function pullPlugsOf(
  store: WatchedStore,
  options: { random: Random; report: PowerReport; name: string; home: string },
): Promise<void> {
  const { random, report, name, home } = options;
  report.skipped += store.skipped;
  for (const [index, transaction] of store.transactions.entries()) {
    report.transactions += 1;
    for (let draw = 0; draw < IMAGES_PER_TRANSACTION; draw += 1) {
      const image = drawImage(transaction, random);
      const surprise = await surpriseOf(image, { home, goesOn: pick(random, [true, false]) });
      report.images += 1;
      report.births += Number(image.isBirth);
      report.kinds.set(image.kind, (report.kinds.get(image.kind) ?? 0) + 1);
      if (surprise !== undefined)
        report.wrong.push(`${name}, transaction ${index}, ${image.kind}: ${surprise}`);
    }
  }
}

/** Undefined for an image that shows what it must, also after it has been written to. */
export async function surpriseOf(
  { file, content, isBirth }: Image,
  { home, goesOn }: { home: string; goesOn: boolean },
): Promise<string | undefined> {
  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'data.mdb'), file);
  // The mark is made after the first transaction.
  if (!isBirth) await writeFile(join(home, 'tidemark'), '');
  try {
    if ((await look(home)) !== content) return 'another content';
    if (!goesOn) return undefined;
    const backend = await lmdb(home).open();
    backend.writeAhead('slab/new', new Uint8Array(20_000).fill(7));
    await backend.flushed();
    backend.commit([{ key: 'job', value: new Uint8Array(500) }]);
    backend.discard(backend.keys('slab/').slice(0, 5));
    await backend.flushed();
    const written = contentOf(backend);
    await backend.close();
    return (await look(home)) === written ? undefined : 'another content after more writes';
  } catch (error) {
    return String(error);
  }
}

async function look(directory: string): Promise<string> {
  const backend = await lmdb(directory).open();
  try {
    return contentOf(backend);
  } finally {
    await backend.close();
  }
}
