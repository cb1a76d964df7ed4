/** Makes the window of a description, through the public surface: assigner, trigger, evictor, function, side outputs. */
import {
  countWindow,
  defineTrigger,
  evictors,
  globalWindow,
  keyBy,
  map,
  outputTag,
  session,
  sliding,
  triggers,
  tumbling,
  valueState,
  window,
  windowAll,
} from 'tidemark';
import type {
  DataStream,
  Evictor,
  Key,
  Trigger,
  WindowContext,
  WindowOptions,
  WindowSpec,
} from 'tidemark';
import { aggregatorOf } from './aggregates.js';
import { gapOf, keyChoice, type Item } from './description.js';
import type { Gathered } from './reference-aggregate.js';
import { distance } from './reference-trigger.js';
import { customTriggers, windowFunctions, type WindowScratch } from './trigger-behaviours.js';
import {
  FADING_MS,
  isTimed,
  type EvictorChoice,
  type FunctionChoice,
  type Span,
  type TriggerChoice,
  type WindowStep,
} from './window-step.js';

type Items = DataStream<Item>;

/** What a window says by itself; `windowAll` gives no key. */
export interface BareResult {
  readonly key?: Key;
  readonly window: { readonly start: number; readonly end: number };
  readonly value: Gathered;
}

export interface Windowed {
  /** Results as they are, where there is no function. */
  readonly bare: DataStream<BareResult> | undefined;
  readonly items: Items;
  /** Late elements, and what the function sent aside. */
  readonly late: Items | undefined;
  readonly side: Items | undefined;
}

const lateTag = outputTag<Item>('late');
const sideTag = outputTag<Item>('side');

/** `window`, or another function of that signature. */
export type WindowVerb = typeof window;

export function windowed(
  items: Items,
  step: WindowStep,
  uid: string,
  verb: WindowVerb = window,
): Windowed {
  const [spec, options] = [specOf(step), optionsOf(step, uid)];
  const aggregator = aggregatorOf(step.aggregate);
  const keyed = keyBy<Item, Key>(keyChoice(step.by));
  if (step.fn !== undefined) {
    const own = { ...options, ...functionOptions(step, step.fn) };
    const said = isForAll(step)
      ? items.pipe(windowAll<Item, unknown, Gathered, Item>(spec, aggregator, own))
      : items.pipe(keyed, verb<Key, Item, unknown, Gathered, Item>(spec, aggregator, own));
    const [late, side] = [lateOf(said, step), said.side(sideTag)];
    return { items: said, bare: undefined, late, side };
  }
  const bare = isForAll(step)
    ? (items.pipe(windowAll(spec, aggregator, options)) as unknown as DataStream<BareResult>)
    : items.pipe(keyed, verb<Key, Item, unknown, Gathered>(spec, aggregator, options));
  return { items: bare.pipe(map(itemOf)), bare, late: lateOf(bare, step), side: undefined };
}

function lateOf(stream: Items | DataStream<BareResult>, step: WindowStep): Items | undefined {
  return isTimed(step) ? stream.side(lateTag) : undefined;
}

function isForAll({ by }: WindowStep): boolean {
  return by === 'all';
}

export function itemOf({ key = 'all', window: span, value }: BareResult): Item {
  return { key, n: value.n, ids: value.ids, at: span.end - 1, start: span.start };
}

export function specOf({ span, time }: Pick<WindowStep, 'span' | 'time'>): WindowSpec<Item> {
  switch (span.kind) {
    case 'aligned': {
      const { size, slide, offset } = span;
      return size === slide
        ? tumbling({ size, offset, time })
        : sliding({ size, slide, offset, time });
    }
    case 'session':
      return session({ gap: gapOption(span), time });
    case 'global':
      return globalWindow();
    case 'count':
      return countWindow(span.size === span.slide ? { size: span.size } : span);
  }
}

function gapOption({ gap, isDynamic }: Extract<Span, { kind: 'session' }>) {
  return isDynamic ? (item: Item): number => gapOf(gap, item) : gap;
}

