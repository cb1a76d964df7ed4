/**
 * Triggers and window functions in the words of a user, written once against the little that they need: the real
 * contexts give it in `build-window.ts`, naive ones in `reference-window.ts`.
 */
import type { Key, TriggerContext, TriggerDefinition } from 'tidemark';
import { isOdd, told, whole, type Item } from './description.js';
import type { CustomTrigger, FunctionChoice } from './window-step.js';

/** What a trigger of ours remembers; a plain object, changed in place. */
export interface Mood {
  seen: number;
  /** The timer that is set; -1 for none. */
  timer: number;
}

type Custom = TriggerDefinition<Item, Mood>;

const create = (): Mood => ({ seen: 0, timer: -1 });

/** The first half of a window is said by itself. */
function middleOf({ window: { start, end } }: TriggerContext<Mood>): number {
  return start + Math.floor((end - start) / 2);
}

function setHalves(context: TriggerContext<Mood>): void {
  for (const time of [middleOf(context), context.maxTimestamp])
    if (time > context.watermark) context.setEventTime(time);
}

function moveTimer(context: TriggerContext<Mood>, time: number): void {
  if (context.state.timer !== -1) context.deleteEventTime(context.state.timer);
  context.state = { ...context.state, timer: time };
  if (time !== -1) context.setEventTime(time);
}

export const customTriggers: Readonly<Record<CustomTrigger, Custom>> = {
  /** Even numbers end what has been gathered. */
  evens: {
    name: 'evens',
    create,
    element: (item) => (isOdd(item) ? 'continue' : 'fireAndPurge'),
    merge: () => undefined,
  },

  /** All answers that there are, and now and then one of its own accord. */
  moody: {
    name: 'moody',
    create,
    element({ n }, { state }) {
      state.seen += 1;
      if (state.seen % 3 === 0) return 'fire';
      return (['continue', 'purge', 'fireAndPurge', 'fire'] as const)[Math.abs(n % 4)] ?? 'fire';
    },
    merge({ state }, merged) {
      for (const { seen } of merged) state.seen += seen;
    },
  },

  /** In the middle and at the end. */
  halfway: {
    name: 'halfway',
    create,
    element(_item, context) {
      if (context.maxTimestamp <= context.watermark) return 'fire';
      setHalves(context);
      return 'continue';
    },
    eventTime(time, context) {
      if (time === context.maxTimestamp) return 'fire';
      return time === middleOf(context) ? 'fireAndPurge' : 'continue';
    },
    merge: setHalves,
    clear(context) {
      context.deleteEventTime(middleOf(context));
      context.deleteEventTime(context.maxTimestamp);
    },
  },

  /** A while after the element that came last. */
  restless: {
    name: 'restless',
    create,
    element(_item, context) {
      moveTimer(context, context.timestamp + 15);
      return 'continue';
    },
    eventTime(time, context) {
      if (time !== context.state.timer) return 'continue';
      context.state = { ...context.state, timer: -1 };
      return 'fire';
    },
    merge(context, merged) {
      moveTimer(context, Math.max(-1, ...merged.map(({ timer }) => timer)));
    },
    clear: (context) => moveTimer(context, -1),
  },
};

/** What a window function may touch. */
export interface WindowScratch {
  readonly key: Key;
  readonly watermark: number;
  /** A number of the window, where it has one, and one of the key; 0 at first. */
  readonly ofWindow: NumberCell | undefined;
  readonly ofKey: NumberCell;
  side(item: Item): void;
}

export interface NumberCell {
  get(): number;
  set(value: number): void;
  clear(): void;
}

export const windowFunctions: Readonly<
  Record<FunctionChoice, (item: Item, scratch: WindowScratch) => Item[]>
> = {
  /** Two results, one or none. */
  twice: (item) =>
    [item, { ...item, n: item.n + 1 }].slice(0, (((item.n % 3) + 3) % 3) as 0 | 1 | 2),

  states: remembered,

  /** The same with states that expire. */
  fading: remembered,

  side(item, scratch) {
    if (isOdd(item)) scratch.side(item);
    return isOdd(item) ? [] : [item];
  },

  judged: (item, { watermark }) => [{ ...item, n: told(watermark) }],
};

/** How often the window has spoken, and what the windows of the key have said together. */
function remembered(item: Item, { ofWindow, ofKey }: WindowScratch): Item[] {
  const times = (ofWindow?.get() ?? 0) + 1;
  ofWindow?.set(times);
  const total = whole(ofKey.get() + item.n);
  if (total % 5 === 0) ofKey.clear();
  else ofKey.set(total);
  // Read again, because a state that has just been written is there.
  return [{ ...item, n: whole(total * 10 + times + 1000 * (ofWindow?.get() ?? 0)) }];
}
