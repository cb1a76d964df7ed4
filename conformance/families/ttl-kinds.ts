/** The kinds of state that TTL cases are about, each with what the steps do to it. */
import {
  aggregatingState,
  listState,
  mapState,
  reducingState,
  valueState,
  type AggregatingState,
  type ListState,
  type MapState,
  type ReducingState,
  type ValueState,
} from '../../src/index.js';
import type { StateDeclarations } from '../../src/state/handles.js';
import type { StateOptions } from '../../src/state/ttl.js';
import type { Fields } from '../case.js';

export interface StateKind {
  declare(options: StateOptions): StateDeclarations[string];
  /** Does a step; reads give a value. */
  step(handle: unknown, step: Fields): unknown;
}

type Keys = string | number;

export const stateKinds: Readonly<Record<string, StateKind>> = {
  value: {
    declare: (options) => valueState<unknown>(undefined, options),
    step(handle, step) {
      const state = handle as ValueState<unknown>;
      if ('update' in step) return state.set(step['update']);
      return readOrClear(state, step);
    },
  },
  list: {
    declare: (options) => listState<unknown>(options),
    step(handle, step) {
      const state = handle as ListState<unknown>;
      if ('update' in step) return state.addAll(step['update'] as unknown[]);
      if ('replace' in step) return state.update(step['replace'] as unknown[]);
      return readOrClear(state, step);
    },
  },
  map: {
    declare: (options) => mapState<Keys, unknown>(options),
    step: (handle, step) => stepMap(handle as MapState<Keys, unknown>, step),
  },
  mapEntry: {
    declare: (options) => mapState<Keys, unknown>(options),
    step(handle, step) {
      const state = handle as MapState<Keys, unknown>;
      if ('update' in step) return state.set(ENTRY, step['update']);
      if ('get' in step) return state.get(ENTRY) ?? null;
      return stepMap(state, step);
    },
  },
  reducing: {
    declare: (options) => reducingState((a: number, b: number) => a + b, options),
    step(handle, step) {
      const state = handle as ReducingState<number>;
      if ('update' in step) return state.add(step['update'] as number);
      return readOrClear(state, step);
    },
  },
  aggregating: {
    declare: (options) =>
      aggregatingState(
        {
          create: () => 3,
          add: (total: number, value: number) => total + value,
          result: String,
        },
        options,
      ),
    step(handle, step) {
      const state = handle as AggregatingState<number, string>;
      if ('update' in step) return state.add(step['update'] as number);
      return readOrClear(state, step);
    },
  },
};

/** The one key of cases about one entry. */
const ENTRY = 'entry';

function readOrClear(state: { get(): unknown; clear(): void }, step: Fields): unknown {
  if ('get' in step) return state.get() ?? null;
  if ('clear' in step) return state.clear();
  throw unknownStep(step);
}

function stepMap(state: MapState<Keys, unknown>, step: Fields): unknown {
  const [[name, value] = []] = Object.entries(step);
  switch (name) {
    case 'update':
      for (const [key, one] of entriesOf(value)) state.set(key, one);
      return undefined;
    case 'put': {
      const [key, one] = value as readonly [Keys, unknown];
      return state.set(key, one);
    }
    case 'removeKey':
      return state.delete(value as Keys);
    case 'clear':
      return state.clear();
    case 'get':
      return [...state.entries()];
    case 'getKey':
      return state.get(value as Keys) ?? null;
    case 'containsKey':
      return state.has(value as Keys);
    case 'isEmpty':
      return state.isEmpty();
    case 'keys':
      return [...state.keys()].toSorted((a, b) => (a < b ? -1 : 1));
    default:
      throw unknownStep(step);
  }
}

/** The entries of an object, or of a list of pairs. */
export function entriesOf(value: unknown): [Keys, unknown][] {
  return Array.isArray(value)
    ? (value as [Keys, unknown][])
    : Object.entries(value as Record<string, unknown>);
}

function unknownStep(step: Fields): Error {
  return new Error(`a step that this runner does not know: ${JSON.stringify(step)}`);
}
