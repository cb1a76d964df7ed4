/** Real processes on real LMDB: a service is killed at any moment, and a reader looks from another process. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  collect,
  flatMap,
  ingest,
  map,
  openTable,
  pipeline,
  run,
  table,
  unchecked,
} from '../index.js';

const scratch = fs.mkdtempSync(join(tmpdir(), 'tidemark-ingest-kill-'));
const children: ChildProcess[] = [];

beforeAll(async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  await build({
    entryPoints: [join(root, 'src/index.ts')],
    ...{ bundle: true, format: 'esm', platform: 'node', packages: 'external', logLevel: 'error' },
    outfile: join(scratch, 'tidemark.mjs'),
  });
  fs.symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'), 'junction');
});

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  fs.rmSync(scratch, { recursive: true, force: true });
});

function program(name: string, body: string): string {
  const path = join(scratch, `${name}.mjs`);
  const names = 'ingest, lmdb, map, openTable, partFiles, pipeline, run, table, unchecked';
  fs.writeFileSync(path, `import { ${names} } from './tidemark.mjs';\n${body}`);
  return path;
}

/** Starts a child and gives its lines; the promise resolves when it has gone. */
function start(
  path: string,
  ...given: string[]
): { lines: string[]; child: ChildProcess; gone: Promise<void> } {
  const child = spawn(process.execPath, [path, ...given], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const lines: string[] = [];
  const reading = createInterface({ input: child.stdout });
  reading.on('line', (line) => lines.push(line));
  // `close` comes when the last line has been read.
  return { lines, child, gone: new Promise((resolve) => child.on('close', () => resolve())) };
}

test('a service that is killed again and again loses nothing it has acknowledged, and repeats nothing', async () => {
  const service = program(
    'service',
    `import { writeSync } from 'node:fs';
     const [directory, from, out] = process.argv.slice(2);
     const log = ingest(unchecked(), { directory: directory + '/log' });
     const copied = pipeline('copied', unchecked(), (n$) => n$.pipe(map((n) => n)));
     const to = [
       partFiles({ uid: 'out', directory: out }),
       table({ uid: 'table', directory: directory + '/table', key: (n) => n % 7 }),
     ];
     run(copied, { from: log, to, state: lmdb(directory + '/state'), checkpoint: 20 });
     let next = Number(from);
     const produce = async () => {
       for (;;) {
         const value = next++;
         await log.push(value);
         writeSync(1, value + '\\n');
       }
     };
     for (let n = 0; n < 20; n++) void produce();`,
  );
  const directory = join(scratch, 'job');
  const out = join(scratch, 'out');
  const acknowledged: number[] = [];
  for (let kill = 0; kill < 8; kill += 1) {
    const { lines, child, gone } = start(service, directory, String(kill * 10 ** 6), out);
    while (lines.length < 200 + kill * 137)
      await new Promise((resolve) => void setTimeout(resolve, 3));
    child.kill('SIGKILL');
    await gone;
    acknowledged.push(...lines.map(Number));
  }
  const finish = program(
    'finish',
    `const [directory, out] = process.argv.slice(2);
     const log = ingest(unchecked(), { directory: directory + '/log' });
     const copied = pipeline('copied', unchecked(), (n$) => n$.pipe(map((n) => n)));
     const to = [
       partFiles({ uid: 'out', directory: out }),
       table({ uid: 'table', directory: directory + '/table', key: (n) => n % 7 }),
     ];
     const job = run(copied, { from: log, to, state: lmdb(directory + '/state') });
     await log.end();
     const { phase, resumedFromEpoch } = await job.done;
     console.log(phase, resumedFromEpoch > 0);
     await log.close();`,
  );
  const { stdout } = spawnSync(process.execPath, [finish, directory, out], { encoding: 'utf8' });
  expect(stdout.trim()).toBe('finished true');
  const delivered = fs
    .readdirSync(out)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => fs.readFileSync(join(out, name), 'utf8').trim().split('\n').map(Number));
  const known = new Set(delivered);
  expect(delivered.length).toBe(known.size);
  expect(acknowledged.filter((value) => !known.has(value))).toEqual([]);
  const reader = await openTable(join(directory, 'table'), unchecked<number>());
  const last = new Map(delivered.toSorted((a, b) => a - b).map((value) => [value % 7, value]));
  expect(reader.entries().map(({ key, value }) => [key, value])).toEqual(
    [...last].toSorted(([a], [b]) => a - b),
  );
  await reader.close();
}, 60_000);

