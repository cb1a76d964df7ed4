/**
 * Which windows an element belongs to, and which sessions meet: cases of Flink's window assigners against the operator.
 *
 * Windows are read off a window that fires at each element. Each element has a key of its own, so that no session of
 * another one is met.
 */
import { keyBy } from '../../src/dsl/key-by.js';
import { triggeredWindow } from '../../src/dsl/window.js';
import { count, type Aggregator } from '../../src/dsl/aggregators.js';
import { triggers } from '../../src/time/triggers.js';
import { sessionsMeet } from '../../src/time/session-windows.js';
import { tumbling, type TimeWindow, type WindowTime } from '../../src/time/windows.js';
import type { Case, Check, Fields } from '../case.js';
import { compareSet, compareValue } from '../compare.js';
import { Mismatch, drive, type Subject } from '../drive.js';
import { timestampOf } from '../operator-subject.js';
import { Rig } from '../rig.js';
import { SessionProbe, type Bounds } from './session-probe.js';
import { specOf, type AnyWindow, type Spec } from './window-parts.js';

/** @throws Mismatch, NotApplicable */
export function runAssign(testCase: Case): void {
  drive(testCase, () => subjectOf(testCase.given), { exhaustive: false });
}

function subjectOf(given: Fields): Subject {
  switch (given['kind']) {
    case undefined:
      return new AssignSubject(specOf(given['assigner']));
    case 'windowStart':
      return new AssignSubject(
        tumbling({ size: given['size'] as number, offset: given['offset'] as number }),
      );
    case 'intersects':
      return new IntersectsSubject(given);
    default:
      throw new Error(`a kind that this runner does not know: ${String(given['kind'])}`);
  }
}

/** What `keyBy` and the gaps of sessions see: a key of its own, and the element of the case. */
interface Assigned {
  readonly key: number;
  readonly element: unknown;
}

class AssignSubject implements Subject {
  readonly #rig: Rig;
  readonly #time: WindowTime;
  #key = 0;
  #windows: readonly (Bounds | 'global')[] = [];
  #merges: readonly Merge[] = [];

  constructor(spec: Spec) {
    this.#time = 'time' in spec ? spec.time : 'event';
    const operator = triggeredWindow as unknown as AnyWindow;
    const options = { uid: 'assign', trigger: triggers.count(1) };
    const counted = count() as unknown as Aggregator<unknown, never, unknown>;
    this.#rig = new Rig({
      build: (root) =>
        operator(
          ofElement(spec),
          counted,
          options,
        )(root.pipe(keyBy((value) => (value as Assigned).key))),
    });
  }

  step(step: Fields): void {
    if ('mergeWindows' in step)
      this.#merges = mergesOf(step['mergeWindows'] as Bounds[], this.#time);
    else if ('windowStart' in step) this.#assign(step, step['windowStart'] as number);
    else {
      if (step['now'] !== undefined) this.#rig.clock.time = step['now'] as number;
      this.#assign(step['assign'], timestampOf(step));
    }
  }

  check(check: Check): void {
    const { windows, order, merges, mergeCalls, start } = check as Fields as Expected;
    if (windows !== undefined) {
      if (order === 'any') compareSet(windows, this.#windows, 'windows');
      else compareValue(windows, this.#windows, 'windows');
    }
    if (merges !== undefined) compareSet(merges.map(textOf), this.#merges.map(textOf), 'merges');
    if (mergeCalls !== undefined) compareValue(mergeCalls, this.#merges.length, 'merge calls');
    if (start !== undefined)
      compareValue(
        [start],
        this.#windows.map((window) => window[0]),
        'start',
      );
  }

  #assign(element: unknown, timestamp: number): void {
    this.#key += 1;
    this.#rig.element({ key: this.#key, element } satisfies Assigned, timestamp);
    this.#windows = this.#rig.take().out.map((item) => {
      const { window } = (item as { v: { window: TimeWindow } }).v;
      return window.end === Infinity ? 'global' : [window.start, window.end];
    });
  }
}

interface Expected {
  readonly windows?: readonly (Bounds | 'global')[];
  readonly order?: string;
  readonly merges?: readonly Merge[];
  readonly mergeCalls?: number;
  readonly start?: number;
}

interface Merge {
  readonly from: readonly Bounds[];
  readonly into: Bounds;
}

function textOf({ from, into }: Merge): unknown {
  return { into, from: from.map(([start, end]) => `${start}..${end}`).toSorted() };
}

/** The same windows for an element in its envelope. */
function ofElement(spec: Spec): Spec {
  if (spec.kind !== 'session') return spec;
  return { ...spec, gapOf: (value) => spec.gapOf((value as Assigned).element) };
}

/** Puts windows in one by one, as elements do, and gives which of them became one; a lone window is no merge. */
function mergesOf(windows: readonly Bounds[], time: WindowTime): Merge[] {
  const probe = new SessionProbe(time);
  let sessions: Merge[] = [];
  for (const window of windows) {
    const { result } = probe.add(window);
    const isPart = ({ into }: Merge): boolean => into[0] >= result[0] && into[1] <= result[1];
    const from = [...sessions.filter(isPart).flatMap((session) => session.from), window];
    sessions = [...sessions.filter((session) => !isPart(session)), { from, into: result }];
  }
  return sessions.filter(({ from }) => from.length > 1);
}

/** Whether two windows are one session; they stand in the step, or one of them in `given`. */
class IntersectsSubject implements Subject {
  readonly #given: Fields;
  #meet: boolean | undefined;

  constructor(given: Fields) {
    this.#given = given;
  }

  step(step: Fields): void {
    const [first, second] = [...boundsIn(step), ...boundsIn(this.#given)];
    if (first === undefined || second === undefined) throw new Mismatch('no two windows');
    this.#meet = sessionsMeet(
      { start: first[0], end: first[1] },
      { start: second[0], end: second[1] },
    );
  }

  check({ value }: Check): void {
    compareValue(value, this.#meet, 'intersects');
  }
}

/** All windows in a value, in order. */
function boundsIn(value: unknown): Bounds[] {
  if (typeof value !== 'object' || value === null) return [];
  const isBounds =
    Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'number');
  return isBounds ? [value as unknown as Bounds] : Object.values(value).flatMap(boundsIn);
}
