/**
 * The reference of `window`, after Flink's `WindowOperator` and its assigners.
 *
 *     end - 1 + lateness <= watermark     the window takes nothing any more; an element with such windows only is late
 *     end - 1 <= watermark                the window has spoken, so by default an element speaks it again
 *     end - 1 reached by an advance       by default the window speaks, if it holds anything
 *
 * Windows are found by trying starts, and hold lists of elements: no slices, no accumulators.
 */
import type { Key, TriggerContext, TriggerResult } from 'tidemark';
import { keyChoice, type Item } from './description.js';
import { START_MS, watermarkBefore, type Moment, type Timed } from './oracle-stream.js';
import { aggregated } from './reference-aggregate.js';
import { intervalsOf, kept, type Interval } from './reference-assigner.js';
import { ReferenceState, type StateTimes } from './reference-state.js';
import { referenceTrigger, type ReferenceTrigger } from './reference-trigger.js';
import { textOf } from './text.js';
import { windowFunctions, type NumberCell, type WindowScratch } from './trigger-behaviours.js';
import { FADING_MS, isTimed, type EvictorChoice, type WindowStep } from './window-step.js';

export interface Judged {
  readonly stream: Moment[];
  readonly late: Timed[];
  /** Elements that fall between windows, and repetitions. */
  readonly filtered: Timed[];
  /** What a function has sent to the side output. */
  readonly sides?: Moment[];
  /** Whether sessions have merged that do not overlap, but touch. */
  readonly touches?: boolean;
}

type Domain = 'event' | 'processing';

/** A window of a key. */
interface Content extends Interval {
  readonly key: Key;
  held: readonly Timed[];
  /** What the trigger remembers. */
  memory: unknown;
  readonly timers: Readonly<Record<Domain, Set<number>>>;
  readonly own: NumberCell;
  /** Whether the trigger has deleted the time at which the window goes. It goes all the same, without being asked. */
  isSilent: boolean;
}

const fadingTtl = {
  after: FADING_MS,
  time: 'event',
  update: 'onCreateAndWrite',
  givesExpired: false,
  cleanup: 'none',
} as const;

export function referenceWindow(stream: readonly Moment[], step: WindowStep): Judged {
  const windows = new ReferenceWindows(step);
  const sides: Moment[] = [];
  const output = stream.map((moment, index): Moment => {
    const { elements, watermark, now, ticks } = moment;
    const before = watermarkBefore(stream, index);
    windows.begin(before, ticks ? undefined : now);
    for (const element of elements) windows.element(element);
    if (ticks) windows.fire('processing', now);
    windows.watermark = watermark;
    if (watermark > before) windows.fire('event', watermark);
    windows.now = now;
    sides.push({ ...moment, elements: windows.sides });
    return { ...moment, elements: windows.emitted };
  });
  const { late, filtered, touches } = windows;
  return { stream: output, late, filtered, sides, touches };
}

class ReferenceWindows {
  readonly #step: WindowStep;
  readonly #trigger: ReferenceTrigger;
  readonly #evictor: EvictorChoice | undefined;
  readonly #totals = new Map<string, NumberCell>();
  #contents: readonly Content[] = [];
  #times: StateTimes = { timestamp: NaN, reached: -Infinity, now: NaN };
  /** The watermark before the moment. */
  #reached = -Infinity;
  watermark = -Infinity;
  now = START_MS;
  emitted: Timed[] = [];
  sides: Timed[] = [];
  touches = false;
  readonly late: Timed[] = [];
  readonly filtered: Timed[] = [];

  constructor(step: WindowStep) {
    const { span, evictor } = step;
    this.#step = step;
    this.#trigger = referenceTrigger(step);
    const slides = span.kind === 'count' && span.slide !== span.size;
    this.#evictor = slides ? { kind: 'count', limit: span.size, after: false } : evictor;
  }

  /** A moment begins. `now` is undefined where the clock moves in it. */
  begin(watermark: number, now: number | undefined): void {
    this.watermark = watermark;
    this.#reached = watermark;
    this.now = now ?? this.now;
    this.emitted = [];
    this.sides = [];
  }

