/**
 * Checks the options of every factory at once: a stranger who wrote three of them wrongly hears of all three.
 *
 * Schemas are strict objects, because an option that is spelled wrongly and silently ignored is worse than an error.
 */
import { z } from 'zod';
import { durationMs, type Duration } from '../core/duration.js';
import { TidemarkError, show } from '../core/errors.js';

/**
 * Parses options, or refuses them with every problem named.
 *
 * @param where the factory, such as `file()`; it stands in the message
 * @returns the options with the defaults of the schema filled in
 * @throws TidemarkError OPTIONS_INVALID
 */
export function checkOptions<Schema extends z.ZodType>(
  schema: Schema,
  options: unknown,
  where: string,
): z.output<Schema> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => describe(issue, options));
  const named = problems.map((problem) => problem.path).filter((path) => path !== '');
  throw new TidemarkError('OPTIONS_INVALID', {
    expected: problems.map((problem) => labelled(problem.path, problem.expected)).join('; '),
    got: problems.map((problem) => labelled(problem.path, problem.got)).join('; '),
    where: named.length === 0 ? where : `${where}, ${named.join(', ')}`,
    hint: `Correct ${problems.length === 1 ? 'it' : `all ${problems.length} of them`} where ${where} is called.`,
  });
}

/** A schema for an option that is a function; zod cannot look inside one, so only its kind is checked. */
export function functionOption<Fn>(): z.ZodType<Fn> {
  return z.custom<Fn>((value) => typeof value === 'function', { error: 'a function' });
}

/** A schema for an option that is a duration: a whole number of ms, or text such as `'30s'`. */
export function durationOption({ min = 0 }: { readonly min?: 0 | 1 } = {}): z.ZodType<Duration> {
  const error = `${min === 0 ? 'a duration' : 'a duration > 0'}, such as 500, '30s' or '5m'`;
  return z.custom<Duration>((value) => isDuration(value, min), { error });
}

function isDuration(value: unknown, min: number): boolean {
  try {
    return durationMs(value as Duration, '') >= min;
  } catch {
    return false;
  }
}

interface Problem {
  readonly path: string;
  readonly expected: string;
  readonly got: string;
}

function describe(issue: z.core.$ZodIssue, options: unknown): Problem {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    return {
      path,
      expected: 'only options that exist',
      got: issue.keys.map((key) => `unknown option ${show(key)}`).join(', '),
    };
  const value = valueAt(options, issue.path);
  return { path, expected: expectation(issue), got: value === undefined ? 'nothing' : show(value) };
}

/** What an issue asks for, in words that fit behind "expected". */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? `a value of type ${issue.expected}`;
    case 'invalid_value':
      return issue.values.map((value) => show(value)).join(' or ');
    case 'too_small':
      return bound(issue.origin, issue.inclusive === false ? '>' : '>=', issue.minimum);
    case 'too_big':
      return bound(issue.origin, issue.inclusive === false ? '<' : '<=', issue.maximum);
    case 'invalid_format':
      return issue.pattern === undefined
        ? `text in the form ${issue.format}`
        : `text like ${issue.pattern}`;
    case 'invalid_union':
      return alternatives(issue);
    case 'custom':
    case 'invalid_key':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'unrecognized_keys':
      return issue.message;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object of options',
  function: 'a function',
};

function bound(origin: string, comparison: string, limit: number | bigint): string {
  if (origin === 'string') return `text of ${comparison} ${limit} characters`;
  if (origin === 'array' || origin === 'set') return `${comparison} ${limit} entries`;
  return `a number ${comparison} ${limit}`;
}

/** A union fails for one reason per branch; a discriminated one without a branch names what it could have been. */
function alternatives(issue: z.core.$ZodIssueInvalidUnion): string {
  const known: unknown = 'options' in issue ? issue.options : undefined;
  if (Array.isArray(known)) return known.map((value) => show(value)).join(' or ');
  const branches = issue.errors.map((errors) => errors.map(inBranch).join(' and '));
  return branches.length === 0 ? issue.message : [...new Set(branches)].join(', or ');
}

function inBranch(issue: z.core.$ZodIssue): string {
  return labelled(issue.path.map(String).join('.'), expectation(issue));
}

function labelled(path: string, text: string): string {
  return path === '' ? text : `${path}: ${text}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let inner = value;
  for (const step of path) {
    if (typeof inner !== 'object' || inner === null) return undefined;
    inner = (inner as Record<PropertyKey, unknown>)[step];
  }
  return inner;
}
