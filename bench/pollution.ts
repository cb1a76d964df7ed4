/**
 * Makes a process like a real one, in which shared code has seen more than one pipeline: eight of them run through RxJS
 * and eight through the engine, with other closures, other keys and other shapes of events than those of the cases, so
 * that no call site of a library stays monomorphic.
 */
import { from, filter as rxFilter, map as rxMap, lastValueFrom, scan, type Observable } from 'rxjs';
import {
  eventTime,
  filter,
  flatMap,
  iterable,
  keyBy,
  map,
  mapState,
  max,
  memory,
  min,
  pipeline,
  process,
  run,
  session,
  sliding,
  stream,
  sum,
  topK,
  tumbling,
  unchecked,
  valueState,
  window,
  type DataStream,
} from '../src/index.js';
import type { Sink, SinkWriter } from '../src/core/connector.js';

const EVENTS = 20_000;

interface Shape {
  readonly id: number;
  readonly weight: number;
}

/** Eight shapes of events. */
const shapes: readonly ((n: number) => Shape)[] = [
  (n) => ({ id: n, weight: n % 7 }),
  (n) => ({ id: n, name: `n${n % 50}`, weight: n % 5 }),
  (n) => ({ weight: n % 3, id: n }),
  (n) => ({ flag: n % 2 === 0, id: n, weight: n % 11 }),
  (n) => ({ id: n, tags: ['a', 'b'], weight: n % 13 }),
  (n) => ({ id: n, nested: { deep: n }, weight: n * 0.5 }),
  (n) => ({ price: n / 3, id: n, weight: n % 17 }),
  (n) => ({ id: n, text: 'text', size: n % 9, weight: n % 19 }),
];

type Step = (events: Observable<Shape>) => Observable<unknown>;

// Closures of their own for each: a closure made twice by the same code would share its feedback.
const rxPipelines: readonly Step[] = [
  (events) =>
    events.pipe(
      rxMap((e) => ({ ...e, twice: e.weight * 2 })),
      rxFilter((e) => e.twice > 2),
      rxMap((e) => e.twice),
    ),
  (events) =>
    events.pipe(
      rxMap((e) => [e.id, e.weight]),
      rxFilter((pair) => pair[0] !== 3),
      scan((total, pair) => total + (pair[1] ?? 0), 0),
    ),
  (events) =>
    events.pipe(
      rxFilter((e) => e.weight !== 1),
      rxMap((e) => `${e.id}`),
      rxMap((text) => text.length),
    ),
  (events) =>
    events.pipe(
      scan((seen, e) => seen.set(e.weight, e.id), new Map<number, number>()),
      rxMap((seen) => seen.size),
    ),
  (events) =>
    events.pipe(
      rxMap((e) => e.id + e.weight),
      rxFilter((n) => n % 2 === 0),
      scan((most, n) => Math.max(most, n), 0),
    ),
  (events) =>
    events.pipe(
      rxMap((e) => ({ key: e.id % 10, half: e.weight / 2 })),
      scan((last, e) => ({ key: last.key, half: e.half }), { key: 0, half: 0 }),
    ),
  (events) =>
    events.pipe(
      rxFilter((e) => e.id > 5),
      rxMap((e) => e.weight > 3),
      rxFilter(Boolean),
    ),
  (events) =>
    events.pipe(
      scan((count) => count + 1, 0),
      rxMap((count) => ({ count })),
      rxFilter(({ count }) => count > 1),
    ),
];

const timed = eventTime<Shape>({ timestamp: (e) => e.id * 10 });

const jobs: readonly ((events: DataStream<Shape>) => DataStream<unknown>)[] = [
  (events) =>
    events.pipe(
      map((e) => ({ ...e, twice: e.weight * 2 })),
      filter((e) => e.twice > 2),
      map((e) => e.twice),
    ),
  (events) =>
    events.pipe(
      timed,
      keyBy((e) => `key-${e.weight}`),
      window(
        tumbling({ size: '5s' }),
        sum((e: Shape) => e.weight),
        { uid: 'sums' },
      ),
    ),
  (events) =>
    events.pipe(
      keyBy((e) => [e.weight, e.id % 3] as const),
      process({
        uid: 'last',
        state: { last: valueState('') },
        element: (e, { state }) => {
          const before = state.last.get();
          state.last.set(`${e.id}`);
          return [before];
        },
      }),
    ),
  (events) =>
    events.pipe(
      flatMap((e) => (e.weight > 5 ? [e, e] : [])),
      keyBy((e) => e.weight % 2 === 0),
      process({
        uid: 'seen',
        state: { seen: mapState<number, boolean>(), times: valueState(0) },
        element: (e, { state }) => {
          state.seen.set(e.id % 50, true);
          state.times.set(state.times.get() + 1);
        },
      }),
    ),
  (events) =>
    events.pipe(
      timed,
      keyBy((e) => e.id % 40),
      window(
        sliding({ size: '9s', slide: '3s' }),
        max((e: Shape) => e.weight),
        { uid: 'most' },
      ),
      topK(3, { uid: 'best', by: (r) => r.value, per: (r) => r.window.end }),
    ),
  (events) =>
    events.pipe(
      map((e) => e.weight / 2),
      filter((half) => half !== 1),
      map((half) => `${half}`),
      filter((text) => text.length < 4),
    ),
  (events) =>
    events.pipe(
      timed,
      keyBy((e) => e.weight),
      process({
        uid: 'alarms',
        state: { due: valueState(0) },
        element: (_e, { state, timers, timestamp = 0 }) => {
          timers.deleteEventTime(state.due.get());
          timers.setEventTime(timestamp + 1000);
          state.due.set(timestamp + 1000);
        },
        timer: ({ time }, { state }) => {
          state.due.clear();
          return [time];
        },
      }),
    ),
  (events) =>
    events.pipe(
      timed,
      filter((e) => e.weight > 2),
      keyBy((e) => ({ kind: e.weight })),
      window(
        session({ gap: '100ms' }),
        min((e: Shape) => e.id),
        { uid: 'least' },
      ),
      map(({ value }) => ({ value })),
    ),
];

/** Runs everything once, as a subscription and as a job. */
export async function pollute(count = EVENTS): Promise<void> {
  for (const [number, shape] of shapes.entries()) {
    const events = Array.from({ length: count }, (_, n) => shape(n));
    const rxPipeline = rxPipelines[number];
    const build = jobs[number];
    if (rxPipeline === undefined || build === undefined) throw new Error('expected eight of each');
    await lastValueFrom(rxPipeline(from(events)), { defaultValue: undefined });
    await lastValueFrom(build(stream(from(events))), { defaultValue: undefined });
    const job = pipeline(`polluter-${number}`, unchecked<Shape>(), build);
    await run(job, { from: iterable(events), to: blackHole(number), state: memory() }).done;
  }
}

function blackHole(number: number): Sink<unknown> {
  const writer: SinkWriter = {
    write: () => undefined,
    prepare: () => Promise.resolve(undefined),
    publish: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return {
    uid: `hole-${number}`,
    guarantee: 'idempotent',
    allowDuplicates: false,
    recover: () => Promise.resolve(),
    open: () => Promise.resolve(writer),
  };
}
