/** The context of a trigger: points at one window of one key, and keeps its timers beside those of the key. */
import type { KeyedState, OperatorContext, Slot, TimeDomain } from '../core/operator.js';
import type { TriggerContext } from '../time/trigger.js';
import type { TimeWindow } from '../time/windows.js';
import { timersOf, type WindowRecord, type WindowsOfKey } from './window-records.js';

/**
 * One per operator, reused for each call. Its fields are not private ones: a trigger that wraps another hands it an
 * object that inherits from this one.
 */
export class TriggerCalls implements TriggerContext<unknown> {
  readonly context: OperatorContext;
  readonly store: KeyedState<WindowsOfKey>;
  slot!: Slot<WindowsOfKey>;
  record!: WindowRecord;
  timestamp = NaN;

  constructor(context: OperatorContext, store: KeyedState<WindowsOfKey>) {
    this.context = context;
    this.store = store;
  }

  point(slot: Slot<WindowsOfKey>, record: WindowRecord, timestamp: number): void {
    this.slot = slot;
    this.record = record;
    this.timestamp = timestamp;
  }

  get state(): unknown {
    return this.record.state;
  }

  set state(state: unknown) {
    this.record.state = state;
  }

  get window(): TimeWindow {
    return { start: this.record.start, end: this.record.end };
  }

  get maxTimestamp(): number {
    return this.record.end - 1;
  }

  get watermark(): number {
    return this.context.watermark();
  }

  get now(): number {
    return this.context.now();
  }

  setEventTime(time: number): void {
    this.set('event', this.record, time);
  }

  deleteEventTime(time: number): void {
    this.delete('event', this.record, time);
  }

  setProcessingTime(time: number): void {
    this.set('processing', this.record, time);
  }

  deleteProcessingTime(time: number): void {
    this.delete('processing', this.record, time);
  }

  /** Sets a timer of a window of the key in hand. */
  set(domain: TimeDomain, record: WindowRecord, time: number): void {
    const timers = timersOf(record, domain);
    if (timers.includes(time)) return;
    timers.push(time);
    this.store.timers[domain].set(this.slot, time);
  }

  delete(domain: TimeDomain, record: WindowRecord, time: number): void {
    const timers = timersOf(record, domain);
    const at = timers.indexOf(time);
    if (at < 0) return;
    timers.splice(at, 1);
    const isAwaited = this.slot.live.windows.some((other) =>
      timersOf(other, domain).includes(time),
    );
    if (!isAwaited) this.store.timers[domain].delete(this.slot, time);
  }

  /** Deletes all timers of a window. */
  deleteAll(record: WindowRecord): void {
    for (const domain of ['event', 'processing'] as const)
      for (const time of [...timersOf(record, domain)]) this.delete(domain, record, time);
  }
}
