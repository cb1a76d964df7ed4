/**
 * The sessions of one key: cases of Flink's `MergingWindowSet` against the operator.
 *
 * Flink keeps the contents of a session under the name of one of the windows it came from; Tidemark moves them. So of the
 * state windows only this is compared: which sessions there are.
 */
import type { Case, Check, Fields } from '../case.js';
import { compareSet, compareValue } from '../compare.js';
import { drive, type Subject } from '../drive.js';
import { SessionProbe, type Bounds, type MergeCall } from './session-probe.js';

/** @throws Mismatch, NotApplicable */
export function runMergingSet(testCase: Case): void {
  drive(testCase, () => new MergingSetSubject(testCase.given), { exhaustive: false });
}

interface Expected {
  readonly result?: Bounds;
  readonly merged?: boolean;
  readonly merge?: { readonly target?: Bounds; readonly sources?: readonly Bounds[] };
  readonly stateWindowOf?: readonly (readonly [Bounds, unknown])[];
  readonly persisted?: readonly (readonly [Bounds, unknown])[];
}

class MergingSetSubject implements Subject {
  readonly #probe = new SessionProbe('event');
  #result: Bounds | undefined;
  #merge: MergeCall | undefined;

  constructor({ initialState = [] }: Fields) {
    for (const [window] of initialState as readonly (readonly [Bounds, unknown])[])
      this.#probe.add(window);
  }

  step(step: Fields): void {
    const [[name, value] = []] = Object.entries(step);
    switch (name) {
      case 'addWindow': {
        const { result, merge } = this.#probe.add(value as Bounds);
        this.#result = result;
        this.#merge = merge;
        return;
      }
      case 'retireWindow':
        return this.#probe.retire(value as Bounds);
      case 'persist':
        return this.#probe.persist();
      default:
        throw new Error(`a step that this runner does not know: ${JSON.stringify(step)}`);
    }
  }

  check(check: Check): void {
    const { result, merged, merge, stateWindowOf = [], persisted } = check as Fields as Expected;
    if (result !== undefined) compareValue(result, this.#result, 'result');
    if (merged !== undefined) compareValue(merged, this.#merge !== undefined, 'merged');
    if (merge?.target !== undefined) compareValue(merge.target, this.#merge?.target, 'target');
    if (merge?.sources !== undefined)
      compareSet(merge.sources, this.#merge?.sources ?? [], 'sources');
    const live = this.#probe.live();
    for (const [[start, end], state] of stateWindowOf) {
      const isLive = live.some((bounds) => bounds[0] === start && bounds[1] === end);
      compareValue(state !== null, isLive, `whether ${start}..${end} is a session`);
    }
    if (persisted !== undefined)
      compareSet(
        persisted.map(([window]) => window),
        live,
        'sessions',
      );
  }
}
