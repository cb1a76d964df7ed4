import { describe, expect, test } from 'vitest';
import {
  examplesOfMarkdown,
  examplesOfSource,
  moduleName,
  moduleText,
  pointToDocumentation,
  statedOutput,
} from './examples.js';
import type { Example } from './examples.js';

const example: Example = { file: 'docs/a.md', line: 3, code: 'first();\nsecond();', mode: 'run' };

describe('Markdown', () => {
  test('gives its ts blocks, with their lines and modes', () => {
    const text = [
      '# Title',
      '```ts',
      'first();',
      '```',
      '```sh',
      'npm test',
      '```',
      '```ts no-run',
      'second();',
      '```',
      '  ```ts fragment',
      '  third()',
      '    .fourth()',
      '  ```',
    ].join('\n');
    expect(examplesOfMarkdown('README.md', text)).toEqual([
      { file: 'README.md', line: 3, code: 'first();', mode: 'run' },
      { file: 'README.md', line: 9, code: 'second();', mode: 'no-run' },
      { file: 'README.md', line: 12, code: 'third()\n  .fourth()', mode: 'fragment' },
    ]);
  });

  test('keeps a ts fence that is quoted in a longer one', () => {
    expect(examplesOfMarkdown('README.md', '````md\n```ts\nfirst();\n```\n````')).toEqual([]);
  });

  test.each([
    ['```ts\nfirst();', 'not closed'],
    ['```ts norun\nfirst();\n```', 'norun'],
    ['```typescript\nfirst();\n```', 'write ```ts'],
  ])('is refused when a block could slip through: %j', (text, reason) => {
    expect(() => examplesOfMarkdown('README.md', text)).toThrow(reason);
  });
});

describe('docstrings', () => {
  test('give their examples, bare or fenced', () => {
    const text = [
      `const glob = 'src/**/*.ts';`,
      '/**',
      ' * Doubles a number.',
      ' *',
      ' * @example Twice two',
      ' * console.log(double(2)); // => 4',
      ' *',
      ' * @param value What is doubled.',
      ' */',
      '  /**',
      '   * Halves a number.',
      '   * @example',
      '   * In short:',
      '   * ```ts no-run',
      '   * half(2);',
      '   * ```',
      '   */',
      '/** No example. */',
    ].join('\n');
    expect(examplesOfSource('src/a.ts', text)).toEqual([
      { file: 'src/a.ts', line: 6, code: 'console.log(double(2)); // => 4', mode: 'run' },
      { file: 'src/a.ts', line: 15, code: 'half(2);', mode: 'no-run' },
    ]);
  });

  test('are refused when an example is empty', () => {
    expect(() => examplesOfSource('src/a.ts', '/**\n * @example\n */')).toThrow('empty');
  });
});

describe('an example', () => {
  test('states its output in order', () => {
    const code = [
      'console.log(1); // => 1',
      'stream.subscribe(console.log); //=> a',
      '//   => b c',
      'console.log("");  // =>',
    ].join('\n');
    expect(statedOutput({ ...example, code })).toEqual(['1', 'a', 'b c', '']);
  });

  test('keeps its line numbers as a module', () => {
    expect(moduleText(example).split('\n').indexOf('second();') + 1).toBe(4);
  });

  test('is named again in what the compiler says', () => {
    const message = `../.build/x/${moduleName(example)}(3,1): error`;
    expect(pointToDocumentation(message, [example])).toBe('docs/a.md(3,1): error');
  });
});
