/**
 * How the tests are found and run: one process per file, two at a time, a minute each.
 *
 * `tidemark` resolves to the sources, so that examples and property tests import what a user would import.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^tidemark\/testing$/, replacement: source('src/testing/index.ts') },
      { find: /^tidemark$/, replacement: source('src/index.ts') },
    ],
  },
  test: {
    include: [
      'src/**/*.test.ts',
      'property-tests/**/*.test.ts',
      'demos/**/*.test.ts',
      'bench/**/*.test.ts',
      'conformance/**/*.test.ts',
      'scripts/**/*.test.ts',
      'tidy.test.ts',
      'docs.test.ts',
    ],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
