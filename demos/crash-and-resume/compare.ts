/** What two runs have written, line by line, and where they differ. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The lines of all visible part files, in the order of their epochs, as a reader of the directory sees them. */
export async function visibleLines(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  const parts = names.filter((name) => name.endsWith('.jsonl') && !name.startsWith('.'));
  const texts = await Promise.all(
    parts.toSorted().map((name) => readFile(join(directory, name), 'utf8')),
  );
  return texts.flatMap((text) => text.split('\n').filter((line) => line !== ''));
}

export interface Difference {
  /** Number of the line, from 1. */
  readonly line: number;
  /** undefined where a run has written no such line. */
  readonly whole: string | undefined;
  readonly killed: string | undefined;
}

/** The lines in which the second run does not say what the first one says, in the same place. */
export function differences(whole: readonly string[], killed: readonly string[]): Difference[] {
  const length = Math.max(whole.length, killed.length);
  return Array.from({ length }, (_, index) => ({
    line: index + 1,
    whole: whole[index],
    killed: killed[index],
  })).filter((each) => each.whole !== each.killed);
}

const SHOWN_MAX = 5;

/** The first differences as a diff. */
export function differenceText(found: readonly Difference[], width = 100): string[] {
  const cut = (text: string): string =>
    text.length > width ? `${text.slice(0, width - 1)}…` : text;
  const lines = found
    .slice(0, SHOWN_MAX)
    .flatMap(({ line, whole, killed }) => [
      `line ${line}`,
      ...(whole === undefined ? [] : [cut(`- ${whole}`)]),
      ...(killed === undefined ? [] : [cut(`+ ${killed}`)]),
    ]);
  const rest = found.length - SHOWN_MAX;
  return rest > 0 ? [...lines, `… and ${rest} more`] : lines;
}
