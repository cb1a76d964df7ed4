/**
 * `npm run power -- --images N --seed S`: pulls the plug on LMDB. Takes the real files of stores in every transaction,
 * loses some of what was not synced, opens what is left, and asks for a committed content, whole: that from before the
 * transaction, or that from after it once its meta page is there. Then it goes on writing, and looks again.
 */
import { mkdtemp, rm, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lmdb } from '../../src/index.js';
import { pick, seededRandom, type Random } from '../shared/random.js';
import { drawImage, type Image } from './power-images.js';
import { contentOf, type WatchedStore } from './power-watch.js';
import { runJob, writeEpochs } from './power-writers.js';

interface Tally {
  images: number;
  transactions: number;
  skipped: number;
  births: number;
  readonly kinds: Map<string, number>;
  readonly wrong: string[];
}

const IMAGES_PER_TRANSACTION = 4;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      images: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
    },
  });
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-power-'));
  const tally: Tally = {
    ...{ images: 0, transactions: 0, skipped: 0, births: 0, kinds: new Map(), wrong: [] },
  };
  try {
    for (let round = 0; tally.images < Number(values.images); round += 1) {
      const seed = Number(values.seed) * 10_000 + round;
      const random = seededRandom(seed);
      const home = join(directory, String(round));
      const store = await (round % 3 === 2 ? runJob : writeEpochs)(home, random);
      await pullPlugs(store, { random, tally, name: `round ${seed}`, home: `${home}-images` });
      await rm(home, { recursive: true, force: true });
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  for (const line of tally.wrong.slice(0, 10)) console.log(line);
  const kinds = [...tally.kinds].map(([kind, count]) => `${count} ${kind}`).toSorted();
  console.log(`${kinds.join(', ')}; ${tally.births} at birth; ${tally.skipped} looks skipped`);
  const verdict =
    tally.wrong.length === 0 ? 'each a committed prefix' : `${tally.wrong.length} WRONG`;
  console.log(`images ${tally.images}, transactions ${tally.transactions}, ${verdict}`);
  return tally.wrong.length === 0 ? 0 : 1;
}

async function pullPlugs(
  store: WatchedStore,
  options: { random: Random; tally: Tally; name: string; home: string },
): Promise<void> {
  const { random, tally, name, home } = options;
  tally.skipped += store.skipped;
  for (const [index, transaction] of store.transactions.entries()) {
    tally.transactions += 1;
    for (let draw = 0; draw < IMAGES_PER_TRANSACTION; draw += 1) {
      const image = drawImage(transaction, random);
      const surprise = await surpriseOf(image, { home, goesOn: pick(random, [true, false]) });
      tally.images += 1;
      tally.births += Number(image.isBirth);
      tally.kinds.set(image.kind, (tally.kinds.get(image.kind) ?? 0) + 1);
      if (surprise !== undefined)
        tally.wrong.push(`${name}, transaction ${index}, ${image.kind}: ${surprise}`);
    }
  }
}

/** Undefined for an image that shows what it must, also after it has been written to. */
async function surpriseOf(
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

process.exitCode = await main();
