/**
 * A stream as the oracle sees it: one moment per thing that happened at a source.
 *
 *     moment     elements that reach a step, in order; then the watermark that the step is advanced to
 *
 * All streams of a pipeline have the same moments, so two of them meet by putting equal moments together, and the
 * watermark of the meeting is the minimum. Watermarks are recomputed for each moment from all elements before.
 */
import type { Item } from './description.js';

export interface Timed {
  readonly item: Item;
  readonly timestamp: number;
}

export interface Moment<Element extends Timed = Timed> {
  readonly elements: readonly Element[];
  readonly watermark: number;
}

/** One thing that happens: an element arrives at an input, or an input ends. */
export type Happening =
  | { readonly input: 0 | 1; readonly item: Item }
  | { readonly input: 0 | 1; readonly end: true };

export interface Generator {
  readonly bound: number;
  readonly every: number;
}

/** Elements of one input one after another, then its end. */
export function inOrder(items: readonly Item[], input: 0 | 1 = 0): Happening[] {
  return [...items.map((item) => ({ input, item })), { input, end: true }];
}

/** What happens at two inputs, by whose turn it is; the rest follows. */
export function interleaved(
  first: readonly Happening[],
  second: readonly Happening[],
  turns: readonly (0 | 1)[],
): Happening[] {
  const queues: readonly [Happening[], Happening[]] = [[...first], [...second]];
  const taken = turns.flatMap((turn) => queues[turn].splice(0, 1));
  return [...taken, ...queues[0], ...queues[1]];
}

/** The stream of one input of a run. */
export function sourceStream(
  happenings: readonly Happening[],
  input: 0 | 1,
  generator: Generator,
): Moment[] {
  let highest = -Infinity;
  let watermark = -Infinity;
  return happenings.map((happening) => {
    if (happening.input !== input) return { elements: [], watermark };
    if ('end' in happening) {
      watermark = Infinity;
      return { elements: [], watermark };
    }
    const { item } = happening;
    highest = Math.max(highest, item.at);
    watermark = sentAfter(watermark, highest, generator);
    return { elements: [{ item, timestamp: item.at }], watermark };
  });
}

/**
 * The watermark of a split behind an element: highest timestamp - bound - 1, but only the first such value between two
 * multiples of `every` is sent.
 */
export function sentAfter(sent: number, highest: number, { bound, every }: Generator): number {
  const raw = highest - bound - 1;
  if (raw <= sent) return sent;
  const span = (watermark: number): number => Math.floor((watermark + 1) / every);
  return every === 0 || sent === -Infinity || span(raw) > span(sent) ? raw : sent;
}

/** Two streams as one: the elements of the first before those of the second within a moment. */
export function meet<Element extends Timed>(
  first: readonly Moment<Element>[],
  second: readonly Moment<Element>[],
): Moment<Element>[] {
  return first.map(({ elements, watermark }, index) => {
    const other = second[index];
    if (other === undefined) throw new Error('streams of one pipeline have the same moments');
    return {
      elements: [...elements, ...other.elements],
      watermark: Math.min(watermark, other.watermark),
    };
  });
}

/** The watermark by which the elements of a moment are judged. */
export function watermarkBefore(stream: readonly Moment[], index: number): number {
  return stream[index - 1]?.watermark ?? -Infinity;
}

export function elementsOf<Element extends Timed>(stream: readonly Moment<Element>[]): Element[] {
  return stream.flatMap(({ elements }) => elements);
}
