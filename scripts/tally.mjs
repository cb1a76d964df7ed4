// The arithmetic of the closing line: how many tests passed, failed and were skipped, over several runs.
import { readFileSync } from 'node:fs';

/**
 * @typedef {{ name: string, reason: string | undefined }} Skip A test that did not run, and why.
 * @typedef {{ passed: number, failed: number, skipped: Skip[] }} Tally
 */

/** @returns {Tally} */
export function emptyTally() {
  return { passed: 0, failed: 0, skipped: [] };
}

/**
 * Adds up.
 * @param {readonly Tally[]} tallies
 * @returns {Tally}
 */
export function sum(tallies) {
  const total = emptyTally();
  for (const { passed, failed, skipped } of tallies) {
    total.passed += passed;
    total.failed += failed;
    total.skipped.push(...skipped);
  }
  return total;
}

/**
 * Reads what a run has left behind. A run without a readable tally has crashed, which is one failure and never a
 * success: an empty file must not pass for "nothing failed".
 * @param {string} path
 * @returns {Tally}
 */
export function readTally(path) {
  try {
    const { passed, failed, skipped } = JSON.parse(readFileSync(path, 'utf8'));
    if (!Number.isSafeInteger(passed) || !Number.isSafeInteger(failed) || !Array.isArray(skipped)) {
      throw new TypeError('not a tally');
    }
    return { passed, failed, skipped };
  } catch {
    return { passed: 0, failed: 1, skipped: [] };
  }
}

/**
 * One sentence per skipped test.
 * @param {Tally} tally
 * @returns {string[]}
 */
export function skipLines({ skipped }) {
  return skipped.map(({ name, reason }) => `skipped: ${name} (${reason ?? 'no reason is given'})`);
}

/**
 * The very last line of every command that runs tests.
 * @param {Tally} tally
 * @returns {string}
 */
export function closingLine({ passed, failed, skipped }) {
  const tail = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  return `${passed} passed, ${failed} failed${tail}`;
}
