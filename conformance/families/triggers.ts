/** Triggers alone: one trigger, several windows, no operator. Cases of Flink's `TriggerTestHarness`. */
import type { TimeDomain } from '../../src/core/operator.js';
import type { Trigger, TriggerContext, TriggerResult } from '../../src/time/trigger.js';
import type { TimeWindow } from '../../src/time/windows.js';
import { OffEnd, hasOffEnd, type Case, type Check, type Fields } from '../case.js';
import { canonical, compareSet, compareValue } from '../compare.js';
import { Mismatch, NotApplicable, drive, type Subject } from '../drive.js';
import { timestampOf } from '../operator-subject.js';
import { triggerOf } from './window-parts.js';

/** @throws Mismatch, NotApplicable */
export function runTrigger(testCase: Case): void {
  drive(testCase, () => new TriggerSubject(testCase), { exhaustive: false });
}

/**
 * Where MIN lies when a case counts from it, or an element has no timestamp: a double holds no time right behind -Infinity. Only the triggers that go by
 * multiples of an interval could tell.
 */
const FINITE_MIN = -(2 ** 52);

type WindowName = readonly [start: number, end: number] | 'global';

type AnyTrigger = Trigger<unknown, unknown>;

class TriggerSubject implements Subject {
  readonly #trigger: AnyTrigger;
  readonly #windows = new Map<string, Cell>();
  readonly #times: Times;
  readonly #min: number;
  #result: string | undefined;
  #firings: Firing[] = [];
  #hasCleared = false;

  constructor(testCase: Case) {
    const countsFromMin = hasOffEnd([testCase.input]);
    if (countsFromMin && canonical(testCase.given).includes('"continuous'))
      throw new NotApplicable('multiples of an interval counted from MIN: the clock is a double');
    this.#min = countsFromMin ? FINITE_MIN : -Infinity;
    this.#trigger = triggerOf(testCase.given['trigger']);
    this.#times = { watermark: -Infinity, now: this.#min };
  }

  step(step: Fields): void {
    this.#firings = [];
    if ('el' in step) {
      const cell = this.#cellOf(step['window']);
      const timestamp = timestampOf(step);
      // Flink hands a trigger MIN for an element without a timestamp; ours may refuse such an element.
      cell.timestamp = Number.isNaN(timestamp) ? FINITE_MIN : timestamp;
      this.#result = nameOf(this.#trigger.element(step['el'], cell));
      cell.timestamp = NaN;
    } else if ('wm' in step) {
      this.#times.watermark = this.#timeOf(step['wm']);
      this.#fire('event', this.#times.watermark);
    } else if ('pt' in step) {
      this.#times.now = this.#timeOf(step['pt']);
      this.#fire('processing', this.#times.now);
    } else if ('merge' in step) this.#merge(step['merge'] as Merge);
    else if ('clear' in step) {
      this.#hasCleared = true;
      this.#trigger.clear(this.#cellOf(step['clear']));
    } else this.#call(step);
  }

