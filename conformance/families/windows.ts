/**
 * Windows and evictors: cases of Flink's window operator against `window`.
 *
 * A case is run in each way that should make no difference: with a running value and with all elements, through `window`
 * (which has operators of its own for windows that fire by default) and through the one that can do everything. It passes
 * when all of them do.
 */
import { outputTag } from '../../src/dsl/data-stream.js';
import { keyBy } from '../../src/dsl/key-by.js';
import { triggeredWindow, window } from '../../src/dsl/window.js';
import type { Key } from '../../src/core/key.js';
import type { Case, Fields } from '../case.js';
import { Mismatch, NotApplicable, drive, type DriveOptions } from '../drive.js';
import { OperatorSubject } from '../operator-subject.js';
import { elementsFunction, runningFunction, type Function } from './window-functions.js';
import {
  evictorOf,
  neverFires,
  specOf,
  triggerOf,
  type AnyWindow,
  type Spec,
} from './window-parts.js';

interface Way {
  readonly name: string;
  readonly operator: AnyWindow;
  readonly fn: Function;
  /** Whether the trigger is named, also where it is the default. */
  readonly namesTrigger: boolean;
}

/** @throws Mismatch, NotApplicable */
export function runWindows(testCase: Case, { exhaustive }: DriveOptions): void {
  const reasons = waysOf(testCase).flatMap((way) => {
    try {
      return runOneWay(testCase, way, exhaustive) ?? [];
    } catch (error) {
      if (error instanceof Mismatch) throw new Mismatch(`${way.name}: ${error.message}`);
      throw error;
    }
  });
  if (reasons[0] !== undefined) throw new NotApplicable(reasons[0]);
}

/** Gives the quirk of Flink because of which the answers differ, if they do. */
function runOneWay(testCase: Case, way: Way, exhaustive: boolean): string | undefined {
  const run = (
    options: { exhaustive: boolean; ignoredSides: readonly string[] },
    judged = testCase,
  ) => drive(judged, () => subjectOf(judged, way, options), options);
  try {
    run({ exhaustive, ignoredSides: [] });
    return undefined;
  } catch (error) {
    const { flags = [], given, expect, input } = testCase;
    if (!(error instanceof Mismatch)) throw error;
    if (flags.includes('lateOverflow')) {
      // Nothing is late where lateness has no end, and no sum of times overflows: all else must be the same.
      const checks = expect.filter((check) => check.error === undefined);
      run(
        { exhaustive, ignoredSides: [given['lateTag'] as string] },
        { ...testCase, expect: checks },
      );
      return 'flag lateOverflow: a sum of times overflows in Flink';
    }
    if (flags.includes('losesSession')) {
      // What was lost, and when it is missed, the case does not say.
      run({ exhaustive: false, ignoredSides: [] }, { ...testCase, expect: [{ at: input.length }] });
      return 'flag losesSession: Flink lost the contents of a session';
    }
    throw error;
  }
}

function waysOf({ given, input }: Case): Way[] {
  const all = { name: 'elements', fn: elementsFunction(given) };
  const running = given['evictor'] === undefined ? runningFunction(given) : undefined;
  const functions = running === undefined ? [all] : [{ name: 'running', fn: running }, all];
  const losesWatermark = restoresWithoutWatermark(input);
  return functions.flatMap(({ name, fn }) => {
    const plain = { name: `triggeredWindow/${name}`, operator: triggeredWindow, fn };
    const sliced = { name: `window/${name}`, operator: window, fn };
    return [
      { ...plain, namesTrigger: true },
      ...(losesWatermark ? [] : [{ ...sliced, namesTrigger: false }]),
    ] as unknown as Way[];
  });
}

/**
 * Whether a restore goes back to a time when there was a watermark. That of Tidemark brings it back, and the operators
 * for windows that fire by default rely on it; that of Flink's harness does not.
 */
function restoresWithoutWatermark(input: readonly Fields[]): boolean {
  const withWatermark = new Set<unknown>();
  let hasWatermark = false;
  for (const step of input) {
    if ('wm' in step) hasWatermark = true;
    if ('snapshot' in step && hasWatermark) withWatermark.add(step['snapshot']);
    if (!('restore' in step)) continue;
    if (withWatermark.has(step['restore'])) return true;
    hasWatermark = false;
  }
  return false;
}

function subjectOf(
  testCase: Case,
  { operator, fn, namesTrigger }: Way,
  options: { exhaustive: boolean; ignoredSides: readonly string[] },
): OperatorSubject {
  const { given } = testCase;
  const lateTag = given['lateTag'] as string | undefined;
  const isConstant = given['key'] === 'constant';
  const keyOf = (element: unknown): Key => (isConstant ? '' : ((element as Key[])[0] ?? ''));
  const spec = specOf(given['assigner']);
  const windowOptions = { uid: 'window', ...fn.options, ...optionsOf(given, spec, namesTrigger) };
  return new OperatorSubject(testCase, {
    build: (root) => operator(spec, fn.aggregator, windowOptions)(root.pipe(keyBy(keyOf))),
    sides: 'late' in windowOptions && lateTag !== undefined ? [lateTag] : [],
    present: fn.present,
    parts: fn.parts,
    // Kept for ever is kept. In Flink the clean-up of windows before 1970 lies so far before MAX, and MAX reaches it.
    comparesLeftovers: !(given['allowedLateness'] === Infinity && hasNegativeTimes(testCase)),
    ...options,
  });
}

function hasNegativeTimes({ input }: Case): boolean {
  return input.some(({ ts }) => typeof ts === 'number' && ts < 0);
}

function optionsOf(given: Fields, spec: Spec, namesTrigger: boolean): Fields {
  const { trigger, evictor, lateTag } = given;
  const isEventTime = spec.kind !== 'global' && spec.time === 'event';
  // Lateness means nothing to other windows in Flink, and is refused there by Tidemark.
  const lateness = isEventTime ? (given['allowedLateness'] as number | undefined) : undefined;
  const isUnbounded = lateness === Infinity || (trigger !== undefined && neverFires(trigger));
  return {
    ...(trigger === undefined || (!namesTrigger && isDefault(trigger as Fields, spec))
      ? {}
      : { trigger: triggerOf(trigger) }),
    ...(evictor === undefined ? {} : { evictor: evictorOf(evictor) }),
    ...(lateness === undefined ? {} : { allowedLateness: lateness }),
    ...(isEventTime && lateTag !== undefined ? { late: outputTag(lateTag as string) } : {}),
    ...(isUnbounded ? { unbounded: true } : {}),
  };
}

function isDefault({ type }: Fields, spec: Spec): boolean {
  if (spec.kind === 'global') return type === 'never';
  return type === (spec.time === 'event' ? 'eventTime' : 'processingTime');
}
