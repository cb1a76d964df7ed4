import { expect, test } from 'vitest';
import { parseSource } from './source.js';

test('imports are resolved to the files of the repository', () => {
  const { imports } = parseSource(
    'src/dsl/deep/a.ts',
    `import { b } from '../b.js';
     import { run } from 'tidemark';
     import { world } from 'tidemark/testing';
     import { of } from 'rxjs';
     import script from '../../../scripts/build.mjs';`,
  );
  expect(imports.map(({ target }) => target)).toEqual([
    'src/dsl/b.ts',
    'src/index.ts',
    'src/testing/index.ts',
    undefined,
    'scripts/build.mjs',
  ]);
});

test('lines are counted as an editor shows them', () => {
  const source = parseSource('src/a.ts', 'a;\nb;\n\nc;\n');
  expect(source.lineCount).toBe(4);
  expect([0, 1, 3, 6, 7].map((offset) => source.lineAt(offset))).toEqual([1, 1, 2, 3, 4]);
});

test('a file that does not parse stops the gates', () => {
  expect(() => parseSource('src/a.ts', 'const = 1;')).toThrow();
});