  element(element: Timed): void {
    const { by, lateness, time } = this.#step;
    this.#times = { timestamp: NaN, reached: this.watermark, now: this.now };
    const key = keyChoice(by)(element.item);
    let isTaken = false;
    for (const interval of intervalsOf(this.#step, element, this.now)) {
      const content = this.#contentFor(key, interval);
      if (content === undefined) continue;
      isTaken = true;
      content.held = [...content.held, element];
      this.#obey(this.#trigger.element(element.item, this.#context(content, element)), content);
      const cleanup = this.#cleanup(content);
      if (!Number.isFinite(cleanup)) continue;
      content.timers[time].add(cleanup);
      content.isSilent = false;
    }
    if (isTaken) return;
    const isLate = isTimed(this.#step) && element.timestamp + lateness <= this.watermark;
    (isLate ? this.late : this.filtered).push(element);
  }

  fire(domain: Domain, until: number): void {
    for (;;) {
      const due = this.#contents.flatMap((content) =>
        [...content.timers[domain]]
          .filter((time) => time <= until)
          .map((time) => ({ content, time })),
      );
      const [first] = due.toSorted((a, b) => a.time - b.time || a.content.start - b.content.start);
      if (first === undefined) return;
      const { content, time } = first;
      content.timers[domain].delete(time);
      if (domain === 'processing') this.now = Math.max(this.now, time);
      // Event time has come as far as the timer, wherever the watermark has leapt to.
      const reached = domain === 'event' ? Math.max(time, this.#reached) : this.watermark;
      this.#times = { timestamp: NaN, reached, now: this.now };
      const goes = this.#isCleanup(content, domain, time);
      if (!goes || !content.isSilent)
        this.#obey(this.#trigger.onTime(domain, time, this.#context(content)), content);
      if (goes) this.#remove(content);
    }
  }

  /** The window that an element goes into; undefined where it is too late for it. */
  #contentFor(key: Key, own: Interval): Content | undefined {
    const { span } = this.#step;
    const name = textOf(key);
    const ofKey = this.#contents.filter((content) => textOf(content.key) === name);
    const met = ofKey.filter(({ start, end }) =>
      span.kind === 'session'
        ? start <= own.end && own.start <= end
        : start === own.start && end === own.end,
    );
    const [first] = met;
    if (first === undefined) {
      const isOver = isTimed(this.#step) && this.#cleanup(own) <= this.watermark;
      return isOver ? undefined : this.#open(key, own, []);
    }
    const start = Math.min(own.start, ...met.map((content) => content.start));
    const end = Math.max(own.end, ...met.map((content) => content.end));
    if (met.length === 1 && first.start === start && first.end === end) return first;
    this.touches ||= met.some((content) => content.end === own.start || own.end === content.start);
    const sorted = met.toSorted((a, b) => a.start - b.start);
    const merged = this.#open(
      key,
      { start, end },
      sorted.flatMap(({ held }) => held),
    );
    this.#trigger.merge(
      this.#context(merged),
      sorted.map(({ memory }) => memory as never),
    );
    for (const content of sorted) this.#remove(content);
    return merged;
  }

  #open(key: Key, { start, end }: Interval, held: readonly Timed[]): Content {
    const memory = this.#trigger.create();
    const timers = { event: new Set<number>(), processing: new Set<number>() };
    const own = this.#newCell();
    const content: Content = { key, start, end, held, memory, timers, own, isSilent: false };
    this.#contents = [...this.#contents, content];
    return content;
  }

  #remove(content: Content): void {
    this.#trigger.clear(this.#context(content));
    this.#contents = this.#contents.filter((other) => other !== content);
  }

  /** When a window is thrown away. */
  #cleanup({ end }: Interval): number {
    return this.#step.time === 'event' ? end - 1 + this.#step.lateness : end - 1;
  }

  #isCleanup(content: Content, domain: Domain, time: number): boolean {
    return domain === this.#step.time && time === this.#cleanup(content);
  }

  #obey(result: TriggerResult, content: Content): void {
    if (result === 'fire' || result === 'fireAndPurge') this.#speak(content);
    if (result === 'purge' || result === 'fireAndPurge') content.held = [];
  }

  #speak(content: Content): void {
    if (content.held.length === 0) return;
    const evictor = this.#evictor;
    if (evictor?.after === false) content.held = kept(content.held, evictor);
    const { aggregate, fn } = this.#step;
    const { key, start, end, held } = content;
    const timestamp = end - 1;
    this.#times = { ...this.#times, timestamp };
    const gathered = aggregated(
      aggregate,
      held.map(({ item }) => item),
    );
    const item: Item = { key, ...gathered, at: timestamp, start };
    const results = fn === undefined ? [item] : windowFunctions[fn](item, this.#scratch(content));
    this.emitted.push(...results.map((result) => ({ item: result, timestamp })));
    if (evictor?.after === true) content.held = kept(content.held, evictor);
  }

  #scratch({ key, own, end }: Content): WindowScratch {
    const name = textOf(key);
    const ofKey = this.#totals.get(name) ?? this.#newCell();
    this.#totals.set(name, ofKey);
    return {
      key,
      watermark: this.watermark,
      ofWindow: this.#step.span.kind === 'session' ? undefined : own,
      ofKey,
      side: (item) => this.sides.push({ item, timestamp: end - 1 }),
    };
  }

  /** A number that a function keeps, maybe for a while. */
  #newCell(): NumberCell {
    const ttl = this.#step.fn === 'fading' ? fadingTtl : undefined;
    const state = new ReferenceState({ kind: 'value', ...(ttl && { ttl }) }, () => this.#times);
    return {
      get: () => state.read()[0] ?? 0,
      set: (value) => state.write(value),
      clear: () => state.clear(),
    };
  }

  #context(content: Content, element?: Timed): TriggerContext<never> {
    const { start, end, timers } = content;
    const set = (domain: Domain, time: number): void => {
      timers[domain].add(time);
      if (this.#isCleanup(content, domain, time)) content.isSilent = false;
    };
    const unset = (domain: Domain, time: number): void => {
      if (!this.#isCleanup(content, domain, time)) timers[domain].delete(time);
      else if (timers[domain].has(time)) content.isSilent = true;
    };
    return {
      get state() {
        return content.memory as never;
      },
      set state(memory) {
        content.memory = memory;
      },
      window: { start, end },
      maxTimestamp: end - 1,
      timestamp: element?.timestamp ?? NaN,
      watermark: this.watermark,
      now: this.now,
      setEventTime: (time) => set('event', time),
      deleteEventTime: (time) => unset('event', time),
      setProcessingTime: (time) => set('processing', time),
      deleteProcessingTime: (time) => unset('processing', time),
    };
  }
}
