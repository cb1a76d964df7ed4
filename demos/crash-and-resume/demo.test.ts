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

test('a job that is killed twice writes what the one in peace writes', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['.build/demos/crash-and-resume/main.js', '--events', '150000', '--kill-at', '30%,70%'],
    { cwd: root },
  );
  expect(stdout).toMatch(/KILLED at [3-9]\d\.\d %, by SIGKILL/);
  expect(stdout).toMatch(/It goes on after epoch \d+: [\d,]+ plays need not be read again/);
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^kills 2, charts \d{3,}, equal$/);
}, 120_000);
