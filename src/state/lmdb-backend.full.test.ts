/** A disk that becomes full while slabs are written turn by turn ends in a coded error, and not the process. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';

const scratch = fs.mkdtempSync(join(tmpdir(), 'tidemark-full-'));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

/** A rejection that nobody has handled would end it with another status. */
const program = `
  import { lmdb } from './backend.mjs';
  const backend = await lmdb(process.argv[2]).open();
  try {
    for (let epoch = 1; ; epoch += 1) {
      for (let slab = 0; slab < 20; slab += 1) {
        backend.writeAhead('slab/' + epoch + '/' + slab, new Uint8Array(3000));
        if (slab % 5 === 4) await new Promise((next) => setImmediate(next));
      }
      await backend.flushed();
      backend.commit([{ key: 'job', value: Uint8Array.of(epoch) }]);
      backend.discard(['slab/' + (epoch - 1) + '/1']);
    }
  } catch (error) { console.log(error.code); }
  await backend.close().catch((error) => console.log('closing: ' + error.code));
  await new Promise((later) => setTimeout(later, 100));
`;

test.runIf(process.platform !== 'win32')(
  'at each of several sizes, and the last commit is there',
  async () => {
    const here = fileURLToPath(new URL('.', import.meta.url));
    await build({
      entryPoints: [join(here, 'lmdb-backend.ts')],
      ...{ bundle: true, format: 'esm', platform: 'node', external: ['lmdb'] },
      ...{ outfile: join(scratch, 'backend.mjs'), logLevel: 'error' },
    });
    fs.symlinkSync(join(here, '../../node_modules'), join(scratch, 'node_modules'), 'junction');
    fs.writeFileSync(join(scratch, 'main.mjs'), program);
    const { lmdb } = await import('./lmdb-backend.js');
    let whole = 0;
    for (const blocks of [256, 400, 512, 777, 1024]) {
      const directory = join(scratch, String(blocks));
      const limited = ['-c', `ulimit -f ${blocks}; exec "$@"`, 'sh', process.execPath];
      const given = [...limited, join(scratch, 'main.mjs'), directory];
      const { stdout, stderr, status } = spawnSync('sh', given, { encoding: 'utf8' });
      // A limit of the process is not seen beforehand, so LMDB may break its heap over its own sentence: see lmdb-room.
      const isBroken = /malloc|corrupted|invalid (?:next )?size|free\(\)/.test(stderr);
      if (!isBroken) expect([stdout.split('\n')[0], status]).toEqual(['STATE_WRITE_FAILED', 0]);
      whole += Number(!isBroken);
      const backend = await lmdb(directory).open();
      const [epoch] = backend.get('job') ?? [];
      const slabs = Array.from({ length: epoch === undefined ? 0 : 18 }, (_, at) => at + 2);
      for (const slab of slabs) expect(backend.get(`slab/${epoch}/${slab}`)?.length).toBe(3000);
      await backend.close();
    }
    expect(whole).toBeGreaterThan(1);
  },
  60_000,
);
