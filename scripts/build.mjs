// Compiles the project: `dist` makes the package, no argument makes everything for the demos and the bench.
// `clone` makes the package for job files in a clone, which import it by its name. It takes nothing away, because a job
// may be running on it, and does nothing while no source is newer.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const [goal] = process.argv.slice(2);
const stamp = join('.build', 'clone-is-built');
if (goal === 'clone' && isCurrent()) process.exit(0);
if (goal === 'dist') rmSync('dist', { recursive: true, force: true });

const startedAt = new Date();
const compiler = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
);
const project = goal === undefined ? 'tsconfig.run.json' : 'tsconfig.build.json';
const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', project], {
  encoding: 'utf8',
});
process.stderr.write(stdout + stderr);
if (goal === 'clone' && status === 0) {
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
  // What is edited while it compiles is newer.
  utimesSync(stamp, startedAt, startedAt);
}
process.exit(status ?? 1);

/** Whether the last build for the clone is younger than all sources, and still there. */
function isCurrent() {
  if (!existsSync(stamp) || !existsSync(join('dist', 'cli', 'main.js'))) return false;
  const builtAt = statSync(stamp).mtimeMs;
  const sources = readdirSync('src', { recursive: true }).map((name) => join('src', name));
  return [...sources, 'package.json', 'tsconfig.json', 'tsconfig.build.json'].every(
    (path) => statSync(path).mtimeMs < builtAt,
  );
}
