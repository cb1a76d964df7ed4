import { expect, test } from 'vitest';
import { checkLockfile, checkMachinePaths } from './texts.js';

const file = (text: string): { path: string; text: string } => ({ path: 'docs/a.md', text });

test.each([
  'see /home/ada/tidemark',
  `readFile('/Users/ada/plays.csv')`,
  'cd /root/project',
  '"C:\\\\Users\\\\ada"',
  'file:///home/ada/src',
  'at /opt/checkouts/tidemark/src/index.ts:1:1',
])('a path of one machine is found in %s', (text) => {
  expect(checkMachinePaths(file(`first line\n${text}`), '/opt/checkouts/tidemark/')).toMatchObject([
    { line: 2 },
  ]);
});

test.each([
  'https://example.org/home/page',
  'src/work/main.ts',
  './root/file',
  '/tmp/state',
  'the /home page',
])('no path of one machine is seen in %s', (text) => {
  expect(checkMachinePaths(file(text), '/src/')).toEqual([]);
});

test('a lockfile that names another registry is found', () => {
  const entry = (url: string): { path: string; text: string } => file(`{ "resolved": "${url}" }`);
  expect(checkLockfile(entry('https://registry.npmjs.org/rxjs/-/rxjs-7.8.2.tgz'))).toEqual([]);
  expect(checkLockfile(entry('https://mirror.example/rxjs-7.8.2.tgz'))).toHaveLength(1);
});
