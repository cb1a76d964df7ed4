/**
 * What TypeScript must infer and refuse around pipelines, `run` and the harness: compiled, never run.
 *
 * Each `@ts-expect-error` stands over a mistake that a user makes; it is itself an error when the mistake compiles.
 */
import { of } from 'rxjs';
import {
  collect,
  connect,
  filter,
  iterable,
  keyBy,
  map,
  pipeline,
  run,
  unchecked,
  valueState,
  type DataStream,
  type Pipeline,
} from 'tidemark';
import { testHarness } from 'tidemark/testing';
import { z } from 'zod';

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

export function sinks(): void {
  // @ts-expect-error a missing uid
  collect({});
}

const heard = pipeline('heard', z.object({ song: z.string(), ms: z.number() }), (heard$) =>
  heard$.pipe(
    filter((p) => p.ms > 0),
    map(({ song }) => song),
  ),
);

export function pipelines(): void {
  const typed: Pipeline<{ song: string; ms: number }, string> = heard;
  void typed;
  const song$ = heard(of({ song: 'a', ms: 1 }));
  expectTrue<Same<ElementOf<typeof song$>, string>>();
  of({ song: 'a', ms: 1 })
    .pipe(heard)
    .subscribe((song) => expectTrue<Same<typeof song, string>>());
  // @ts-expect-error other elements than the pipeline takes
  of({ song: 'a' }).pipe(heard);

  run(heard, { from: iterable([{ song: 'a', ms: 1 }]), to: collect<string>({ uid: 'out' }) });
  // A source without a type is checked by the schema.
  run(heard, { from: iterable<unknown>([]), to: collect<string>({ uid: 'out' }) });
  run(heard, {
    from: { input: iterable<unknown>([]) },
    to: { output: collect<string>({ uid: 'out' }) },
  });
  // A sink may take more than it is given.
  run(heard, { from: iterable<unknown>([]), to: collect<string | number>({ uid: 'out' }) });
  // @ts-expect-error a sink of other elements
  run(heard, { from: iterable<unknown>([]), to: collect<number>({ uid: 'out' }) });
  // @ts-expect-error a missing sink
  run(heard, { from: iterable<unknown>([]) });
  // @ts-expect-error a misspelt option
  run(heard, { from: iterable<unknown>([]), to: collect<string>({ uid: 'o' }), paralelism: 3 });
  const options = { from: iterable<unknown>([]), to: collect<string>({ uid: 'o' }) };
  // @ts-expect-error a bad duration
  run(heard, { ...options, checkpoint: '1 second' });
}

const busy = pipeline('busy', { plays: unchecked<Play>(), users: unchecked<number>() }, (given) => {
  const { plays, users } = given;
  expectTrue<Same<typeof plays, DataStream<Play>>>();
  // @ts-expect-error an input that is not declared
  void given.songs;
  return {
    known: plays.pipe(
      keyBy((p) => p.user),
      connect(users.pipe(keyBy((id) => id)), {
        uid: 'known',
        state: { isKnown: valueState(false) },
        first: (p, { state, key }) => {
          expectTrue<Same<typeof key, number>>();
          return state.isKnown.get() ? [p.song] : [];
        },
        second: (_id, { state }) => state.isKnown.set(true),
      }),
    ),
    users,
  };
});

export function severalInputs(): void {
  const connection = busy.connect({ plays: of(play), users: of(1) });
  connection.outputs.known.subscribe((song) => expectTrue<Same<typeof song, string>>());
  // @ts-expect-error an output that there is not
  void connection.outputs.songs;
  // @ts-expect-error a missing input
  busy.connect({ plays: of(play) });
  // @ts-expect-error an input of other elements
  busy.connect({ plays: of(1), users: of(1) });
  // @ts-expect-error a pipeline of several inputs is no operator
  of(play).pipe(busy);

  const from = { plays: iterable([play]), users: iterable([1]) };
  run(busy, { from, to: { known: collect<string>({ uid: 'out' }) } });
  run(busy, {
    from,
    to: { users: [collect<number>({ uid: 'a' }), collect<number>({ uid: 'b' })] },
  });
  // @ts-expect-error a missing source
  run(busy, { from: { plays: iterable([play]) }, to: { known: collect<string>({ uid: 'out' }) } });
  // @ts-expect-error a bare source for two inputs
  run(busy, { from: iterable([play]), to: { known: collect<string>({ uid: 'out' }) } });
  // @ts-expect-error a sink of other elements
  run(busy, { from, to: { known: collect<number>({ uid: 'out' }) } });
  // @ts-expect-error an output that there is not
  run(busy, { from, to: { songs: collect<string>({ uid: 'out' }) } });
}

export function harnesses(): void {
  const t = testHarness(heard);
  t.push({ song: 'a', ms: 1 });
  const songs = t.output();
  expectTrue<Same<typeof songs, string[]>>();
  // @ts-expect-error other elements than the pipeline takes
  t.push({ song: 'a' });
  const b = testHarness(busy);
  const known = b.output('known');
  expectTrue<Same<typeof known, string[]>>();
  // @ts-expect-error an output that there is not
  b.output('songs');
}
