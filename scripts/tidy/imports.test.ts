import { describe, expect, test } from 'vitest';
import { checkCycles, checkDoors, checkFloors, checkOrphans, checkPublicUse } from './imports.js';
import { parseSource } from './source.js';
import type { Finding, Source } from './source.js';
import { doors } from './tables.js';

/** A small repository: paths, each with its code. */
function repository(files: Readonly<Record<string, string>>): Source[] {
  return Object.entries(files).map(([path, code]) => parseSource(path, code));
}

/** Where something was found, such as `src/time/a.ts:1`. */
function places(findings: readonly Finding[]): string[] {
  return findings.map(({ file, line }) => `${file}:${line}`);
}

describe('floors', () => {
  test.each([
    [`import { run } from '../runtime/run.js';`, 'an import'],
    [`import type { Run } from '../runtime/run.js';`, 'a type-only import'],
    [`export { run } from '../runtime/run.js';`, 'a re-export'],
    [`export * from '../runtime/run.js';`, 'a whole re-export'],
    [`const late = await import('../runtime/run.js');`, 'a dynamic import'],
    [`type Run = import('../runtime/run.js').Run;`, 'an import type'],
    [`import run = require('../runtime/run.js');`, 'an import assignment'],
    [`const run = require('../runtime/run.js');`, 'a require'],
  ])('refuse to go up by %s', (code) => {
    expect(places(checkFloors(repository({ 'src/dsl/a.ts': code })))).toEqual(['src/dsl/a.ts:1']);
  });

  test.each([
    ['src/dsl/a.ts', '../core/flow.js'],
    ['src/time/a.ts', '../state/handles.js'],
    ['src/cluster/a.ts', '../runtime/task.js'],
    ['src/index.ts', './cli/main.js'],
    ['src/testing/a.ts', '../index.js'],
    ['src/core/a.test.ts', '../runtime/run.js'],
    ['src/core/a.ts', 'node:path'],
  ])('let %s import %s', (path, target) => {
    expect(checkFloors(repository({ [path]: `import '${target}';` }))).toEqual([]);
  });

  test.each([
    ['src/core/a.ts', '../time/windows.js', 'from floor 0 up to floor 1'],
    ['src/runtime/a.ts', '../cluster/assignment.js', 'never the reverse'],
    ['src/dsl/a.ts', '../testing/harness.js', 'for tests only'],
    ['src/index.ts', './testing/index.js', 'for tests only'],
    ['src/dsl/a.ts', '../index.js', 'from floor 2 up to floor 8'],
    ['src/dsl/a.ts', 'tidemark', 'from floor 2 up to floor 8'],
    ['src/dsl/a.ts', '../../scripts/build.mjs', 'outside src'],
    ['src/dsl/a.ts', '../other/b.js', 'stands on no floor'],
  ])('refuse that %s imports %s', (path, target, reason) => {
    const findings = checkFloors(repository({ [path]: `import '${target}';` }));
    expect(findings.map(({ message }) => message)).toEqual([expect.stringContaining(reason)]);
  });

  test('refuse a file that stands on none', () => {
    expect(places(checkFloors(repository({ 'src/misc/a.ts': '' })))).toEqual(['src/misc/a.ts:1']);
  });
});

describe('cycles', () => {
  test('are found through type-only imports, each once', () => {
    const findings = checkCycles(
      repository({
        'src/dsl/a.ts': `import './b.js';`,
        'src/dsl/b.ts': `import type { C } from './c.js';`,
        'src/dsl/c.ts': `export * from './a.js';`,
        'src/dsl/d.ts': `import './a.js';`,
      }),
    );
    expect(findings).toHaveLength(1);
    expect(findings[0]?.message).toContain(
      'src/dsl/a.ts -> src/dsl/b.ts -> src/dsl/c.ts -> src/dsl/a.ts',
    );
  });

  test('are found when a file imports itself', () => {
    expect(checkCycles(repository({ 'src/dsl/a.ts': `import './a.js';` }))).toHaveLength(1);
  });

  test('are not seen in two ways to the same file', () => {
    const files = {
      'src/dsl/a.ts': `import './b.js'; import './c.js';`,
      'src/dsl/b.ts': `import './c.js';`,
      'src/dsl/c.ts': '',
    };
    expect(checkCycles(repository(files))).toEqual([]);
  });
});

describe('doors', () => {
  test.each([
    ['src/state/memory-backend.ts', `import { open } from 'lmdb';`],
    ['src/dsl/a.ts', `const { open } = await import('lmdb');`],
    ['src/runtime/a.ts', `import { readFile } from 'node:fs/promises';`],
    ['src/time/a.ts', `import type { Observable } from 'rxjs';`],
    ['src/core/a.ts', `import { z } from 'zod';`],
    ['src/dsl/a.ts', `import { get } from 'node:https';`],
    ['src/testing/a.ts', `import { test } from 'vitest';`],
  ])('are closed to %s with %s', (path, code) => {
    expect(places(checkDoors(repository({ [path]: code }), doors))).toEqual([`${path}:1`]);
  });

  test.each([
    ['src/state/lmdb-backend.ts', `import { open } from 'lmdb';`],
    ['src/connectors/csv/read.ts', `import { readFile } from 'node:fs/promises';`],
    ['src/dsl/a.ts', `import { map } from 'rxjs/operators';`],
    ['src/time/a.test.ts', `import { of } from 'rxjs';`],
    ['src/dsl/a.ts', `import { z } from 'zod';`],
  ])('are open to %s with %s', (path, code) => {
    expect(checkDoors(repository({ [path]: code }), doors)).toEqual([]);
  });
});

describe('orphans', () => {
  const entries = ['src/index.ts', 'src/testing/index.ts'];

  test('are found, also when a test or another orphan imports them', () => {
    const files = {
      'src/index.ts': `export * from './dsl/a.js';`,
      'src/testing/index.ts': `import './harness.js';`,
      'src/testing/harness.ts': '',
      'src/dsl/a.ts': `const late = await import('./b.js');`,
      'src/dsl/b.ts': '',
      'src/dsl/lost.ts': '',
      'src/dsl/lost.test.ts': `import './lost.js';`,
      'src/dsl/also-lost.ts': `import './lost.js';`,
    };
    expect(places(checkOrphans(repository(files), entries)).toSorted()).toEqual([
      'src/dsl/also-lost.ts:1',
      'src/dsl/lost.ts:1',
    ]);
  });

  test('are not looked for while an entry is missing', () => {
    const files = { 'src/index.ts': '', 'src/dsl/lost.ts': '' };
    expect(places(checkOrphans(repository(files), entries))).toEqual(['src/testing/index.ts:1']);
  });
});

test('a demo that reaches behind the public API is found', () => {
  const files = {
    'demos/a/main.ts': `import { run } from '../../src/runtime/run.js';`,
    'demos/b/main.ts': `import { run } from '../../src/index.js'; import './plays.js';`,
  };
  expect(places(checkPublicUse(repository(files)))).toEqual(['demos/a/main.ts:1']);
});
