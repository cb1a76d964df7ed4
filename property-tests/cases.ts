/** Random pipelines together with what goes into them. */
import fc from 'fast-check';
import { descriptions, type PipelineOptions } from './arbitraries.js';
import type { Description, Item } from './description.js';
import { clocked, logs, origins, renumbered, splits, type LogOptions } from './logs.js';
import type { Happening } from './oracle-stream.js';

/** Two logs, and which of them is next, again and again; the rest follows. */
export interface Meeting {
  readonly description: Description;
  readonly first: readonly Item[];
  readonly second: readonly Item[];
  readonly turns: readonly (0 | 1)[];
}

export function meetings(options: Omit<PipelineOptions, 'inputs'>): fc.Arbitrary<Meeting> {
  return fc
    .tuple(descriptions({ ...options, inputs: 2 }), origins)
    .chain(([description, origin]) => {
      const log = { ...logOptions(description, options), maxLength: 25, origin };
      const either = fc.oneof(
        { weight: 8, arbitrary: logs(log) },
        { weight: 1, arbitrary: fc.constant([]) },
      );
      return fc.record({
        description: fc.constant(description),
        first: either,
        second: either.map((items) => renumbered(items, 1000)),
        turns: fc.array(fc.constantFrom(0 as const, 1 as const), { maxLength: 50, size: 'max' }),
      });
    });
}

/** What happens to two inputs of which each falls silent now and then, and comes back with its next element. */
export function silences(happenings: readonly Happening[]): fc.Arbitrary<readonly Happening[]> {
  const { length } = happenings;
  const silent = fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(0 as const, 1 as const) },
  );
  return fc.array(silent, { minLength: length, maxLength: length }).map((silents) => {
    const ended = new Set<0 | 1>();
    return happenings.flatMap((happening, index): Happening[] => {
      const input = silents[index];
      const idles: Happening[] =
        input === undefined || ended.has(input) ? [] : [{ input, idle: true }];
      if ('end' in happening) ended.add(happening.input);
      return [...idles, happening];
    });
  });
}

/** A description together with a log for it. */
export interface Case {
  readonly description: Description;
  readonly items: readonly Item[];
}

export type CaseOptions = PipelineOptions & Pick<LogOptions, 'minLength' | 'maxLength' | 'faults'>;

export function cases(options: CaseOptions): fc.Arbitrary<Case> {
  return descriptions(options).chain((description) =>
    logs(logOptions(description, options)).map((items) => ({ description, items })),
  );
}

/** Logs of several splits. */
export interface SplitCase {
  readonly description: Description;
  readonly arrays: readonly (readonly Item[])[];
}

/** By default pipelines to which order means nothing, and logs in which nothing is late. */
export function splitCases(
  most: number,
  options: Omit<CaseOptions, 'inputs'> = { kind: 'steady', stragglers: false },
): fc.Arbitrary<SplitCase> {
  return descriptions(options).chain((description) =>
    splits({ ...logOptions(description, options), maxLength: 25 }, most).map((arrays) => ({
      description,
      arrays,
    })),
  );
}

/** What happens to a pipeline that sees the clock. */
export interface ClockedCase {
  readonly description: Description;
  readonly happenings: readonly Happening[];
}

export function clockedCases(options: Omit<CaseOptions, 'kind'>): fc.Arbitrary<ClockedCase> {
  return cases({ ...options, kind: 'clocked' }).chain(({ description, items }) =>
    clocked(items).map((happenings) => ({ description, happenings })),
  );
}

function logOptions(
  { time, maxFuture }: Description,
  { stragglers, ...more }: Omit<CaseOptions, 'kind'>,
): LogOptions {
  const { minLength, maxLength, faults } = more;
  return {
    bound: time.bound,
    maxFuture,
    stragglers,
    ...(minLength === undefined ? {} : { minLength }),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(faults === undefined ? {} : { faults }),
  };
}
