/**
 * The language in which recorded cases write their user functions: actions and expressions as JSON, run against what
 * `process` and `connect` hand to a function.
 */
import { outputTag } from '../../src/dsl/data-stream.js';
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
  type Timers,
  type ValueState,
} from '../../src/index.js';
import type { StateDeclarations } from '../../src/state/handles.js';
import { NotApplicable } from '../drive.js';
import { SentByClock } from '../operator-subject.js';

type Expression = number | string | readonly [string, ...Expression[]];
type Condition = readonly [string, ...unknown[]];
export type Action = readonly [string, ...unknown[]];
export type ActionTable = Readonly<Record<string, readonly Action[]>>;

export interface Program {
  readonly states: Readonly<Record<string, StateType>>;
  readonly on?: ActionTable;
  readonly on1?: ActionTable;
  readonly on2?: ActionTable;
  readonly onBroadcast?: ActionTable;
  readonly onEvent?: readonly Action[];
  readonly onProc?: readonly Action[];
}

type StateType = 'value' | 'list' | 'map' | 'reducing' | 'aggregating' | 'broadcast';
export type Handle =
  | ValueState<number | undefined>
  | ListState<number>
  | MapState<number, number>
  | ReducingState<number>
  | AggregatingState<number, [number, number]>;

/** What a function is given, by `process` as by `connect`; on a broadcast side there is no key, state or timer. */
export interface FunctionContext {
  readonly key: unknown;
  readonly timestamp: number | undefined;
  readonly watermark: number;
  readonly now: number;
  readonly state?: Readonly<Record<string, unknown>>;
  readonly broadcastState?: Readonly<Record<string, unknown>>;
  readonly timers: Timers;
  side<T>(tag: { readonly id: string }, value: T): void;
  visitKeys?(): void;
}

export const sideTags = [outputTag<unknown>('s1'), outputTag<unknown>('s2')] as const;

/** States of keys, or broadcast ones. */
export function statesOf({ states }: Program, kind: 'keyed' | 'broadcast'): StateDeclarations {
  return Object.fromEntries(
    Object.entries(states)
      .filter(([, type]) => (type === 'broadcast') === (kind === 'broadcast'))
      .map(([name, type]) => [name, declarations[type]()]),
  );
}

const declarations: Readonly<Record<StateType, () => StateDeclarations[string]>> = {
  value: () => valueState<number>(),
  list: () => listState<number>(),
  map: () => mapState<number, number>(),
  broadcast: () => mapState<number, number>(),
  reducing: () => reducingState((a: number, b: number) => a + b),
  aggregating: () =>
    aggregatingState({
      create: (): [number, number] => [0, 0],
      add: ([sum, count]: [number, number], value: number): [number, number] => [
        sum + value,
        count + 1,
      ],
      result: ([sum, count]: [number, number]): [number, number] => [sum, count],
    }),
};

/** Runs the actions for an element `[key, op, n]`, and gives what they emit. */
export function onElement(
  table: ActionTable | undefined,
  element: unknown,
  context: FunctionContext,
): unknown[] {
  const [, op, n] = element as readonly [unknown, string, number];
  const call = new Call({ context, n, ts: context.timestamp ?? null });
  return call.run(table?.[op] ?? []);
}

/** The states whose values an element of the broadcast side wants of every key, in the order of the actions. */
export function statesOfEachKey({ onBroadcast = {} }: Program, element: unknown): string[] {
  const [, op] = element as readonly [unknown, string, number];
  return (onBroadcast[op] ?? []).flatMap(([name, state]) =>
    name === 'emitEachKey' ? [state as string] : [],
  );
}

/** Runs the actions of a timer, and gives what they emit. */
export function onTimer(
  program: Program,
  { domain, time }: { readonly domain: string; readonly time: number },
  context: FunctionContext,
): unknown[] {
  const isEvent = domain === 'event';
  const call = new Call({ context, n: 0, ts: time, clockTime: isEvent ? undefined : time });
  return call.run((isEvent ? program.onEvent : program.onProc) ?? []);
}

interface CallParts {
  readonly context: FunctionContext;
  readonly n: number;
  readonly ts: number | null;
  /** The time of a timer of the clock. */
  readonly clockTime?: number | undefined;
}

/** One call of the user function. */
class Call {
  readonly #parts: CallParts;
  readonly #emitted: unknown[] = [];

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  run(actions: readonly Action[]): unknown[] {
    for (const action of actions) this.#do(action);
    return this.#emitted;
  }

