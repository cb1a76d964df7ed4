/**
 * `verifyOperator`: runs one case of a step five ways, which must all give the same.
 *
 *     one by one │ whole chunk │ checkpoint after each step │ restore after each step │ restore after every second step
 *
 * A step that keeps something outside declared state, or relies on chunk boundaries, cannot pass. At the end no state
 * and no timer may be left, unless the case declares what stays.
 */
import { isDeepStrictEqual } from 'node:util';
import { TidemarkError, show } from '../core/errors.js';
import type { PipelineDefinition } from '../dsl/pipeline.js';
import { testHarness, type TestHarness } from './harness.js';

/** One thing that is done to the step. */
export type CaseStep<In> =
  | { readonly push: In; readonly input?: string }
  | { readonly watermark: number; readonly input?: string }
  /** Processing time goes on by this many ms. */
  | { readonly advance: number }
  | { readonly idle: true; readonly input?: string }
  | { readonly end: true; readonly input?: string };

export interface OperatorCase<In, Out> {
  readonly steps: readonly CaseStep<In>[];
  /** All elements of the only output, in order. */
  readonly expect: readonly Out[];
  /** Whether outputs may come in any order: for steps that fire several keys at once. Default false. */
  readonly anyOrder?: boolean;
  /** Keys whose state is meant to stay at the end. Default 0. */
  readonly keysLeft?: number;
  /** Timers that are meant to stay at the end. Default 0. */
  readonly timersLeft?: number;
}

type Way =
  | 'one by one'
  | 'whole chunk'
  | 'checkpoint each step'
  | 'restore each step'
  | 'restore every second step';
const ways: readonly Way[] = [
  'one by one',
  'whole chunk',
  'checkpoint each step',
  'restore each step',
  'restore every second step',
];

/**
 * Verifies a pipeline of one output, mostly a single step, against a case.
 *
 * @example
 * import { map, pipeline, unchecked } from 'tidemark';
 * import { verifyOperator } from 'tidemark/testing';
 * const double = pipeline('double', unchecked<number>(), (n$) => n$.pipe(map((n) => n * 2)));
 * console.log(verifyOperator(double, { steps: [{ push: 1 }, { push: 2 }], expect: [2, 4] }).length); // => 5
 *
 * @returns the names of the ways that were run
 * @throws TidemarkError CASE_FAILED naming the way and the first difference
 */
export function verifyOperator<In, Out>(
  definition: PipelineDefinition<Readonly<Record<string, In>>, { readonly output: Out }>,
  operatorCase: OperatorCase<In, Out>,
): readonly string[] {
  for (const way of ways) {
    const harness = testHarness(definition);
    runCase(harness, operatorCase.steps, way);
    compare(harness, operatorCase, way);
  }
  return ways;
}

type Harness<In, Out> = TestHarness<Readonly<Record<string, In>>, { readonly output: Out }>;

function runCase<In, Out>(
  harness: Harness<In, Out>,
  steps: readonly CaseStep<In>[],
  way: Way,
): void {
  for (let index = 0; index < steps.length;) {
    const run = way === 'whole chunk' ? chunkFrom(steps, index) : [];
    const step = steps[index] as CaseStep<In>;
    if (run.length > 1) harness.pushChunk(run, inputOf(step));
    else perform(harness, step);
    index += Math.max(1, run.length);
    if (way === 'one by one' || way === 'whole chunk') continue;
    if (way === 'restore every second step' && index % 2 === 1) continue;
    harness.checkpoint();
    if (way !== 'checkpoint each step') harness.restore();
  }
}

/** The elements that stand next to each other in the case, for one input. */
function chunkFrom<In>(steps: readonly CaseStep<In>[], from: number): In[] {
  const first = steps[from];
  const values: In[] = [];
  for (const step of steps.slice(from)) {
    if (!('push' in step) || first === undefined || inputOf(step).input !== inputOf(first).input)
      break;
    values.push(step.push);
  }
  return values;
}

function perform<In, Out>(harness: Harness<In, Out>, step: CaseStep<In>): void {
  if ('push' in step) harness.push(step.push, inputOf(step));
  else if ('watermark' in step) harness.watermark(step.watermark, inputOf(step));
  else if ('advance' in step) harness.advance(step.advance);
  else if ('idle' in step) harness.idle(inputOf(step));
  else harness.end(inputOf(step));
}

function inputOf<In>(step: CaseStep<In>): { input?: string } {
  return 'input' in step && step.input !== undefined ? { input: step.input } : {};
}

function compare<In, Out>(
  harness: Harness<In, Out>,
  expected: OperatorCase<In, Out>,
  way: Way,
): void {
  const sorted = <T>(values: readonly T[]): readonly T[] =>
    expected.anyOrder === true ? values.toSorted((a, b) => (show(a) < show(b) ? -1 : 1)) : values;
  const got = sorted(harness.output());
  const want = sorted(expected.expect);
  const at = Array.from({ length: Math.max(got.length, want.length) }).findIndex(
    (_, index) => !isDeepStrictEqual(got[index], want[index]),
  );
  if (at >= 0) throw difference(way, `output ${at} to be ${show(want[at])}`, show(got[at]));
  const left = { keys: harness.stateSize(), timers: harness.timers() };
  const allowed = { keys: expected.keysLeft ?? 0, timers: expected.timersLeft ?? 0 };
  if (!isDeepStrictEqual(left, allowed))
    throw difference(way, `${show(allowed)} to be left at the end`, show(left));
}

function difference(way: Way, expected: string, got: string): TidemarkError {
  return new TidemarkError('CASE_FAILED', {
    expected,
    got,
    where: `verifyOperator, ${way}`,
    hint: 'Keep everything in declared state, clear it when it is no longer needed, or mend the case.',
  });
}
