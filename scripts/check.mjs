// The one command before every push: format, lint, types, then all tests. The last line counts them.
//
//   npm test                     everything
//   npm test -- src/time         format, lint, types, and the tests whose path contains src/time
//
// When TIDEMARK_TALLY names a file, the counts are also left there, for `.ci/run` to add up.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { closingLine, readTally, skipLines, sum } from './tally.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a command with its output on ours. True when it exits with 0. */
function succeeds(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  if (error !== undefined) console.error(error.message);
  return status === 0;
}

/** One of the steps before the tests: an npm script that counts as one test. */
function step(script) {
  console.log(`\n== ${script}`);
  const passed = succeeds('npm', ['run', '--silent', script]);
  console.log(passed ? `${script}: passed` : `${script}: FAILED (npm run ${script})`);
  return { passed: Number(passed), failed: Number(!passed), skipped: [] };
}

/** All tests, or those whose path contains one of the filters. */
function tests(filters) {
  console.log('\n== tests');
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-check-'));
  const tallyPath = join(directory, 'tally.json');
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=./scripts/tally-reporter.mjs'];
  const passed = succeeds(process.execPath, [vitest, 'run', ...reporters, ...filters], {
    TIDEMARK_TALLY: tallyPath,
  });
  const tally = readTally(tallyPath);
  rmSync(directory, { recursive: true, force: true });
  // Vitest knows of a failure that nobody has counted: it wins.
  if (!passed && tally.failed === 0) tally.failed = 1;
  return tally;
}

const total = sum([
  step('format:check'),
  step('lint'),
  step('types'),
  tests(process.argv.slice(2)),
]);
const tallyPath = process.env['TIDEMARK_TALLY'];
if (tallyPath !== undefined && tallyPath !== '') writeFileSync(tallyPath, JSON.stringify(total));
console.log(['', ...skipLines(total), closingLine(total)].join('\n'));
process.exitCode = total.failed > 0 ? 1 : 0;
