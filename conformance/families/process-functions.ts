/** The functions that cases from Flink's tests name, in words of `process`: what they do is said in SCHEMA.md. */
import { outputTag } from '../../src/dsl/data-stream.js';
import { mapState, valueState, type MapState, type ValueState } from '../../src/index.js';
import type { BroadcastDeclarations } from '../../src/state/broadcast-state.js';
import type { StateDeclarations } from '../../src/state/handles.js';
import type { FunctionContext } from './program.js';

/** A user function, for one input or two. */
export interface UserFunction {
  readonly states: StateDeclarations;
  readonly broadcastStates?: BroadcastDeclarations;
  /** What a broadcast element has to say of each key. */
  readonly eachKey?: (element: unknown, context: FunctionContext) => unknown[];
  readonly sides: readonly { readonly id: string }[];
  readonly first: (element: unknown, context: FunctionContext) => unknown[];
  readonly second: (element: unknown, context: FunctionContext) => unknown[];
  readonly timer: (
    timer: { readonly domain: string; readonly time: number },
    context: FunctionContext,
  ) => unknown[];
}

const state = { state: valueState<unknown>() };
const intOut = outputTag<unknown>('int-out');
const longOut = outputTag<unknown>('long-out');
const broadcastOut = outputTag<unknown>('br-out');
const otherOut = outputTag<unknown>('non-br-out');

/** What a function does, apart from what all of them have. */
type Part = Partial<UserFunction>;

export function namedFunction(name: string, time: string | undefined): UserFunction {
  const make = functions[name] ?? broadcastFunctions[name];
  if (make === undefined) throw new Error(`a function that this runner does not know: ${name}`);
  const part = make(new Domain(time));
  const nothing = (): unknown[] => [];
  const first = part.first ?? nothing;
  return { states: {}, sides: [], timer: nothing, second: first, ...part, first };
}

/** The kind of time that a function goes by. */
class Domain {
  readonly isEvent: boolean;

  constructor(time: string | undefined) {
    this.isEvent = time !== 'processing';
  }

  now({ watermark, now }: FunctionContext): number {
    return this.isEvent ? watermark : now;
  }

  set({ timers }: FunctionContext, time: number): void {
    if (this.isEvent) timers.setEventTime(time);
    else timers.setProcessingTime(time);
  }

  delete({ timers }: FunctionContext, time: number): void {
    if (this.isEvent) timers.deleteEventTime(time);
    else timers.deleteProcessingTime(time);
  }
}

const functions: Readonly<Record<string, (domain: Domain) => Part>> = {
  keyOfElement: () => ({ first: (element) => [(element as unknown[])[1]] }),
  queryTime: (domain) => ({
    first: (element, context) => [
      `${show(element)}TIME:${domain.now(context)} TS:${timestampText(context)}`,
    ],
  }),
  emitAndTimerIn5: (domain) => ({
    first(element, context) {
      domain.set(context, domain.now(context) + 5);
      return [element];
    },
    timer: () => [1777],
  }),
  toggleStateTimerIn5: (domain) => toggle(domain, ['INPUT:', 'INPUT:']),
  coToggleStateTimerIn5: (domain) => toggle(domain, ['INPUT1:', 'INPUT2:']),
  bothTimers: () => ({
    first: (_element, { timers }) => {
      timers.setProcessingTime(3);
      timers.setEventTime(4);
      timers.setProcessingTime(5);
      timers.setEventTime(6);
      timers.deleteProcessingTime(3);
      timers.deleteEventTime(4);
      return [];
    },
    timer: bothTexts,
  }),
  sideOutputs: () => ({
    sides: [intOut, longOut],
    first(element, context) {
      context.side(intOut, element);
      context.side(longOut, element);
      return [`IN:${show(element)}`];
    },
  }),
  nullSideOutput: () => ({
    first(element, context) {
      context.side(null as never, element);
      return [];
    },
  }),
  coQueryWatermark: () => ({
    first: (element, context) => [`${show(element)}${watermarkText(context)}`],
  }),
  coQueryProcTime: () => ({
    first: (element, context) => [`${show(element)}PT:${context.now} TS:${timestampText(context)}`],
  }),
  coFixedTimers: (domain) => ({
    first: (element, context) => {
      domain.set(context, 5);
      return [`INPUT1:${show(element)}`];
    },
    second: (element, context) => {
      domain.set(context, 6);
      return [`INPUT2:${show(element)}`];
    },
    timer: (_timer, { key }) => [domain.isEvent ? `${show(key)}:1777` : '1777'],
  }),
  coBothTimers: () => ({
    first: (_element, { timers }) => {
      timers.setProcessingTime(3);
      timers.setEventTime(6);
      timers.deleteProcessingTime(3);
      return [];
    },
    second: (_element, { timers }) => {
      timers.setEventTime(4);
      timers.setProcessingTime(5);
      timers.deleteEventTime(4);
      return [];
    },
    timer: bothTexts,
  }),
  coAppendKey: () => ({ first: (element, { key }) => [`${show(element)},${show(key)}`] }),
};

const watermarkText = (context: FunctionContext): string =>
  `WM:${context.watermark} TS:${timestampText(context)}`;

/** What only broadcast operators do. */
const broadcastFunctions: typeof functions = {
  bcRegisterKeys: () => ({
    broadcastStates: { a: mapState<string, unknown>() },
    first: (element, context) => [`${show(element)}${watermarkText(context)}`],
    second(element, context) {
      for (const name of ['test1', 'test2', 'test3']) mapOf(context, 'a').set(name, element);
      return [`${show(element)}${watermarkText(context)}`];
    },
  }),
  bcSideOutputs: () => ({
    sides: [broadcastOut, otherOut],
    first(element, context) {
      context.side(otherOut, `NON-BR:${show(element)} ${watermarkText(context)}`);
      return [];
    },
    second(element, context) {
      context.side(broadcastOut, `BR:${show(element)} ${watermarkText(context)}`);
      return [];
    },
  }),
  bcMultipleStates: () => ({
    broadcastStates: { a: mapState<string, unknown>(), b: mapState<string, unknown>() },
    first: (element, context) =>
      ['a', 'b'].flatMap((name) =>
        [...mapOf(context, name).entries()].map(
          ([key, value]) => `${show(element)}:${show(key)}->${show(value)}`,
        ),
      ),
    second(element, context) {
      mapOf(context, 'a').set(`key.${show(element)}`, element);
      mapOf(context, 'b').set(element as string, `value.${show(element)}`);
      return [];
    },
  }),
};

function mapOf(context: FunctionContext, name: string): MapState<string, unknown> {
  return context.broadcastState?.[name] as MapState<string, unknown>;
}

function toggle(domain: Domain, [one, two]: readonly [string, string]): Part {
  const on =
    (label: string) =>
    (element: unknown, context: FunctionContext): unknown[] => {
      const handle = context.state?.['state'] as ValueState<unknown>;
      const now = domain.now(context);
      if (handle.get() === undefined) {
        handle.set(element);
        domain.set(context, now + 5);
        return [`${label}${show(element)}`];
      }
      handle.clear();
      domain.delete(context, now + 4);
      return [];
    };
  return {
    states: state,
    first: on(one),
    second: on(two),
    timer: (_timer, context) => [
      `STATE:${show((context.state?.['state'] as ValueState<unknown> | undefined)?.get())}`,
    ],
  };
}

function bothTexts({ domain }: { readonly domain: string }): unknown[] {
  return [domain === 'event' ? 'EVENT:1777' : 'PROC:1777'];
}

function timestampText({ timestamp }: FunctionContext): string {
  return timestamp === undefined ? 'null' : String(timestamp);
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