  check(check: Check): void {
    const expected = check as Fields as Expected;
    const { result, firings, firingsInclude, notExactlyOneFiringFor, perWindow } = expected;
    if (result !== undefined) compareValue(result, this.#result, 'result');
    if (firings !== undefined) compareSet(firings, this.#firings, 'firings');
    for (const [window, wanted] of firingsInclude ?? []) {
      const results = this.#firingsOf(window).map(([, given]) => given);
      if (results.length === 0) throw new Mismatch(`no firing of ${canonical(window)}`);
      compareValue([wanted], [...new Set(results)], `firings of ${canonical(window)}`);
    }
    if (notExactlyOneFiringFor !== undefined)
      compareValue(false, this.#firingsOf(notExactlyOneFiringFor).length === 1, 'one firing');
    this.#checkKept(expected, [...this.#windows.values()], 'all windows');
    for (const { window, ...kept } of perWindow ?? [])
      this.#checkKept(kept, [this.#cellOf(window)], canonical(window));
  }

  #call(step: Fields): void {
    const cell = this.#cellOf(step['window']);
    for (const [name, time] of Object.entries(step)) {
      if (!name.startsWith('callOn')) continue;
      const isEvent = name === 'callOnEventTime';
      const call = isEvent ? this.#trigger.eventTime : this.#trigger.processingTime;
      this.#result = nameOf(call.call(this.#trigger, this.#timeOf(time), cell));
    }
  }

  #merge({ into, from }: Merge): void {
    const merged = from.map((window) => this.#cellOf(window));
    if (this.#trigger.merge === undefined) throw new Mismatch('the trigger cannot merge');
    this.#trigger.merge(
      this.#cellOf(into),
      merged.map(({ state }) => state),
    );
    for (const cell of merged) this.#trigger.clear(cell);
  }

  #fire(domain: TimeDomain, until: number): void {
    for (;;) {
      const due = [...this.#windows.values()]
        .flatMap((cell) => [...cell.timers[domain]].map((time) => ({ cell, time })))
        .filter(({ time }) => time <= until)
        .toSorted((a, b) => a.time - b.time)[0];
      if (due === undefined) return;
      due.cell.timers[domain].delete(due.time);
      const call = domain === 'event' ? this.#trigger.eventTime : this.#trigger.processingTime;
      this.#firings.push([due.cell.name, nameOf(call.call(this.#trigger, due.time, due.cell))]);
    }
  }

  #firingsOf(window: WindowName): Firing[] {
    return this.#firings.filter(([fired]) => canonical(fired) === canonical(window));
  }

  /**
   * Timers mean the same here and there; but where a window has been cleared, Flink may leave some that nobody waits
   * for. Entries of state do not mean the same; but where Flink has none, there must be none.
   */
  #checkKept(
    { state, eventTimers, procTimers }: Kept,
    cells: readonly Cell[],
    where: string,
  ): void {
    const timers = (domain: TimeDomain): number =>
      cells.reduce((sum, cell) => sum + cell.timers[domain].size, 0);
    for (const [want, domain] of [
      [eventTimers, 'event'],
      [procTimers, 'processing'],
    ] as const) {
      const have = timers(domain);
      const isLess = this.#hasCleared && want !== undefined && have < want;
      if (want !== undefined && !isLess) compareValue(want, have, `${domain} timers of ${where}`);
    }
    if (state !== 0) return;
    for (const cell of cells)
      compareValue(this.#trigger.create(), cell.state, `state of ${canonical(cell.name)}`);
  }

  #cellOf(window: unknown): Cell {
    const name = window as WindowName;
    let cell = this.#windows.get(canonical(name));
    if (cell === undefined) {
      cell = new Cell(name, this.#times, this.#trigger.create());
      this.#windows.set(canonical(name), cell);
    }
    return cell;
  }

  #timeOf(time: unknown): number {
    if (time instanceof OffEnd) {
      if (time.end === 'MAX') throw new NotApplicable('a time before MAX: the clock is a double');
      return FINITE_MIN + time.ms;
    }
    return time === -Infinity ? this.#min : (time as number);
  }
}

type Firing = readonly [WindowName, string];

interface Times {
  watermark: number;
  now: number;
}

interface Merge {
  readonly into: WindowName;
  readonly from: readonly WindowName[];
}

interface Kept {
  readonly state?: number;
  readonly eventTimers?: number;
  readonly procTimers?: number;
}

interface Expected extends Kept {
  readonly result?: string;
  readonly firings?: readonly Firing[];
  readonly firingsInclude?: readonly Firing[];
  readonly notExactlyOneFiringFor?: WindowName;
  readonly perWindow?: readonly (Kept & { readonly window: WindowName })[];
}

/** What a trigger sees of one window, and the timers that it has set. */
class Cell implements TriggerContext<unknown> {
  readonly name: WindowName;
  readonly window: TimeWindow;
  readonly timers: Readonly<Record<TimeDomain, Set<number>>> = {
    event: new Set(),
    processing: new Set(),
  };
  readonly #times: Times;
  state: unknown;
  timestamp = NaN;

  constructor(name: WindowName, times: Times, state: unknown) {
    this.name = name;
    const [start, end] = name === 'global' ? [-Infinity, Infinity] : name;
    this.window = { start, end };
    this.#times = times;
    this.state = state;
  }

  get maxTimestamp(): number {
    return this.window.end - 1;
  }

  get watermark(): number {
    return this.#times.watermark;
  }

  get now(): number {
    return this.#times.now;
  }

  setEventTime(time: number): void {
    this.timers.event.add(time);
  }

  deleteEventTime(time: number): void {
    this.timers.event.delete(time);
  }

  setProcessingTime(time: number): void {
    this.timers.processing.add(time);
  }

  deleteProcessingTime(time: number): void {
    this.timers.processing.delete(time);
  }
}

const names: Readonly<Record<TriggerResult, string>> = {
  continue: 'CONTINUE',
  fire: 'FIRE',
  purge: 'PURGE',
  fireAndPurge: 'FIRE_AND_PURGE',
};

function nameOf(result: TriggerResult): string {
  return names[result];
}
