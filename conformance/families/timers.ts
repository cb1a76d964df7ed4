/**
 * Timers alone: cases of Flink's timer service, whose timers have a key and a namespace, against `process`.
 *
 * Tidemark has no namespaces: the windows of a key keep theirs apart by themselves. Here key and namespace are the key.
 */
import { keyGroupOf } from '../../src/core/key-group.js';
import type { TimeDomain } from '../../src/core/operator.js';
import { keyBy } from '../../src/dsl/key-by.js';
import { process } from '../../src/dsl/process.js';
import { hashKey } from '../../src/state/key-hash.js';
import type { Case, Check, Fields } from '../case.js';
import { compareSet, compareValue } from '../compare.js';
import { NotApplicable, drive, type Subject } from '../drive.js';
import { MAX_PARALLELISM, Rig } from '../rig.js';
import type { FunctionContext } from './program.js';

/** @throws Mismatch, NotApplicable */
export function runTimers(testCase: Case): void {
  drive(testCase, () => new TimersSubject(), { exhaustive: false });
}

type TimerKey = readonly [key: string, namespace: string];

/** What is done to the timers of a key and namespace. */
interface Order {
  readonly of: TimerKey;
  readonly act: (context: FunctionContext) => void;
}

interface FiredTimer {
  readonly domain: 'event' | 'proc';
  readonly ts: number;
  readonly key: string;
  readonly ns: string;
}

interface Counts {
  readonly eventTimers?: number;
  readonly procTimers?: number;
}

interface Expected extends Counts {
  readonly perNamespace?: Readonly<Record<string, Counts>>;
  readonly fired?: readonly FiredTimer[];
  readonly physicalTimers?: number;
  readonly physicalTimerTimes?: readonly number[];
  readonly currentWatermark?: number;
  readonly currentProcessingTime?: number;
  readonly listEventTimers?: readonly Fields[];
  readonly listProcTimers?: readonly Fields[];
}

class TimersSubject implements Subject {
  readonly #rig: Rig;
  /** All keys and namespaces that have been used. */
  readonly #used = new Map<string, TimerKey>();
  /** What each timer of the clock sets when it fires. */
  #atClock: { readonly registerProc: number; readonly ns: string } | undefined;

  constructor() {
    this.#rig = new Rig({
      build: (root) =>
        root.pipe(
          keyBy((order) => (order as Order).of),
          process({
            uid: 'timers',
            element: (order, context) =>
              (order as unknown as Order).act(context as FunctionContext),
            timer: ({ domain, time }, context) =>
              this.#fired(domain, time, context as FunctionContext),
          }),
        ),
      isGuarded: false,
    });
  }

  step(step: Fields): void {
    const [[name, value] = []] = Object.entries(step);
    const time = value as number;
    const order = orders[name ?? ''];
    if (order !== undefined) {
      const of = [step['key'], step['ns']] as unknown as TimerKey;
      this.#used.set(of.join('/'), of);
      return this.#rig.element({ of, act: (context) => order(context, time) } satisfies Order);
    }
    switch (name) {
      case 'wm':
        return this.#rig.signal({ kind: 'watermark', time });
      case 'pt':
        return this.#rig.processingTime(time);
      case 'onProcCallback':
        this.#atClock = value as { registerProc: number; ns: string };
        return;
      case 'snapshot':
        return this.#rig.snapshot(value as string);
      case 'restore':
        return this.#restore(value as string, step['keys'] as string[] | undefined);
      default:
        throw new Error(`a step that this runner does not know: ${JSON.stringify(step)}`);
    }
  }

  check(check: Check): void {
    const expected = check as Fields as Expected;
    const { clock } = this.#rig;
    this.#checkCounts(expected, undefined);
    for (const [namespace, counts] of Object.entries(expected.perNamespace ?? {}))
      this.#checkCounts(counts, namespace);
    if (expected.fired !== undefined) {
      const records = this.#rig.take().out.flatMap((item) => ('v' in item ? [item.v] : []));
      compareSet(expected.fired, records, 'fired');
    }
    const armed = [...clock.armed].map(({ time }) => time);
    for (const [want, have, name] of [
      [expected.physicalTimers, armed.length, 'timers of the clock'],
      [expected.physicalTimerTimes, armed, 'times of the timers of the clock'],
      [expected.currentWatermark, this.#rig.watermark, 'watermark'],
      [expected.currentProcessingTime, clock.time, 'processing time'],
    ])
      if (want !== undefined) compareValue(want, have, String(name));
    if (expected.listEventTimers !== undefined)
      compareSet(expected.listEventTimers, this.#pending('event'), 'event timers');
    if (expected.listProcTimers !== undefined)
      compareSet(expected.listProcTimers, this.#pending('processing'), 'processing timers');
  }

  #checkCounts({ eventTimers, procTimers }: Counts, namespace: string | undefined): void {
    for (const [want, domain] of [
      [eventTimers, 'event'],
      [procTimers, 'processing'],
    ] as const) {
      const pending = this.#pending(domain);
      const counted = pending.filter(({ ns }) => namespace === undefined || ns === namespace);
      if (want !== undefined)
        compareValue(want, counted.length, `${domain} timers of ${namespace ?? 'all'}`);
    }
  }

  #pending(domain: TimeDomain): { key: string; ns: string; ts: number }[] {
    const { eventTimers, processingTimers } = this.#rig.store;
    const timers = domain === 'event' ? eventTimers : processingTimers;
    return [...timers.entries()].map(([ts, slot]) => {
      const [key, ns] = slot.key as unknown as TimerKey;
      return { key, ns, ts };
    });
  }

  #fired(domain: TimeDomain, ts: number, context: FunctionContext): FiredTimer[] {
    const [key, ns] = context.key as TimerKey;
    const isEvent = domain === 'event';
    if (!isEvent && this.#atClock !== undefined) {
      if (this.#atClock.ns !== ns)
        throw new NotApplicable('a timer for another namespace: here that is another key');
      context.timers.setProcessingTime(this.#atClock.registerProc);
    }
    return [{ domain: isEvent ? 'event' : 'proc', ts, key, ns }];
  }

  /** Brings back the key groups of some keys alone, as a shard that owns no others does. */
  #restore(name: string, keys: readonly string[] | undefined): void {
    if (keys === undefined) return this.#rig.restore(name);
    const owned = [...this.#used.values()].filter(([key]) => keys.includes(key));
    const groups = new Set(owned.map((key) => keyGroupOf(hashKey(key), MAX_PARALLELISM)));
    this.#rig.restore(name, { groups });
  }
}

const orders: Readonly<Record<string, (context: FunctionContext, time: number) => void>> = {
  registerEvent: ({ timers }, time) => timers.setEventTime(time),
  registerProc: ({ timers }, time) => timers.setProcessingTime(time),
  deleteEvent: ({ timers }, time) => timers.deleteEventTime(time),
  deleteProc: ({ timers }, time) => timers.deleteProcessingTime(time),
};
