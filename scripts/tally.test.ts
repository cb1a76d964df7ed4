/** The closing line is what a pipeline trusts, so whatever breaks in a run must reach it as a failure. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
let scratch = '';

// The inner test runs need `vitest` to resolve, so they live inside the repository.
beforeEach(() => {
  mkdirSync(join(root, '.build'), { recursive: true });
  scratch = mkdtempSync(join(root, '.build', 'tally-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly name: string; readonly reason?: string }[];
}

/** Runs one test file in a Vitest of its own and returns the tally; undefined when none was written. */
function tallyOf(source: string): Tally | undefined {
  writeFileSync(join(scratch, 'example.test.ts'), source);
  writeFileSync(
    join(scratch, 'vitest.config.mjs'),
    `export default { test: { include: ['*.test.ts'] } };\n`,
  );
  const path = join(scratch, 'tally.json');
  const reporter = join(root, 'scripts', 'tally-reporter.mjs');
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  spawnSync(process.execPath, [vitest, 'run', '--root', scratch, `--reporter=${reporter}`], {
    cwd: scratch,
    env: { ...process.env, TIDEMARK_TALLY: path },
  });
  if (!existsSync(path)) return undefined;
  return JSON.parse(readFileSync(path, 'utf8')) as Tally;
}

describe('the reporter', () => {
  test('counts what passed, what failed, and what was skipped with its reason', () => {
    const tally = tallyOf(`
      import { describe, expect, test } from 'vitest';
      test('holds', () => {});
      describe('group', () => {
        test('breaks', () => expect(1).toBe(2));
        test('waits', (context) => context.skip('there is no broker'));
        test.skip('rests', () => {});
      });
    `);
    expect(tally).toEqual({
      passed: 1,
      failed: 1,
      skipped: [
        { name: 'example.test.ts > group > waits', reason: 'there is no broker' },
        { name: 'example.test.ts > group > rests' },
      ],
    });
  });

  test('counts a file that cannot be loaded as a failure', () => {
    expect(tallyOf(`import './missing.js';`)).toMatchObject({ passed: 0, failed: 1 });
  });

  test('counts a file that does not compile as a failure', () => {
    expect(tallyOf(`const = 1;`)).toMatchObject({ passed: 0, failed: 1 });
  });

  test('counts an error that escapes a test as a failure', () => {
    const tally = tallyOf(`
      import { test } from 'vitest';
      test('holds', async () => {
        void Promise.reject(new Error('nobody caught this'));
        await new Promise((resolve) => setTimeout(resolve, 50));
      });
    `);
    expect(tally).toMatchObject({ passed: 1, failed: 1 });
  });

  test('counts a hook that throws as a failure', () => {
    const tally = tallyOf(`
      import { beforeAll, describe, test } from 'vitest';
      describe('group', () => {
        beforeAll(() => { throw new Error('no ground'); });
        test('never starts', () => {});
      });
    `);
    expect(tally?.failed).toBeGreaterThanOrEqual(1);
    expect(tally?.passed).toBe(0);
  });

  test('counts a process that dies as a failure', () => {
    const tally = tallyOf(`
      import { test } from 'vitest';
      test('kills its process', () => process.kill(process.pid, 'SIGKILL'));
    `);
    expect(tally === undefined || tally.failed > 0).toBe(true);
  });
});

describe('the sum', () => {
  /** Runs ci-sum.mjs over files with these contents; undefined stands for a file that is missing. */
  function sumOf(contents: readonly (string | undefined)[]): { lines: string[]; status: number } {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-sum-'));
    const paths = contents.map((content, index) => {
      const path = join(directory, `${index}.json`);
      if (content !== undefined) writeFileSync(path, content);
      return path;
    });
    const script = join(root, 'scripts', 'ci-sum.mjs');
    const run = spawnSync(process.execPath, [script, ...paths], { encoding: 'utf8' });
    rmSync(directory, { recursive: true, force: true });
    return { lines: run.stdout.trimEnd().split('\n'), status: run.status ?? -1 };
  }

  const green = JSON.stringify({ passed: 3, failed: 0, skipped: [] });

  test('adds up, and leaves out the skipped when there are none', () => {
    expect(sumOf([green, green])).toEqual({ lines: ['6 passed, 0 failed'], status: 0 });
  });

  test('fails when one run has failed', () => {
    const red = JSON.stringify({ passed: 1, failed: 2, skipped: [] });
    expect(sumOf([green, red])).toEqual({ lines: ['4 passed, 2 failed'], status: 1 });
  });

  test('names the skipped before the closing line', () => {
    const skipped = [{ name: 'a.test.ts > waits', reason: 'no broker' }, { name: 'rests' }];
    expect(sumOf([JSON.stringify({ passed: 1, failed: 0, skipped })])).toEqual({
      lines: [
        'skipped: a.test.ts > waits (no broker)',
        'skipped: rests (no reason is given)',
        '1 passed, 0 failed, 2 skipped',
      ],
      status: 0,
    });
  });

  test.each([undefined, '', '{"passed":1}', 'null'])('a run that left %j has failed', (content) => {
    expect(sumOf([green, content])).toEqual({ lines: ['3 passed, 1 failed'], status: 1 });
  });
});
