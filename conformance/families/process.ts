/** Functions with state and timers: cases of Flink's process operators against `process` and `connect`. */
import type { Key } from '../../src/core/key.js';
import { connect } from '../../src/dsl/connect.js';
import type { DataStream } from '../../src/dsl/data-stream.js';
import { keyBy } from '../../src/dsl/key-by.js';
import { processAll } from '../../src/dsl/process-all.js';
import { process } from '../../src/dsl/process.js';
import type { Case, Fields } from '../case.js';
import { NotApplicable, drive, type DriveOptions } from '../drive.js';
import { OperatorSubject } from '../operator-subject.js';
import { onElement, onTimer, sideTags, statesOf, type Program } from './program.js';
import { namedFunction, type UserFunction } from './process-functions.js';

/** @throws Mismatch, NotApplicable */
export function runProcess(testCase: Case, { exhaustive }: DriveOptions): void {
  const { given } = testCase;
  const operator = given['operator'] as string;
  if (operator === 'KeyedBroadcastProcess') throw new NotApplicable('broadcast: not yet');
  const inputs = operator.includes('Co') ? 2 : 1;
  const fn = functionOf(given);
  const isProgram = given['program'] !== undefined;
  const keyOf = operator.startsWith('Keyed')
    ? (element: unknown) => keyOfElement(element, inputs)
    : undefined;
  drive(
    testCase,
    () =>
      new OperatorSubject(testCase, {
        inputs,
        build: (...roots) => build(roots, fn, keyOf),
        sides: fn.sides.map(({ id }) => id),
        countsTimers: isProgram,
        exhaustive,
      }),
    { exhaustive },
  );
}

/** The key is the element, or its first field; of two inputs its text, so that both have keys of one type. */
function keyOfElement(element: unknown, inputs: number): Key {
  if (Array.isArray(element)) return element[0] as Key;
  return inputs === 2 ? String(element) : (element as Key);
}

function build(
  roots: readonly DataStream<unknown>[],
  fn: UserFunction,
  keyOf: ((element: unknown) => Key) | undefined,
): DataStream<unknown> {
  const options = { uid: 'process', state: fn.states, sides: fn.sides, timer: fn.timer };
  const [root] = roots;
  if (root !== undefined && roots.length === 1 && keyOf === undefined)
    return root.pipe(processAll({ ...options, element: fn.first } as never));
  // Two inputs without a key share what one key has.
  const [first, second] = roots.map((one) => one.pipe(keyBy(keyOf ?? (() => 'all'))));
  if (first === undefined) throw new Error('no input');
  if (second === undefined) return first.pipe(process({ ...options, element: fn.first }));

  return first.pipe(connect(second, { ...options, first: fn.first, second: fn.second }));
}

function functionOf(given: Fields): UserFunction {
  const program = given['program'] as Program | undefined;
  if (program === undefined)
    return namedFunction(given['function'] as string, given['time'] as string | undefined);
  return {
    states: statesOf(program),
    sides: sideTags,
    first: (element, context) => onElement(program.on ?? program.on1, element, context),
    second: (element, context) => onElement(program.on2, element, context),
    timer: (timer, context) => onTimer(program, timer, context),
  };
}
