// Compiles the project: `dist` makes the package, no argument makes everything for the demos and the bench.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const forPackage = process.argv[2] === 'dist';
if (forPackage) rmSync('dist', { recursive: true, force: true });
const compiler = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
);
const project = forPackage ? 'tsconfig.build.json' : 'tsconfig.run.json';
const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', project], {
  encoding: 'utf8',
});
process.stderr.write(stdout + stderr);
process.exit(status ?? 1);
