/**
 * A run of stateless steps as one function, made for each pipeline of its own.
 *
 *     map ─▶ filter ─▶ map ─▶ window          element(value): a = f(value); if (!g(a)) return; window.element(h(a))
 *
 * V8 makes one machine code of a chain that has been written out, while operators shared by many pipelines see many
 * kinds of functions and shapes and slow each other down. Where making code from text is forbidden (a content security
 * policy), the operators stand as they are; nobody but the time it takes can tell the difference.
 *
 * A chunk is taken in handfuls where a keyed operator stands behind the run: first the keys and values of all, with a
 * look at the state of each key, then each element in turn. So the state of many keys comes from memory at the same time.
 */
import type { Chunk } from '../core/flow.js';
import type { Key } from '../core/key.js';
import type {
  Counters,
  KeyCell,
  KeyedState,
  Operator,
  Receiver,
  Stateless,
} from '../core/operator.js';
import type { Pressure, Whence } from './channel.js';

/** One step of a run. */
export type FusedStep = FunctionStep | TimeStep | KeyStep;

interface StepBase {
  /** What became of its elements; the run fills in `received` and `accepted` by itself. */
  readonly counters: Counters;
  /** Keeps an element whose function failed, and counts it. */
  readonly reject: (value: unknown, timestamp: number, cause: unknown) => void;
}

/** A map or a filter. */
interface FunctionStep extends StepBase, Stateless {}

/** An eventTime; it rejects by itself. */
interface TimeStep extends StepBase {
  readonly kind: 'time';
  readonly operator: Required<Pick<Operator, 'stamp' | 'stamped'>>;
}

/** A keyBy whose readers run in the same task. */
interface KeyStep extends StepBase {
  readonly kind: 'key';
  readonly fn: (value: never) => Key;
  readonly cell: KeyCell;
  /** Throws for what cannot be a key; asked only for keys that are not scalars. */
  readonly check: (key: Key) => void;
  /** The state of the operator that reads the keys, where there is only one. */
  readonly state: () => KeyedState<object> | undefined;
}

/** Says after each element whether to stop. */
export interface Interruption {
  readonly walkRequested: boolean;
  /** Elements taken so far in this call; set before an element is rejected, because then somebody asks. */
  fed: number;
}

/** What a run must know of the task around it. */
export interface RunState {
  readonly whence: Whence;
  readonly interruption: Interruption;
  readonly pressure: Pressure;
}

export interface FusedRun extends Receiver {
  /**
   * Takes the elements of a chunk from an index on, until it is done or something asks for a stop.
   *
   * @returns the index of the next element
   */
  chunk(chunk: Chunk, from: number, state: RunState): number;
}

/** Elements that are taken together. */
const HANDFUL = 64;

