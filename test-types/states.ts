/**
 * What TypeScript must infer, and what it must refuse, of states, `processAll`, `reduce`, `dedupe` and
 * `broadcast`: compiled by `npm run types`, never run.
 */
import { of } from 'rxjs';
import {
  aggregatingState,
  broadcast,
  connect,
  connectAll,
  dedupe,
  eventTime,
  keyBy,
  listState,
  mapState,
  outputTag,
  process,
  processAll,
  reduce,
  reducingState,
  stream,
  sum,
  valueState,
  type DataStream,
} from 'tidemark';

/** Two types are the same, not only assignable to each other. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function expectTrue<T extends true>(): T;
type ElementOf<S> = S extends DataStream<infer T> ? T : never;

interface Play {
  readonly song: string;
  readonly user: number;
  readonly at: number;
}

declare const play: Play;
const timed$ = stream(of(play)).pipe(eventTime({ timestamp: ({ at }) => at }));
const keyed$ = timed$.pipe(keyBy((p) => p.song));

export function states(): void {
  const ttl = { after: '1h', update: 'onReadAndWrite', time: 'processing' } as const;
  const total = sum((p: Play) => p.at);
  const kinds$ = keyed$.pipe(
    process({
      uid: 'x',
      state: {
        count: valueState(0, { ttl }),
        last: valueState<Play>(undefined, { ttl }),
        plays: listState<Play>({ ttl }),
        seen: mapState<string, number>({ ttl }),
        longest: reducingState<number>(Math.max, { ttl }),
        heard: aggregatingState(total, { ttl }),
      },
      element(p, { state }) {
        const [count, last, first] = [state.count.get(), state.last.get(), state.plays.get()[0]];
        expectTrue<Same<typeof count, number>>();
        expectTrue<Same<typeof last, Play | undefined>>();
        expectTrue<Same<typeof first, Play | undefined>>();
        const [longest, heard] = [state.longest.get(), state.heard.get()];
        expectTrue<Same<typeof longest, number | undefined>>();
        expectTrue<Same<typeof heard, number | undefined>>();
        state.heard.add(p);
        // @ts-expect-error another element than the list holds
        state.plays.add(5);
        // @ts-expect-error a list is changed by its methods
        state.plays.get().push(p);
        // @ts-expect-error another value than the aggregator takes
        state.heard.add({ song: p.song });
        return [state.seen.isEmpty()];
      },
    }),
  );
  expectTrue<Same<ElementOf<typeof kinds$>, boolean>>();

  // @ts-expect-error a TTL has a length
  valueState(0, { ttl: {} });
  // @ts-expect-error a misspelt option
  mapState<string, number>({ ttl: { after: '1h', updates: 'onReadAndWrite' } });
  // @ts-expect-error a clock that is none
  listState<number>({ ttl: { after: '1h', time: 'wall' } });
  // @ts-expect-error a unit that is none
  valueState(0, { ttl: { after: '1 hour' } });
}

export function wholeStreams(): void {
  const numbered$ = timed$.pipe(
    processAll({
      uid: 'x',
      state: { count: valueState(0) },
      element(p, context) {
        // @ts-expect-error there is no key
        void context.key;
        return [`${p.song} ${context.state.count.get()}`];
      },
    }),
  );
  expectTrue<Same<ElementOf<typeof numbered$>, string>>();
}

export function reductions(): void {
  const running$ = keyed$.pipe(
    reduce((a, b) => ({ song: b.song, user: a.user + b.user, at: b.at }), { uid: 'x' }),
  );
  expectTrue<ElementOf<typeof running$> extends Play ? true : false>();
  const numbers$ = stream(of(1)).pipe(
    keyBy(() => 'all'),
    reduce((a, b) => a + b, { uid: 'x' }),
  );
  expectTrue<Same<ElementOf<typeof numbers$>, number>>();

  // @ts-expect-error reduce before keyBy
  timed$.pipe(reduce((a: Play) => a, { uid: 'x' }));
  // @ts-expect-error another type than the elements have
  keyed$.pipe(reduce((a) => a.song, { uid: 'x' }));
  keyed$.pipe(
    // @ts-expect-error reduce gives an unkeyed stream back
    reduce((a) => a, { uid: 'x' }),
    reduce((a) => a, { uid: 'y' }),
  );
}

export function deduplication(): void {
  const late = outputTag<Play>('late');
  const once$ = timed$.pipe(dedupe({ uid: 'x', by: (p) => p.song, within: '10m', late }));
  expectTrue<Same<ElementOf<typeof once$>, Play>>();
  // @ts-expect-error a missing bound
  timed$.pipe(dedupe({ uid: 'x', by: (p) => p.song }));
  // @ts-expect-error a date is no key
  timed$.pipe(dedupe({ uid: 'x', by: () => new Date(), within: '10m' }));
  // @ts-expect-error keep is first or last
  timed$.pipe(dedupe({ uid: 'x', by: (p) => p.song, within: '10m', keep: 'newest' }));
}

export function broadcasts(): void {
  const told = outputTag<number>('told');
  const judged$ = keyed$.pipe(
    connect(broadcast(of({ song: 'a', limit: 3 })), {
      uid: 'x',
      state: { plays: valueState(0) },
      broadcastState: { limits: mapState<string, number>(), all: mapState<number, Play>() },
      sides: [told],
      first(p, { key, state, broadcastState, timers }) {
        expectTrue<Same<typeof key, string>>();
        expectTrue<Same<typeof p.user, number>>();
        const limit = broadcastState.limits.get(p.song);
        expectTrue<Same<typeof limit, number | undefined>>();
        timers.setEventTime(p.at);
        // @ts-expect-error it is read here, and not written
        broadcastState.limits.set(p.song, 1);
        return state.plays.get() > (limit ?? 0) ? [p.song] : [];
      },
      second(rule, context) {
        context.broadcastState.limits.set(rule.song, rule.limit);
        // @ts-expect-error another type than the map holds
        context.broadcastState.limits.set(rule.song, 'three');
        // @ts-expect-error no key is in hand here
        void context.key;
        // @ts-expect-error and so there is no state of a key
        void context.state;
        // @ts-expect-error nor a timer
        void context.timers;
        context.visitKeys();
      },
      eachKey(rule, { key, state, broadcastState }) {
        expectTrue<Same<typeof rule.limit, number>>();
        // @ts-expect-error it is read here, and not written
        broadcastState.limits.clear();
        return [`${key} ${state.plays.get()} ${rule.song}`];
      },
      timer({ time }, { broadcastState }) {
        return [`${time} ${broadcastState.all.size}`];
      },
    }),
  );
  expectTrue<Same<ElementOf<typeof judged$>, string>>();

  const handlers = { uid: 'x', first: (p: Play): Play[] => [p], second: (): Play[] => [] };
  // @ts-expect-error a stream without a key
  timed$.pipe(connect(broadcast(of(1)), handlers));
  // @ts-expect-error a broadcast stream is no stream that steps stand on
  broadcast(timed$).pipe(handlers);
  keyed$.pipe(
    // @ts-expect-error broadcast state is made of maps
    connect(broadcast(of(1)), { ...handlers, broadcastState: { one: valueState(0) } }),
  );

  const all$ = timed$.pipe(
    connectAll(broadcast(of('a')), {
      uid: 'x',
      broadcastState: { songs: mapState<string, true>() },
      first(p, context) {
        // @ts-expect-error there is no key
        void context.key;
        return context.broadcastState.songs.has(p.song) ? [p.at] : [];
      },
      second: (song, { broadcastState }) => broadcastState.songs.set(song, true),
    }),
  );
  expectTrue<Same<ElementOf<typeof all$>, number>>();

  const both$ = timed$.pipe(
    connectAll(of('a'), {
      uid: 'x',
      state: { last: valueState('') },
      first: (p, { state }) => [`${p.song} ${state.last.get()}`],
      second(text, { state }) {
        state.last.set(text);
      },
    }),
  );
  expectTrue<Same<ElementOf<typeof both$>, string>>();
}
