/** Makes the `process` and `processAll` of a description, through the public surface, and what `connect` shares with it. */
import {
  aggregatingState,
  keyBy,
  listState,
  mapState,
  outputTag,
  process,
  processAll,
  reducingState,
  valueState,
} from 'tidemark';
import type {
  DataStream,
  FiredTimer,
  Key,
  ProcessAllContext,
  ProcessContext,
  StateDeclaration,
  TtlOptions,
} from 'tidemark';
import { handlersOf, noEntries, type Handlers, type Kept, type Scratch } from './behaviours.js';
import { keyChoice, type Item, type KeepChoice, type ProcessStep } from './description.js';
import { folded, nameIn } from './reference-state.js';

type Items = DataStream<Item>;

/** A step with its side output. */
export interface Processed {
  readonly items: Items;
  readonly side: Items;
}

/** A timer that is set, deleted or fired; for law 10. */
export interface TimerSight {
  readonly uid: string;
  readonly act: 'set' | 'delete' | 'fire';
  readonly domain: 'event' | 'processing';
  readonly key: Key;
  readonly time: number;
  readonly watermark: number;
  readonly now: number;
}

export type TimerWatch = (sight: TimerSight) => void;

/** Who watches, and for which step. */
export interface Watched {
  readonly uid: string;
  readonly watch: TimerWatch | undefined;
}

export const sideTag = outputTag<Item>('side');
export const sides = [sideTag];

export const states = {
  total: valueState(0),
  seen: mapState<number, readonly Item[]>(),
  other: mapState<number, readonly Item[]>(),
};
export type State = typeof states & { readonly kept: StateDeclaration<Kept> };
export type Unkeyed = ProcessAllContext<State>;
export type Context = ProcessContext<Key, State>;

export function processed(
  items: Items,
  { by, behaviour, gap, keep }: ProcessStep,
  uid: string,
  watch?: TimerWatch,
): Processed {
  const { element, timer } = handlersOf(behaviour, gap);
  const options = { uid, state: { ...states, kept: keptState(keep) }, sides };
  const watched = { uid, watch };
  if (by !== 'all')
    return withSide(
      items.pipe(
        keyBy<Item, Key>(keyChoice(by)),
        process({
          ...options,
          element: (item: Item, context: Context) => element(item, scratchOf(context, watched)),
          timer: (fired, context) => onTimer(timer, fired, scratchOf(context, watched), watched),
        }),
      ),
    );
  return withSide(
    items.pipe(
      processAll({
        ...options,
        element: (item: Item, context: Unkeyed) => element(item, asOne(context, watched)),
        timer: (fired, context) => onTimer(timer, fired, asOne(context, watched), watched),
      }),
    ),
  );
}

/** The context of a stream without a key, as one of the key `all`. */
export function asOne(context: Unkeyed, watched: Watched): Scratch {
  const { watermark, now, timers, state } = context;
  const side = (item: Item): void => context.side(sideTag, item);
  return scratchOf({ key: 'all', watermark, now, timers, state, side }, watched);
}

export function withSide(items: Items): Processed {
  return { items, side: items.side(sideTag) };
}

type Given = Pick<Scratch, 'key' | 'watermark' | 'now' | 'timers'> & {
  readonly state: Pick<Scratch, 'total' | 'seen' | 'other' | 'kept'>;
  side(item: Item): void;
};

export function scratchOf(context: Context | Given, { uid, watch }: Watched): Scratch {
  const { key, watermark, now, timers, state } = context;
  const side = (item: Item): void =>
    'timestamp' in context ? context.side(sideTag, item) : context.side(item);
  const given = { key, watermark, now, ...state, ...noRules, side };
  if (watch === undefined) return { ...given, timers };
  const tell = (act: 'set' | 'delete', domain: 'event' | 'processing', time: number): void =>
    watch({ uid, act, domain, key, time, watermark, now });
  return {
    ...given,
    timers: {
      setEventTime(time) {
        tell('set', 'event', time);
        timers.setEventTime(time);
      },
      deleteEventTime(time) {
        tell('delete', 'event', time);
        timers.deleteEventTime(time);
      },
      setProcessingTime(time) {
        tell('set', 'processing', time);
        timers.setProcessingTime(time);
      },
      deleteProcessingTime(time) {
        tell('delete', 'processing', time);
        timers.deleteProcessingTime(time);
      },
    },
  };
}

export function onTimer(
  timer: Handlers['timer'],
  { domain, time }: FiredTimer,
  scratch: Scratch,
  { uid, watch }: Watched,
): Item[] {
  const { key, watermark, now } = scratch;
  watch?.({ uid, act: 'fire', domain, key, time, watermark, now });
  return timer(time, scratch);
}

/** The state of `keeping`, of whatever kind, with one face. */
export function keptState(choice: KeepChoice = { kind: 'value' }): StateDeclaration<Kept> {
  const ttl = choice.ttl === undefined ? {} : { ttl: ttlOf(choice.ttl) };
  switch (choice.kind) {
    case 'value':
      return faced(valueState<number | undefined>(undefined, ttl), (handle) => ({
        write: (n) => handle.set(n),
        read: () => given(handle.get()),
        clear: () => handle.clear(),
      }));
    case 'list':
      return faced(listState<number>(ttl), (handle) => ({
        // All ways to write that come to the same.
        write: (n) => (n % 2 === 0 ? handle.add(n) : handle.addAll([n])),
        read: () => handle.get(),
        clear: () => (handle.size > 1 ? handle.update([]) : handle.clear()),
      }));
    case 'map':
      return faced(mapState<number, number>(ttl), (handle) => ({
        write: (n) => handle.set(nameIn(n), n),
        read: () => [...handle.values()].toSorted((a, b) => a - b),
        clear: () => handle.clear(),
      }));
    case 'reducing':
      return faced(reducingState<number>(folded, ttl), (handle) => ({
        write: (n) => handle.add(n),
        read: () => given(handle.get()),
        clear: () => handle.clear(),
      }));
    case 'aggregating':
      return faced(aggregatingState(tens, ttl), (handle) => ({
        write: (n) => handle.add(n),
        read: () => given(handle.get()),
        clear: () => handle.clear(),
      }));
  }
}

/** Changes its accumulator in place, as the contract allows. */
const tens = {
  create: () => ({ sum: 0, count: 0 }),
  add(accumulator: { sum: number; count: number }, n: number) {
    accumulator.sum += n;
    accumulator.count += 1;
    return accumulator;
  },
  result: ({ sum, count }: { sum: number; count: number }) => sum * 10 + count,
};

/** Of steps without a broadcast side. */
const noRules = { rules: noEntries, visitKeys: (): void => undefined };

function given(number: number | undefined): number[] {
  return number === undefined ? [] : [number];
}

function ttlOf({ givesExpired, ...rest }: NonNullable<KeepChoice['ttl']>): TtlOptions {
  return {
    ...rest,
    visibility: givesExpired ? 'returnExpiredIfNotCleanedUp' : 'neverReturnExpired',
  };
}

function faced<Handle>(
  declaration: StateDeclaration<Handle>,
  face: (handle: Handle) => Kept,
): StateDeclaration<Kept> {
  return {
    ...declaration,
    handle: (cursor, index) => face(declaration.handle(cursor, index)),
  };
}
