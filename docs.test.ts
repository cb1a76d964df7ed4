/**
 * The documentation is true: every example compiles, runs, and prints what it says.
 *
 * How examples are written stands in `scripts/docs/examples.ts`. Each is a complete module, and awaits what it starts.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { format } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  examplesOfMarkdown,
  examplesOfSource,
  moduleName,
  moduleText,
  pointToDocumentation,
  statedOutput,
} from './scripts/docs/examples.js';
import { listFiles } from './scripts/tidy/source.js';

/** Fragments are checked by nobody, so there may only be a few. */
const fragmentsMax = 3;

const root = fileURLToPath(new URL('.', import.meta.url));
const workshop = join(root, '.build', 'docs-examples');

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...listFiles(root, ['docs']).filter((path) => /^docs\/[^/]+\.md$/.test(path)),
];
const sources = listFiles(root, ['src']).filter((path) => /(?<!\.test)\.ts$/.test(path));
const all = [
  ...pages.flatMap((path) => examplesOfMarkdown(path, read(path))),
  ...sources.flatMap((path) => examplesOfSource(path, read(path))),
];
const examples = all.filter(({ mode }) => mode !== 'fragment');
const fragments = all.filter(({ mode }) => mode === 'fragment');

beforeAll(() => {
  rmSync(workshop, { recursive: true, force: true });
  mkdirSync(workshop, { recursive: true });
  for (const example of examples) {
    writeFileSync(join(workshop, moduleName(example)), moduleText(example));
  }
});

test(`${fragments.length} fragments are left unchecked, and ${fragmentsMax} are the limit`, () => {
  const places = fragments.map(({ file, line }) => `${file}:${line}`);
  expect(places.length, places.join('\n')).toBeLessThanOrEqual(fragmentsMax);
});

test(`${examples.length} examples compile`, { timeout: 60_000 }, () => {
  expect(examples.length, 'nothing was found, so nothing was checked').toBeGreaterThan(0);
  const configuration = {
    extends: '../../tsconfig.json',
    compilerOptions: {
      noEmit: true,
      rootDir: '../..',
      moduleDetection: 'force',
      noUnusedLocals: false,
      noUnusedParameters: false,
      verbatimModuleSyntax: false,
      paths: {
        tidemark: ['../../src/index.ts'],
        'tidemark/testing': ['../../src/testing/index.ts'],
      },
    },
    files: examples.map(moduleName),
    include: [],
  };
  writeFileSync(join(workshop, 'tsconfig.json'), JSON.stringify(configuration));
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(typescript, 'bin', 'tsc'), '-p', workshop, '--pretty', 'false'],
    { cwd: root, encoding: 'utf8' },
  );
  expect(status, pointToDocumentation(stdout, examples)).toBe(0);
});

describe('an example prints what it says', () => {
  const home = process.cwd();
  let scratch = '';
  let printed: string[] = [];

  // Examples write where they stand, so each stands in an empty directory.
  beforeEach(() => {
    printed = [];
    scratch = mkdtempSync(join(tmpdir(), 'tidemark-docs-'));
    process.chdir(scratch);
    vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
      printed.push(...format(...values).split('\n'));
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.chdir(home);
    rmSync(scratch, { recursive: true, force: true });
  });

  for (const example of examples.filter(({ mode }) => mode === 'run')) {
    test(`${example.file}:${example.line}`, async () => {
      await import(/* @vite-ignore */ join(workshop, moduleName(example)));
      expect(printed.map((line) => line.trimEnd())).toEqual(statedOutput(example));
    });
  }
});

/** The text of a file; a page that is not written yet has no examples. */
function read(path: string): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}
