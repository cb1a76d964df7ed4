/**
 * What TypeScript must infer, and what it must refuse: compiled by `npm run types`, never run.
 *
 * Each `@ts-expect-error` stands over a mistake that a user makes; it is itself an error when the mistake compiles.
 */
import { of } from 'rxjs';
import {
  connect,
  count,
  durationMs,
  eventTime,
  filter,
  flatMap,
  keyBy,
  map,
  mapState,
  max,
  outputTag,
  process,
  rx,
  sliding,
  stream,
  sum,
  topK,
  tumbling,
  union,
  valueState,
  window,
  type DataStream,
  type WindowResult,
} from 'tidemark';
import * as rxjs from 'rxjs';

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
const play$ = stream(of(play));
const time = eventTime<Play>({ timestamp: ({ at }) => at });
const timed$ = play$.pipe(time);
const keyed$ = timed$.pipe(keyBy((p) => p.song));
const hour = tumbling({ size: '1h' });

export function inferenceEndToEnd(): void {
  const chart$ = play$.pipe(
    eventTime({ timestamp: (p) => p.at, outOfOrderness: '10s' }),
    filter((p) => p.user > 0),
    keyBy((p) => p.song),
    window(sliding({ size: '1h', slide: '5m' }), count(), { uid: 'plays' }),
    topK(10, { uid: 'top', by: (r) => r.value, per: (r) => r.window.end }),
  );
  chart$.subscribe(({ per, top }) => {
    expectTrue<Same<typeof per, number>>();
    for (const { key, value, window: span } of top) {
      expectTrue<Same<typeof key, string>>();
      expectTrue<Same<typeof value, number>>();
      expectTrue<Same<typeof span.end, number>>();
    }
  });

  // The same steps on a plain Observable, with the pipe of RxJS.
  of(play)
    .pipe(
      eventTime({ timestamp: (p) => p.at }),
      filter((p) => p.user > 0),
      keyBy((p) => p.song),
      window(hour, count(), { uid: 'plays' }),
      topK(10, { uid: 'top', by: (r) => r.value, per: (r) => r.window.end }),
    )
    .subscribe(({ top }) => expectTrue<Same<(typeof top)[number]['key'], string>>());
}

export function keys(): void {
  // A key of a type other than text is kept as it is.
  const byUser$ = timed$.pipe(
    keyBy((p) => p.user),
    window(hour, count(), { uid: 'w' }),
  );
  expectTrue<Same<ElementOf<typeof byUser$>, WindowResult<number, number>>>();

  timed$.pipe(
    keyBy((p) => [p.song, p.user] as const),
    process({
      uid: 'x',
      element(p, { key }) {
        expectTrue<Same<typeof key, readonly [string, number]>>();
        return [p.at];
      },
    }),
  );

  keyed$.pipe(
    filter((p) => p.user > 1),
    process({
      uid: 'x',
      element(p, { key }) {
        expectTrue<Same<typeof key, string>>();
        return [`${key} ${p.user}`];
      },
    }),
  );

  // @ts-expect-error a misspelt field
  timed$.pipe(keyBy((p) => p.sung));

  // @ts-expect-error a date is no key
  timed$.pipe(keyBy(() => new Date()));

  // @ts-expect-error undefined is no key
  timed$.pipe(keyBy((p): string | undefined => p.song));

  // @ts-expect-error a nested object is no key
  timed$.pipe(keyBy((p) => ({ a: { b: p.song } })));
}

export function keyedness(): void {
  const counted = window<string, Play, number, number>(hour, count(), { uid: 'w' });

  // @ts-expect-error window before keyBy
  timed$.pipe(window(hour, count(), { uid: 'w' }));

  // @ts-expect-error process before keyBy
  timed$.pipe(process({ uid: 'x', element: (p: Play) => [p] }));

  keyed$.pipe(
    // @ts-expect-error map gives an unkeyed stream back
    map((p) => p),
    counted,
  );

  keyed$.pipe(
    // @ts-expect-error map gives an unkeyed stream back, also when it spreads a keyed element
    map((p) => ({ ...p })),
    counted,
  );

  keyed$.pipe(
    // @ts-expect-error flatMap gives an unkeyed stream back
    flatMap((p) => [p, { ...p }]),
    counted,
  );

  // @ts-expect-error union gives an unkeyed stream back
  keyed$.pipe(union(keyed$), counted);

  // @ts-expect-error process gives an unkeyed stream back
  keyed$.pipe(process({ uid: 'x', element: (p) => [p] }), counted);

  // @ts-expect-error rx gives an unkeyed stream back
  keyed$.pipe(rx(rxjs.map((p) => p)), counted);

  // @ts-expect-error connect needs a key on its second stream
  keyed$.pipe(connect(timed$, { uid: 'x', first: () => [1], second: () => [2] }));

  keyed$.pipe(
    // @ts-expect-error connect needs the same type of key on both sides
    connect(timed$.pipe(keyBy((p) => p.user)), {
      uid: 'x',
      first: (p: Play) => [p],
      second: (p: Play) => [p],
    }),
  );

  // What is keyed again is keyed.
  keyed$.pipe(
    map((p) => ({ ...p })),
    keyBy((p) => p.song),
    counted,
  );
  keyed$.pipe(
    filter(() => true),
    counted,
  );

  const plain$ = keyed$.pipe(map((p) => ({ ...p, minutes: 1 })));
  expectTrue<ElementOf<typeof plain$> extends Play & { minutes: number } ? true : false>();
}

