/** LMDB keeps the contract of backends, has one owner at a time, and loses nothing however its process dies. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { open } from 'lmdb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TidemarkError } from '../core/errors.js';
import { stateBackendSuite } from '../testing/backend-suite.js';
import type { StateBackend } from './backend.js';
import { lmdb } from './lmdb-backend.js';
import { SlabWriter } from './slab.js';
import { encodeValue } from './value-codec.js';

const scratch = fs.mkdtempSync(join(tmpdir(), 'tidemark-lmdb-'));
const children: ChildProcess[] = [];
let directories = 0;
const newDirectory = (): string => join(scratch, `store-${(directories += 1)}`);

/** What children run, wherever a process is killed or LMDB might take its process down. */
const prelude = `
  import { lmdb } from './lmdb-backend.mjs';
  import { forEachRecord, SlabWriter } from './slab.mjs';
  import { encodeValue, readValue } from './value-codec.mjs';
  import * as fs from 'node:fs';
  const [directory, given] = process.argv.slice(2);
  const slab = (value) => {
    const writer = new SlabWriter();
    writer.append(new Uint8Array(0), encodeValue(value));
    return writer.finish();
  };
  const valueOf = (bytes) => {
    let value;
    forEachRecord(bytes, 'slab', (_key, reader) => { value = readValue(reader); });
    return value;
  };
  /** The number of the committed epoch, or what is wrong with it. */
  const look = (backend) => {
    const commit = backend.get('commit');
    if (commit === undefined) return 'no commit';
    const { epoch, slabs } = valueOf(commit);
    for (const key of slabs) {
      const bytes = backend.get(key);
      if (bytes === undefined || valueOf(bytes).key !== key) return 'a wrong slab';
    }
    return 'epoch ' + epoch;
  };
`;

beforeAll(async () => {
  const stem = fileURLToPath(new URL('.', import.meta.url));
  await build({
    entryPoints: ['lmdb-backend', 'slab', 'value-codec'].map((name) => `${stem}${name}.ts`),
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', external: ['lmdb'] },
    ...{ outdir: scratch, outExtension: { '.js': '.mjs' }, logLevel: 'error' },
  });
  const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
  fs.symlinkSync(modules, join(scratch, 'node_modules'), 'junction');
});

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  fs.rmSync(scratch, { recursive: true, force: true });
});

/** Writes a program of a child and says how to run it. */
function program(name: string, body: string): string {
  const path = join(scratch, `${name}.mjs`);
  fs.writeFileSync(path, prelude + body);
  return path;
}

function run(path: string, ...given: string[]): { output: string; ended: number | string | null } {
  const { stdout, status, signal } = spawnSync(process.execPath, [path, ...given], {
    encoding: 'utf8',
  });
  return { output: stdout.trim(), ended: signal ?? status };
}

