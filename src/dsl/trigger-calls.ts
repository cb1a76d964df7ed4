/** The context of a trigger: points at one window of one key, and keeps its timers beside those of the key. */
import { TidemarkError, show } from '../core/errors.js';
import type { KeyedState, OperatorContext, Slot, TimeDomain } from '../core/operator.js';
import type { TriggerContext, TriggerResult } from '../time/trigger.js';
import type { TimeWindow } from '../time/windows.js';
import { asyncError, isPromise } from './user-function.js';
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

  /** When a window is thrown away, and by which time. */
  readonly cleanup: {
    readonly domain: TimeDomain | undefined;
    readonly timeOf: (record: WindowRecord) => number;
  };

  constructor(
    context: OperatorContext,
    store: KeyedState<WindowsOfKey>,
    cleanup: TriggerCalls['cleanup'],
  ) {
    this.context = context;
    this.store = store;
    this.cleanup = cleanup;
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
    this.set('event', this.record, checkTime(time, this.context.name));
  }

  deleteEventTime(time: number): void {
    this.deleteForTrigger('event', time);
  }

  setProcessingTime(time: number): void {
    this.set('processing', this.record, checkTime(time, this.context.name));
  }

  deleteProcessingTime(time: number): void {
    this.deleteForTrigger('processing', time);
  }

  /** The time at which a window is thrown away stays; its trigger just does not hear of it. */
  deleteForTrigger(domain: TimeDomain, time: number): void {
    const { record } = this;
    if (domain === this.cleanup.domain && time === this.cleanup.timeOf(record)) {
      if (timersOf(record, domain).includes(time)) record.goesSilently = true;
    } else this.delete(domain, record, time);
  }

  /** Sets a timer of a window of the key in hand. */
  set(domain: TimeDomain, record: WindowRecord, time: number): void {
    if (domain === this.cleanup.domain && time === this.cleanup.timeOf(record))
      record.goesSilently = false;
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

function checkTime(time: unknown, where: string): number {
  if (typeof time === 'number' && !Number.isNaN(time)) return time;
  throw new TidemarkError('TIMESTAMP_INVALID', {
    expected: 'a timer time in epoch milliseconds',
    got: show(time),
    where: `the trigger of "${where}"`,
    hint: 'An element without event time has no timestamp to count from; put eventTime before the window.',
  });
}

/** Refuses what is no answer of a trigger: a forgotten return, a misspelt word, a promise. */
export function checkResult(result: unknown, trigger: string): TriggerResult {
  switch (result) {
    case 'continue':
    case 'fire':
    case 'purge':
    case 'fireAndPurge':
      return result;
    default:
      if (isPromise(result)) throw asyncError(`trigger "${trigger}"`);
      throw new TidemarkError('USER_FUNCTION_FAILED', {
        expected: "'continue', 'fire', 'purge' or 'fireAndPurge'",
        got: show(result),
        where: `trigger "${trigger}"`,
        hint: 'Return one of them from each function of the trigger.',
      });
  }
}
