/** Drives one case: step after step, check after check, against whatever stands behind a `Subject`. */
import { TidemarkError, show } from '../src/core/errors.js';
import type { Case, Check, Fields } from './case.js';

/** What is examined: an operator in a rig, a trigger, a watermark generator. */
export interface Subject {
  /** Does one step of the input. */
  step(step: Fields): void;
  /** Compares what has come out since the last check. */
  check(check: Check): void;
}

/** Something came out otherwise than the case says. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

/** The case cannot apply here; the reason is counted in the report. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}

export interface DriveOptions {
  /**
   * Whether the checks say everything, as those of recorded runs do: a step without a check then gives nothing, what a
   * check does not name is empty, and an error comes at the very step.
   */
  readonly exhaustive: boolean;
}

/** Runs a case. Returns when it passes. @throws Mismatch, NotApplicable */
export function drive(testCase: Case, build: () => Subject, { exhaustive }: DriveOptions): void {
  const { input } = testCase;
  const checks = testCase.flink2 ?? testCase.expect;
  const failing = checks.find(({ error }) => error !== undefined);
  // What Flink notices at run time is refused here when the graph is built, where that is possible.
  const subject = guarded(build, failing !== undefined, 'build');
  if (subject === undefined) return;
  let done = 0;
  for (const check of checks) {
    while (done < check.at) {
      const step = input[done];
      if (step === undefined) throw new Mismatch(`check at ${check.at}: only ${done} steps`);
      done += 1;
      const mayFail = check.error !== undefined && (done === check.at || !exhaustive);
      const where = `step ${done} ${show(step)}`;
      if (guarded(() => (subject.step(step), true), mayFail, where) === undefined) return;
      if (exhaustive && done < check.at) compare(subject, { at: done }, where);
    }
    if (check.error !== undefined)
      throw new Mismatch(`step ${done}: expected an error (${check.error}), got none`);
    compare(subject, check, `check at ${check.at}`);
  }
}

/** Gives what `work` gives; undefined when it failed and was expected to. Only errors with a code count. */
function guarded<T>(work: () => T, mayFail: boolean, where: string): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Mismatch) throw error;
    const reason = notApplicable(error);
    if (reason !== undefined) throw reason;
    if (mayFail && error instanceof TidemarkError) return undefined;
    const text = error instanceof TidemarkError ? error.message : trace(error);
    throw new Mismatch(`${where}: threw ${text}`);
  }
}

/** A user function of a case may find out that the case cannot apply; what runs it wraps what it throws. */
function notApplicable(error: unknown): NotApplicable | undefined {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof NotApplicable) return at;
  return undefined;
}

function compare(subject: Subject, check: Check, where: string): void {
  try {
    subject.check(check);
  } catch (error) {
    if (error instanceof Mismatch) throw new Mismatch(`${where}: ${error.message}`);
    throw error;
  }
}

function trace(error: unknown): string {
  return error instanceof Error
    ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' | ')
    : show(error);
}
