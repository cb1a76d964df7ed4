/**
 * The package as a stranger gets it: built, packed, installed into an empty directory, compiled against and run.
 *
 * It needs the npm registry. Where there is none, TIDEMARK_OFFLINE=1 skips it, and says so.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const offline = process.env['TIDEMARK_OFFLINE'] === '1';
let consumer = '';
let packed: readonly string[] = [];

beforeAll(() => {
  if (offline) return;
  consumer = mkdtempSync(join(tmpdir(), 'tidemark-consumer-'));
  must(process.execPath, [join(root, 'scripts', 'build.mjs'), 'dist'], root);
  const report = must(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', consumer],
    root,
  );
  packed = packedFiles(report);
  const tarball = readdirSync(consumer).find((name) => name.endsWith('.tgz')) ?? '(no tarball)';
  cpSync(join(root, 'scripts', 'consumer'), consumer, { recursive: true });
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const options = ['--no-audit', '--no-fund', '--loglevel=error'];
  must('npm', ['install', ...options, `./${tarball}`, 'rxjs@7', 'typescript@5.9'], consumer);
}, 240_000);

afterAll(() => {
  if (consumer !== '') rmSync(consumer, { recursive: true, force: true });
});

beforeEach(({ skip }) => skip(offline, 'TIDEMARK_OFFLINE is set, so nothing can be installed'));

test('the package holds what is needed, and nothing else', () => {
  expect(packed).toEqual(
    expect.arrayContaining([
      'LICENSE',
      'README.md',
      'package.json',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/testing/index.js',
      'dist/testing/index.d.ts',
    ]),
  );
  const expected =
    /^(?:(?:dist|src)\/.+|(?:LICENSE|README\.md|CHANGELOG\.md|SECURITY\.md|package\.json))$/;
  expect(packed.filter((path) => !expected.test(path) || /\.test\./.test(path))).toEqual([]);
});

test('programs compile against it with TypeScript 5.9 and run', { timeout: 60_000 }, () => {
  const compiler = join(consumer, 'node_modules', 'typescript', 'bin', 'tsc');
  expect(must(process.execPath, [compiler, '--version'], consumer)).toContain('5.9');
  must(process.execPath, [compiler, '-p', '.'], consumer);
  const charts = '300000 a=2 b=1, 600000 a=2 b=2, 900000 b=1 c=1';
  const output = must(process.execPath, [join('out', 'pipeline.js')], consumer);
  expect(output.trimEnd().split('\n')).toEqual([`live: ${charts}`, `job: ${charts}`]);
});

test('programs compile against it with TypeScript 7', { timeout: 60_000 }, () => {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const compiler = join(typescript, 'bin', 'tsc');
  expect(must(process.execPath, [compiler, '--version'], consumer)).toContain('Version 7.');
  must(process.execPath, [compiler, '-p', '.', '--noEmit'], consumer);
});

test('a bundle for use inside RxJS carries no database and no file format', async () => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: consumer,
    entryPoints: ['library.ts'],
    outfile: 'bundle.mjs',
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const [output] = Object.values(metafile.outputs);
  const parts = Object.entries(output?.inputs ?? {}).filter(
    ([, { bytesInOutput }]) => bytesInOutput > 0,
  );
  const modules = [
    ...parts.map(([path]) => path),
    ...(output?.imports ?? []).map(({ path }) => path),
  ];
  expect(
    modules.filter((path) =>
      /(?:^|node_modules\/)(?:lmdb|csv-parse|prom-client)(?:\/|$)/.test(path),
    ),
  ).toEqual([]);
  expect(modules.some((path) => path.includes('node_modules/tidemark/'))).toBe(true);

  // It also runs where nothing is installed.
  const bare = mkdtempSync(join(tmpdir(), 'tidemark-bundle-'));
  writeFileSync(join(bare, 'bundle.mjs'), outputFiles[0]?.contents ?? '');
  const printed = must(process.execPath, ['bundle.mjs'], bare);
  rmSync(bare, { recursive: true, force: true });
  expect(printed.trimEnd().split('\n').toSorted()).toEqual(['mark 1', 'tide 2']);
});

test('the command line comes with it, and runs a job file', () => {
  const bin = join(consumer, 'node_modules', '.bin', 'tidemark');
  const description = readFileSync(join(root, 'package.json'), 'utf8');
  const { version } = JSON.parse(description) as { version: string };
  expect(must(bin, ['--version'], consumer).trim()).toBe(version);
  writeFileSync(join(consumer, 'job.mjs'), jobFile);
  must(bin, ['run', 'job.mjs', '--quiet'], consumer);
  expect(must(bin, ['state', 'get', 'state', 'sum', 'all'], consumer)).toBe('6\n');
});

const jobFile = `
import { collect, defineJob, iterable, keyBy, lmdb, pipeline, reduce, unchecked } from 'tidemark';
const sums = pipeline('sums', unchecked(), (numbers) =>
  numbers.pipe(keyBy(() => 'all'), reduce((a, b) => a + b, { uid: 'sum' })));
export default defineJob(sums, {
  from: iterable([1, 2, 3]), to: collect({ uid: 'out' }), state: lmdb('state') });
`;

/** Runs a command and returns what it printed. Anything but success throws, with all that was said. */
function must(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status === 0) return stdout;
  const line = [command, ...args].join(' ');
  throw new Error(`${line}\nended with ${status ?? error?.message}\n${stdout}${stderr}`);
}

/** The paths in a tarball, as `npm pack --json` tells them: a list, or in newer versions a record by package name. */
function packedFiles(report: string): string[] {
  const parsed = JSON.parse(report) as Record<string, { files: { path: string }[] }>;
  return Object.values(parsed).flatMap(({ files }) => files.map(({ path }) => path));
}
