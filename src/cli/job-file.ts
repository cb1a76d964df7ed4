/**
 * Loads a job file: a module whose default export is a job. TypeScript goes through Node's own type stripping where there
 * is one, else through `tsx` where the user has it, else it is refused with what would help.
 */
import { createRequire } from 'node:module';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TidemarkError, show } from '../core/errors.js';
import { isJob, type JobDefinition } from './define-job.js';

/** What loading needs from outside. */
export interface ModuleLoader {
  /** Where relative paths begin. */
  readonly directory: string;
  /** Version of Node, for messages. */
  readonly version: string;
  /** Whether this Node runs TypeScript by itself. */
  readonly stripsTypes: boolean;
  readonly import: (url: string) => Promise<unknown>;
}

const typescript = new Set(['.ts', '.mts', '.cts', '.tsx']);

/** @throws TidemarkError JOB_FILE_INVALID, PACKAGE_MISSING */
export async function loadJob(file: string, loader: ModuleLoader): Promise<JobDefinition> {
  const path = resolve(loader.directory, file);
  if (typescript.has(extname(path)) && !loader.stripsTypes) await useTsx(path, file, loader);
  let module: unknown;
  try {
    module = await loader.import(pathToFileURL(path).href);
  } catch (cause) {
    throw notLoaded(file, path, cause);
  }
  const job = defaultExport(module);
  if (isJob(job)) return job;
  throw new TidemarkError('JOB_FILE_INVALID', {
    expected: 'a module whose default export is a job',
    got: job === undefined ? 'one without a default export' : show(job),
    where: file,
    hint: 'Write: export default defineJob(pipeline, { from, to, state }).',
  });
}

/** A module that was written as CommonJS has its `default` one level deeper. */
function defaultExport(module: unknown): unknown {
  const outer = (module as { default?: unknown } | undefined)?.default;
  const inner = (outer as { default?: unknown } | undefined)?.default;
  return !isJob(outer) && isJob(inner) ? inner : outer;
}

/** Lets `tsx`, as the project of the job file has it, take care of imports from now on. */
async function useTsx(path: string, file: string, loader: ModuleLoader): Promise<void> {
  let entry: string;
  try {
    entry = createRequire(path).resolve('tsx');
  } catch (cause) {
    throw new TidemarkError('PACKAGE_MISSING', {
      expected: 'Node 22.18, 23.6 or newer, which run TypeScript by themselves, or the package tsx',
      got: `Node ${loader.version} without tsx`,
      where: file,
      hint: 'Use a newer Node, or npm install tsx, or give a compiled .js file.',
      cause,
    });
  }
  // Its main entry is what `node --import tsx` loads.
  await loader.import(pathToFileURL(entry).href);
}

function notLoaded(file: string, path: string, cause: unknown): unknown {
  // What the job file itself has refused, such as options of a step, says best what is wrong.
  if (cause instanceof Error && 'hint' in cause) return cause;
  const { code, url } = cause as { readonly code?: string; readonly url?: string };
  const isMissing = code === 'ERR_MODULE_NOT_FOUND' && url === pathToFileURL(path).href;
  return new TidemarkError('JOB_FILE_INVALID', {
    expected: 'a module that can be loaded',
    got: isMissing ? 'no such file' : show(cause),
    where: file,
    hint: isMissing
      ? 'Give the path of the file, from the directory in which the command is called.'
      : hintFor(code),
    cause,
  });
}

function hintFor(code: string | undefined): string {
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return 'Node only takes types away: write it without enums, namespaces and parameter properties, or compile it.';
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' || code === 'ERR_UNSUPPORTED_DIR_IMPORT')
    return 'Give a .js, .mjs, .cjs or .ts file.';
  if (code === 'ERR_MODULE_NOT_FOUND')
    return 'One of its imports is missing: install the package, or write the path with its extension.';
  return 'Load it with node alone to see more: node FILE; --verbose shows the stack.';
}