function optionsOf(step: WindowStep, uid: string): WindowOptions<Item> {
  const { lateness, trigger, evictor, span } = step;
  const isEndless = span.kind === 'global' || span.kind === 'count';
  const speaks = span.kind === 'count' && trigger === undefined ? true : mayFire(trigger);
  const isSilent = isEndless && !speaks;
  return {
    uid,
    ...(isTimed(step) ? { allowedLateness: lateness, late: lateTag } : {}),
    ...(trigger === undefined ? {} : { trigger: triggerOf(trigger) }),
    ...(evictor === undefined ? {} : { evictor: evictorOf(evictor) }),
    ...(lateness === Infinity || isSilent ? { unbounded: true } : {}),
  };
}

function mayFire(trigger: TriggerChoice | undefined): boolean {
  if (trigger === undefined || trigger.kind === 'never') return false;
  return trigger.kind !== 'purging' || mayFire(trigger.inner);
}

type AnyTrigger = Trigger<Item, never>;

function triggerOf(choice: TriggerChoice): AnyTrigger {
  const made = (): unknown => {
    switch (choice.kind) {
      case 'eventTime':
      case 'processingTime':
      case 'never':
        return triggers[choice.kind]();
      case 'count':
        return triggers.count(choice.size);
      case 'continuousEventTime':
      case 'continuousProcessingTime':
        return triggers[choice.kind](choice.interval);
      case 'delta':
        return triggers.delta({ threshold: choice.threshold, delta: distance });
      case 'custom':
        return defineTrigger(customTriggers[choice.name]);
      case 'purging':
        return triggers.purging(triggerOf(choice.inner));
      case 'timeout':
        return triggers.timeout(triggerOf(choice.inner), {
          after: choice.after,
          resetOnElement: choice.resets,
          clearOnTimeout: choice.clears,
        });
    }
  };
  return made() as AnyTrigger;
}

function evictorOf({ kind, limit, after }: EvictorChoice): Evictor<Item> {
  switch (kind) {
    case 'count':
      return evictors.count(limit, { after });
    case 'time':
      return evictors.time(limit, { after });
    case 'delta':
      return evictors.delta({ threshold: limit, delta: distance, after });
  }
}

const lasting = { windowState: { times: valueState(0) }, keyState: { total: valueState(0) } };
const ttl = { after: FADING_MS };
const fading = {
  windowState: { times: valueState(0, { ttl }) },
  keyState: { total: valueState(0, { ttl }) },
};
type States = typeof lasting;
type Context = WindowContext<Key | undefined, States['windowState'], States['keyState']>;

function functionOptions({ span, by }: WindowStep, fn: FunctionChoice) {
  const states = fn === 'states' ? lasting : fn === 'fading' ? fading : undefined;
  // Sessions become one, which states of windows could not.
  const windowState = span.kind === 'session' ? undefined : states?.windowState;
  return {
    process(value: Gathered, context: Context): Item[] {
      const { key = 'all', window: interval, watermark } = context;
      const scratch: WindowScratch = {
        key,
        watermark,
        ofWindow: windowState === undefined ? undefined : context.windowState.times,
        ofKey: states === undefined ? noCell : context.keyState.total,
        side: (item) => context.side(sideTag, item),
      };
      const item = itemOf({ key: nameOf(by, key), window: interval, value });
      return windowFunctions[fn](item, scratch);
    },
    ...(states === undefined ? {} : { keyState: states.keyState }),
    ...(windowState === undefined ? {} : { windowState }),
    sides: [sideTag],
  } as unknown as {
    readonly process: (value: Gathered, context: unknown) => Item[];
    readonly sides: readonly [typeof sideTag];
  };
}

function nameOf(by: WindowStep['by'], key: Key): Key {
  return by === 'all' ? 'all' : key;
}

const noCell: WindowScratch['ofKey'] = {
  get: () => Number.NaN,
  set: () => undefined,
  clear: () => undefined,
};
