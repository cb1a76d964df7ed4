import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../core/errors.js';
import { loadJob, type ModuleLoader } from './job-file.js';

const job = { [Symbol.for('tidemark.job')]: true };
const loader = (change: Partial<ModuleLoader> & { module?: unknown }): ModuleLoader => ({
  directory: '/jobs',
  version: '20.0.0',
  stripsTypes: false,
  import: () => Promise.resolve('module' in change ? change.module : { default: job }),
  ...change,
});
const failing = (error: Error): ModuleLoader => loader({ import: () => Promise.reject(error) });

test('a path is looked for from the directory of the command', async () => {
  const asked: string[] = [];
  const spy = loader({ import: async (url) => (asked.push(url), { default: job }) });
  expect(await loadJob('a/job.mjs', spy)).toBe(job);
  expect(asked).toEqual(['file:///jobs/a/job.mjs']);
});

test('a module that was CommonJS has its default a level deeper', async () => {
  expect(await loadJob('job.cjs', loader({ module: { default: { default: job } } }))).toBe(job);
});

describe('TypeScript', () => {
  test('is left to Node where Node runs it', async () => {
    expect(await loadJob('job.ts', loader({ stripsTypes: true }))).toBe(job);
  });

  test('is refused without tsx', async () => {
    for (const file of ['job.ts', 'job.mts', 'job.cts', 'job.tsx'])
      await expect(loadJob(file, loader({}))).rejects.toThrow(
        /PACKAGE_MISSING: .*Node 20\.0\.0 without tsx/,
      );
  });

  test('goes through tsx where the project of the job file has it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-tsx-'));
    const entry = join(directory, 'node_modules', 'tsx', 'loader.mjs');
    mkdirSync(dirname(entry), { recursive: true });
    writeFileSync(entry, '');
    writeFileSync(join(dirname(entry), 'package.json'), '{"name":"tsx","exports":"./loader.mjs"}');
    const asked: string[] = [];
    const spy = loader({ directory, import: async (url) => (asked.push(url), { default: job }) });
    expect(await loadJob('job.ts', spy)).toBe(job);
    expect(asked).toEqual([
      pathToFileURL(realpathSync(entry)).href,
      pathToFileURL(join(directory, 'job.ts')).href,
    ]);
    rmSync(directory, { recursive: true });
  });

  test('that Node cannot strip says what to avoid', async () => {
    const error = Object.assign(new SyntaxError('enum'), {
      code: 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
    });
    const stripping = { ...failing(error), stripsTypes: true };
    await expect(loadJob('job.ts', stripping)).rejects.toThrow(/JOB_FILE_INVALID: .*without enums/);
  });
});

describe('what goes wrong while it is loaded', () => {
  test('keeps its cause', async () => {
    const cause = new Error('no database');
    const error = await loadJob('job.mjs', failing(cause)).catch((refused: unknown) => refused);
    expect(error).toBeInstanceOf(TidemarkError);
    expect(error).toMatchObject({ code: 'JOB_FILE_INVALID', where: 'job.mjs', cause });
  });

  test('is said by the job file itself where it can', async () => {
    const own = new TidemarkError('WINDOW_INVALID', {
      ...{ expected: 'a', got: 'b', where: 'c', hint: 'd' },
    });
    await expect(loadJob('job.mjs', failing(own))).rejects.toBe(own);
  });

  test('names the file, or what it imports', async () => {
    const missing = (url: string): Error =>
      Object.assign(new Error('not found'), { code: 'ERR_MODULE_NOT_FOUND', url });
    await expect(loadJob('job.mjs', failing(missing('file:///jobs/job.mjs')))).rejects.toThrow(
      /no such file/,
    );
    await expect(loadJob('job.mjs', failing(missing('file:///jobs/x.mjs')))).rejects.toThrow(
      /One of its imports/,
    );
  });
});
