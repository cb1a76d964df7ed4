/**
 * The operator behind `window` for everything that slices cannot do: any kind of window, any trigger, evictors, a state
 * per window. One record per key and window, as Flink's `WindowOperator` has it; sessions that meet become one record.
 *
 *     element ─▶ windows of it ─▶ late? ─▶ put in ─▶ trigger ─▶ fire · purge ─▶ clean-up timer
 *     timer   ─▶ windows of the key that wait for this time ─▶ trigger ─▶ fire · purge ─▶ clean up
 */
import type {
  Budget,
  KeyCell,
  KeyedState,
  Operator,
  OperatorContext,
  Slot,
  TimeDomain,
} from '../core/operator.js';
import { areEmpty } from '../state/handles.js';
import type { TriggerResult } from '../time/trigger.js';
import { sessionsMeet } from '../time/session-windows.js';
import type { TimeWindow } from '../time/windows.js';
import type { TriggeredWindowsOptions, TriggeredWindowsParts } from './triggered-options.js';
import { TriggerCalls, checkResult } from './trigger-calls.js';
import { timestampMissing } from './user-function.js';
import { WindowContents } from './window-contents.js';
import type { FunctionOutput, WindowOutput } from './window-function.js';
import { WindowRecord, sameState, timersOf, type WindowsOfKey } from './window-records.js';

export class TriggeredWindows implements Operator {
  readonly #context: OperatorContext;
  readonly #options: TriggeredWindowsOptions;
  readonly #store: KeyedState<WindowsOfKey>;
  readonly #cell: KeyCell;
  readonly #output: WindowOutput;
  readonly #function: FunctionOutput | undefined;
  readonly #calls: TriggerCalls;
  readonly #contents: WindowContents;
  /** How far event time has come for the timer that fires; NaN while none does. */
  #firingAt = NaN;
  /** Event time of the element or timer in hand; NaN for none. */
  #inHand = NaN;
  #firedUpTo: number;

