/** What a round has left, as lines, and how two lots of lines differ. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openTable, unchecked } from '../../src/index.js';
import type { Output } from './job.js';

/** The visible lines of the outputs, sorted: order between files means nothing. */
export async function linesOf(directory: string, outputs: readonly Output[]): Promise<string[]> {
  const lines: string[] = [];
  for (const { name, kind } of outputs) {
    const path = join(directory, name);
    const found =
      kind === 'table'
        ? await rowsOf(path)
        : kind === 'calls'
          ? linesIn(await readFile(path, 'utf8'))
          : await linesOfPartFiles(path);
    lines.push(...found.map((line) => `${name} ${line}`));
  }
  return lines.sort();
}

async function linesOfPartFiles(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => !name.startsWith('.'));
  const texts = names.map((name) => readFile(join(directory, name), 'utf8'));
  return (await Promise.all(texts)).flatMap(linesIn);
}

async function rowsOf(directory: string): Promise<string[]> {
  const rows = await openTable(directory, unchecked<unknown>());
  try {
    return rows.entries().map((row) => JSON.stringify(row));
  } finally {
    await rows.close();
  }
}

function linesIn(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Undefined when both hold the same lines, each as often. Both are sorted. */
export function firstDifference(
  expected: readonly string[],
  got: readonly string[],
): string | undefined {
  for (let index = 0; index < Math.max(expected.length, got.length); index += 1)
    if (expected[index] !== got[index])
      return `first difference: expected ${expected[index] ?? 'nothing'}, got ${got[index] ?? 'nothing'}`;
  return undefined;
}

/** Undefined when all expected lines are there, and no others; how often each comes does not matter. */
export function differenceOfSets(
  expected: readonly string[],
  got: readonly string[],
): string | undefined {
  return firstDifference([...new Set(expected)], [...new Set(got)]);
}
