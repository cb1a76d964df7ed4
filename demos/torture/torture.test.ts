import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

beforeAll(() => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build.mjs'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the demos do not compile:\n${stderr}`);
}, 60_000);

/** Ends with the last line of the torture, or throws with everything it has said. */
async function torture(...options: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--enable-source-maps', '.build/demos/torture/main.js', ...options],
    { cwd: root },
  );
  return stdout.trimEnd();
}

test('thirty kills, at every named crash point and at random moments, change nothing in the output', async () => {
  const line = await torture('--kills', '30', '--seed', '1', '--records', '40000');
  expect(line).toMatch(/^kills 30, restarts \d+, records \d+, equal$/);
}, 300_000);
