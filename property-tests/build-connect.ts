/** Makes the `connect` and `connectAll` of a description, of two streams or of one and a broadcast one. */
import { broadcast, connect, connectAll, filter, keyBy, mapState } from 'tidemark';
import type { DataStream, FiredTimer, Key } from 'tidemark';
import { handlersOf, noEntries, type Entries, type Scratch } from './behaviours.js';
import {
  asOne,
  keptState,
  onTimer,
  scratchOf,
  sides,
  sideTag,
  states,
  withSide,
  type Context,
  type Processed,
  type TimerWatch,
  type Unkeyed,
} from './build-process.js';
import { isOdd, keyChoice, type ConnectStep, type Item } from './description.js';
import { isBroadcast } from './traits.js';

type Items = DataStream<Item>;

interface Others {
  readonly input: Items | undefined;
  readonly watch?: TimerWatch | undefined;
}

interface Rules {
  readonly broadcastState: { readonly rules: unknown };
}

export function connected(
  items: Items,
  step: ConnectStep,
  uid: string,
  { input, watch }: Others,
): Processed {
  const [left, right] =
    input === undefined
      ? [items.pipe(filter((item) => !isOdd(item))), items.pipe(filter(isOdd))]
      : [items, input];
  const watched = { uid, watch };
  return withSide(
    isBroadcast(step) ? reading(left, right, step, watched) : both(left, right, step, watched),
  );
}

type Watched = Parameters<typeof scratchOf>[1];

function both(
  left: Items,
  right: Items,
  { by, behaviour, gap }: ConnectStep,
  watched: Watched,
): Items {
  const { element, second, timer } = handlersOf(behaviour, gap);
  const { uid } = watched;
  const options = { uid, state: { ...states, kept: keptState(undefined) }, sides };
  if (by === 'all')
    return left.pipe(
      connectAll(right, {
        ...options,
        first: (item: Item, context: Unkeyed) => element(item, asOne(context, watched)),
        second: (item: Item, context: Unkeyed) => second(item, asOne(context, watched)),
        timer: (fired, context) => onTimer(timer, fired, asOne(context, watched), watched),
      }),
    );
  return left.pipe(
    keyBy<Item, Key>(keyChoice(by)),
    connect(right.pipe(keyBy<Item, Key>(keyChoice(by))), {
      ...options,
      first: (item: Item, context: Context) => element(item, scratchOf(context, watched)),
      second: (item: Item, context) => second(item, scratchOf(context, watched)),
      timer: (fired, context) => onTimer(timer, fired, scratchOf(context, watched), watched),
    }),
  );
}

/** The right side is a broadcast one, whose state the left side reads. */
function reading(
  left: Items,
  right: Items,
  { by, behaviour, gap }: ConnectStep,
  watched: Watched,
): Items {
  const { element, second, visit, timer } = handlersOf(behaviour, gap);
  const withRules = (scratch: Scratch, { broadcastState: { rules } }: Rules): Scratch => ({
    ...scratch,
    rules: rules as Entries,
  });
  const options = {
    uid: watched.uid,
    state: { ...states, kept: keptState(undefined) },
    broadcastState: { rules: mapState<number, readonly Item[]>() },
    sides,
  };
  const rule = (item: Item, context: Rules & WritingContext): Item[] => {
    const side = (one: Item): void => context.side(sideTag, one);
    const visitKeys = (): void => context.visitKeys?.();
    // The side that writes has nothing else: no key, no state of one, no timers.
    return second(item, { ...withRules(nothing, context), side, visitKeys });
  };
  if (by === 'all') {
    const ofAll = (context: Unkeyed & Rules): Scratch =>
      withRules(asOne(context, watched), context);
    return left.pipe(
      connectAll(broadcast(right), {
        ...options,
        first: (item: Item, context) => element(item, ofAll(context as never)),
        second: (item: Item, context) => rule(item, context),
        timer: (fired: FiredTimer, context) =>
          onTimer(timer, fired, ofAll(context as never), watched),
      }),
    );
  }
  const ofKey = (context: Context & Rules): Scratch =>
    withRules(scratchOf(context, watched), context);
  return left.pipe(
    keyBy<Item, Key>(keyChoice(by)),
    connect(broadcast(right), {
      ...options,
      first: (item: Item, context) => element(item, ofKey(context as never)),
      second: (item: Item, context) => rule(item, context),
      eachKey: (_item: Item, context) => visit(ofKey(context as never)),
      timer: (fired: FiredTimer, context) =>
        onTimer(timer, fired, ofKey(context as never), watched),
    }),
  );
}

interface WritingContext {
  side(tag: typeof sideTag, item: Item): void;
  visitKeys?(): void;
}

const nothing = { rules: noEntries } as Scratch;
