import { describe, expect, test } from 'vitest';
import {
  checkFileLength,
  checkFunctionLength,
  checkHeadline,
  checkLeftovers,
  checkTwins,
  hasCode,
} from './habits.js';
import { parseSource } from './source.js';
import type { Source } from './source.js';

const lines = (count: number): string => 'f();\n'.repeat(count);
const source = (code: string, path = 'src/dsl/a.ts'): Source => parseSource(path, code);

describe('the length of a file', () => {
  test('is 300 lines at most', () => {
    expect(checkFileLength(source(lines(300)))).toEqual([]);
    expect(checkFileLength(source(lines(301)))).toHaveLength(1);
  });

  test('is 400 lines at most for a test', () => {
    expect(checkFileLength(source(lines(400), 'src/dsl/a.test.ts'))).toEqual([]);
    expect(checkFileLength(source(lines(401), 'src/dsl/a.test.ts'))).toHaveLength(1);
  });

  test('may be more for a file that is excused', () => {
    expect(checkFileLength(source(lines(500)), { 'src/dsl/a.ts': 'It is a table.' })).toEqual([]);
  });
});

describe('the length of a function', () => {
  test.each([
    ['function long() {', '}'],
    ['const long = () => {', '};'],
    ['const object = { long() {', '} };'],
    ['class Thing { long(): void {', '} }'],
    ['class Thing { long = async () => {', '} }'],
  ])('is 70 lines at most: %s', (open, close) => {
    expect(checkFunctionLength(source(`${open}\n${lines(68)}${close}`))).toEqual([]);
    const [finding] = checkFunctionLength(source(`${open}\n${lines(69)}${close}`));
    expect(finding?.message).toContain('function long has 71 lines');
  });

  test('does not count braces in strings and templates', () => {
    const code = `function short() { return '{' + \`{\${1}\`; }\n${lines(80)}`;
    expect(checkFunctionLength(source(code))).toEqual([]);
  });

  test('may be more for a function that is excused', () => {
    const excused = { 'src/dsl/a.ts#long': 'It is one table.' };
    expect(checkFunctionLength(source(`function long() {\n${lines(99)}}`), excused)).toEqual([]);
  });
});

describe('a headline', () => {
  test.each([
    '/** The storage contract: what one job needs. */\n',
    '/**\n * Which windows own a time.\n * More.\n */\nexport {};\n',
    '// Compiles the project and leaves it in `dist`.\nexport {};\n',
  ])('is seen in %j', (code) => {
    expect(checkHeadline(source(code))).toEqual([]);
  });

  test.each([
    '',
    'export const a = 1;\n',
    `import './b.js';\n/** The storage contract of a job. */\n`,
    '/** todo */\n',
    '// @ts-nocheck is not a sentence that helps.\n',
    '/* Copyright of somebody or other. */\n',
  ])('is missed in %j', (code) => {
    expect(checkHeadline(source(code))).toHaveLength(1);
  });
});

describe('leftovers', () => {
  test.each([
    'test.only("a", () => {});',
    'describe.skip.only("a", () => {});',
    'test.each([1]).only("a", () => {});',
    '// FIXME: later',
    '/* TODO later */',
    '// TODO(me): later',
  ])('are found in %s', (code) => {
    expect(checkLeftovers(source(code))).toHaveLength(1);
  });

  test.each(['// TODO(#12): later', 'query.only("a");', 'const text = "test.only(a)";'])(
    'are not seen in %s',
    (code) => {
      expect(checkLeftovers(source(code))).toEqual([]);
    },
  );
});

describe('twins', () => {
  const code = source('export const a = () => 1;');
  const exists = (path: string): boolean => path === 'demos/a.test.ts';

  test.each(['src/dsl/a.test.ts', 'src/dsl/a.late.test.ts'])('%s is one', (path) => {
    expect(checkTwins([code, source('', path)], {}, exists)).toEqual([]);
  });

  test.each(['src/dsl/ab.test.ts', 'src/time/a.test.ts'])('%s is none', (path) => {
    expect(checkTwins([code, source('', path)], {}, exists)).toHaveLength(1);
  });

  test('may be named elsewhere, when they exist', () => {
    expect(checkTwins([code], { 'src/dsl/a.ts': 'demos/a.test.ts' }, exists)).toEqual([]);
    expect(checkTwins([code], { 'src/dsl/a.ts': 'demos/gone.test.ts' }, exists)).toHaveLength(1);
  });

  test.each([
    ['export interface A { a: number }', false],
    [`export type A = string; import type { B } from './b.js'; export type { B };`, false],
    [`export { a } from './a.js'; export * from './b.js'; import './install.js';`, false],
    ['export declare const brand: unique symbol;', false],
    ['export const a = 1;', true],
    ['export class A {}', true],
    ['function a() {}', true],
    ['install();', true],
    ['export default 1;', true],
  ])('are asked for by code only: %s', (text, expected) => {
    expect(hasCode(source(text))).toBe(expected);
  });
});