test('a second process is refused while the first lives, and may have the log after it', async () => {
  const directory = join(scratch, 'owned');
  const holder = program(
    'holder',
    `const log = ingest(unchecked(), { directory: process.argv[2] });
     await log.push('from the child');
     console.log('pushed');
     process.stdin.resume();`,
  );
  const { child, lines, gone } = start(holder, directory);
  while (lines.length === 0) await new Promise((resolve) => void setTimeout(resolve, 3));
  const log = ingest(unchecked<string>(), { directory });
  await expect(log.push('x')).rejects.toMatchObject({ code: 'STATE_IN_USE' });
  await expect(log.push('x')).rejects.toThrow(new RegExp(`process ${child.pid} holds`));
  child.kill('SIGKILL');
  await gone;
  const again = ingest(unchecked<string>(), { directory });
  await again.end();
  const out = collect<string>({ uid: 'out' });
  const copied = pipeline('copied', unchecked<string>(), (text$) =>
    text$.pipe(map((text) => text)),
  );
  await run(copied, { from: again, to: out }).done;
  expect(out.values).toEqual(['from the child']);
  await again.close();
});

test('a reader in another process sees whole epochs, in order, while the table is written', async () => {
  const directory = join(scratch, 'table');
  const looker = program(
    'looker',
    `const reader = await openTable(process.argv[2], unchecked());
     const seen = [];
     await new Promise((done) => reader.watch({ every: 1 }).subscribe(() => {
       const { epoch, rows } = reader.snapshot((table) => ({ epoch: table.epoch, rows: table.entries() }));
       const values = new Set(rows.map(({ value }) => value));
       // An epoch writes one and the same number into all rows.
       if (rows.length > 0 && (rows.length !== 500 || values.size !== 1)) console.log('torn', rows.length, values.size);
       const [value = 0] = values;
       if (seen.length > 0 && value < seen.at(-1)) console.log('back');
       seen.push(value);
       if (seen.length === 1) console.log('ready');
       if (value === 60) done();
     }));
     console.log(seen.length > 5 ? 'many' : 'few', seen.at(-1));
     await reader.close();`,
  );
  const log = ingest(unchecked<number>(), { directory: join(scratch, 'log') });
  const rows = pipeline('rows', unchecked<number>(), (n$) =>
    n$.pipe(flatMap((turn) => Array.from({ length: 500 }, (_, key) => ({ key, turn })))),
  );
  const job = run(rows, {
    from: log,
    to: table<{ key: number; turn: number }>({
      ...{ uid: 'out', directory, key: (row) => row.key, value: (row) => row.turn },
    }),
    checkpoint: { records: 1 },
  });
  await log.push(1);
  const made = openTableWhenMade(directory);
  await (await made).close();
  const { lines, gone } = start(looker, directory);
  while (lines.length === 0) await new Promise((resolve) => void setTimeout(resolve, 3));
  for (let turn = 2; turn <= 60; turn += 1) {
    await log.push(turn);
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
  await log.end();
  await job.done;
  await gone;
  expect(lines).toEqual(['ready', 'many 60']);
  await log.close();
}, 30_000);

/** As a reader does that is there before the job. */
async function openTableWhenMade(directory: string): ReturnType<typeof openTable<unknown>> {
  for (;;)
    try {
      return await openTable(directory, unchecked<unknown>());
    } catch (error) {
      if ((error as { code?: string }).code !== 'TABLE_NOT_FOUND') throw error;
      await new Promise((resolve) => void setTimeout(resolve, 3));
    }
}
