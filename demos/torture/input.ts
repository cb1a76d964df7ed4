/** Writes the inputs of the torture, a line at a time. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';

export async function writeLines(
  path: string,
  count: number,
  line: (index: number) => string,
): Promise<void> {
  const out = createWriteStream(path);
  for (let index = 0; index < count; index += 1)
    if (!out.write(`${line(index)}\n`)) await once(out, 'drain');
  out.end();
  await finished(out);
}
