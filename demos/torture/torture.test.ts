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

/** Gives the lines of the torture, or throws with everything it has said. */
async function torture(...options: readonly string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--enable-source-maps', '.build/demos/torture/main.js', ...options],
    { cwd: root },
  );
  return stdout.trimEnd().split('\n');
}

test('a hundred kills, at every named crash point and at random moments, change nothing in any output', async () => {
  const lines = await torture('--kills', '100', '--seed', '1', '--records', '6000');
  const [last, ...jobs] = lines.toReversed();
  expect(last).toMatch(/^all: 1\d\d kills, \d+ stops, .* exact$/);
  for (const line of jobs) {
    expect(line).toMatch(/exact$/);
    const [, visited, all] = /(\d+) of (\d+) points/.exec(line) ?? [];
    expect(visited).toBe(all);
  }
}, 600_000);
