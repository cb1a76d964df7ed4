/**
 * The shape of the building, enforced: floors, cycles, doors, bans, sizes, headlines, tests, leftovers.
 *
 * The gates themselves live in `scripts/tidy/`, each with a test that makes it fail. Exceptions have one place,
 * `scripts/tidy/tables.ts`, and each carries its reason.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { checkBans } from './scripts/tidy/bans.js';
import {
  checkFileLength,
  checkFunctionLength,
  checkHeadline,
  checkLeftovers,
  checkTwins,
} from './scripts/tidy/habits.js';
import {
  checkCycles,
  checkDoors,
  checkFloors,
  checkOrphans,
  checkPublicUse,
} from './scripts/tidy/imports.js';
import { readSources } from './scripts/tidy/source.js';
import type { Finding } from './scripts/tidy/source.js';
import * as tables from './scripts/tidy/tables.js';
import { checkLockfile, checkMachinePaths, readTexts } from './scripts/tidy/texts.js';

const entries = ['src/index.ts', 'src/testing/index.ts', 'src/cli/main.ts'];
const root = fileURLToPath(new URL('.', import.meta.url));
const sources = readSources(root, ['src']);
const shipped = sources.filter(({ isTest }) => !isTest);
const demos = readSources(root, ['demos']);
const propertyTests = readSources(root, ['property-tests']);
const everything = [
  ...sources,
  ...demos,
  ...propertyTests,
  ...readSources(root, ['bench', 'conformance', 'test-types']),
];
// The gates name what they ban, so the search for leftovers passes them by; all else holds for them too.
const scripts = readSources(root, ['scripts']);

describe('who imports whom', () => {
  test('no arrow goes up a floor', () => nothing(checkFloors(sources)));
  test('no file imports itself on a detour', () => nothing(checkCycles(sources)));
  test('the outside world is entered through its doors', () =>
    nothing(checkDoors(sources, tables.doors)));
  test('every file is reached from an entry of the package', () =>
    nothing(checkOrphans(sources, [...entries, ...Object.keys(tables.groundwork)])));
  test('demos use the public API only', () => nothing(checkPublicUse(demos)));
});

describe('time and chance', () => {
  test('come from the runtime', () => {
    const findings = shipped
      .filter(({ path }) => !Object.hasOwn(tables.clockFiles, path))
      .flatMap((source) => {
        const allowDateValues = Object.hasOwn(tables.dateValueFiles, source.path);
        return checkBans(source, { allowDateValues });
      });
    nothing(findings);
  });

  test('come from the seed in property tests', () =>
    nothing(propertyTests.flatMap((source) => checkBans(source, { allowTimers: true }))));
});

describe('each file', () => {
  test('is short enough', () =>
    nothing(
      [...everything, ...scripts].flatMap((source) => checkFileLength(source, tables.longFiles)),
    ));

  test('has short functions', () =>
    nothing(
      [...shipped, ...scripts].flatMap((source) =>
        checkFunctionLength(source, tables.longFunctions),
      ),
    ));

  // The names of unit tests are their headline; a law needs a sentence on what bug it can see.
  test('opens with a headline', () => {
    const named = [...everything, ...scripts].filter(({ isTest }) => !isTest);
    nothing([...named, ...propertyTests].flatMap(checkHeadline));
  });

  test('has a test', () => {
    const testExists = (path: string): boolean => existsSync(join(root, path));
    nothing(checkTwins(sources, tables.coveredBy, testExists));
  });

  test('holds no leftovers', () => nothing(everything.flatMap(checkLeftovers)));
});

describe('the repository', () => {
  const texts = readTexts(root);

  test('names no place of one machine', () => {
    const gates = 'scripts/tidy/';
    const judged = texts.filter(({ path }) => !path.startsWith(gates));
    nothing(judged.flatMap((text) => checkMachinePaths(text, root)));
  });

  test('installs from the public registry', () =>
    nothing(texts.filter(({ path }) => path === 'package-lock.json').flatMap(checkLockfile)));
});

test('every exception excuses something that would be found', () => {
  const found = [
    ...shipped.flatMap((source) => checkBans(source)),
    ...everything.flatMap((source) => checkFileLength(source)),
    ...checkTwins(sources, {}, () => false),
  ];
  const orphans = checkOrphans(sources, entries).map(({ file }) => file);
  const longFunctions = shipped.flatMap((source) => checkFunctionLength(source));
  const excusedFiles = [
    tables.clockFiles,
    tables.dateValueFiles,
    tables.longFiles,
    tables.coveredBy,
  ];
  const idle = [
    ...excusedFiles
      .flatMap((table) => Object.keys(table))
      .filter((path) => !found.some(({ file }) => file === path)),
    ...Object.keys(tables.groundwork).filter((path) => !orphans.includes(path)),
    ...Object.keys(tables.longFunctions).filter((key) => {
      const [path, name] = key.split('#');
      return !longFunctions.some(
        ({ file, message }) => file === path && message.startsWith(`function ${name} `),
      );
    }),
  ];
  const message = 'stands in scripts/tidy/tables.ts, and needs no excuse (any more)';
  nothing(idle.map((file) => ({ file, line: 1, message })));
});

/** Fails with one line per finding, in the form that editors turn into a link. */
function nothing(findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  expect.fail(findings.map(({ file, line, message }) => `${file}:${line} ${message}`).join('\n'));
}
