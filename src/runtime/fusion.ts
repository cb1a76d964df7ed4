/**
 * A run of stateless steps as one function, made for each pipeline of its own.
 *
 *     map ─▶ filter ─▶ map ─▶ window          element(value): a = f(value); if (!g(a)) return; window.element(h(a))
 *
 * V8 makes one machine code of a chain that has been written out, while operators shared by many pipelines see many
 * kinds of functions and shapes and slow each other down. Where making code from text is forbidden (a content security
 * policy), the operators stand as they are; nobody but the time it takes can tell the difference.
 */
import type { Chunk } from '../core/flow.js';
import type { Counters, Receiver, Stateless } from '../core/operator.js';
import type { Pressure, Whence } from './channel.js';

/** One step of a run. */
export interface FusedStep extends Stateless {
  /** What became of its elements; the run fills in `received` and `accepted` by itself. */
  readonly counters: Counters;
  /** Keeps an element whose function failed, and counts it. */
  readonly reject: (value: unknown, timestamp: number, cause: unknown) => void;
}

/** Says after each element whether to stop. */
export interface Interruption {
  readonly walkRequested: boolean;
  /** Elements taken so far in this call; set before an element is rejected, because then somebody asks. */
  fed: number;
}

export interface FusedRun extends Receiver {
  /**
   * Takes the elements of a chunk from an index on, until it is done or something asks for a stop.
   *
   * @returns the index of the next element
   */
  chunk(
    chunk: Chunk,
    from: number,
    state: {
      readonly whence: Whence;
      readonly interruption: Interruption;
      readonly pressure: Pressure;
    },
  ): number;
}

/** Makes one receiver out of a run of steps, or undefined where code may not be made from text. */
export function fuse(steps: readonly FusedStep[], output: Receiver): FusedRun | undefined {
  // A float of 64 bits per count: it is counted up in place.
  const entered = new Float64Array(1);
  let made: FusedRun;
  try {
    // oxlint-disable-next-line no-implied-eval, no-new-func -- the point of this file; no text of others gets in
    const make = new Function('steps', 'fns', 'output', 'entered', codeOf(steps)) as (
      steps: readonly FusedStep[],
      fns: readonly Stateless['fn'][],
      output: Receiver,
      entered: Float64Array,
    ) => FusedRun;
    made = make(
      steps,
      steps.map(({ fn }) => fn),
      output,
      entered,
    );
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

function codeOf(steps: readonly FusedStep[]): string {
  const names = steps.map((_, index) => `f${index} = fns[${index}], s${index} = steps[${index}]`);
  return `'use strict';
const ${names.join(', ')};
return {
  element(v0, time) {
    entered[0] += 1;
    ${bodyOf(steps, '', 'return;')}
  },
  chunk({ values, timestamps, positions }, from, { whence, interruption, pressure }) {
    const to = values.length;
    let at = from;
    while (at < to) {
      entered[0] += 1;
      whence.position = positions[at];
      const v0 = values[at], time = timestamps[at];
      at += 1;
      one: {
        ${bodyOf(steps, 'interruption.fed = at - from;', 'break one;')}
      }
      if (interruption.walkRequested || pressure.isFull) break;
    }
    return at;
  },
};`;
}

/** The steps one behind the other. A filter passes on what came in, so only maps make a new value. */
function bodyOf(steps: readonly FusedStep[], before: string, leave: string): string {
  let value = 'v0';
  const lines = steps.map(({ kind }, index) => {
    const result = `v${index + 1}`;
    const code = `let ${result};
    try {
      ${result} = f${index}(${value});
      if (typeof ${result} === 'object' && ${result} !== null && typeof ${result}.then === 'function')
        throw s${index}.asyncError();
    } catch (cause) {
      ${before}
      s${index}.reject(${value}, time, cause);
      ${leave}
    }`;
    if (kind === 'filter')
      return `${code}
    if (!${result}) {
      s${index}.counters.filtered += 1;
      ${leave}
    }`;
    value = result;
    return code;
  });
  return `${lines.join('\n    ')}
    output.element(${value}, time);`;
}
