import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { differenceText, differences, visibleLines } from './compare.js';

test('the same lines in the same places are no difference', () => {
  expect(differences(['a', 'b'], ['a', 'b'])).toEqual([]);
});

test('a line that is missing, twice or another is shown', () => {
  expect(differenceText(differences(['a', 'b'], ['a']))).toEqual(['line 2', '- b']);
  expect(differenceText(differences(['a', 'b'], ['a', 'a', 'b']))).toEqual([
    ...['line 2', '- b', '+ a'],
    ...['line 3', '+ b'],
  ]);
});

test('of many differences the first are shown, and long lines are cut', () => {
  const found = differences(new Array<string>(9).fill('x'.repeat(50)), []);
  const text = differenceText(found, 10);
  expect(text.slice(0, 2)).toEqual(['line 1', '- xxxxxxx…']);
  expect(text.at(-1)).toBe('… and 4 more');
});

test('hidden parts are not seen, and parts are read in order', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-compare-'));
  writeFileSync(join(directory, 'part-2.jsonl'), 'c\n');
  writeFileSync(join(directory, 'part-1.jsonl'), 'a\nb\n');
  writeFileSync(join(directory, '.part-3.jsonl'), 'hidden\n');
  expect(await visibleLines(directory)).toEqual(['a', 'b', 'c']);
  expect(await visibleLines(join(directory, 'none'))).toEqual([]);
  rmSync(directory, { recursive: true });
});
