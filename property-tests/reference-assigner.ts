/** Which windows an element falls into, and which elements an evictor leaves, after Flink's assigners and evictors. */
import { gapOf } from './description.js';
import type { Timed } from './oracle-stream.js';
import { distance } from './reference-trigger.js';
import type { AlignedSpan, EvictorChoice, WindowStep } from './window-step.js';

export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** The windows of an element; for sessions the one that it makes by itself. `now` is the clock. */
export function intervalsOf(
  { span, time }: WindowStep,
  { item, timestamp }: Timed,
  now: number,
): Interval[] {
  const at = time === 'event' ? timestamp : now;
  switch (span.kind) {
    case 'aligned':
      return windowsOf(at, span);
    case 'session':
      return [{ start: at, end: at + (span.isDynamic ? gapOf(span.gap, item) : span.gap) }];
    case 'global':
    case 'count':
      return [{ start: -Infinity, end: Infinity }];
  }
}

/** All windows that hold a time, the latest first. */
function windowsOf(timestamp: number, { size, slide, offset }: AlignedSpan): Interval[] {
  const first = Math.floor((timestamp - size - offset) / slide);
  const last = Math.ceil((timestamp - offset) / slide);
  const intervals: Interval[] = [];
  for (let index = last; index >= first; index -= 1) {
    const start = index * slide + offset;
    if (start <= timestamp && timestamp < start + size)
      intervals.push({ start, end: start + size });
  }
  return intervals;
}

/** What is left of the elements of a window, in the order of their arrival. */
export function kept(held: readonly Timed[], { kind, limit }: EvictorChoice): readonly Timed[] {
  const newest = Math.max(...held.map(({ timestamp }) => timestamp));
  switch (kind) {
    case 'count':
      return held.slice(-limit);
    case 'time':
      return held.filter(({ timestamp }) => timestamp > newest - limit);
    case 'delta':
      return held.filter(({ item }) => distance(item, held.at(-1)?.item ?? item) < limit);
  }
}
