/**
 * A stream as the oracle sees it: one moment per thing that happened at a source.
 *
 *     moment     elements that reach a step, in order; then the watermark that the step is advanced to, and the clock
 *
 * All streams of a pipeline have the same moments, so two of them meet by putting equal moments together, and the
 * watermark of the meeting is the minimum. Watermarks are recomputed for each moment from all elements before.
 */
import type { Item, TimeChoice } from './description.js';

export interface Timed {
  readonly item: Item;
  readonly timestamp: number;
}

export interface Moment<Element extends Timed = Timed> {
  readonly elements: readonly Element[];
  readonly watermark: number;
  /** Processing time, epoch ms; what it fires comes before what the watermark fires. */
  readonly now: number;
  /** Whether the clock has been moved, so that its timers are looked at. */
  readonly ticks: boolean;
  /** Whether nothing is to be expected of it for now, so that nobody waits for it. */
  readonly idle?: boolean;
}

/** One thing that happens: an element arrives at an input, an input falls silent or ends, or the clock goes on by some ms. */
export type Happening =
  | { readonly input: 0 | 1; readonly item: Item }
  | { readonly input: 0 | 1; readonly idle: true }
  | { readonly input: 0 | 1; readonly end: true }
  | { readonly clock: number };

/** Processing time at the beginning. */
export const START_MS = 50_000;

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

/** The stream of one input of a run. `takes` says which elements get past eventTime. */
export function sourceStream(
  happenings: readonly Happening[],
  input: 0 | 1,
  time: TimeChoice,
  takes: (item: Item) => boolean = () => true,
): Moment[] {
  const mark = new Mark(time);
  let now = START_MS;
  let idle = false;
  return happenings.map((happening): Moment => {
    const ticks = 'clock' in happening;
    const elements: Timed[] = [];
    if (ticks) {
      if (mark.isAskedBetween(now, now + happening.clock)) mark.raise(mark.raw);
      now += happening.clock;
    } else if (happening.input === input) {
      if ('end' in happening) mark.raise(Infinity);
      else if ('idle' in happening) mark.fallSilent();
      else if (takes(happening.item)) {
        const { item } = happening;
        mark.take(item);
        elements.push({ item, timestamp: item.at });
        idle = false;
      }
      if ('idle' in happening) idle = true;
    }
    return { elements, watermark: mark.sent, now, ticks, ...(idle ? { idle } : {}) };
  });
}

/** The watermark of one split. */
export class Mark {
  readonly #time: TimeChoice;
  #highest = -Infinity;
  sent = -Infinity;

  constructor(time: TimeChoice) {
    this.#time = time;
  }

  /** The watermark that the highest time allows. */
  get raw(): number {
    return this.#highest - this.#time.bound - 1;
  }

  take(item: Pick<Item, 'n' | 'at'>): void {
    const { generator, bound, every } = this.#time;
    this.#highest = Math.max(this.#highest, item.at);
    switch (generator) {
      case 'bounded':
      case 'monotone':
        this.sent = sentAfter(this.sent, this.#highest, { bound, every });
        break;
      case 'marked':
      case 'wavering':
        this.raise(saidBehind(this.#time, item, this.#highest) ?? -Infinity);
        break;
      case 'periodic':
    }
  }

  raise(to: number): void {
    this.sent = Math.max(this.sent, to);
  }

  /** What is pending counts, of what the user's generator has not said nothing is. */
  fallSilent(): void {
    const { generator } = this.#time;
    if (generator === 'bounded' || generator === 'monotone') this.raise(this.raw);
  }

  /** Whether a generator that goes by the clock is asked on the way to `until`. */
  isAskedBetween(since: number, until: number): boolean {
    const { generator, every } = this.#time;
    const times = (at: number): number => Math.floor((at - START_MS) / every);
    return generator === 'periodic' && times(until) > times(since);
  }
}

/** What a generator of the user says behind an element; the function that it is made of. */
export function saidBehind(
  { generator, bound }: TimeChoice,
  { n, at }: Pick<Item, 'n' | 'at'>,
  highest: number,
): number | undefined {
  if (generator === 'wavering') return at - bound - 1;
  return n % 3 === 0 ? highest - bound - 1 : undefined;
}

/**
 * The watermark of a split behind an element: highest timestamp - bound - 1, but only the first such value between two
 * multiples of `every` is sent.
 */
export function sentAfter(
  sent: number,
  highest: number,
  { bound, every }: Pick<TimeChoice, 'bound' | 'every'>,
): number {
  const raw = highest - bound - 1;
  if (raw <= sent) return sent;
  const span = (watermark: number): number => Math.floor((watermark + 1) / every);
  return every === 0 || sent === -Infinity || span(raw) > span(sent) ? raw : sent;
}

/**
 * Two streams as one: the elements of the first before those of the second within a moment.
 *
 * Whoever is idle is not waited for; when all that have not ended are, the furthest speaks. Who comes back behind what was
 * said is waited for where `waits` says so, as at the two sides of a connect, else only once it has caught up.
 */
export function meet<Element extends Timed>(
  first: readonly Moment<Element>[],
  second: readonly Moment<Element>[],
  waits = false,
): Moment<Element>[] {
  let said = -Infinity;
  return first.map(({ idle: _, ...moment }, index) => {
    const other = second[index];
    if (other === undefined) throw new Error('streams of one pipeline have the same moments');
    const open = [first[index] ?? other, other].filter(({ watermark }) => watermark < Infinity);
    const active = open.filter(({ idle }) => idle !== true);
    const counting = active.filter(({ watermark }) => waits || watermark >= said);
    const marks = (active.length === 0 ? open : counting).map(({ watermark }) => watermark);
    if (open.length === 0) said = Infinity;
    else if (marks.length > 0)
      said = Math.max(said, active.length === 0 ? Math.max(...marks) : Math.min(...marks));
    const isIdle = open.length > 0 && active.length === 0;
    return {
      ...moment,
      elements: [...moment.elements, ...other.elements],
      watermark: said,
      ...(isIdle ? { idle: true } : {}),
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