  #do([name, ...rest]: Action): void {
    const [first, second] = rest as [string, Expression];
    switch (name) {
      case 'emit':
        this.#emitted.push(this.#value(first));
        return;
      case 'side':
        return this.#side(first, this.#value(second));
      case 'timer':
      case 'delete':
        return this.#timer(name, first, this.#number(second));
      case 'if': {
        const [condition, yes, no = []] = rest as [Condition, Action[], Action[]?];
        this.run(this.#holds(condition) ? yes : no);
        return;
      }
      case 'emitEachKey':
        return this.#parts.context.visitKeys?.();
      default:
        return this.#change(name, first, rest.slice(1) as Expression[]);
    }
  }

  #change(name: string, state: string, [first = 0, second = 0]: readonly Expression[]): void {
    const handle = this.#handle(state);
    switch (name) {
      case 'set':
        return (handle as ValueState<number>).set(this.#number(first));
      case 'add':
        return (handle as ListState<number>).add(this.#number(first));
      case 'put':
        return (handle as MapState<number, number>).set(this.#number(first), this.#number(second));
      case 'remove':
        return (handle as MapState<number, number>).delete(this.#number(first));
      case 'clear':
        return handle.clear();
      default:
        throw new Error(`an action that this runner does not know: ${name}`);
    }
  }

  #side(tag: string, value: unknown): void {
    const { context, clockTime } = this.#parts;
    context.side({ id: tag }, clockTime === undefined ? value : new SentByClock(value, clockTime));
  }

  #timer(action: 'timer' | 'delete', domain: string, time: number): void {
    const { timers } = this.#parts.context;
    if (action === 'timer')
      return domain === 'event' ? timers.setEventTime(time) : timers.setProcessingTime(time);
    return domain === 'event' ? timers.deleteEventTime(time) : timers.deleteProcessingTime(time);
  }

  #holds([name, ...rest]: Condition): boolean {
    const [a, b] = rest as [Expression, Expression];
    switch (name) {
      case 'lt':
        return this.#number(a) < this.#number(b);
      case 'eq':
        return this.#number(a) === this.#number(b);
      case 'isNull':
        return this.#value(a) === null;
      case 'not':
        return !this.#holds(rest[0] as Condition);
      default:
        throw new Error(`a condition that this runner does not know: ${name}`);
    }
  }

  #number(expression: Expression): number {
    return (this.#value(expression) as number | null) ?? 0;
  }

  #value(expression: Expression): unknown {
    if (typeof expression === 'number') return expression;
    if (typeof expression === 'string') return this.#named(expression);
    const [name, ...rest] = expression;
    const [a = 0, b = 0] = rest;
    switch (name) {
      case 'str':
        return a;
      case '+':
        return this.#number(a) + this.#number(b);
      case '-':
        return this.#number(a) - this.#number(b);
      case 'mod':
        return floorMod(this.#number(a), this.#number(b));
      case 'get':
        return contentsOf(this.#handle(a as string));
      case 'at':
        return (this.#handle(a as string) as MapState<number, number>).get(this.#number(b)) ?? null;
      case 'size':
        return (this.#handle(a as string) as ListState<number>).size;
      case 'list':
        return rest.map((part) => this.#value(part));
      default:
        throw new Error(`an expression that this runner does not know: ${name}`);
    }
  }

  #named(name: string): unknown {
    const { context, n, ts } = this.#parts;
    switch (name) {
      case 'n':
        return n;
      case 'ts':
        return ts;
      case 'key':
        return context.key;
      case 'wm':
        return context.watermark;
      case 'pt':
        return context.now;
      default:
        throw new Error(`a name that this runner does not know: ${name}`);
    }
  }

  #handle(name: string): Handle {
    const { state, broadcastState } = this.#parts.context;
    const handle = state?.[name] ?? broadcastState?.[name];
    if (handle === undefined) throw new Error(`no state ${name}`);
    return handle as Handle;
  }
}

export function contentsOf(handle: Handle): unknown {
  if ('entries' in handle) return [...handle.entries()].toSorted(([a], [b]) => a - b);
  const contents = handle.get();
  return Array.isArray(contents) ? [...contents] : (contents ?? null);
}

function floorMod(dividend: number, divisor: number): number {
  if (!Number.isFinite(dividend))
    throw new NotApplicable('a remainder of MIN or MAX: the clock is a double');
  return ((dividend % divisor) + divisor) % divisor;
}
