/**
 * What a described pipeline must give, recomputed from scratch. It shares no code with `src/`: each step is a
 * function from a whole stream to a whole stream, after Flink's rules.
 */
import { handlersOf } from './behaviours.js';
import {
  copies,
  isKept,
  isOdd,
  isRanked,
  isStateful,
  joinIndex,
  keyChoices,
  mapped,
  uidOfStep,
  type Description,
  type Item,
  type StatelessStep,
  type Step,
} from './description.js';
import {
  elementsOf,
  inOrder,
  meet,
  sourceStream,
  type Happening,
  type Moment,
  type Timed,
} from './oracle-stream.js';
import { referenceProcess, type Arrival } from './reference-process.js';
import { referenceTopK, referenceWindow } from './reference-window.js';

/** What law 3 counts at one operator. */
export interface Count {
  readonly received: number;
  readonly accepted: number;
  readonly late: number;
  readonly filtered: number;
}

export interface Expected {
  /** The output, each element at the moment at which it must come out. */
  readonly stream: readonly Moment[];
  readonly items: readonly Item[];
  /** By the name of the operator. */
  readonly late: ReadonlyMap<string, readonly Timed[]>;
  readonly counts: ReadonlyMap<string, Count>;
}

/** The pipeline so far: its stream, and what a topK must know of the windows upstream. */
interface SoFar {
  readonly stream: Moment[];
  readonly lateness: number;
}

/** What a pipeline gives when things happen in this order. */
export function oracle(description: Description, happenings: readonly Happening[]): Expected {
  const recomputed = new Recomputed(description, happenings);
  const { stream } = recomputed.run();
  const items = elementsOf(stream).map(({ item }) => item);
  return { stream, items, late: recomputed.late, counts: recomputed.counts };
}

/** What a pipeline gives for items of one input, in their order. */
export function oracleOf(description: Description, items: readonly Item[]): Expected {
  return oracle(description, inOrder(items));
}

/**
 * What a pipeline gives for items in any admissible order: all of them arrive, then time ends. Only for pipelines
 * that are deterministic, and logs in which nothing is late.
 */
export function batchOracle(
  description: Description,
  items: readonly Item[],
  second: readonly Item[] = [],
): readonly Item[] {
  const patient = { ...description, bound: Number.MAX_SAFE_INTEGER, every: 0 };
  const happenings: Happening[] = [
    ...items.map((item): Happening => ({ input: 0, item })),
    ...second.map((item): Happening => ({ input: 1, item })),
    { input: 0, end: true },
    { input: 1, end: true },
  ];
  return oracle(patient, happenings).items;
}

class Recomputed {
  readonly #description: Description;
  readonly #happenings: readonly Happening[];
  readonly late = new Map<string, readonly Timed[]>();
  readonly counts = new Map<string, Count>();
  readonly #names = new Map<string, number>();

  constructor(description: Description, happenings: readonly Happening[]) {
    this.#description = description;
    this.#happenings = happenings;
  }