export function uids(): void {
  // @ts-expect-error a missing uid
  keyed$.pipe(window(hour, count(), {}));

  // @ts-expect-error a missing uid
  keyed$.pipe(process({ element: (p: Play) => [p] }));

  // @ts-expect-error a missing uid
  timed$.pipe(topK(1, { by: (p: Play) => p.at, per: (p: Play) => p.song }));

  // @ts-expect-error a missing uid
  keyed$.pipe(connect(keyed$, { first: () => [1], second: () => [2] }));

  // @ts-expect-error a misspelt option
  keyed$.pipe(window(hour, count(), { uid: 'w', allowedLatenes: '1m' }));
}

export function durations(): void {
  durationMs('1.5h', 'x');
  // @ts-expect-error a unit that is none
  durationMs('1 hour', 'x');
  // @ts-expect-error a unit that is none
  tumbling({ size: '1hour' });
  // @ts-expect-error a number without its unit
  tumbling({ size: '60' });
  // @ts-expect-error sliding windows have a slide
  sliding({ size: '1h' });
  // @ts-expect-error a timestamp is a number
  eventTime<Play>({ timestamp: (p) => p.song });
}

export function processes(): void {
  const odd = outputTag<Play>('odd');
  const numbered$ = keyed$.pipe(
    process({
      uid: 'x',
      state: { count: valueState(0), last: valueState<Play>(), seen: mapState<string, number>() },
      sides: [odd],
      element(p, context) {
        const { state, timestamp, watermark, timers } = context;
        const before = state.count.get();
        expectTrue<Same<typeof before, number>>();
        const last = state.last.get();
        expectTrue<Same<typeof last, Play | undefined>>();
        const times = state.seen.get(p.song);
        expectTrue<Same<typeof times, number | undefined>>();
        expectTrue<Same<typeof timestamp, number | undefined>>();
        timers.setEventTime(watermark);
        context.side(odd, p);
        // @ts-expect-error another element than the tag says
        context.side(odd, 5);
        // @ts-expect-error another value than the state holds
        state.count.set('5');
        // @ts-expect-error undefined is no value; there is clear()
        state.last.set(undefined);
        // @ts-expect-error a state that is not declared
        state.other.get();
        return [{ song: p.song, ordinal: before }];
      },
    }),
  );
  expectTrue<Same<ElementOf<typeof numbered$>, { song: string; ordinal: number }>>();

  const side$ = numbered$.side(odd);
  expectTrue<Same<ElementOf<typeof side$>, Play>>();

  const generated$ = keyed$.pipe(
    process({
      uid: 'x',
      *element(p) {
        yield p.at;
      },
      timer: ({ time: fired }) => [fired],
    }),
  );
  expectTrue<Same<ElementOf<typeof generated$>, number>>();

  keyed$.pipe(
    // @ts-expect-error a promise is no list of outputs
    process({ uid: 'x', element: (p: Play) => Promise.resolve([p]) }),
  );
}

export function aggregates(): void {
  const longest$ = keyed$.pipe(
    window(
      hour,
      max((p: Play) => p.at),
      { uid: 'w' },
    ),
  );
  expectTrue<Same<ElementOf<typeof longest$>, WindowResult<string, number>>>();
  const late = outputTag<Play>('late');
  keyed$
    .pipe(
      window(
        hour,
        sum((p: Play) => p.at),
        { uid: 'w', late },
      ),
    )
    .side(late);
  const other = sum((p: { other: number }) => p.other);
  // @ts-expect-error an aggregator of other elements
  keyed$.pipe(window(hour, other, { uid: 'w' }));
  // @ts-expect-error what is summed is a number
  sum((p: Play) => p.song);
  // @ts-expect-error what is ranked by is a number
  timed$.pipe(topK(1, { uid: 't', by: (p: Play) => p.song, per: (p: Play) => p.song }));
}
