/** Gates on single files: their length, their headline, their test, and what was left lying in them. */
import { isNode, nameOf, walk } from './source.js';
import type { Finding, Source, SyntaxNode } from './source.js';

const limits = { sourceLines: 300, testLines: 400, functionLines: 70 };

/** Excused by name: a file, or a function as `file#name`. The value is the reason. */
export type Exceptions = Readonly<Record<string, string>>;

export function checkFileLength(source: Source, exceptions: Exceptions = {}): Finding[] {
  const limit = source.isTest ? limits.testLines : limits.sourceLines;
  if (source.lineCount <= limit || Object.hasOwn(exceptions, source.path)) return [];
  const cure = source.isTest
    ? 'split it by aspect, like window.late.test.ts'
    : 'split it by what changes together';
  const message = `has ${source.lineCount} lines, and ${limit} are the limit; ${cure}`;
  return [{ file: source.path, line: limit + 1, message }];
}

/** Counts from the first to the last line of a function, with everything that is nested in it. */
export function checkFunctionLength(source: Source, exceptions: Exceptions = {}): Finding[] {
  if (source.isTest) return [];
  const findings: Finding[] = [];
  walk(source.program, (node, parent) => {
    if (!/Function(?:Declaration|Expression)$/.test(node.type)) return;
    const line = source.lineAt(node.start);
    const length = source.lineAt(node.end) - line + 1;
    const name = functionName(node, parent);
    if (length <= limits.functionLines || Object.hasOwn(exceptions, `${source.path}#${name}`))
      return;
    const message = `function ${name} has ${length} lines, and ${limits.functionLines} are the limit; name its parts`;
    findings.push({ file: source.path, line, message });
  });
  return findings;
}

/** Each file opens with a sentence that a newcomer understands. */
export function checkHeadline(source: Source): Finding[] {
  const opening = /^(?:#![^\n]*\n)?(?:\/\*\*?(?<block>.*?)\*\/|(?<lines>(?:\/\/[^\n]*\n)+))/s.exec(
    source.text,
  );
  const comment = opening?.groups?.['block'] ?? opening?.groups?.['lines'] ?? '';
  const words = comment.replaceAll(/^\s*(?:\*|\/\/)/gm, '').trim();
  const isSentence =
    /^(?:[A-Z`'"]|\d)[^]*[.:!?](?:\s|$)/.test(words) && words.split(/\s+/).length >= 3;
  if (isSentence && !/^(?:Copyright|SPDX|@)/.test(words)) return [];
  const message =
    'does not open with a headline: a comment with one full sentence on what the file is';
  return [{ file: source.path, line: 1, message }];
}

/** Focused tests, notes to oneself, and notes without an issue such as `TODO(#12)`. */
export function checkLeftovers(source: Source): Finding[] {
  const findings: Finding[] = [];
  walk(source.program, (node) => {
    if (node.type !== 'MemberExpression' || nameOf(node['property']) !== 'only') return;
    if (!/^(?:describe|it|test|suite|bench)$/.test(rootName(node))) return;
    const message = '.only: remove it, or the other tests of this file do not run';
    findings.push({ file: source.path, line: source.lineAt(node.start), message });
  });
  for (const [text, message] of [
    [/\bFIXME\b/g, 'FIXME: mend it, or file an issue and write TODO(#number)'],
    [/\bTODO\b(?!\(#\d+\))/g, 'TODO without an issue: write TODO(#number), or do it'],
  ] as const) {
    for (const { index } of source.text.matchAll(text)) {
      findings.push({ file: source.path, line: source.lineAt(index), message });
    }
  }
  return findings;
}

/**
 * Each file with code of its own has a test beside it, `x.test.ts` or `x.<aspect>.test.ts`, or is listed together
 * with the test that covers it. Files that only declare types or pass on exports have nothing to test.
 */
export function checkTwins(
  sources: readonly Source[],
  coveredBy: Readonly<Record<string, string>>,
  testExists: (path: string) => boolean,
): Finding[] {
  const tests = sources.filter(({ isTest }) => isTest).map(({ path }) => path);
  const findings: Finding[] = [];
  for (const source of sources) {
    if (source.isTest || !hasCode(source)) continue;
    const stem = source.path.replace(/\.ts$/, '.');
    if (
      tests.some(
        (test) => test.startsWith(stem) && /^(?:[^./]+\.)?test\.ts$/.test(test.slice(stem.length)),
      )
    ) {
      continue;
    }
    const cover = coveredBy[source.path];
    if (cover !== undefined && testExists(cover)) continue;
    const message =
      cover === undefined
        ? `has no test; write ${stem}test.ts, or name the test that covers it in scripts/tidy/tables.ts`
        : `is said to be covered by ${cover}, which does not exist`;
    findings.push({ file: source.path, line: 1, message });
  }
  return findings;
}

/** Whether anything of this file runs, apart from imports and re-exports. */
export function hasCode(source: Source): boolean {
  const body = Array.isArray(source.program['body']) ? source.program['body'].filter(isNode) : [];
  return body.some((statement) => {
    if (statement.type !== 'ExportNamedDeclaration') return isCode(statement);
    return isNode(statement['declaration']) && isCode(statement['declaration']);
  });
}

function isCode(statement: SyntaxNode): boolean {
  if (statement['declare'] === true) return false;
  return !/^(?:Import|ExportAll|TSInterface|TSTypeAlias)Declaration$/.test(statement.type);
}

function functionName(node: SyntaxNode, parent: SyntaxNode | undefined): string {
  return nameOf(node['id']) ?? nameOf(parent?.['key']) ?? nameOf(parent?.['id']) ?? '(anonymous)';
}

/** `test` for `test.skip.only` and for `test.each(table).only`. */
function rootName(node: SyntaxNode): string {
  let at: unknown = node;
  while (isNode(at) && nameOf(at) === undefined) at = at['object'] ?? at['callee'];
  return nameOf(at) ?? '';
}
