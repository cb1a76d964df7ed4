/**
 * What a described pipeline must give, recomputed from scratch. It shares no code with `src/`: each step is a
 * function from a whole stream to a whole stream, after Flink's rules.
 */
import type { AsyncStep } from './async-step.js';
import { handlersOf } from './behaviours.js';
import {
  isOdd,
  isRanked,
  joinIndex,
  keyChoice,
  sideOf,
  uidOfStep,
  type ConnectStep,
  type Description,
  type Item,
  type ProcessStep,
  type StatefulStep,
  type StatelessStep,
  type Step,
} from './description.js';
import {
  Ledger,
  applied,
  each,
  marked,
  only,
  onSide,
  plainly,
  type Count,
} from './oracle-steps.js';
import {
  elementsOf,
  inOrder,
  meet,
  sourceStream,
  type Happening,
  type Moment,
  type Timed,
} from './oracle-stream.js';
import { referenceDedupe, referenceReduce, referenceTopK } from './reference-keyed.js';
import { referenceProcess, type Arrival, type Processed } from './reference-process.js';
import { referenceWindow, type Judged } from './reference-window.js';
import { isBroadcast } from './traits.js';

export interface Expected {
  /** The output, each element at the moment at which it must come out; side outputs are part of it where they are read. */
  readonly stream: readonly Moment[];
  readonly items: readonly Item[];
  /** By the name of the operator. */
  readonly late: ReadonlyMap<string, readonly Timed[]>;
  readonly counts: ReadonlyMap<string, Count>;
  /**
   * Whether sessions have merged that only touch. Then it matters whether the watermark came in between: the session
   * ends with the millisecond before, and an element that joins it is still in time.
   */
  readonly touches: boolean;
}

/** The pipeline so far: its stream, and what a topK must know of the windows upstream. */
interface SoFar {
  readonly stream: readonly Moment[];
  readonly lateness: number;
}

/** What a pipeline gives when things happen in this order. */
export function oracle(description: Description, happenings: readonly Happening[]): Expected {
  const recomputed = new Recomputed(description, happenings);
  const stream = recomputed.run();
  const items = elementsOf(stream).map(({ item }) => item);
  const { late, touches, ledger } = recomputed;
  return { stream, items, late, touches, counts: ledger.counts };
}

/** What a pipeline gives for items of one input, in their order. */
export function oracleOf(description: Description, items: readonly Item[]): Expected {
  return oracle(description, inOrder(items));
}

class Recomputed {
  readonly #description: Description;
  readonly #happenings: readonly Happening[];
  readonly late = new Map<string, readonly Timed[]>();
  readonly ledger = new Ledger();
  touches = false;
  readonly #sides: (readonly Moment[])[] = [];

  constructor(description: Description, happenings: readonly Happening[]) {
    this.#description = description;
    this.#happenings = happenings;
  }

