/** What an input of a pipeline takes: any Standard Schema (zod, valibot, arktype), or a type that is taken on trust. */
import { TidemarkError } from '../core/errors.js';
import type { InputNode } from '../core/graph.js';
import type { StandardSchema } from '../core/standard-schema.js';

export type { StandardSchema } from '../core/standard-schema.js';

/** A type without a check. */
export interface Unchecked<T> {
  readonly unchecked: true;
  /** Phantom. */
  readonly type?: T;
}

export type InputType<T> = StandardSchema<T> | Unchecked<T>;

/**
 * Takes elements of type `T` on trust, without a look at them.
 *
 * @example
 * import { map, pipeline, unchecked } from 'tidemark';
 * import { of } from 'rxjs';
 * const double = pipeline('double', unchecked<number>(), (n$) => n$.pipe(map((n) => n * 2)));
 * of(21).pipe(double).subscribe((n) => console.log(n)); // => 42
 */
export function unchecked<T>(): Unchecked<T> {
  return { unchecked: true };
}

export function isInputType(given: object): given is InputType<unknown> {
  return '~standard' in given || 'unchecked' in given;
}

/** The check of an input at the edge, or undefined where there is none. */
export function parserOf(type: InputType<unknown>, where: string): InputNode['parse'] {
  if ('unchecked' in type) return undefined;
  const { validate } = type['~standard'];
  return (value) => {
    const result = validate(value);
    if (result instanceof Promise)
      throw invalidRecord('a schema that checks synchronously', 'a promise', where);
    if (result.issues === undefined) return result.value;
    const issues = result.issues.map(
      ({ message, path = [] }) => `${path.map(segment).join('.') || 'value'}: ${message}`,
    );
    throw invalidRecord('a record of the declared shape', issues.join('; '), where);
  };
}

function segment(part: unknown): string {
  return typeof part === 'object' && part !== null && 'key' in part
    ? String(part.key)
    : String(part);
}

function invalidRecord(expected: string, got: string, where: string): TidemarkError {
  return new TidemarkError('RECORD_INVALID', {
    expected,
    got,
    where,
    hint: 'Mend the record or the schema; in a job the record is kept among the dead letters.',
  });
}