  constructor(
    context: OperatorContext,
    options: TriggeredWindowsOptions,
    parts: TriggeredWindowsParts,
  ) {
    this.#context = context;
    this.#options = options;
    this.#store = parts.store;
    this.#output = parts.output;
    this.#function = parts.function;
    this.#cell = context.keyCell(0);
    this.#firedUpTo = context.watermark();
    this.#contents = new WindowContents(options.aggregator, options.evictor);
    this.#calls = new TriggerCalls(context, this.#store, {
      domain: options.time,
      timeOf: ({ end }) => this.#cleanupTime(end),
    });
  }

  element(value: unknown, timestamp: number): void {
    const { counters } = this.#context;
    const { time, merges } = this.#options;
    counters.received += 1;
    this.#firingAt = NaN;
    this.#inHand = timestamp;
    if (time === 'event' && !Number.isFinite(timestamp)) {
      this.#context.reject(value, timestamp, timestampMissing(this.#context.name));
      return;
    }
    const slot = this.#store.slotOf(this.#cell);
    const windows = this.#assign(value, time === 'processing' ? this.#context.now() : timestamp);
    let isTaken = false;
    for (const window of windows) {
      const record = merges ? this.#sessionOf(slot, window) : this.#recordOf(slot, window);
      if (record === undefined) continue;
      isTaken = true;
      this.#add(slot, record, value, timestamp);
    }
    if (isTaken) counters.accepted += 1;
    else if (time === 'event' && timestamp + this.#options.latenessMs <= this.#context.watermark())
      this.#tooLate(value, timestamp);
    else counters.filtered += 1;
    this.#store.release(slot);
    this.#function?.sweep();
  }

  advance(time: number, budget: Budget): boolean {
    const isDone = this.#fireTimers('event', time, budget);
    if (isDone) this.#firedUpTo = time;
    return isDone;
  }

  readonly tick = (now: number, budget: Budget): boolean =>
    this.#fireTimers('processing', now, budget);
  readonly nextTick = (): number => this.#store.timers.processing.next();

  #fireTimers(domain: TimeDomain, until: number, budget: Budget): boolean {
    const timers = this.#store.timers[domain];
    while (timers.next() <= until) {
      if (budget.left <= 0) return false;
      const slot = timers.take(until);
      if (slot === undefined) break;
      budget.left -= 1;
      this.#onTimer(slot, timers.firedTime, domain);
    }
    return true;
  }

  #assign(value: unknown, time: number): readonly TimeWindow[] {
    try {
      return this.#options.windowsOf(value, time);
    } catch (cause) {
      return this.#context.fail(cause, { key: this.#cell.key, timestamp: time });
    }
  }

  /** When a window is thrown away. */
  #cleanupTime(end: number): number {
    return end - 1 + (this.#options.time === 'event' ? this.#options.latenessMs : 0);
  }

  #isLate(end: number): boolean {
    return this.#options.time === 'event' && this.#cleanupTime(end) <= this.#context.watermark();
  }

  #tooLate(value: unknown, timestamp: number): void {
    this.#context.late(value, timestamp);
    if (this.#options.late !== undefined)
      this.#context.side(this.#options.late).element(value, timestamp);
  }

  #recordOf(slot: Slot<WindowsOfKey>, { start, end }: TimeWindow): WindowRecord | undefined {
    if (this.#isLate(end)) return undefined;
    const { windows } = slot.live;
    for (const record of windows) if (record.start === start && record.end === end) return record;
    const record = this.#newRecord(start, end);
    this.#store.touch(slot);
    windows.push(record);
    return record;
  }

  /** The session that an element ends up in: a live one that holds its window, or all that it meets as one. */
  #sessionOf(slot: Slot<WindowsOfKey>, own: TimeWindow): WindowRecord | undefined {
    const { windows } = slot.live;
    const met = windows.filter((record) => sessionsMeet(record, own)).toSorted(byStart);
    const [first] = met;
    if (first === undefined && this.#isLate(own.end)) return undefined;
    const start = Math.min(own.start, ...met.map((record) => record.start));
    const end = Math.max(own.end, ...met.map((record) => record.end));
    if (first?.start === start && first.end === end) return first;
    const merged = this.#newRecord(start, end);
    this.#store.touch(slot);
    windows.push(merged);
    if (first !== undefined) this.#merge(slot, merged, met);
    return merged;
  }

  #newRecord(start: number, end: number): WindowRecord {
    const cells = this.#options.createCells();
    return new WindowRecord({ start, end, trigger: this.#freshState(end), cells });
  }

  #freshState(end: number): unknown {
    try {
      return this.#options.trigger.create();
    } catch (cause) {
      return this.#context.fail(cause, { key: this.#cell.key, timestamp: end - 1 });
    }
  }

  #merge(slot: Slot<WindowsOfKey>, merged: WindowRecord, met: readonly WindowRecord[]): void {
    const { trigger } = this.#options;
    this.#calls.point(slot, merged, NaN);
    try {
      trigger.merge?.(
        this.#calls,
        met.map((record) => record.state),
      );
      for (const record of met) this.#contents.merge(merged, record);
    } catch (cause) {
      this.#context.fail(cause, { key: slot.key, timestamp: merged.end - 1 });
    }
    for (const record of met) this.#remove(slot, record);
  }

  #add(slot: Slot<WindowsOfKey>, record: WindowRecord, value: unknown, timestamp: number): void {
    const { trigger } = this.#options;
    let result: TriggerResult;
    this.#store.touch(slot);
    try {
      this.#contents.add(record, value, timestamp);
      this.#calls.point(slot, record, timestamp);
      result = checkResult(trigger.element(value, this.#calls), trigger.name);
    } catch (cause) {
      this.#context.fail(cause, { key: slot.key, timestamp });
    }
    this.#do(result, slot, record);
    const { time } = this.#options;
    const cleanup = this.#cleanupTime(record.end);
    if (time !== undefined && cleanup !== Infinity) this.#calls.set(time, record, cleanup);
    else this.#dropIfNew(slot, record);
  }

  /**
   * A window that is kept for ever is as good as none once it holds nothing, remembers nothing and waits for nothing.
   * Not a session, which others may still meet.
   */
  #dropIfNew({ live }: Slot<WindowsOfKey>, record: WindowRecord): void {
    if (
      this.#options.merges ||
      record.hasContents ||
      record.eventTimers.length + record.processingTimers.length > 0
    )
      return;
    if (!areEmpty(record.cells) || !sameState(record.state, this.#freshState(record.end))) return;
    live.windows.splice(live.windows.indexOf(record), 1);
  }

  #onTimer(slot: Slot<WindowsOfKey>, time: number, domain: TimeDomain): void {
    this.#firingAt = domain === 'event' ? Math.max(time, this.#firedUpTo) : NaN;
    this.#inHand = domain === 'event' ? time : NaN;
    this.#store.touch(slot);
    const due = slot.live.windows
      .filter((record) => timersOf(record, domain).includes(time))
      .toSorted(byStart);
    for (const record of due) {
      record.removeTimer(domain, time);
      this.#context.derive(slot.key, time);
      this.#calls.point(slot, record, NaN);
      const cleanup = this.#cleanupTime(record.end);
      const isOver = domain === this.#options.time && time === cleanup;
      if (!isOver || !record.goesSilently) this.#callTrigger(slot, record, time, domain);
      if (cleanup === Infinity) this.#dropIfNew(slot, record);
      else if (isOver) this.#remove(slot, record);
    }
    this.#store.release(slot);
  }

  #callTrigger(
    slot: Slot<WindowsOfKey>,
    record: WindowRecord,
    time: number,
    domain: TimeDomain,
  ): void {
    const { trigger } = this.#options;
    let result: TriggerResult;
    try {
      const answer = domain === 'event' ? trigger.eventTime : trigger.processingTime;
      result = checkResult(answer.call(trigger, time, this.#calls), trigger.name);
    } catch (cause) {
      this.#context.fail(cause, { key: slot.key, timestamp: time });
    }
    this.#do(result, slot, record);
  }

  #do(result: TriggerResult, slot: Slot<WindowsOfKey>, record: WindowRecord): void {
    if (result === 'continue') return;
    if (result !== 'purge' && record.hasContents) this.#fire(slot, record);
    if (result === 'purge' || result === 'fireAndPurge') record.purge();
  }

  #fire(slot: Slot<WindowsOfKey>, record: WindowRecord): void {
    const window = { start: record.start, end: record.end };
    const timestamp = record.end - 1;
    let value: unknown;
    try {
      value = this.#contents.fire(record);
    } catch (cause) {
      this.#context.fail(cause, { key: slot.key, timestamp });
    }
    const stamp = this.#options.time === 'event' ? timestamp : this.#inHand;
    this.#function?.point(slot, record, stamp, this.#firingAt);
    this.#output.emit(slot.key, window, value, timestamp);
    try {
      this.#contents.fired(record);
    } catch (cause) {
      this.#context.fail(cause, { key: slot.key, timestamp });
    }
  }

  /** Throws a window away, with its timers and what its trigger remembers. */
  #remove(slot: Slot<WindowsOfKey>, record: WindowRecord): void {
    this.#calls.point(slot, record, NaN);
    try {
      this.#options.trigger.clear(this.#calls);
    } catch (cause) {
      this.#context.fail(cause, { key: slot.key, timestamp: record.end - 1 });
    }
    this.#calls.deleteAll(record);
    const { windows } = slot.live;
    windows.splice(windows.indexOf(record), 1);
  }
}

function byStart(a: TimeWindow, b: TimeWindow): number {
  return a.start - b.start;
}
