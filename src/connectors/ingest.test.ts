/** `ingest`: what was acknowledged is delivered once to an exactly-once job, and the log stays bounded. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { collect, map, nodeRuntime, pipeline, run, unchecked } from '../index.js';
import { simulatedDisk } from '../testing/simulated-disk.js';
import { ingest } from './ingest.js';

const scratch = fs.mkdtempSync(join(tmpdir(), 'tidemark-ingest-'));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));
let directories = 0;
const newDirectory = (): string => join(scratch, `log-${(directories += 1)}`);

const copied = pipeline('copied', unchecked<number>(), (n$) => n$.pipe(map((n) => n)));
const runtime = nodeRuntime();

describe('a push', () => {
  test('resolves when the value is on disk, and a job gets it', async () => {
    const directory = newDirectory();
    const first = ingest(unchecked<number>(), { directory });
    await Promise.all([first.push(1), first.push(2)]);
    await first.close();
    const again = ingest(unchecked<number>(), { directory });
    await again.push(3);
    await again.end();
    const out = collect<number>({ uid: 'out' });
    await run(copied, { from: again, to: out }).done;
    expect(out.values).toEqual([1, 2, 3]);
    await again.close();
  });

  test('of a value that the schema refuses rejects and touches nothing', async () => {
    const log = ingest(z.object({ n: z.number() }), { directory: simulatedDisk() });
    const bad = { n: 'one' } as unknown as { n: number };
    await expect(log.push(bad)).rejects.toMatchObject({ code: 'RECORD_INVALID' });
    await log.push({ n: 1 });
    expect(log.status()).toMatchObject({ last: 1, pending: 0 });
  });

  test('of a value that cannot be encoded rejects and leaves its neighbours', async () => {
    const log = ingest(unchecked<unknown>(), { directory: simulatedDisk() });
    const pushed = [log.push('a'), log.push({ deep: [() => 1] }), log.push('b')];
    const results = await Promise.allSettled(pushed);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(pushed[1]).rejects.toMatchObject({ code: 'VALUE_NOT_ENCODABLE' });
    await log.end();
    const reader = await log.open('0', undefined, runtime);
    expect((await reader.read())?.chunk.values).toEqual(['a', 'b']);
    expect(await reader.read()).toBeUndefined();
  });

  test('logs what the schema gives, as it was when it was pushed', async () => {
    const schema = z.object({ n: z.number().default(7) });
    const log = ingest(schema, { directory: simulatedDisk() });
    const value = { n: 1, junk: true };
    const pushed = [log.push(value), log.push({})];
    value.n = 2;
    await Promise.all(pushed);
    const reader = await log.open('0', undefined, runtime);
    expect((await reader.read())?.chunk.values).toEqual([{ n: 1 }, { n: 7 }]);
  });
});
