/** What TypeScript must infer of `asyncMap`, and what it must refuse: compiled by `npm run types`, never run. */
import { of } from 'rxjs';
import { asyncFlatMap, asyncMap, keyBy, stream, type DataStream } from 'tidemark';

/** Two types are the same, not only assignable to each other. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function expectTrue<T extends true>(): T;
type ElementOf<S> = S extends DataStream<infer T> ? T : never;

interface Play {
  readonly song: string;
  readonly user: number;
}

declare const play: Play;
const play$ = stream(of(play));
const keyed$ = play$.pipe(keyBy((p) => p.song));

export function asynchronous(): void {
  const look = async (user: number): Promise<string> => String(user);
  const names$ = play$.pipe(
    asyncMap((p, { key }) => (key === undefined ? look(p.user) : 'never'), { uid: 'a' }),
  );
  expectTrue<Same<ElementOf<typeof names$>, string>>();
  const keyedNames$ = keyed$.pipe(
    asyncMap(
      async (p, { key, signal }) => `${key.length} ${await look(p.user)} ${signal.aborted}`,
      {
        uid: 'a',
        onTimeout: (p) => p.song,
        retry: { attempts: 2, delay: 5, onResult: (result) => result.length > 1 },
      },
    ),
  );
  expectTrue<Same<ElementOf<typeof keyedNames$>, string>>();
  const letters$ = play$.pipe(asyncFlatMap(async (p) => p.song.split(''), { uid: 'a' }));
  expectTrue<Same<ElementOf<typeof letters$>, string>>();
  // @ts-expect-error the result of a timeout is a result
  play$.pipe(asyncMap((p) => look(p.user), { uid: 'a', onTimeout: () => 1 }));
  // @ts-expect-error elements in flight are found by the uid
  play$.pipe(asyncMap((p) => look(p.user), {}));
}
