/** The input of the torture: plays of songs, mostly in order, from a seed. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';

/** Writes `records` lines of `song,at`; none of them is late for an out-of-orderness of 20 s. */
export async function writeInput(
  path: string,
  options: { records: number; random: () => number },
): Promise<void> {
  const { records, random } = options;
  const out = createWriteStream(path);
  for (let index = 0; index < records; index += 1) {
    const song = `song-${Math.floor(random() ** 3 * 500)}`;
    const at = 1_700_000_000_000 + index * 100 - Math.floor(random() * 15_000) + 15_000;
    if (!out.write(`${song},${at}\n`)) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}
