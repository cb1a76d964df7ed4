/**
 * Finds the examples of the documentation: fenced `ts` blocks of Markdown, and `@example`s of docstrings.
 *
 *     ```ts               is type-checked and run; what it prints is compared with its `// => …` comments
 *     ```ts no-run        is only type-checked, because it waits for the world
 *     ```ts fragment      is neither, because it is no complete module
 *
 * An `@example` holds such blocks, or is one as a whole.
 */

export type ExampleMode = 'run' | 'no-run' | 'fragment';

export interface Example {
  /** Where it stands, from the root. */
  readonly file: string;
  /** The line of its first line of code. */
  readonly line: number;
  readonly code: string;
  readonly mode: ExampleMode;
}

/** All examples of a Markdown file. Throws on a block that does not say clearly what it is. */
export function examplesOfMarkdown(file: string, text: string): Example[] {
  return fencedBlocks(file, text.split('\n'), 1);
}

/** All examples of the docstrings of a source file. */
export function examplesOfSource(file: string, text: string): Example[] {
  // A docstring begins its line, so a glob such as 'src/**/*.ts' is not mistaken for one.
  const docstrings = text.matchAll(/^[ \t]*\/\*\*(?!\/)[^]*?\*\//gm);
  return [...docstrings].flatMap(({ index, 0: docstring }) => {
    const firstLine = text.slice(0, index).split('\n').length;
    return examplesOfDocstring(file, docstring, firstLine);
  });
}

/** The lines that an example says it prints, in order: one `// => …` comment for each. */
export function statedOutput({ code }: Example): string[] {
  return code.split('\n').flatMap((line) => {
    const stated = /\/\/\s*=>\s?(?<output>.*)$/.exec(line)?.groups?.['output'];
    return stated === undefined ? [] : [stated.trimEnd()];
  });
}

/** A file name for the example as a module. */
export function moduleName({ file, line }: Example): string {
  return `${file.replaceAll('/', '__')}.L${line}.ts`;
}

/** The example as a module whose lines have the numbers of the documentation, so that errors point there. */
export function moduleText({ line, code }: Example): string {
  return `${'\n'.repeat(line - 1)}${code}\n`;
}

/** Turns what a compiler says about a module back into words about the documentation. */
export function pointToDocumentation(message: string, examples: readonly Example[]): string {
  return examples.reduce(
    (text, example) =>
      text.replaceAll(new RegExp(`\\S*${escape(moduleName(example))}`, 'g'), example.file),
    message,
  );
}

function examplesOfDocstring(file: string, docstring: string, firstLine: number): Example[] {
  const lines = docstring
    .replace(/\*\/$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\/?\*{1,2} ?/, ''));
  const examples: Example[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    if (lines[at]?.trimStart().startsWith('@example') !== true) continue;
    const start = at + 1;
    const next = lines.findIndex((line, index) => index >= start && /^\s*@[a-z]/.test(line));
    const body = lines.slice(start, next < 0 ? lines.length : next);
    examples.push(...examplesOfTag(file, body, firstLine + start));
  }
  return examples;
}

/** What stands below one `@example`; a line beside the tag is its caption. */
function examplesOfTag(file: string, body: readonly string[], firstLine: number): Example[] {
  if (body.some((line) => line.trimStart().startsWith('```'))) {
    return fencedBlocks(file, body, firstLine);
  }
  const start = body.findIndex((line) => line.trim() !== '');
  if (start < 0) throw new Error(`${file}:${firstLine} an @example is empty`);
  const code = unindent(body.slice(start)).join('\n').trimEnd();
  return [{ file, line: firstLine + start, code, mode: 'run' }];
}

function fencedBlocks(file: string, lines: readonly string[], firstLine: number): Example[] {
  const examples: Example[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const opening = /^\s*(?<fence>`{3,})(?<info>.*)$/.exec(lines[at] ?? '');
    if (opening === null) continue;
    const fence = opening.groups?.['fence'] ?? '```';
    const end = lines.findIndex((line, index) => index > at && line.trim() === fence);
    const place = `${file}:${firstLine + at}`;
    if (end < 0) throw new Error(`${place} a code block is not closed`);
    const mode = modeOf(opening.groups?.['info'] ?? '', place);
    if (mode !== undefined) {
      const code = unindent(lines.slice(at + 1, end)).join('\n');
      examples.push({ file, line: firstLine + at + 1, code, mode });
    }
    at = end;
  }
  return examples;
}

/** What the words behind a fence ask for; undefined for other languages. */
function modeOf(info: string, place: string): ExampleMode | undefined {
  const [language, ...words] = info.trim().split(/\s+/);
  if (language === 'typescript') throw new Error(`${place} write \`\`\`ts, which is checked`);
  if (language !== 'ts') return undefined;
  const word = words.join(' ');
  if (word === '') return 'run';
  if (word === 'no-run' || word === 'fragment') return word;
  throw new Error(
    `${place} expected \`\`\`ts, \`\`\`ts no-run or \`\`\`ts fragment, got "${word}"`,
  );
}

function unindent(lines: readonly string[]): string[] {
  const depths = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const depth = depths.length === 0 ? 0 : Math.min(...depths);
  return lines.map((line) => line.slice(depth));
}

function escape(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}