/** Makes one receiver out of a run of steps, or undefined where code may not be made from text. */
export function fuse(steps: readonly FusedStep[], output: Receiver): FusedRun | undefined {
  // A float of 64 bits, which is counted up in place.
  const entered = new Float64Array(1);
  const last = steps.at(-1);
  const state = last?.kind === 'key' ? last.state() : undefined;
  let made: FusedRun;
  try {
    // oxlint-disable-next-line no-implied-eval, no-new-func -- the point of this file; no text of others gets in
    const make = new Function(
      ...['steps', 'output', 'entered', 'state'],
      codeOf(steps, state !== undefined),
    ) as (...parts: unknown[]) => FusedRun;
    made = make(steps, output, entered, state);
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
  countAlong(steps, entered);
  return made;
}

/** `received` and `accepted` follow from what has entered the run and what was dropped on the way. */
function countAlong(steps: readonly FusedStep[], entered: Float64Array): void {
  const received = (index: number): number => {
    let left = entered[0] as number;
    for (const { counters } of steps.slice(0, index)) left -= counters.dead + counters.filtered;
    return left;
  };
  for (const [index, { counters }] of steps.entries()) {
    const accepted = (): number => received(index) - counters.dead - counters.filtered;
    Object.defineProperty(counters, 'received', { get: () => received(index), enumerable: true });
    Object.defineProperty(counters, 'accepted', { get: accepted, enumerable: true });
  }
}

function codeOf(steps: readonly FusedStep[], prefetches: boolean): string {
  const names = steps.flatMap(({ kind }, index) => [
    `s${index} = steps[${index}]`,
    ...(kind === 'time' ? [`o${index} = s${index}.operator`] : [`f${index} = s${index}.fn`]),
  ]);
  const byOne = bodyOf(steps, {
    before: '',
    emit: ({ value }) => `${keyed(steps)}output.element(${value}, time);`,
  });
  const rejecting = 'interruption.fed = at - from;';
  return `'use strict';
const ${names.join(', ')};
${prefetches ? handful : ''}
return {
  element(v0, delivered) {
    entered[0] += 1;
    all: {
      ${byOne}
    }
  },
  chunk({ values, timestamps, positions, firstPosition }, from, { whence, interruption, pressure }) {
    const to = values.length;
    const counts = firstPosition !== undefined;
    let at = from;
    ${
      prefetches
        ? handfuls(bodyOf(steps, { before: rejecting, emit: keep }))
        : oneByOne(
            bodyOf(steps, {
              before: rejecting,
              emit: ({ value }) => `${keyed(steps)}output.element(${value}, time);`,
            }),
          )
    }
    return at;
  },
};`;
}

function oneByOne(body: string): string {
  return `try {
      while (at < to) {
        whence.position = counts ? firstPosition + at : positions[at];
        const v0 = values[at], delivered = timestamps[at];
        at += 1;
        all: {
          ${body}
        }
        if (interruption.walkRequested || pressure.isFull) break;
      }
    } finally {
      entered[0] += at - from;
    }`;
}

/** A handful, used again and again; it may keep the last elements alive for a while, but no slots. */
const handful = `const keptValues = [], keptTimes = new Float64Array(${HANDFUL});
const keptKeys = [], keptAt = new Int32Array(${HANDFUL}), keptSlots = [];
const cell = steps[steps.length - 1].cell;`;

function handfuls(body: string): string {
  return `do {
      const stop = to - at > ${HANDFUL} ? at + ${HANDFUL} : to;
      const start = at;
      let count = 0, failure;
      try {
        while (at < stop) {
          whence.position = counts ? firstPosition + at : positions[at];
          const v0 = values[at], delivered = timestamps[at];
          at += 1;
          all: {
            ${body}
          }
          if (interruption.walkRequested) break;
        }
      } catch (error) {
        failure = { error };
      }
      entered[0] += at - start;
      state.prefetch(keptKeys, count, keptSlots);
      for (let index = 0; index < count; index += 1) {
        const was = keptAt[index];
        whence.position = counts ? firstPosition + was : positions[was];
        cell.key = keptKeys[index];
        cell.slot = keptSlots[index];
        output.element(keptValues[index], keptTimes[index]);
      }
      cell.slot = undefined;
      keptSlots.fill(undefined, 0, count);
      // What came before it has been done by now.
      if (failure !== undefined) throw failure.error;
    } while (at < to && !interruption.walkRequested && !pressure.isFull);`;
}

/** Keeps an element of a handful for its turn, and looks at the state of its key. */
function keep({ value, key }: Names): string {
  return `keptValues[count] = ${value};
      keptTimes[count] = time;
      keptKeys[count] = ${key};
      keptAt[count] = at - 1;
      count += 1;`;
}

/** What the value and the key are called at the end of a run. */
interface Names {
  readonly value: string;
  readonly key: string;
}

interface BodyOptions {
  /** Runs before an element is rejected. */
  readonly before: string;
  readonly emit: (names: Names) => string;
}

/** Writes the register of the last keyBy; the others have no reader left. */
function keyed(steps: readonly FusedStep[]): string {
  const last = steps.findLastIndex(({ kind }) => kind === 'key');
  return last < 0 ? '' : `s${last}.cell.key = k${last};\n      `;
}

/** The steps one behind the other. A filter passes on what came in, so only maps make a new value. */
function bodyOf(steps: readonly FusedStep[], { before, emit }: BodyOptions): string {
  let value = 'v0';
  let key = '';
  let leave = 'break all;';
  let end = '';
  const timeless = steps.every(({ kind }) => kind !== 'time');
  const lines = steps.map(({ kind }, index) => {
    const failed = (time: string): string => `} catch (cause) {
      ${before}
      s${index}.reject(${value}, ${time}, cause);
      ${leave}
    }`;
    const time = end === '' && !timeless ? 'delivered' : 'time';
    if (kind === 'time') {
      const code = `${before}
    const time = o${index}.stamp(${value}, delivered);
    if (time !== time) ${leave}
    behind: {`;
      // What becomes of it further on does not matter for the watermark.
      end = `}
    o${index}.stamped(${value}, time);`;
      leave = 'break behind;';
      return code;
    }
    if (kind === 'key') {
      key = `k${index}`;
      return `let ${key};
    try {
      ${key} = f${index}(${value});
      if (typeof ${key} !== 'string' && typeof ${key} !== 'number') s${index}.check(${key});
    ${failed(time)}`;
    }
    const result = `v${index + 1}`;
    const code = `let ${result};
    try {
      ${result} = f${index}(${value});
      if (typeof ${result} === 'object' && ${result} !== null && typeof ${result}.then === 'function')
        throw s${index}.asyncError();
    ${failed(time)}`;
    if (kind === 'filter')
      return `${code}
    if (!${result}) {
      s${index}.counters.filtered += 1;
      ${leave}
    }`;
    value = result;
    return code;
  });
  return `${timeless ? 'const time = delivered;' : ''}
    ${lines.join('\n    ')}
    ${emit({ value, key })}
    ${end}`;
}
