/**
 * The references of `topK`, `dedupe` and `reduce`: groups and lists of plain elements, looked through from the
 * beginning each time.
 */
import {
  keyChoice,
  mergedIds,
  rankNames,
  summed,
  whole,
  type DedupeStep,
  type Item,
  type ReduceStep,
  type TopKStep,
} from './description.js';
import { watermarkBefore, type Moment, type Timed } from './oracle-stream.js';
import type { Judged } from './reference-window.js';
import { textOf } from './text.js';

interface Group {
  /** The highest timestamp in it. */
  time: number;
  readonly entries: Map<string | number, Item>;
}

/**
 * The best of each group: once the watermark has reached its time, and again for each later element, until the lateness
 * of the windows upstream has passed. The later of two items of one name replaces the former.
 */
export function referenceTopK(
  stream: readonly Moment[],
  { k, name }: TopKStep,
  lateness: number,
): Judged {
  const groups = new Map<number, Group>();
  const late: Timed[] = [];
  const best = (at: number, { time, entries }: Group): Timed => {
    const ranked = [...entries].toSorted(
      ([a, { n: x }], [b, { n: y }]) => y - x || (a < b ? -1 : a > b ? 1 : 0),
    );
    const top = ranked.slice(0, k).map(([, item]) => item);
    const n = whole(top.reduce((sum, item) => sum + item.n, 0));
    return { item: { key: at, n, at, ids: mergedIds(top), top }, timestamp: time };
  };
  const output = stream.map((moment, index): Moment => {
    const { elements, watermark } = moment;
    const before = watermarkBefore(stream, index);
    for (const [at, { time }] of groups) if (time + lateness <= before) groups.delete(at);
    const results: Timed[] = [];
    for (const element of elements) {
      const { item, timestamp } = element;
      if (timestamp + lateness <= before) {
        late.push(element);
        continue;
      }
      const group = groups.get(item.at) ?? { time: -Infinity, entries: new Map() };
      groups.set(item.at, group);
      group.entries.set(rankNames[name](item), item);
      group.time = Math.max(group.time, timestamp);
      if (group.time <= before) results.push(best(item.at, group));
    }
    const due = [...groups].filter(([, { time }]) => before < time && time <= watermark);
    results.push(
      ...due.toSorted(([, a], [, b]) => a.time - b.time).map(([at, group]) => best(at, group)),
    );
    return { ...moment, elements: results };
  });
  return { stream: output, late, filtered: [] };
}

/** The running value, for each element. */
export function referenceReduce(stream: readonly Moment[], { by }: ReduceStep): Moment[] {
  const running = new Map<string, Item>();
  return stream.map((moment) => ({
    ...moment,
    elements: moment.elements.map(({ item, timestamp }) => {
      const name = textOf(keyChoice(by)(item));
      const former = running.get(name);
      const next = former === undefined ? item : summed(former, item);
      running.set(name, next);
      return { item: next, timestamp };
    }),
  }));
}

export function referenceDedupe(stream: readonly Moment[], step: DedupeStep): Judged {
  return step.keep === 'first' ? keptFirst(stream, step) : keptLast(stream, step);
}

/** An element comes out unless one of its key that came out is nearer than `within`. Nothing is ever forgotten. */
function keptFirst(stream: readonly Moment[], { by, within }: DedupeStep): Judged {
  const [late, filtered]: [Timed[], Timed[]] = [[], []];
  const taken: { readonly name: string; readonly timestamp: number }[] = [];
  const output = stream.map((moment, index): Moment => {
    const before = watermarkBefore(stream, index);
    const elements = moment.elements.filter((element) => {
      const { item, timestamp } = element;
      const name = textOf(keyChoice(by)(item));
      const isLate = timestamp + within <= before;
      const isRepeated = taken.some(
        (other) => other.name === name && Math.abs(other.timestamp - timestamp) < within,
      );
      if (isLate) late.push(element);
      else if (isRepeated) filtered.push(element);
      else taken.push({ name, timestamp });
      return !isLate && !isRepeated;
    });
    return { ...moment, elements };
  });
  return { stream: output, late, filtered };
}

/**
 * Intervals are cut anew at each moment from all elements of a key that count and have not come out: the first begins
 * with the lowest time. What lies behind the watermark counts only in an interval that has begun and is not over.
 */
function keptLast(stream: readonly Moment[], { by, within }: DedupeStep): Judged {
  const late: Timed[] = [];
  const pending = new Map<string, Timed[]>();
  const startOf = (elements: readonly Timed[]): number =>
    Math.min(...elements.map(({ timestamp }) => timestamp));
  const output = stream.map((moment, index): Moment => {
    const { elements, watermark } = moment;
    const before = watermarkBefore(stream, index);
    for (const element of elements) {
      const { item, timestamp } = element;
      const name = textOf(keyChoice(by)(item));
      const known = pending.get(name) ?? [];
      const start = startOf(known);
      const isOpen = timestamp >= start && timestamp < start + within;
      if (timestamp > before || isOpen) pending.set(name, [...known, element]);
      else late.push(element);
    }
    const results: Timed[] = [];
    for (const [name, all] of pending) {
      let rest = all;
      for (;;) {
        const end = startOf(rest) + within;
        if (rest.length === 0 || end - 1 > watermark) break;
        const interval = rest.filter(({ timestamp }) => timestamp < end);
        // Of one time the one that came later.
        const last = interval.reduce((best, one) => (one.timestamp >= best.timestamp ? one : best));
        results.push({ item: last.item, timestamp: end - 1 });
        rest = rest.filter(({ timestamp }) => timestamp >= end);
      }
      if (rest.length === 0) pending.delete(name);
      else pending.set(name, rest);
    }
    return { ...moment, elements: results.toSorted((a, b) => a.timestamp - b.timestamp) };
  });
  return { stream: output, late, filtered: [] };
}