  run(): readonly Moment[] {
    const { steps, sides } = this.#description;
    const join = joinIndex(this.#description);
    const { stream } = steps.reduce<SoFar>(
      (soFar, step, index) => this.#step(soFar, step, index, index === join),
      { stream: this.#source(0), lateness: 0 },
    );
    if (!sides) return stream;
    return this.#sides.reduce((all, side) => meet(all, side), stream);
  }

  #source(input: 0 | 1): Moment[] {
    const { time, maxFuture = Infinity } = this.#description;
    let [received, dead] = [0, 0];
    const takes = ({ fault, ahead = 0 }: Item): boolean => {
      const isTaken = fault !== 'timestamp' && ahead <= maxFuture;
      received += 1;
      dead += isTaken ? 0 : 1;
      return isTaken;
    };
    const stream = sourceStream(this.#happenings, input, time, takes);
    this.ledger.count(this.ledger.named('eventTime'), received, { dead });
    return stream;
  }

  #step({ stream, lateness }: SoFar, step: Step, index: number, joins: boolean): SoFar {
    switch (step.step) {
      case 'map':
      case 'filter':
      case 'flatMap':
      case 'rx':
        return { stream: this.#stateless(stream, step), lateness };
      case 'union': {
        const start = joins ? this.#source(1) : stream;
        const branch = step.branch.reduce((side, inner) => this.#stateless(side, inner), start);
        return { stream: meet(stream, branch), lateness };
      }
      case 'asyncMap': {
        const sound = step.by === undefined ? stream : this.#withKey(stream);
        return { stream: this.#mapped(sound, step, uidOfStep(index)), lateness };
      }
      case 'connect':
        return { stream: this.#connected(stream, step, joins, index), lateness: 0 };
      default:
        return this.#keyed({ stream, lateness }, step, index);
    }
  }

  /** Steps with state and one input. */
  #keyed(
    { stream, lateness }: SoFar,
    step: Exclude<StatefulStep, ConnectStep | AsyncStep>,
    index: number,
  ): SoFar {
    const uid = uidOfStep(index);
    const sound = this.#withKey(stream, 'by' in step && step.by !== 'all');
    switch (step.step) {
      case 'window': {
        const { stream: results } = this.#judge(uid, sound, referenceWindow(sound, step));
        const isBare = isRanked(this.#description, index);
        const isMapped = !isBare && step.fn === undefined;
        return { stream: isMapped ? this.#passed(results) : results, lateness: step.lateness };
      }
      case 'process':
        return { stream: this.#processed(sound, step, uid), lateness: 0 };
      case 'reduce':
        this.ledger.count(uid, elementsOf(sound).length);
        return { stream: referenceReduce(sound, step), lateness: 0 };
      case 'dedupe': {
        const { stream: kept } = this.#judge(uid, sound, referenceDedupe(sound, step));
        const output = step.isPlain ? this.#passed(plainly(kept, step.by)) : kept;
        return { stream: output, lateness: step.keep === 'first' ? lateness : 0 };
      }
      case 'topK': {
        const judged = referenceTopK(sound, step, lateness);
        this.#lost(uid, sound, judged);
        return { stream: this.#passed(judged.stream), lateness };
      }
    }
  }

  #processed(stream: readonly Moment[], step: ProcessStep, uid: string): Moment[] {
    const arrivals = stream.map((moment) => onSide(moment, () => 0));
    const handlers = handlersOf(step.behaviour, step.gap);
    return this.#ran(
      uid,
      arrivals,
      referenceProcess(arrivals, keyChoice(step.by), handlers, step.keep),
    );
  }

  #connected(
    stream: readonly Moment[],
    step: ConnectStep,
    joins: boolean,
    index: number,
  ): Moment[] {
    const { by, behaviour, gap } = step;
    const arrivals = joins ? this.#joined(stream, step) : this.#parted(stream, step);
    const handlers = handlersOf(behaviour, gap);
    return this.#ran(
      uidOfStep(index),
      arrivals,
      referenceProcess(arrivals, keyChoice(by), handlers),
    );
  }

  #ran(uid: string, arrivals: readonly Moment<Arrival>[], processed: Processed): Moment[] {
    this.ledger.count(uid, elementsOf(arrivals).length);
    this.#sides.push(marked(processed.sides, sideOf(uid, 'side')));
    return processed.stream;
  }

  /** Both sides of a connect in one stream, each element marked. */
  #joined(stream: readonly Moment[], step: ConnectStep): Moment<Arrival>[] {
    const first = this.#onSide(0, stream, step).map((moment) => onSide(moment, () => 0));
    const second = this.#onSide(1, this.#source(1), step).map((moment) => onSide(moment, () => 1));
    return meet(first, second, true);
  }

  /** What one side of a connect takes: no key can fail on a broadcast one, or on one of the whole stream. */
  #onSide(side: 0 | 1, stream: readonly Moment[], step: ConnectStep): readonly Moment[] {
    const isKeyed = step.by !== 'all' && !(side === 1 && isBroadcast(step));
    return this.#withKey(stream, isKeyed);
  }

  #parted(stream: readonly Moment[], step: ConnectStep): Moment<Arrival>[] {
    const total = elementsOf(stream).length;
    const parts = ([0, 1] as const).map((side) => {
      const part = only(stream, ({ item }) => isOdd(item) === (side === 1));
      const filtered = total - elementsOf(part).length;
      this.ledger.count(this.ledger.named('filter'), total, { filtered });
      return elementsOf(this.#onSide(side, part, step));
    });
    const taken = new Set(parts.flat());
    const sound = only(stream, (element) => taken.has(element));
    return sound.map((moment) => onSide(moment, ({ item }) => (isOdd(item) ? 1 : 0)));
  }

  #stateless(stream: readonly Moment[], step: StatelessStep): Moment[] {
    return this.#mapped(stream, step, this.ledger.named(step.step));
  }

  /** Steps to which elements come one by one; asynchronous ones give what they would give at once. */
  #mapped(stream: readonly Moment[], step: StatelessStep | AsyncStep, name: string): Moment[] {
    const received = elementsOf(stream).length;
    const sound = only(stream, ({ item }) => item.fault !== 'step');
    const output = each(sound, (element) => applied(step, element));
    const left = elementsOf(sound).length;
    const filtered = step.step === 'filter' ? left - elementsOf(output).length : 0;
    this.ledger.count(name, received, { filtered, dead: received - left });
    return output;
  }

  /** What gets past a keyBy. Steps that bring their own key have one too, but nothing fails there. */
  #withKey(stream: readonly Moment[], mayFail = true): Moment[] {
    const received = elementsOf(stream).length;
    const sound = only(stream, ({ item }) => !mayFail || item.fault !== 'key');
    this.ledger.count(this.ledger.named('keyBy'), received, {
      dead: received - elementsOf(sound).length,
    });
    return sound;
  }

  /** Behind window and topK stands a map that makes items. */
  #passed(stream: Moment[]): Moment[] {
    this.ledger.count(this.ledger.named('map'), elementsOf(stream).length);
    return stream;
  }

  /** Steps that send to side outputs what is late, and what their functions say. */
  #judge(uid: string, stream: readonly Moment[], judged: Judged): Judged {
    this.#lost(uid, stream, judged);
    this.touches ||= judged.touches === true;
    const tooLate = only(stream, (element) => judged.late.includes(element));
    this.#sides.push(marked(tooLate, sideOf(uid, 'late')));
    if (judged.sides !== undefined) this.#sides.push(marked(judged.sides, sideOf(uid, 'side')));
    return judged;
  }

  #lost(uid: string, stream: readonly Moment[], { late, filtered }: Judged): void {
    this.late.set(uid, late);
    const lost = { late: late.length, filtered: filtered.length };
    this.ledger.count(uid, elementsOf(stream).length, lost);
  }
}
