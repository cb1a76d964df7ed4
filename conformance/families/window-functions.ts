/** What the windows of the cases say when they fire: from a running value, or from all elements. */
import { average, count, max, min, sum, type Aggregator } from '../../src/dsl/aggregators.js';
import { elements, first, last } from '../../src/dsl/collecting.js';
import { valueState, type ValueState } from '../../src/index.js';
import type { StateDeclarations } from '../../src/state/handles.js';
import type { TimeWindow } from '../../src/time/windows.js';
import type { Fields, Recorded } from '../case.js';

/** How a case is put in the words of `window`: the aggregator, and options on top. */
export interface Function {
  readonly aggregator: Aggregator<unknown, never, unknown>;
  readonly options: Fields;
  /** Makes the value of the case of what the window emits. */
  readonly present: (emitted: unknown) => unknown;
  /** See `OperatorSubjectOptions.parts`. */
  readonly parts?: (record: Recorded) => Recorded[];
}

interface Firing {
  readonly key: unknown;
  readonly window: TimeWindow;
}

interface FunctionContext extends Firing {
  readonly watermark: number;
  readonly windowState: { readonly firings?: ValueState<number> };
  readonly keyState: { readonly firings: ValueState<number> };
}

/** The number of an element: its second field, or itself where there is no key in it. */
const numberOf = (element: unknown): number =>
  Number(Array.isArray(element) ? element[1] : element);

/** The function over an aggregator that keeps one value; undefined where only all elements will do. */
export function runningFunction(given: Fields): Function | undefined {
  const name = given['function'] as string;
  if (name === 'agg') {
    const aggregator = runningAggregators[given['agg'] as string];
    return aggregator === undefined ? undefined : plain(aggregator(), aggText);
  }
  const say = sumTexts[name];
  return say === undefined ? undefined : plain(sum(numberOf), say);
}

/** The function over all elements of the window. */
export function elementsFunction(given: Fields): Function {
  const name = given['function'] as string;
  const isSession = (given['assigner'] as Fields)['type'] === 'session';
  const counts = name === 'context';
  const states: { windowState?: StateDeclarations; keyState?: StateDeclarations } = counts
    ? {
        keyState: { firings: valueState(0) },
        ...(isSession ? {} : { windowState: { firings: valueState(0) } }),
      }
    : {};
  return {
    aggregator: elements<unknown>() as Aggregator<unknown, never, unknown>,
    present: (emitted) => emitted,
    // How many windows of the key have fired before is a matter of their order.
    ...(counts ? { parts: apartFromCount } : {}),
    options: {
      ...states,
      process: (all: readonly unknown[], context: FunctionContext) =>
        recordsOf(name, given['agg'] as string, all, context),
    },
  };
}

function apartFromCount({ v, ts }: Recorded): Recorded[] {
  const fields = v as readonly unknown[];
  return [{ v: fields.slice(0, -1), ts }, { v: ['firings of the key', fields[0], fields.at(-1)] }];
}

function recordsOf(
  name: string,
  agg: string,
  all: readonly unknown[],
  context: FunctionContext,
): unknown[] {
  const numbers = all.map(numberOf);
  const total = numbers.reduce((a, b) => a + b, 0);
  switch (name) {
    case 'elements':
      return [...all];
    case 'gotJoined':
      return [`GOT: ${all.map((element) => `(${String(element)})`).join(',')}`];
    case 'agg':
      return [aggText(context, resultOf(agg, numbers))];
    case 'context':
      return [[...keyAndBounds(context), total, context.watermark, ...countsOf(context)]];
    default: {
      const say = sumTexts[name];
      if (say === undefined) throw new Error(`a function that this runner does not know: ${name}`);
      return [say(context, total)];
    }
  }
}

/** Counts this firing, per window where that is allowed, and per key. */
function countsOf({ windowState, keyState }: FunctionContext): (number | null)[] {
  return [windowState.firings, keyState.firings].map((state) => {
    if (state === undefined) return null;
    state.set(state.get() + 1);
    return state.get();
  });
}

function resultOf(agg: string, numbers: readonly number[]): unknown {
  const total = numbers.reduce((a, b) => a + b, 0);
  const isEmpty = numbers.length === 0;
  switch (agg) {
    case 'sum':
      return total;
    case 'count':
      return numbers.length;
    case 'min':
      return isEmpty ? null : Math.min(...numbers);
    case 'max':
      return isEmpty ? null : Math.max(...numbers);
    case 'avg':
      return isEmpty ? null : total / numbers.length;
    case 'first':
      return numbers[0] ?? null;
    case 'last':
      return numbers.at(-1) ?? null;
    case 'collect':
      return numbers;
    case 'collectSorted':
      return numbers.toSorted((a, b) => a - b);
    default:
      throw new Error(`an aggregation that this runner does not know: ${agg}`);
  }
}

type AnyAggregator = Aggregator<unknown, never, unknown>;

const runningAggregators: Readonly<Record<string, () => AnyAggregator>> = {
  sum: () => sum(numberOf) as AnyAggregator,
  count: () => count() as AnyAggregator,
  min: () => min(numberOf) as AnyAggregator,
  max: () => max(numberOf) as AnyAggregator,
  avg: () => average(numberOf) as AnyAggregator,
  first: () => ofElement(first<unknown>()),
  last: () => ofElement(last<unknown>()),
};

/** The number of the element that an aggregator gives. */
function ofElement<Accumulator>(inner: Aggregator<unknown, Accumulator, unknown>): AnyAggregator {
  return {
    ...inner,
    result: (accumulator) => numberOf(inner.result(accumulator)),
  } as AnyAggregator;
}

type Say = (firing: Firing, value: unknown) => unknown;

const sumTexts: Readonly<Record<string, Say>> = {
  sum: ({ key }, value) => [key, value],
  sumWithBounds: (firing, value) => [
    `${String(firing.key)}-${String(value)}`,
    ...boundsOf(firing.window),
  ],
  boundsAndSum: ({ window }, value) => [boundsOf(window), value],
};

const aggText: Say = (firing, value) => [...keyAndBounds(firing), value];

function keyAndBounds({ key, window }: Firing): unknown[] {
  return [key, ...boundsOf(window)];
}

/** A global window has no bounds. */
function boundsOf({ start, end }: TimeWindow): (number | null)[] {
  return end === Infinity ? [null, null] : [start, end];
}

function plain(aggregator: unknown, say: Say): Function {
  return {
    aggregator: aggregator as AnyAggregator,
    options: {},
    present: (emitted) => {
      const { key, window, value } = emitted as Firing & { readonly value: unknown };
      return say({ key, window }, value);
    },
  };
}