  run(): SoFar {
    const { steps } = this.#description;
    const join = joinIndex(this.#description);
    return steps.reduce<SoFar>(
      (soFar, step, index) => this.#step(soFar, step, index, index === join),
      { stream: this.#source(0), lateness: 0 },
    );
  }

  #source(input: 0 | 1): Moment[] {
    const stream = sourceStream(this.#happenings, input, this.#description);
    this.#count(this.#named('eventTime'), elementsOf(stream).length);
    return stream;
  }

  #step(soFar: SoFar, step: Step, index: number, joins: boolean): SoFar {
    const { stream, lateness } = soFar;
    const uid = uidOfStep(index);
    switch (step.step) {
      case 'map':
      case 'filter':
      case 'flatMap':
        return { stream: this.#stateless(stream, step), lateness };
      case 'union': {
        const start = joins ? this.#source(1) : stream;
        const branch = step.branch.reduce((side, inner) => this.#stateless(side, inner), start);
        return { stream: meet(stream, branch), lateness };
      }
      case 'window': {
        const judged = referenceWindow(stream, keyChoices[step.by], step);
        this.#judge(uid, stream, judged);
        const { stream: results } = judged;
        const isBare = isRanked(this.#description, index);
        return { stream: isBare ? results : this.#passed(results), lateness: step.lateness };
      }
      case 'process': {
        this.#count(uid, elementsOf(stream).length);
        const arrivals = stream.map((moment) => onSide(moment, () => 0));
        const handlers = handlersOf(step.behaviour, step.gap);
        return { stream: referenceProcess(arrivals, keyChoices[step.by], handlers), lateness: 0 };
      }
      case 'connect': {
        const arrivals = this.#sides(stream, joins);
        this.#count(uid, elementsOf(arrivals).length);
        const handlers = handlersOf(step.behaviour, step.gap);
        return { stream: referenceProcess(arrivals, keyChoices[step.by], handlers), lateness: 0 };
      }
      case 'topK': {
        const judged = referenceTopK(stream, step, lateness);
        this.#judge(uid, stream, judged);
        return { stream: this.#passed(judged.stream), lateness };
      }
    }
  }

  /** Both sides of a connect in one stream, each element marked. */
  #sides(stream: readonly Moment[], joins: boolean): Moment<Arrival>[] {
    if (!joins) {
      const total = elementsOf(stream).length;
      const odd = elementsOf(stream).filter(({ item }) => isOdd(item)).length;
      this.#count(this.#named('filter'), total, { filtered: odd });
      this.#count(this.#named('filter'), total, { filtered: total - odd });
      return stream.map((moment) => onSide(moment, ({ item }) => (isOdd(item) ? 1 : 0)));
    }
    const first = stream.map((moment) => onSide(moment, () => 0));
    return meet(
      first,
      this.#source(1).map((moment) => onSide(moment, () => 1)),
    );
  }

  #stateless(stream: readonly Moment[], step: StatelessStep): Moment[] {
    const name = this.#named(step.step);
    const output = stream.map(({ elements, watermark }) => ({
      elements: elements.flatMap((element) => applied(step, element)),
      watermark,
    }));
    const total = elementsOf(stream).length;
    const filtered = step.step === 'filter' ? total - elementsOf(output).length : 0;
    this.#count(name, total, { filtered });
    return output;
  }

  /** Behind window and topK stands a map that makes items. */
  #passed(stream: Moment[]): Moment[] {
    this.#count(this.#named('map'), elementsOf(stream).length);
    return stream;
  }

  #judge(
    uid: string,
    stream: readonly Moment[],
    { late, filtered }: { readonly late: readonly Timed[]; readonly filtered: readonly Timed[] },
  ): void {
    this.late.set(uid, late);
    const lost = { late: late.length, filtered: filtered.length };
    this.#count(uid, elementsOf(stream).length, lost);
  }

  #count(name: string, received: number, lost: Partial<Count> = {}): void {
    const { late = 0, filtered = 0 } = lost;
    this.counts.set(name, { received, accepted: received - late - filtered, late, filtered });
  }

  /** Stateless steps are named for what they are, numbered from the second on. */
  #named(name: string): string {
    const times = (this.#names.get(name) ?? 0) + 1;
    this.#names.set(name, times);
    return times === 1 ? name : `${name}-${times}`;
  }
}

function applied(step: StatelessStep, { item, timestamp }: Timed): Timed[] {
  const results = (): Item[] => {
    switch (step.step) {
      case 'map':
        return [mapped(step, item)];
      case 'filter':
        return isKept(step, item) ? [item] : [];
      case 'flatMap':
        return copies(step, item);
    }
  };
  return results().map((result) => ({ item: result, timestamp }));
}

function onSide(moment: Moment, sideOf: (element: Timed) => 0 | 1): Moment<Arrival> {
  const elements = moment.elements.map((element) => ({ ...element, side: sideOf(element) }));
  return { elements, watermark: moment.watermark };
}

/**
 * Whether outputs of one `key` come in one order only: no step behind the first keyed one, no two ways through, and
 * the key of an output is what the stream was keyed by.
 */
export function isOrderedByKey({ steps }: Description): boolean {
  const [first, ...more] = steps.filter(isStateful);
  if (more.length > 0 || steps.some(({ step }) => step === 'union')) return false;
  return first?.step !== 'connect' && (first?.step !== 'process' || first.by === 'key');
}