/** Starts a child and waits for its first line. */
async function start(path: string, ...given: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [path, ...given], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

async function refusal(action: () => unknown): Promise<TidemarkError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

/** Opens, lets a function use the backend, and closes. */
async function opened<Out>(directory: string, use: (backend: StateBackend) => Out) {
  const backend = await lmdb(directory).open();
  try {
    return await use(backend);
  } finally {
    await backend.close();
  }
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const isPosix = process.platform !== 'win32';

stateBackendSuite('lmdb', () => lmdb(newDirectory()), { describe, test, expect }, { runs: 20 });

describe('directory', () => {
  test('it is made with its parents, for its owner alone, and nothing else stays in it', async () => {
    // A dot in the name would make LMDB take it for a file.
    const directory = join(newDirectory(), 'a', 'state.v1');
    await opened(directory, (backend) => backend.commit([{ key: 'a', value: bytes(1) }]));
    expect(fs.readdirSync(directory).toSorted()).toEqual(['data.mdb', 'lock.mdb', 'tidemark']);
    if (isPosix) expect(fs.statSync(join(directory, 'data.mdb')).mode & 0o077).toBe(0);
  });

  test('a path that cannot be a directory is refused with a code', async () => {
    const file = newDirectory();
    fs.writeFileSync(file, '');
    expect((await refusal(() => lmdb(file).open())).code).toBe('STATE_WRITE_FAILED');
  });
});

describe('owner', () => {
  /** Holds the directory, and at a word tries twice to commit. */
  const holder = (): string =>
    program(
      'holder',
      `const backend = await lmdb(directory).open();
       backend.commit([{ key: 'a', value: slab({ key: 'a' }) }]);
       console.log('open');
       process.stdin.on('data', () => {
         for (let tries = 0; tries < 2; tries += 1)
           try { backend.commit([{ key: 'b', value: slab({ key: 'b' }) }]); }
           catch (error) { console.log(error.code); }
         process.exit();
       });`,
    );

  test('another live process is named, and its death by SIGKILL frees the directory', async () => {
    const directory = newDirectory();
    const child = await start(holder(), directory);
    const error = await refusal(() => lmdb(directory).open());
    expect(error).toMatchObject({ code: 'STATE_IN_USE', retryable: true });
    expect(error.got).toContain(String(child.pid));
    if (isPosix) child.kill('SIGSTOP');
    expect((await refusal(() => lmdb(directory).open())).code).toBe('STATE_IN_USE');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await opened(directory, (backend) => backend.keys(''))).toEqual(['a']);
  });

  test('a directory whose path is too long for a socket has one owner as well', async () => {
    const directory = join(newDirectory(), 'x'.repeat(120));
    const child = await start(holder(), directory);
    expect((await refusal(() => lmdb(directory).open())).code).toBe('STATE_IN_USE');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await opened(directory, async () => {
      expect((await refusal(() => lmdb(directory).open())).code).toBe('STATE_IN_USE');
    });
  });

  test('another name of the same directory is not another directory', async () => {
    const directory = newDirectory();
    await opened(directory, async () => {
      fs.symlinkSync(directory, `${directory}-link`, 'junction');
      const { got } = await refusal(() => lmdb(`${directory}-link`).open());
      expect(got).toContain(String(process.pid));
    });
  });

  test('an owner that was passed over can commit nothing any more', async () => {
    const directory = newDirectory();
    const child = await start(holder(), directory);
    // As when two processes have found the socket of a dead owner at the same time.
    fs.rmSync(join(directory, 'owner.sock'));
    await opened(directory, async (backend) => {
      const answers: string[] = [];
      child.stdout?.on('data', (text) => answers.push(String(text)));
      child.stdin?.write('\n');
      await once(child, 'close');
      expect(answers.join('')).toBe('STATE_IN_USE\nSTATE_IN_USE\n');
      expect(backend.keys('')).toEqual(['a']);
    });
  });

  test('an open backend keeps no process alive', () => {
    const path = program('idle', `await lmdb(directory).open(); console.log('open');`);
    expect(run(path, newDirectory())).toEqual({ output: 'open', ended: 0 });
  });
});

describe('format', () => {
  /** Puts a record under the key of the header, past the backend. */
  async function putHeader(directory: string, value: Uint8Array | undefined): Promise<void> {
    const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
    const options = { ...binary, overlappingSync: false, noSubdir: false };
    const database = open<Uint8Array, Uint8Array>(directory, options);
    const key = bytes(0);
    database.transactionSync(() =>
      value === undefined ? database.removeSync(key) : database.putSync(key, value),
    );
    await database.close();
  }

  test('state of a newer format is refused, and stays as it is', async () => {
    const directory = newDirectory();
    await opened(directory, (backend) => backend.commit([{ key: 'a', value: bytes(1) }]));
    const header = new SlabWriter();
    header.append(bytes(0), encodeValue({ format: 2, generation: 1 }));
    await putHeader(directory, header.finish());
    const before = fs.readFileSync(join(directory, 'data.mdb'));
    const error = await refusal(() => lmdb(directory).open());
    expect(error).toMatchObject({
      code: 'STATE_VERSION_UNKNOWN',
      got: 'format 2',
      where: directory,
    });
    expect(fs.readFileSync(join(directory, 'data.mdb')).equals(before)).toBe(true);
  });

  test('a store without a header, and a header that is damaged, are refused', async () => {
    for (const header of [undefined, bytes(1, 2, 3)]) {
      const directory = newDirectory();
      await opened(directory, (backend) => backend.commit([{ key: 'a', value: bytes(1) }]));
      await putHeader(directory, header);
      expect((await refusal(() => lmdb(directory).open())).code).toBe('STATE_DAMAGED');
    }
  });
});

describe('death and damage', () => {
  /** One epoch after another; the slabs of the last three are kept. */
  const epochs = `
    const nextEpoch = async (backend, epoch) => {
      const slabs = backend.get('commit') ? valueOf(backend.get('commit')).slabs : [];
      const added = Array.from({ length: 20 }, (_, at) => 'slab/' + epoch + '/' + at);
      for (const [at, key] of added.entries())
        backend.writeAhead(key, slab({ key, fill: 'x'.repeat((epoch * 977 + at * 991) % 9000) }));
      await backend.flushed();
      const all = [...slabs, ...added];
      backend.commit([{ key: 'commit', value: slab({ epoch, slabs: all.slice(-60) }) }]);
      backend.discard(all.slice(0, -60));
    };
  `;

  test('after each of 20 kills the last committed epoch is there, whole', async () => {
    const directory = newDirectory();
    const path = program(
      'killed',
      `${epochs}
       const backend = await lmdb(directory).open();
       const found = look(backend);
       let epoch = found === 'no commit' ? 0 : Number(found.slice(6));
       console.log(found);
       for (;;) { await nextEpoch(backend, epoch += 1); console.log('epoch ' + epoch); }`,
    );
    let committed = 0;
    for (let kills = 0; kills < 20; kills++) {
      const child = spawn(process.execPath, [path, directory]);
      children.push(child);
      let output = '';
      // It dies while it works on the next epoch, after one to seven lines.
      for await (const text of child.stdout) {
        output += String(text);
        if (output.split('\n').length > 1 + (kills % 7)) child.kill('SIGKILL');
      }
      const lines = output.split('\n').slice(0, -1);
      if (committed > 0) expect(lines[0]).toMatch(/^epoch \d+$/);
      expect(Number(lines[0]?.slice(6)) || 0).toBeGreaterThanOrEqual(committed);
      committed = Number(lines.at(-1)?.slice(6)) || 0;
    }
    expect(committed).toBeGreaterThan(20);
  }, 120_000);

  test.runIf(isPosix)('a full disk is a coded error, and what was committed stays', () => {
    const path = program(
      'full',
      `const backend = await lmdb(directory).open();
       if (given === 'look') { console.log(look(backend)); process.exit(); }
       backend.commit([{ key: 'commit', value: slab({ epoch: 1, slabs: [] }) }]);
       const large = { key: 'large', value: new Uint8Array(4_000_000) };
       const late = [{ key: 'commit', value: slab({ epoch: 2, slabs: [] }) }, large];
       if (given === 'flushed') backend.writeAhead(large.key, large.value);
       const codes = [];
       for (const step of [given, 'commit', 'flushed', 'close'])
         try { await backend[step](late); codes.push('fine'); }
         catch (error) { codes.push(error.code); }
       await new Promise((resolve) => setTimeout(resolve, 50));
       console.log(codes.join(' '));`,
    );
    for (const given of ['flushed', 'commit']) {
      const directory = newDirectory();
      const line = ['-c', 'ulimit -f 2000; exec "$@"', 'sh', process.execPath, path];
      const { stdout, status } = spawnSync('sh', [...line, directory, given], { encoding: 'utf8' });
      expect([stdout, status]).toEqual([`${'STATE_WRITE_FAILED '.repeat(3)}fine\n`, 0]);
      expect(run(path, directory, 'look')).toEqual({ output: 'epoch 1', ended: 0 });
    }
  });

  /** Damages copies of a store, and counts how opening, reading and writing each has ended. */
  const damaged = `${epochs}
    const whole = directory + '/whole', copy = directory + '/copy';
    const made = await lmdb(whole).open();
    for (let epoch = 1; epoch <= 8; epoch += 1) await nextEpoch(made, epoch);
    await made.close();
    const gold = fs.readFileSync(whole + '/data.mdb');
    const outcomes = {};
    const tryFile = async (bytes, name) => {
      fs.rmSync(copy, { recursive: true, force: true });
      fs.cpSync(whole, copy, { recursive: true });
      fs.writeFileSync(copy + '/data.mdb', bytes);
      let outcome;
      try {
        const backend = await lmdb(copy).open();
        try {
          outcome = look(backend);
          await nextEpoch(backend, 9);
          if (outcome === 'epoch 8') outcome = look(backend) === 'epoch 9' ? 'intact' : 'lost';
        } finally { await backend.close(); }
      } catch (error) {
        outcome = /^STATE_/.test(error.code) ? 'coded error' : String(error.stack);
      }
      (outcomes[outcome] ??= []).push(name);
    };
    const report = () => {
      for (const good of ['intact', 'coded error']) if (outcomes[good]) outcomes[good] = true;
      console.log(JSON.stringify(outcomes));
    };
  `;

  test('a file cut anywhere ends in a coded error', () => {
    const path = program(
      'cut',
      `${damaged}
       for (let part = 0; part < 60; part += 1) {
         const at = part < 20 ? part * 1024 : Math.floor((gold.length * part) / 60);
         await tryFile(gold.subarray(0, at), at);
       }
       report();`,
    );
    expect(run(path, newDirectory())).toEqual({ output: '{"coded error":true}', ended: 0 });
  }, 120_000);

  test('a turned bit where LMDB trusts it is a coded error or changes nothing', () => {
    // Headers of pages, slots, heads and keys of entries. Not the numbers of transactions in the meta pages: a turned
    // bit there can bring back the commit before, whole, and nothing in the file tells.
    const path = program(
      'turned',
      `${damaged}
       const half = (at) => gold.readUInt16LE(at);
       const places = [];
       const add = (from, length) => { while (length > 0) places.push(from + --length); };
       for (let page = 0; page < gold.length; page += 4096) {
         const [kind, slots] = [half(page + 18), half(page + 20) / 2];
         if (kind === 8) { add(page, 152); add(page + 160, 8); }
         if (kind === 4) add(page, 24);
         if (kind !== 1 && kind !== 2) continue;
         add(page, 24 + 2 * slots);
         for (let slot = 0; slot < slots; slot += 1) {
           const node = page + 24 + half(page + 24 + 2 * slot);
           add(node, 16 + half(node + 6));
         }
       }
       for (let turn = 0; turn < 200; turn += 1) {
         const at = places[(turn * 7919) % places.length];
         const bytes = Buffer.from(gold);
         bytes[at] ^= 1 << turn % 8;
         await tryFile(bytes, at);
       }
       report();`,
    );
    const { output, ended } = run(path, newDirectory());
    expect(ended).toBe(0);
    expect(JSON.parse(output)).toEqual({ intact: true, 'coded error': true });
  }, 240_000);

  test('a data file that is gone is a loss, unless it never held anything', async () => {
    const directory = newDirectory();
    await opened(directory, (backend) => backend.commit([{ key: 'a', value: bytes(1) }]));
    const path = join(directory, 'data.mdb');
    for (const lose of [() => fs.truncateSync(path), () => fs.rmSync(path)]) {
      lose();
      expect((await refusal(() => lmdb(directory).open())).code).toBe('STATE_DAMAGED');
    }
    const unborn = newDirectory();
    fs.mkdirSync(unborn);
    fs.writeFileSync(join(unborn, 'data.mdb'), '');
    expect(await opened(unborn, (backend) => backend.keys(''))).toEqual([]);
  });
});
