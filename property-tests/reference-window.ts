/**
 * The reference of `window` and `topK`, after Flink's default event-time trigger.
 *
 *     end - 1 + lateness <= watermark     the window takes nothing any more; an element with such windows only is late
 *     end - 1 <= watermark                the window has fired, so an element that it still takes fires it again
 *     end - 1 reached by an advance       the window fires, if it holds anything
 *
 * Windows are found by trying starts, and hold lists of elements: no slices, no accumulators.
 */
import type { Key } from 'tidemark';
import {
  aggregated,
  mergedIds,
  rankNames,
  type Item,
  type TopKStep,
  type WindowShape,
  type WindowStep,
} from './description.js';
import { watermarkBefore, type Moment, type Timed } from './oracle-stream.js';
import { textOf } from './text.js';

export interface Judged {
  readonly stream: Moment[];
  readonly late: Timed[];
  /** Elements that fall between windows. */
  readonly filtered: Timed[];
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Content extends Span {
  readonly key: Key;
  readonly items: Item[];
}

/** All windows that hold a time, ascending. */
export function windowsOf(timestamp: number, { size, slide, offset }: WindowShape): Span[] {
  const first = Math.floor((timestamp - size - offset) / slide);
  const last = Math.ceil((timestamp - offset) / slide);
  const spans: Span[] = [];
  for (let index = first; index <= last; index += 1) {
    const start = index * slide + offset;
    if (start <= timestamp && timestamp < start + size) spans.push({ start, end: start + size });
  }
  return spans;
}

export function referenceWindow(
  stream: readonly Moment[],
  keyOf: (item: Item) => Key,
  { shape, lateness, aggregate }: Pick<WindowStep, 'shape' | 'lateness' | 'aggregate'>,
): Judged {
  const contents = new Map<string, Content>();
  const late: Timed[] = [];
  const filtered: Timed[] = [];
  const fired = ({ key, start, end, items }: Content): Timed => {
    const ids = aggregate === 'gather' ? mergedIds(items) : [];
    const n = aggregated(aggregate, items);
    return { item: { key, n, at: end - 1, ids, start }, timestamp: end - 1 };
  };
  const output = stream.map(({ elements, watermark }, index): Moment => {
    const before = watermarkBefore(stream, index);
    const results: Timed[] = [];
    for (const element of elements) {
      const spans = windowsOf(element.timestamp, shape);
      const open = spans.filter(({ end }) => end - 1 + lateness > before);
      if (spans.length === 0) filtered.push(element);
      else if (open.length === 0) late.push(element);
      for (const span of open) {
        const content = contentOf(contents, keyOf(element.item), span);
        content.items.push(element.item);
        if (span.end - 1 <= before) results.push(fired(content));
      }
    }
    const due = [...contents.values()].filter(
      ({ end }) => before < end - 1 && end - 1 <= watermark,
    );
    results.push(...due.toSorted((a, b) => a.end - b.end).map(fired));
    return { elements: results, watermark };
  });
  return { stream: output, late, filtered };
}

function contentOf(contents: Map<string, Content>, key: Key, { start, end }: Span): Content {
  const name = `${start} ${textOf(key)}`;
  const content = contents.get(name) ?? { key, start, end, items: [] };
  contents.set(name, content);
  return content;
}

/**
 * The best of each time: once the watermark has reached it, and again for each later element, until the lateness of
 * the windows upstream has passed. The later of two items of one name replaces the former.
 */
export function referenceTopK(
  stream: readonly Moment[],
  { k, name }: TopKStep,
  lateness: number,
): Judged {
  const groups = new Map<number, Map<string | number, Item>>();
  const late: Timed[] = [];
  const best = (at: number): Timed => {
    const entries = [...(groups.get(at) ?? [])];
    const ranked = entries.toSorted(
      ([a, { n: x }], [b, { n: y }]) => y - x || (a < b ? -1 : a > b ? 1 : 0),
    );
    const top = ranked.slice(0, k).map(([, item]) => item);
    const n = top.reduce((sum, item) => sum + item.n, 0);
    return { item: { key: at, n, at, ids: mergedIds(top), top }, timestamp: at };
  };
  const output = stream.map(({ elements, watermark }, index): Moment => {
    const before = watermarkBefore(stream, index);
    const results: Timed[] = [];
    for (const element of elements) {
      const { item, timestamp } = element;
      if (timestamp + lateness <= before) {
        late.push(element);
        continue;
      }
      const group = groups.get(timestamp) ?? new Map<string | number, Item>();
      groups.set(timestamp, group.set(rankNames[name](item), item));
      if (timestamp <= before) results.push(best(timestamp));
    }
    const due = [...groups.keys()].filter((at) => before < at && at <= watermark);
    results.push(...due.toSorted((a, b) => a - b).map(best));
    return { elements: results, watermark };
  });
  return { stream: output, late, filtered: [] };
}
