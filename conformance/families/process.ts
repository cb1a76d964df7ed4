/** Functions with state and timers: cases of Flink's process operators against `process`, `connect` and `broadcast`. */
import type { Key } from '../../src/core/key.js';
import { broadcast } from '../../src/dsl/broadcast.js';
import { connectAll } from '../../src/dsl/connect-all.js';
import { connect } from '../../src/dsl/connect.js';
import type { DataStream } from '../../src/dsl/data-stream.js';
import { keyBy } from '../../src/dsl/key-by.js';
import { processAll } from '../../src/dsl/process-all.js';
import { process } from '../../src/dsl/process.js';
import type { BroadcastDeclarations } from '../../src/state/broadcast-state.js';
import type { Case, Fields } from '../case.js';
import { drive, type DriveOptions } from '../drive.js';
import { OperatorSubject } from '../operator-subject.js';
import {
  contentsOf,
  onElement,
  onTimer,
  sideTags,
  statesOf,
  statesOfEachKey,
  type Handle,
  type Program,
} from './program.js';
import { namedFunction, type UserFunction } from './process-functions.js';

/** @throws Mismatch, NotApplicable */
export function runProcess(testCase: Case, { exhaustive }: DriveOptions): void {
  const { given } = testCase;
  const operator = given['operator'] as string;
  const isBroadcast = operator.includes('Broadcast');
  const inputs = operator.includes('Co') || isBroadcast ? 2 : 1;
  const fn = functionOf(given);
  const isProgram = given['program'] !== undefined;
  const keyOf = operator.startsWith('Keyed')
    ? (element: unknown) => keyOfElement(element, inputs)
    : undefined;
  const make = isBroadcast ? buildBroadcast : build;
  drive(
    testCase,
    () =>
      new OperatorSubject(testCase, {
        inputs,
        build: (...roots) => make(roots, fn, keyOf),
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
  const both = { ...options, first: fn.first, second: fn.second };
  const [root, other] = roots;
  if (root === undefined) throw new Error('no input');
  if (keyOf === undefined)
    return other === undefined
      ? root.pipe(processAll({ ...options, element: fn.first } as never))
      : root.pipe(connectAll(other, both as never));
  const first = root.pipe(keyBy(keyOf));
  return other === undefined
    ? first.pipe(process({ ...options, element: fn.first }))
    : first.pipe(connect(other.pipe(keyBy(keyOf)), both));
}

function buildBroadcast(
  [root, other]: readonly DataStream<unknown>[],
  fn: UserFunction,
  keyOf: ((element: unknown) => Key) | undefined,
): DataStream<unknown> {
  if (root === undefined || other === undefined) throw new Error('two inputs are needed');
  const options = {
    uid: 'process',
    state: fn.states,
    broadcastState: fn.broadcastStates ?? {},
    sides: fn.sides,
    timer: fn.timer,
    first: fn.first,
    second: fn.second,
    ...(fn.eachKey === undefined ? {} : { eachKey: fn.eachKey }),
  };
  return keyOf === undefined
    ? root.pipe(connectAll(broadcast(other), options as never))
    : root.pipe(keyBy(keyOf), connect(broadcast(other), options as never));
}

function functionOf(given: Fields): UserFunction {
  const program = given['program'] as Program | undefined;
  if (program === undefined)
    return namedFunction(given['function'] as string, given['time'] as string | undefined);
  return {
    states: statesOf(program, 'keyed'),
    broadcastStates: statesOf(program, 'broadcast') as BroadcastDeclarations,
    sides: sideTags,
    first: (element, context) => onElement(program.on ?? program.on1, element, context),
    second: (element, context) => onElement(program.on2 ?? program.onBroadcast, element, context),
    eachKey: (element, { key, state }) =>
      statesOfEachKey(program, element).flatMap((name) => {
        const value = contentsOf(state?.[name] as Handle);
        return value === null ? [] : [['each', key, value]];
      }),
    timer: (timer, context) => onTimer(program, timer, context),
  };
}
