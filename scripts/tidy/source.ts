/**
 * A source file as the gates see it: its text, its syntax tree, and the modules that it imports.
 *
 * Everything is read from the tree, so a ban is never found in a comment or a string, and never missed because of a
 * line break. The parser is the one that Vitest brings along.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parseAst } from 'vitest/node';

/** A node of the ESTree, with TypeScript's additions. Fields are read by name and checked where they are used. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface Import {
  /** As written, such as `./clock.js` or `rxjs`. */
  readonly specifier: string;
  /** The file of this repository that is meant, or undefined when it is a package or a built-in module. */
  readonly target: string | undefined;
  /** The exported names that are taken; empty for namespaces, side effects, `import()` and `export *`. */
  readonly names: readonly string[];
  readonly line: number;
}

export interface Source {
  /** From the root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly lineCount: number;
  readonly program: SyntaxNode;
  readonly imports: readonly Import[];
  readonly isTest: boolean;
  lineAt(offset: number): number;
}

/** One thing that is wrong, and what to do instead. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** The doors of the package: the only names under which other programs import it. */
const packageDoors: Readonly<Record<string, string>> = {
  tidemark: 'src/index.ts',
  'tidemark/testing': 'src/testing/index.ts',
};

export function parseSource(path: string, text: string): Source {
  const program = parseAst(text, { lang: 'ts' }, path) as unknown as SyntaxNode;
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1))
    lineStarts.push(at + 1);
  const lineAt = (offset: number): number => {
    const next = lineStarts.findIndex((start) => start > offset);
    return next < 0 ? lineStarts.length : next;
  };
  return {
    path,
    text,
    lineCount: text.endsWith('\n') ? lineStarts.length - 1 : lineStarts.length,
    program,
    imports: importsOf(path, program, lineAt),
    isTest: path.endsWith('.test.ts'),
    lineAt,
  };
}

/** All TypeScript files below some directories of the root, in a fixed order. Missing directories hold nothing. */
export function readSources(root: string, directories: readonly string[]): Source[] {
  return listFiles(root, directories)
    .filter((path) => path.endsWith('.ts'))
    .map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')));
}

/** Names of all files below some directories, from the root, sorted. */
export function listFiles(root: string, directories: readonly string[]): string[] {
  return directories.flatMap((directory) => {
    try {
      return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => posix.relative(toPosix(root), toPosix(join(entry.parentPath, entry.name))))
        .toSorted();
    } catch {
      return [];
    }
  });
}

/** Visits every node below and including this one, parents first. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, parent: SyntaxNode | undefined, field: string) => void,
): void {
  const descend = (current: SyntaxNode, parent: SyntaxNode | undefined, field: string): void => {
    visit(current, parent, field);
    for (const [name, value] of Object.entries(current)) {
      if (Array.isArray(value)) {
        for (const item of value) if (isNode(item)) descend(item, current, name);
      } else if (isNode(value)) descend(value, current, name);
    }
  };
  descend(node, undefined, '');
}

export function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === 'object' && value !== null && typeof Reflect.get(value, 'type') === 'string'
  );
}

/** The name of an identifier or the text of a string; undefined for everything else. */
export function nameOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Identifier' && typeof node['name'] === 'string') return node['name'];
  if (node.type === 'Literal' && typeof node['value'] === 'string') return node['value'];
  return undefined;
}

/** Imports of every kind: type-only, dynamic, re-exports and `import('…').Type` count like any other. */
function importsOf(
  path: string,
  program: SyntaxNode,
  lineAt: (offset: number) => number,
): Import[] {
  const imports: Import[] = [];
  walk(program, (node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return;
    const specifiers = Array.isArray(node['specifiers']) ? node['specifiers'].filter(isNode) : [];
    const names = specifiers
      .map((item) => nameOf(item['imported']) ?? nameOf(item['local']))
      .filter((name) => name !== undefined);
    imports.push({ specifier, target: resolve(path, specifier), names, line: lineAt(node.start) });
  });
  return imports;
}

function specifierOf(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return nameOf(node['source']);
    case 'TSExternalModuleReference':
      return nameOf(node['expression']);
    case 'CallExpression': {
      const first: unknown = Array.isArray(node['arguments']) ? node['arguments'][0] : undefined;
      return nameOf(node['callee']) === 'require' ? nameOf(first) : undefined;
    }
    default:
      return undefined;
  }
}

function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return packageDoors[specifier];
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}

function toPosix(path: string): string {
  return path.replaceAll('\\', '/');
}
